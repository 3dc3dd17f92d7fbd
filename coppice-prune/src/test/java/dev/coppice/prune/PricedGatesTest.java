package dev.coppice.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.coppice.graph.Graph;
import dev.coppice.graph.Notation;
import dev.coppice.graph.Op;
import dev.coppice.graph.Shape;
import java.util.List;
import java.util.Map;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class PricedGatesTest {
  private static final float[] USES = {36, 1, 1};

  private static PricedGates gates(double price, long step, float[] values, float... logits) {
    PricedGates gates = new PricedGates(price, USES, 2, 100);
    gates.restore(
        Map.of(
            "values", values,
            "logits", logits,
            "first", new float[3],
            "second", new float[3],
            "step", new float[] {step}));
    return gates;
  }

  @Property(tries = 20)
  void gatesBeginHalfOpen(@ForAll @IntRange(max = 99) int step) {
    assertThat(gates(1, step, new float[] {2, -4, 1}, 0, 0, 0).weights())
        .containsExactly(1, -2, 0.5f);
  }

  @Test
  void sharpnessRisesExponentially() {
    assertThat(PricedGates.sharpness(0)).isCloseTo(5, within(1e-9));
    assertThat(PricedGates.sharpness(0.5)).isCloseTo(70.71, within(1e-2));
    assertThat(PricedGates.sharpness(1)).isCloseTo(1000, within(1e-6));
  }

  /** The gradient of {@code λ·c·σ(β·a)} and of a loss linear in the weights. */
  @Property(tries = 50)
  void logitsHaveTheGradientOfLossAndCost(
      @ForAll @DoubleRange(min = -0.3, max = 0.3) double logit,
      @ForAll @IntRange(max = 40) int step) {
    double price = 0.01;
    float[] values = {0.7f, 1, 1};
    float slope = -0.4f;
    PricedGates gates = gates(price, step, values, (float) logit, 0, 0);
    float[] byValue = gates.gradient(new float[] {slope, 0, 0});
    double sharpness = PricedGates.sharpness(step / 100.0);
    double h = 1e-4;
    double up = 1 / (1 + Math.exp(-sharpness * ((float) logit + h)));
    double down = 1 / (1 + Math.exp(-sharpness * ((float) logit - h)));
    double expected = (slope * values[0] + price * USES[0]) * (up - down) / (2 * h);
    assertThat((double) gates.logitGradients()[0])
        .isCloseTo(expected, within(1e-3 * Math.abs(expected) + 1e-6));
    double gate = 1 / (1 + Math.exp(-sharpness * (float) logit));
    assertThat((double) byValue[0]).isCloseTo(gate * slope, within(1e-6));
  }

  /** A logit of exactly 0 is shut. */
  @Test
  void atTheEndGatesAreOpenOrShut() {
    float[] values = {2, -4, 1};
    PricedGates hard = gates(1, 100, values, 0.03f, -0.03f, 0);
    assertThat(hard.fixed()).isTrue();
    assertThat(hard.weights()).containsExactly(2, 0, 0);
    // Just before, they are as good as that already.
    float[] soft = gates(1, 99, values, 0.03f, -0.03f, 0.02f).weights();
    assertThat((double) soft[0]).isCloseTo(2, within(1e-6));
    assertThat((double) soft[1]).isCloseTo(0, within(1e-6));
  }

  /** The value of a neuron's gate stays 1, wherever an optimizer left it. */
  @Test
  void neuronsHaveNoValues() {
    PricedGates gates = gates(1, 0, new float[] {2, -4, 1}, 0.1f, 0.1f, 0.1f);
    gates.begin(new float[] {2, -4, 0.3f});
    assertThat(gates.moved()).containsExactly(2, -4, 1);
    gates.gradient(new float[] {0, 0, 0});
    gates.after(new float[] {3, -3, 0.7f}, 0.1, 1);
    assertThat(gates.moved()).containsExactly(3, -3, 1);
  }

  @Test
  void aWeightIsUsedAtEveryPosition() {
    Graph graph = Notation.parse("8C3-P2-FC3", new Shape.Map(6, 6, 4), Op.Neuron.decay());
    PrunableLayers layers = PrunableLayers.of(graph, Set.of());
    float[] uses = PricedGates.uses(graph, layers, List.of());
    assertThat(uses[0]).isEqualTo(36);
    assertThat(uses[layers.layers().getLast().offset()]).isEqualTo(1);
  }
}
