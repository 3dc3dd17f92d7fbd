package dev.coppice.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.Objects;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class QuantizationTest {
  private static float[] scales(Model model, String name) {
    return Objects.requireNonNull(model.weights().scales(name));
  }

  /** A linear layer without bias of these rows. */
  private static Model linear(float[]... rows) {
    int width = rows[0].length;
    float[] data = new float[rows.length * width];
    for (int row = 0; row < rows.length; row++) {
      System.arraycopy(rows[row], 0, data, row * width, width);
    }
    Graph graph =
        Graph.builder(new Shape.Vector(width))
            .add("fc", new Op.Linear(width, rows.length, false))
            .build();
    Tensor weight = new Tensor(new int[] {rows.length, width}, data);
    return new Model(graph, Weights.of(Map.of("fc.weight", weight)), Map.of());
  }

  @Property(tries = 60)
  void aValueMovesByAtMostHalfItsScale(@ForAll long seed) {
    Model model = ModelTest.masked(RandomGraphs.draw(seed), new Random(seed).nextDouble(), seed);

    Model small = Quantization.int8(model);

    for (String name : model.weights().names()) {
      Tensor before = model.weights().get(name);
      Tensor after = small.weights().get(name);
      float[] scales = small.weights().scales(name);
      if (scales == null) {
        assertThat(before.shape()).hasSize(1);
        assertThat(after).isEqualTo(before);
        continue;
      }
      int width = before.size() / scales.length;
      for (int i = 0; i < before.size(); i++) {
        float scale = scales[i / width];
        assertThat(Math.abs((double) after.data()[i] - before.data()[i]))
            .isLessThanOrEqualTo(scale * (0.5 + 1e-4));
        int code = Math.round(after.data()[i] / scale);
        assertThat(code).isBetween(-127, 127);
        assertThat(code * scale).isEqualTo(after.data()[i]);
        if (before.data()[i] == 0) {
          assertThat(after.data()[i]).isEqualTo(0);
        }
      }
    }
    assertThat(small.metadata()).isEqualTo(model.metadata());
    assertThat(Quantization.int8(small)).isEqualTo(small);
  }

  @Test
  void theLargestOfARowIsKept() {
    Model small = Quantization.int8(linear(new float[] {1, -254, 3}, new float[] {0, 0.5f, 0}));
    assertThat(scales(small, "fc.weight")).containsExactly(2, 0.5f / 127);
    assertThat(small.weights().get("fc.weight").data()).containsExactly(2, -254, 4, 0, 0.5f, 0);
  }

  @Test
  void rowsOfZerosAndOfTheSmallestAndLargestFloatsHaveScales() {
    float tiny = Float.MIN_VALUE;
    Model small =
        Quantization.int8(
            linear(
                new float[] {0, -0f},
                new float[] {tiny, 200 * tiny},
                new float[] {1e-36f, 1e-38f},
                new float[] {3e38f, -1e36f}));
    assertThat(scales(small, "fc.weight"))
        .startsWith(Float.MIN_NORMAL, Float.MIN_NORMAL, Float.MIN_NORMAL);
    assertThat(small.weights().get("fc.weight").data())
        .startsWith(0, 0, 0, 0)
        .contains(85 * Float.MIN_NORMAL);
  }

  @Test
  void scalesGoWithTheValues() {
    Model small = Quantization.int8(linear(new float[] {1, 2}));
    Weights weights = small.weights();
    assertThat(weights.with("other", Tensor.of(1)).scales("fc.weight")).containsExactly(2f / 127);
    assertThat(weights.with("fc.weight", weights.get("fc.weight")).scales("fc.weight")).isNull();
    assertThat(weights.with("fc.weight", weights.get("fc.weight"))).isNotEqualTo(weights);
  }

  @Test
  void refusesScalesThatAreNotThose() {
    Weights weights = linear(new float[] {1, -3}, new float[] {0, 0}).weights();
    assertThat(weights.withScales("fc.weight", 1, 1).scales("fc.weight")).containsExactly(1, 1);
    assertRefused(weights, "2 scales do not fit", "bias", 1, 1);
    assertRefused(weights, "1 scales do not fit the rows of Tensor[2, 2]", "fc.weight", 1);
    assertRefused(weights, "there is no tensor \"odd\"", "odd", 1);
    assertRefused(weights, "scale 1 must be positive", "fc.weight", 1, 0);
    assertRefused(weights, "scale 0 must be positive", "fc.weight", -1, 1);
    assertRefused(weights, "scale 0 must be positive", "fc.weight", Float.NaN, 1);
    assertRefused(weights, "scale 0 must be positive", "fc.weight", Float.MIN_VALUE, 1);
    assertRefused(weights, "value 0 is no multiple", "fc.weight", 0.7f, 1);
    assertRefused(weights, "value 1 is no multiple", "fc.weight", 1f / 64, 1);
    assertRefused(weights, "value 0 is no multiple", "fc.weight", Float.MIN_NORMAL, 1);
  }

  private static void assertRefused(Weights weights, String message, String name, float... scales) {
    Weights all = weights.with("bias", Tensor.of(0, 0));
    assertThatThrownBy(() -> all.withScales(name, scales))
        .isInstanceOf(GraphException.class)
        .hasMessageContaining(message);
  }
}
