package dev.coppice.analysis;

import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The relation between the exponents of avalanches at criticality (Sethna, Dahmen and Myers, Nature
 * 410, 2001; Friedman et al., Physical Review Letters 108, 2012): where sizes follow {@code
 * s^−τ_s}, durations {@code d^−τ_d}, and the shapes of avalanches of all durations collapse onto
 * one, the mean size grows as {@code ⟨s⟩(d) ~ d^(1/σνz)} with {@code 1/σνz = (τ_d − 1) / (τ_s −
 * 1)}. A critical branching process has 3/2, 2 and 2.
 *
 * @param predicted {@code (τ_d − 1) / (τ_s − 1)} from the two fits
 * @param measured 1/σνz: the slope of the regression of the logarithm of mean size on that of
 *     duration, each duration weighted by its number of avalanches
 * @param standardError of the measured one
 * @param durations how many distinct durations went into the regression
 */
public record ShapeCollapse(
    double predicted, double measured, double standardError, int durations) {
  private static final int FEWEST_DURATIONS = 3;

  /** Returns how far prediction and measurement are apart; 0 at criticality. */
  public double deviation() {
    return Math.abs(predicted - measured);
  }

  /**
   * Compares the exponents of avalanches.
   *
   * @param sizes the law fitted to their sizes
   * @param durations the law fitted to their durations, from whose x_min on mean sizes are taken
   * @return empty if there are fewer than three distinct durations from there on
   */
  public static Optional<ShapeCollapse> of(
      Avalanches avalanches, PowerLawFit sizes, PowerLawFit durations) {
    SortedMap<Long, double[]> meanSizes = meanSizes(avalanches).tailMap(durations.minimum());
    if (meanSizes.size() < FEWEST_DURATIONS) {
      return Optional.empty();
    }
    double[] x =
        meanSizes.keySet().stream().mapToDouble(duration -> Math.log((double) duration)).toArray();
    double[] y = meanSizes.values().stream().mapToDouble(mean -> Math.log(mean[1])).toArray();
    double[] weights = meanSizes.values().stream().mapToDouble(mean -> mean[0]).toArray();
    Line line = Line.through(x, y, weights);
    double predicted = (durations.exponent() - 1) / (sizes.exponent() - 1);
    return Optional.of(
        new ShapeCollapse(predicted, line.slope(), line.slopeError(), meanSizes.size()));
  }

  /** Returns the number of avalanches and their mean size, by duration. */
  public static SortedMap<Long, double[]> meanSizes(Avalanches avalanches) {
    SortedMap<Long, double[]> means = new TreeMap<>();
    for (int i = 0; i < avalanches.count(); i++) {
      double[] mean = means.computeIfAbsent(avalanches.durations()[i], d -> new double[2]);
      mean[0]++;
      mean[1] += (avalanches.sizes()[i] - mean[1]) / mean[0];
    }
    return means;
  }
}
