package dev.coppice.cli;

import org.apache.commons.statistics.descriptive.Mean;
import org.apache.commons.statistics.descriptive.StandardDeviation;
import org.apache.commons.statistics.distribution.TDistribution;

/**
 * By how much one thing exceeds another, measured in pairs, and the interval of Student's t that
 * the mean lies in with 95 % confidence, if differences are normally distributed.
 *
 * @param pairs how many
 * @param mean of the differences
 * @param low the lower end; NaN for a single pair
 * @param high the upper end; NaN for a single pair
 */
record PairedDifference(int pairs, double mean, double low, double high) {
  private static final double CONFIDENCE = 0.95;

  /**
   * Takes the mean of differences.
   *
   * @throws IllegalArgumentException if there are none
   */
  static PairedDifference of(double... differences) {
    int pairs = differences.length;
    if (pairs == 0) {
      throw new IllegalArgumentException("there are no pairs");
    }
    double mean = Mean.of(differences).getAsDouble();
    if (pairs == 1) {
      return new PairedDifference(pairs, mean, Double.NaN, Double.NaN);
    }
    double quantile = TDistribution.of(pairs - 1).inverseSurvivalProbability((1 - CONFIDENCE) / 2);
    double half = quantile * StandardDeviation.of(differences).getAsDouble() / Math.sqrt(pairs);
    return new PairedDifference(pairs, mean, mean - half, mean + half);
  }
}
