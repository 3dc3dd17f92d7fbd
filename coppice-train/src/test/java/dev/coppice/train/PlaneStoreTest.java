package dev.coppice.train;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.coppice.kernels.Crew;
import dev.coppice.kernels.Kernels;
import dev.coppice.kernels.Planes;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Memory of planes and arrays that serves again. */
class PlaneStoreTest {
  private static final Planes LAYOUT = new Planes(3, 4, 4, 16, 1, 1);
  private static final int IMAGES = 32;

  private final Crew crew = new Crew("coppice-kernel", 2, 0);
  private final PlaneStore store = new PlaneStore(crew, Kernels.scalar(), 1);
  private final NDManager manager = NDManager.newBaseManager(Device.cpu(), "PyTorch");

  @AfterEach
  void close() {
    manager.close();
    store.close();
    crew.close();
  }

  /** Leaves memory full of numbers where planes are taken next. */
  private void soil() {
    PlaneMaps maps = store.take(new Planes(9, 9, 9, 16, 1, 1), IMAGES);
    maps.memory().fill((byte) 7);
    maps.release();
  }

  private static boolean zerosAround(PlaneMaps maps) {
    MemorySegment memory = maps.memory();
    Planes layout = maps.layout();
    int inside = 0;
    for (int n = 0; n < IMAGES; n++) {
      for (int c = 0; c < layout.channels(); c++) {
        for (int y = 0; y < layout.height(); y++) {
          for (int x = 0; x < layout.width(); x++) {
            inside += memory.getAtIndex(ValueLayout.JAVA_FLOAT, layout.at(n, c, y, x)) == 0 ? 0 : 1;
          }
        }
      }
    }
    return count(memory) == inside;
  }

  /** Counts what is not zero. */
  private static int count(MemorySegment memory) {
    int count = 0;
    for (float value : memory.toArray(ValueLayout.JAVA_FLOAT)) {
      count += value == 0 ? 0 : 1;
    }
    return count;
  }

  @Test
  void clearsAroundWhatIsWrittenAtOnce() {
    soil();
    assertThat(zerosAround(store.take(LAYOUT, IMAGES))).isTrue();
  }

  @Test
  void clearsAroundWhatIsComputedLater() {
    soil();
    PlaneMaps maps = store.take(LAYOUT, IMAGES);
    maps.lazily((from, to) -> {});
    maps.complete();
    assertThat(zerosAround(maps)).isTrue();
    maps.release();
    PlaneMaps again = store.take(LAYOUT, IMAGES);
    assertThat(again.block().address()).isEqualTo(maps.block().address());
    assertThat(zerosAround(again)).isTrue();
  }

  @Test
  void clearsWhatWasNeverComputed() {
    soil();
    PlaneMaps maps = store.take(LAYOUT, IMAGES);
    maps.lazily((from, to) -> {});
    store.endPass();
    PlaneMaps again = store.take(LAYOUT, IMAGES);
    assertThat(again.block().address()).isEqualTo(maps.block().address());
    assertThat(zerosAround(again)).isTrue();
  }

  @Test
  void arraysAndPlanesServeEachOther() {
    soil();
    long bytes = store.bytes();
    Pass pass = pass(true);
    NDArray array = store.arrays().take(pass, new Shape(IMAGES, 4, 4, 3));
    Memory.of(array).fill((byte) 7);
    store.arrays().giveBack(array);
    assertThat(zerosAround(store.take(LAYOUT, IMAGES))).isTrue();
    assertThat(store.bytes()).isEqualTo(bytes);
  }

  private Pass pass(boolean training) {
    return Pass.of(manager.newSubManager(), 1, IMAGES, training, 0, Probes.NONE, null);
  }

  @Test
  void memoryOfAnArrayServesAgain() {
    Pass pass = pass(true);
    NDArray first = store.arrays().take(pass, new Shape(2, 50));
    Maps maps = Maps.of(first, store.arrays());
    assertThat(maps.peek()).isSameAs(first);
    Maps kept = maps.keep();
    maps.close();
    long place = Memory.of(first).address();
    assertThat(Memory.of(store.arrays().take(pass, new Shape(100))).address()).isNotEqualTo(place);
    kept.close();
    assertThat(Memory.of(store.arrays().take(pass, new Shape(100))).address()).isEqualTo(place);
  }

  @Test
  void memoryOfAnArrayThatMayHaveViewsServesTheNextPass() {
    Pass pass = pass(true);
    Maps maps = Maps.of(store.arrays().take(pass, new Shape(100)), store.arrays());
    long place = Memory.of(maps.array()).address();
    maps.close();
    assertThat(Memory.of(store.arrays().take(pass, new Shape(100))).address()).isNotEqualTo(place);
    store.endPass();
    assertThat(Memory.of(store.arrays().take(pass, new Shape(100))).address()).isEqualTo(place);
  }

  @Test
  void outsideTrainingMemoryIsTheLibrarys() {
    NDArray array = store.arrays().take(pass(false), new Shape(100));
    assertThat(store.bytes()).isZero();
    store.arrays().giveBack(array);
    assertThat(array.isReleased()).isTrue();
  }
}
