package dev.coppice.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class WeightsTest {
  private static final Graph GRAPH =
      Graph.builder(new Shape.Map(6, 6, 4))
          .add("conv", new Op.Conv2d(4, 64, 3, 1, 1, 2, true))
          .add("bn", new Op.BatchNorm(64, 1e-5f, 0.1f, 0.5f))
          .add("neuron", Op.Neuron.decay())
          .add("gap", new Op.GlobalAvgPool())
          .add("fc", new Op.Linear(64, 100, true))
          .build();

  private static Weights weights(Initialization scheme) {
    return Weights.initialize(GRAPH, 7, scheme);
  }

  @Test
  void listsTheTensorsInOrder() {
    Map<String, int[]> expected = Weights.expected(GRAPH);
    assertThat(expected.keySet())
        .containsExactly(
            "conv.weight",
            "conv.bias",
            "bn.weight",
            "bn.bias",
            "bn.running_mean",
            "bn.running_var",
            "fc.weight",
            "fc.bias");
    assertThat(expected.get("conv.weight")).containsExactly(64, 3, 3, 2);
    assertThat(expected.get("fc.weight")).containsExactly(100, 64);
    assertThat(Weights.countTrainable(GRAPH)).isEqualTo(64 * 18 + 64 + 128 + 6400 + 100);
    assertThat(Weights.isTrainable("bn.running_var")).isFalse();
    assertThat(Weights.isTrainable("bn.weight")).isTrue();
  }

  @Test
  void holdsTensorsByName() {
    Weights weights = Weights.of(Map.of("a", Tensor.of(1)));
    assertThat(weights.with("b", Tensor.of(2)).names()).containsExactly("a", "b");
    assertThat(weights.with("a", Tensor.of(3)).get("a")).isEqualTo(Tensor.of(3));
    assertThat(weights.get("a")).isEqualTo(Tensor.of(1));
    assertThat(weights.contains("b")).isFalse();
    assertThatThrownBy(() -> weights.get("b"))
        .isInstanceOf(GraphException.class)
        .hasMessage("there is no tensor \"b\"");
  }

  @Test
  void checksAgainstTheGraph() {
    Weights good = weights(Initialization.UNIFORM_FAN_IN);
    good.check(GRAPH);
    float[] bad = new float[100];
    bad[17] = Float.NaN;
    assertThatThrownBy(() -> good.with("fc.bias", Tensor.of(bad)).check(GRAPH))
        .hasMessage("fc.bias: value 17 is not finite but NaN");
    assertThatThrownBy(() -> good.with("fc.bias", Tensor.of(1)).check(GRAPH))
        .hasMessage("fc.bias: expected the shape [100], found [1]");
    assertThatThrownBy(() -> good.with("odd", Tensor.of(1)).check(GRAPH))
        .hasMessage("the network has no place for the tensor \"odd\"");
    Map<String, Tensor> fewer = new LinkedHashMap<>(good.asMap());
    fewer.remove("conv.bias");
    assertThatThrownBy(() -> Weights.of(fewer).check(GRAPH))
        .isInstanceOf(GraphException.class)
        .hasMessage("conv.bias: the network needs this tensor, but the weights have none");
    float[] variances = new float[64];
    variances[3] = -1;
    assertThatThrownBy(() -> good.with("bn.running_var", Tensor.of(variances)).check(GRAPH))
        .hasMessage("bn.running_var: variance 3 is negative: -1.0");
  }

  @Test
  void initializesBatchNormsAlike() {
    for (Initialization scheme : Initialization.values()) {
      Weights weights = weights(scheme);
      weights.check(GRAPH);
      assertThat(weights.get("bn.weight").data()).containsOnly(0.5f);
      assertThat(weights.get("bn.bias").data()).containsOnly(0);
      assertThat(weights.get("bn.running_mean").data()).containsOnly(0);
      assertThat(weights.get("bn.running_var").data()).containsOnly(1);
    }
  }

  @Test
  void initializesWithTheSchemesDeviation() {
    Weights fanOut = weights(Initialization.KAIMING_NORMAL_FAN_OUT);
    assertThat(deviation(fanOut.get("conv.weight"))).isCloseTo(Math.sqrt(2.0 / 576), within(4e-3));
    assertThat(deviation(fanOut.get("fc.weight"))).isCloseTo(0.01, within(5e-4));
    assertThat(fanOut.get("conv.bias").data()).containsOnly(0);
    assertThat(fanOut.get("fc.bias").data()).containsOnly(0);

    Weights fanIn = weights(Initialization.KAIMING_NORMAL_FAN_IN);
    assertThat(deviation(fanIn.get("conv.weight"))).isCloseTo(Math.sqrt(2.0 / 18), within(2e-2));
    assertThat(deviation(fanIn.get("fc.weight"))).isCloseTo(Math.sqrt(2.0 / 64), within(1e-2));

    Weights uniform = weights(Initialization.UNIFORM_FAN_IN);
    for (float value : uniform.get("fc.bias").data()) {
      assertThat(Math.abs(value)).isLessThanOrEqualTo(0.125f);
    }
    assertThat(deviation(uniform.get("fc.weight"))).isCloseTo(0.125 / Math.sqrt(3), within(2e-3));
  }

  @Test
  void dependsOnTheSeedOnly() {
    Initialization scheme = Initialization.UNIFORM_FAN_IN;
    assertThat(weights(scheme)).isEqualTo(weights(scheme)).hasSameHashCodeAs(weights(scheme));
    assertThat(Weights.initialize(GRAPH, 8, scheme)).isNotEqualTo(weights(scheme));
  }

  private static double deviation(Tensor tensor) {
    double sum = 0;
    for (float value : tensor.data()) {
      sum += (double) value * value;
    }
    return Math.sqrt(sum / tensor.size());
  }
}
