package dev.coppice.train;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

final class SurvivorsTest {
  private static final int SIZE = 500;
  private static final int STEPS = 4;

  static Stream<Optimizer> optimizers() {
    return Stream.of(
        new Optimizer.Sgd(0.9f, false, 0.01f),
        new Optimizer.Sgd(0.9f, true, 0),
        new Optimizer.Adam(0.9f, 0.999f, 1e-8f, 0.01f),
        new Optimizer.AdamW(0.9f, 0.999f, 1e-8f, 0.01f));
  }

  /** Whatever is masked is zero, so that an update of all gives the same. */
  @ParameterizedTest
  @MethodSource("optimizers")
  void updatesAreThoseOfAllValues(Optimizer optimizer) {
    float[] mask = new float[SIZE];
    for (int k = 0; k < SIZE; k++) {
      mask[k] = k % 7 == 3 || k == SIZE - 1 ? 1 : 0;
    }
    try (NDManager manager = NDManager.newBaseManager(Device.cpu(), "PyTorch")) {
      NDArray all = array(manager, masked(1, mask));
      NDArray few = array(manager, masked(1, mask));
      List<NDArray> stateOfAll = new ArrayList<>();
      List<NDArray> stateOfFew = new ArrayList<>();
      for (int i = 0; i < optimizer.stateSize(); i++) {
        stateOfAll.add(manager.zeros(new Shape(SIZE)));
        stateOfFew.add(manager.zeros(new Shape(SIZE)));
      }
      Survivors survivors = new Survivors(mask, few, stateOfFew);
      for (int step = 1; step <= STEPS; step++) {
        float[] gradient = masked(10 + step, mask);
        float[] ofFew = new float[survivors.count()];
        // In two pieces, as the gradients of two tensors come, of which one has survivors alone.
        NDArray flat = array(manager, gradient);
        int middle = survivors.copy(flat.get("0:200"), 0, 200, ofFew, 0);
        float[] end = Arrays.copyOfRange(gradient, 200, SIZE);
        float[] kept = new float[ofFew.length - middle];
        int count = 0;
        for (int k = 0; k < end.length; k++) {
          if (mask[200 + k] != 0) {
            kept[count++] = end[k];
          }
        }
        NDArray piece = array(manager, kept);
        assertThat(survivors.copy(piece, 200, SIZE - 200, ofFew, middle)).isEqualTo(ofFew.length);
        survivors.update(optimizer, array(manager, ofFew), 0.1, step);
        optimizer.update(all, flat, stateOfAll, 0.1, step);
      }
      survivors.writeState();
      assertThat(few.toFloatArray()).isEqualTo(all.toFloatArray());
      for (int i = 0; i < optimizer.stateSize(); i++) {
        assertThat(stateOfFew.get(i).toFloatArray()).isEqualTo(stateOfAll.get(i).toFloatArray());
      }
    }
  }

  @Test
  void itPaysFromHalfOn() {
    assertThat(Survivors.pay(new float[] {0, 1, 1, 0})).isTrue();
    assertThat(Survivors.pay(new float[] {0, 1, 1, 1})).isFalse();
  }

  private static NDArray array(NDManager manager, float[] values) {
    return Memory.upload(manager, values, new Shape(values.length));
  }

  private static float[] masked(long seed, float[] mask) {
    float[] values = Small.normal(seed, SIZE, 1);
    for (int k = 0; k < SIZE; k++) {
      values[k] *= mask[k];
    }
    return values;
  }
}
