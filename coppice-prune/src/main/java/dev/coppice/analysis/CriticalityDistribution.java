package dev.coppice.analysis;

import java.util.Arrays;

/** How the criticality of a layer's channels is distributed. */
public final class CriticalityDistribution {
  private final float[] sorted;

  private CriticalityDistribution(float[] sorted) {
    this.sorted = sorted;
  }

  /**
   * Returns the distribution of some scores.
   *
   * @param scores {@code [C]}
   * @throws IllegalArgumentException if there are none, or one is not finite
   */
  public static CriticalityDistribution of(float[] scores) {
    if (scores.length == 0) {
      throw new IllegalArgumentException("expected the scores of at least one channel, found none");
    }
    float[] sorted = scores.clone();
    for (float score : sorted) {
      if (!Float.isFinite(score)) {
        throw new IllegalArgumentException("expected finite scores, found " + score);
      }
    }
    Arrays.sort(sorted);
    return new CriticalityDistribution(sorted);
  }

  /** Returns the number of channels. */
  public int channels() {
    return sorted.length;
  }

  /** Returns the mean over the channels. */
  public double mean() {
    double sum = 0;
    for (float score : sorted) {
      sum += score;
    }
    return sum / sorted.length;
  }

  /**
   * Returns a quantile, interpolated linearly between order statistics.
   *
   * @param q in [0, 1]: 0 gives the minimum, 1 the maximum
   */
  public double quantile(double q) {
    if (!(q >= 0 && q <= 1)) {
      throw new IllegalArgumentException("a quantile lies in [0, 1], not at " + q);
    }
    double position = q * (sorted.length - 1);
    int below = (int) position;
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
  }

  /**
   * Returns how many scores lie in each of some equal bins over {@code [0, upper]}; those above
   * count in the last bin, those below 0 in the first.
   */
  public int[] histogram(int bins, double upper) {
    if (bins < 1 || !(upper > 0)) {
      throw new IllegalArgumentException(
          "expected at least one bin up to a positive bound, found " + bins + " up to " + upper);
    }
    int[] counts = new int[bins];
    for (float score : sorted) {
      counts[Math.clamp((long) Math.floor(score / upper * bins), 0, bins - 1)]++;
    }
    return counts;
  }

  /**
   * Returns the Kolmogorov–Smirnov distance to another distribution, the largest difference between
   * the two cumulative distributions: 0 for the same scores, 1 for scores that do not overlap.
   */
  public double distance(CriticalityDistribution other) {
    int i = 0;
    int j = 0;
    double distance = 0;
    while (i < sorted.length && j < other.sorted.length) {
      float value = Math.min(sorted[i], other.sorted[j]);
      while (i < sorted.length && sorted[i] == value) {
        i++;
      }
      while (j < other.sorted.length && other.sorted[j] == value) {
        j++;
      }
      double difference = (double) i / sorted.length - (double) j / other.sorted.length;
      distance = Math.max(distance, Math.abs(difference));
    }
    return distance;
  }
}
