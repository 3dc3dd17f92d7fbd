package dev.coppice.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Memory that is cleared around maps is as good as memory that is new. */
class PlanesTest {
  private static final int IMAGES = 32;

  static Stream<Planes> layouts() {
    return Stream.of(
        new Planes(5, 4, 3, 16, 1, 1),
        new Planes(5, 4, 3, 16, 0, 1),
        new Planes(3, 2, 5, 16, 2, 1),
        new Planes(3, 2, 5, 16, 1, 1, 4),
        new Planes(3, 5, 5, 16, 1, 2),
        new Planes(3, 4, 4, 5, 1, 1),
        new Planes(1, 1, 1, 16, 1, 1));
  }

  @ParameterizedTest
  @MethodSource("layouts")
  void clearsAroundMaps(Planes planes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment fresh = planes.allocate(arena, IMAGES);
      MemorySegment used = planes.allocate(arena, IMAGES).fill((byte) 7);
      int middle = planes.channels() / 2;
      planes.clearAround(used, IMAGES, middle, planes.channels());
      planes.clearAround(used, IMAGES, 0, middle);
      MemorySegment maps = maps(planes, arena);
      planes.fromMaps(maps, fresh, IMAGES);
      planes.fromMaps(maps, used, IMAGES);
      assertThat(used.mismatch(fresh)).isEqualTo(-1);
    }
  }

  @ParameterizedTest
  @MethodSource("layouts")
  void clearsAroundMarks(Planes planes) {
    if (!PlaneMarks.fit(planes)) {
      return;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment fresh = PlaneMarks.allocate(planes, arena, IMAGES);
      MemorySegment used = PlaneMarks.allocate(planes, arena, IMAGES).fill((byte) 7);
      assertThat(used.byteSize()).isEqualTo(PlaneMarks.bytes(planes, IMAGES));
      PlaneMarks.clearAround(planes, used, IMAGES, 0, planes.channels());
      MemorySegment spikes = planes.allocate(arena, IMAGES);
      planes.fromMaps(maps(planes, arena), spikes, IMAGES);
      int groups = planes.groups(IMAGES);
      Kernels.scalar().packPlaneMarks(planes, spikes, fresh, groups, 0, planes.planes());
      Kernels.scalar().packPlaneMarks(planes, spikes, used, groups, 0, planes.planes());
      assertThat(used.mismatch(fresh)).isEqualTo(-1);
    }
  }

  /** Maps of spikes. */
  private static MemorySegment maps(Planes planes, Arena arena) {
    int count = planes.stack() * IMAGES * planes.height() * planes.width() * planes.channels();
    float[] maps = new float[count];
    for (int i = 0; i < count; i++) {
      maps[i] = i * 31 % 7 < 3 ? 1 : 0;
    }
    return arena.allocateFrom(ValueLayout.JAVA_FLOAT, maps);
  }

  @Test
  void refusesWhatIsNotThere() {
    Planes planes = new Planes(5, 4, 3, 16, 1, 1);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = planes.allocate(arena, IMAGES);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> planes.clearAround(memory, IMAGES, 0, 6))
          .withMessageContaining("channels");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> planes.clearAround(memory, 3 * IMAGES, 0, 5))
          .withMessageContaining("planes");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> PlaneMarks.clearAround(planes, memory, 9 * IMAGES, 0, 5))
          .withMessageContaining("marks");
    }
  }
}
