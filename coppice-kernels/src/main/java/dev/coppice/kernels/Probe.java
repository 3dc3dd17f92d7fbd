package dev.coppice.kernels;

import java.util.Objects;

/**
 * Asks the forward pass for the criticality of every map: the response of a surrogate to the
 * potential before reset, averaged over the steps, then pooled over the positions of the map (Chen
 * et al., arXiv 2311.16141):
 *
 * <pre>
 *   scores[b·C + c] = max (or mean) over positions p of  mean over t of  f(h[t, b, p, c] − threshold)
 * </pre>
 *
 * A call writes the scores of the samples in its range and leaves the others alone, so that threads
 * that work on different samples may share one probe. The mean is over the steps of that call.
 *
 * @param surrogate the surrogate, which need not be the neuron's own
 * @param threshold what is subtracted from the potential
 * @param response what is evaluated
 * @param pooling how the positions of a map become one number
 * @param inner elements per sample and step, {@code H·W·C}
 * @param channels {@code C}, the innermost dimension
 * @param scores result {@code [B, C]}
 */
public record Probe(
    SurrogateFunction surrogate,
    float threshold,
    Response response,
    Pooling pooling,
    int inner,
    int channels,
    float[] scores) {

  /** What of the surrogate is evaluated. */
  public enum Response {
    /** {@link SurrogateFunction#derivative}: how much the potential's neighbourhood matters. */
    DERIVATIVE,
    /** {@link SurrogateFunction#unclampedPrimitive}. */
    FUNCTION
  }

  /** How the positions of a map become one number. */
  public enum Pooling {
    /** The most critical position counts. */
    MAX,
    /** All positions count alike. */
    MEAN
  }

  /**
   * Throws {@link IllegalArgumentException} unless {@code inner} is a multiple of {@code channels},
   * both positive, and the scores hold a whole number of samples.
   */
  public Probe {
    Objects.requireNonNull(surrogate, "surrogate");
    Objects.requireNonNull(response, "response");
    Objects.requireNonNull(pooling, "pooling");
    if (channels < 1 || inner < 1 || inner % channels != 0) {
      throw new IllegalArgumentException(
          "a sample of "
              + inner
              + " elements is not a whole number of rows of "
              + channels
              + " channels");
    }
    if (scores.length % channels != 0) {
      throw new IllegalArgumentException(
          scores.length + " scores are not a whole number of samples of " + channels + " channels");
    }
    if (!Float.isFinite(threshold)) {
      throw new IllegalArgumentException("threshold must be finite, not " + threshold);
    }
  }

  /** What the scores of a sample start from. */
  float identity() {
    return switch (pooling) {
      case MAX -> Float.NEGATIVE_INFINITY;
      case MEAN -> 0;
    };
  }

  /**
   * What a pooled sum over the steps is divided by. The maximum of the means is that of the sums
   * divided once, because division by a positive number keeps the order.
   */
  float divisor(int steps) {
    return switch (pooling) {
      case MAX -> steps;
      case MEAN -> (float) ((double) steps * inner / channels);
    };
  }

  /** The index of the first score of the sample that holds an element. */
  int firstScore(long element) {
    return Math.toIntExact(element / inner * channels);
  }
}
