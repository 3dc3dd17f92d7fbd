package dev.coppice.prune;

import dev.coppice.train.Probes;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/** What a weight counts for when connections are cut: those that count least go. */
public enum Saliency {
  /** {@code |w|}. */
  MAGNITUDE,
  /**
   * {@code w² / Σ w'²} over the weights w' of the layer that are not smaller, itself included (Lee
   * et al., arXiv 2010.07611): within a layer the order of magnitudes, between layers independent
   * of their scale.
   */
  LAMP,
  /** {@code |w·∂L/∂w|}, the sensitivity of the loss to a connection (SNIP, arXiv 1810.02340). */
  SENSITIVITY,
  /** Chance. */
  RANDOM;

  /** Returns what must be measured for it. */
  Probes probes(PrunableLayers layers) {
    return this == SENSITIVITY ? new Regrowth.Gradient().probes(layers) : Probes.NONE;
  }

  /**
   * Returns a score of every weight, not negative.
   *
   * @param seed of {@link #RANDOM}
   */
  float[] scores(PrunableLayers layers, float[] weights, Probes.Measured measured, long seed) {
    return switch (this) {
      case MAGNITUDE -> each(weights, i -> Math.abs(weights[i]));
      case LAMP -> lamp(layers, weights);
      case SENSITIVITY -> {
        float[] gradients = new Regrowth.Gradient().scores(layers, weights, measured, seed);
        yield each(weights, i -> Math.abs(weights[i]) * gradients[i]);
      }
      case RANDOM -> {
        SplittableRandom random = new SplittableRandom(seed);
        yield each(weights, i -> 1 - random.nextFloat());
      }
    };
  }

  private static float[] each(float[] weights, IntFunction<Float> score) {
    float[] scores = new float[weights.length];
    for (int i = 0; i < scores.length; i++) {
      scores[i] = score.apply(i);
    }
    return scores;
  }

  private static float[] lamp(PrunableLayers layers, float[] weights) {
    float[] scores = new float[weights.length];
    for (PrunableLayers.Layer layer : layers.layers()) {
      float[] magnitudes = Arrays.copyOfRange(weights, layer.offset(), layer.end());
      Integer[] descending =
          IntStream.range(0, magnitudes.length)
              .boxed()
              .sorted((a, b) -> Float.compare(Math.abs(magnitudes[b]), Math.abs(magnitudes[a])))
              .toArray(Integer[]::new);
      double sum = 0;
      for (int i : descending) {
        double square = (double) magnitudes[i] * magnitudes[i];
        sum += square;
        scores[layer.offset() + i] = sum == 0 ? 0 : (float) (square / sum);
      }
    }
    return scores;
  }
}
