package dev.coppice.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.coppice.train.Probes;
import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import org.junit.jupiter.api.Test;

class SaliencyTest {
  private static final Probes.Measured NOTHING = Probes.Measured.of(Map.of(), Map.of(), Map.of());

  private static float[] lamp(PrunableLayers layers, float... weights) {
    return Saliency.LAMP.scores(layers, weights, NOTHING, 1);
  }

  @Test
  void lampByHand() {
    float[] scores = lamp(Layers.of(new int[] {1, 3}, new int[] {1, 4}), 1, -2, 3, 40, 10, -30, 20);
    double[] expected = {1 / 14.0, 4 / 13.0, 1, 1, 1 / 30.0, 9 / 25.0, 4 / 29.0};
    for (int i = 0; i < expected.length; i++) {
      assertThat((double) scores[i]).isCloseTo(expected[i], within(1e-7));
    }
  }

  private static float[] random(int size, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] weights = new float[size];
    for (int i = 0; i < size; i++) {
      weights[i] = (float) random.nextGaussian();
    }
    return weights;
  }

  /** A power of two scales floats exactly. */
  @Property(tries = 100)
  void lampDoesNotDependOnTheScaleOfALayer(@ForAll long seed) {
    PrunableLayers layers = Layers.random(new SplittableRandom(seed));
    float[] weights = random(layers.size(), seed);
    float[] scaled = weights.clone();
    PrunableLayers.Layer first = layers.layers().getFirst();
    for (int i = first.offset(); i < first.end(); i++) {
      scaled[i] *= 1024;
    }
    assertThat(lamp(layers, scaled)).isEqualTo(lamp(layers, weights));
  }

  /** Of the same scores, fewer weights are a part of more. */
  @Property(tries = 100)
  void masksOfOneScoringAreNested(
      @ForAll long seed,
      @ForAll @DoubleRange(max = 0.95) double one,
      @ForAll @DoubleRange(max = 0.95) double other) {
    PrunableLayers layers = Layers.random(new SplittableRandom(seed));
    float[] scores = lamp(layers, random(layers.size(), seed));
    boolean[] alive = new boolean[scores.length];
    Arrays.fill(alive, true);
    PruningStep step = new PruningStep(Scope.Budget.GLOBAL, Ties.EXACT);
    boolean[] sparse = step.run(layers, scores, alive, scores, Math.max(one, other), 0, 1).mask();
    boolean[] dense = step.run(layers, scores, alive, scores, Math.min(one, other), 0, 1).mask();
    int kept = 0;
    for (int i = 0; i < sparse.length; i++) {
      assertThat(!sparse[i] || dense[i]).isTrue();
      kept += sparse[i] ? 1 : 0;
    }
    assertThat(kept).isEqualTo((int) Math.floor(scores.length * (1 - Math.max(one, other))));
    for (PrunableLayers.Layer layer : layers.layers()) {
      boolean any = false;
      for (int i = layer.offset(); i < layer.end(); i++) {
        any |= sparse[i];
      }
      assertThat(any || kept < layers.layers().size()).isTrue();
    }
  }

  @Test
  void aLayerOfZerosScoresNothing() {
    assertThat(lamp(Layers.of(new int[] {1, 2}), 0, 0)).containsExactly(0, 0);
  }

  @Test
  void sensitivityIsTheProductOfWeightAndGradient() {
    PrunableLayers layers = Layers.of(new int[] {1, 3});
    Probes.Measured measured =
        Probes.Measured.of(Map.of(), Map.of(), Map.of("layer0.weight", new float[] {2, -3, 0}));
    assertThat(Saliency.SENSITIVITY.scores(layers, new float[] {-1, 0.5f, 9}, measured, 1))
        .containsExactly(2, 1.5f, 0);
    assertThat(Saliency.SENSITIVITY.probes(layers).gradients()).containsExactly("layer0.weight");
    assertThat(Saliency.LAMP.probes(layers)).isEqualTo(Probes.NONE);
  }

  @Test
  void chanceIsThatOfTheSeed() {
    PrunableLayers layers = Layers.of(new int[] {3, 3});
    float[] weights = new float[9];
    float[] scores = Saliency.RANDOM.scores(layers, weights, NOTHING, 1);
    assertThat(scores).isEqualTo(Saliency.RANDOM.scores(layers, weights, NOTHING, 1));
    assertThat(scores).isNotEqualTo(Saliency.RANDOM.scores(layers, weights, NOTHING, 2));
    for (float score : scores) {
      assertThat(score).isPositive();
    }
  }
}
