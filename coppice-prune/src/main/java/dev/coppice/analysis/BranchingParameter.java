package dev.coppice.analysis;

import java.util.List;
import java.util.Optional;
import java.util.function.DoubleFunction;

/**
 * How many spikes one spike leads to in the next time step: the branching parameter m (σ) of the
 * activity A(t), 1 at criticality, by the multistep-regression estimator of Wilting and Priesemann
 * (Nature Communications 9, 2018). The slopes {@code r_k} of the linear regression of A(t+k) on
 * A(t) follow {@code r_k = b·m^k}; observing only a part of the neurons lowers b and leaves m
 * alone, while the plain one-step estimate {@code r_1 = b·m} is too low then.
 *
 * <p>The slopes of a finite recording are biased low by about {@code (1 + 3m) / length}, which
 * matters near m = 1. At and above 1 the activity is not stationary and the estimate only tells
 * that m is close to 1.
 *
 * @param slopes {@code r_1, …, r_K}
 * @param fit of {@code b·m^k}
 * @param offsetFit of {@code b·m^k + c}, for activity with a slow drift
 */
public record BranchingParameter(double[] slopes, Fit fit, Fit offsetFit) {
  private static final int GRID = 600;
  private static final double SHORTEST_TIMESCALE = 0.1;
  private static final double LONGEST_TIMESCALE = 1e6;
  private static final double SHORTEST_GROWTH = 20;
  private static final int REFINEMENTS = 80;
  private static final double GOLDEN = (Math.sqrt(5) - 1) / 2;

  /**
   * A curve through the slopes.
   *
   * @param m the branching parameter
   * @param b the share of r that is left at lag 0
   * @param c the offset
   * @param residual the sum of squared errors
   */
  public record Fit(double m, double b, double c, double residual) {
    /** Returns the autocorrelation time {@code −1/ln m} in time steps; infinite for m ≥ 1. */
    public double timescale() {
      return m < 1 ? -1 / Math.log(m) : Double.POSITIVE_INFINITY;
    }
  }

  /** What activity is measured from in the regression over several trials. */
  public enum Mean {
    /** One mean for all trials, which must all be driven alike: the least biased. */
    COMMON,
    /**
     * Each trial has a mean of its own, so that trials that are driven differently do not look as
     * if they never forgot; the bias is that of a recording as short as a trial.
     */
    OF_TRIAL
  }

  /** Returns the plain one-step estimate {@code r_1}. */
  public double naive() {
    return slopes[0];
  }

  /**
   * Estimates the parameter.
   *
   * @param trials activity by time step, {@code [T]}, of one or several trials
   * @param lags the number K of lags; a few autocorrelation times are best
   * @param mean what activity is measured from
   * @return empty if the activity does not vary
   * @throws IllegalArgumentException for fewer than three lags, or a trial that is not longer than
   *     the lags by two steps
   */
  public static Optional<BranchingParameter> of(List<long[]> trials, int lags, Mean mean) {
    if (lags < 3) {
      throw new IllegalArgumentException("expected at least three lags, found " + lags);
    }
    for (long[] trial : trials) {
      if (trial.length < lags + 2) {
        throw new IllegalArgumentException(
            "a trial of " + trial.length + " time steps is too short for " + lags + " lags");
      }
    }
    double[] slopes = new double[lags];
    for (int k = 1; k <= lags; k++) {
      slopes[k - 1] = slope(trials, k, mean);
      if (!Double.isFinite(slopes[k - 1])) {
        return Optional.empty();
      }
    }
    return Optional.of(
        new BranchingParameter(
            slopes,
            best(logarithm -> without(slopes, logarithm)),
            best(logarithm -> with(slopes, logarithm))));
  }

  private static double slope(List<long[]> trials, int lag, Mean mean) {
    Pairs sums = new Pairs();
    for (List<long[]> group : mean == Mean.COMMON ? List.of(trials) : each(trials)) {
      sums.add(group, lag);
    }
    return sums.xx > 0 ? sums.xy / sums.xx : Double.NaN;
  }

  private static List<List<long[]>> each(List<long[]> trials) {
    return trials.stream().map(List::of).toList();
  }

  /** Sums over pairs of activities that lie a lag apart. */
  private static final class Pairs {
    private double xx;
    private double xy;

    /** Adds trials that have one mean. */
    void add(List<long[]> trials, int lag) {
      double pairs = 0;
      double meanX = 0;
      double meanY = 0;
      for (long[] trial : trials) {
        for (int t = 0; t + lag < trial.length; t++) {
          pairs++;
          meanX += trial[t];
          meanY += trial[t + lag];
        }
      }
      meanX /= pairs;
      meanY /= pairs;
      for (long[] trial : trials) {
        for (int t = 0; t + lag < trial.length; t++) {
          xx += (trial[t] - meanX) * (trial[t] - meanX);
          xy += (trial[t] - meanX) * (trial[t + lag] - meanY);
        }
      }
    }
  }

  /** The best b for {@code m = e^logarithm}. */
  private static Fit without(double[] slopes, double logarithm) {
    double pp = 0;
    double pr = 0;
    for (int i = 0; i < slopes.length; i++) {
      double p = Math.exp(logarithm * (i + 1));
      pp += p * p;
      pr += p * slopes[i];
    }
    double b = pp > 0 ? pr / pp : 0;
    return new Fit(Math.exp(logarithm), b, 0, residual(slopes, logarithm, b, 0));
  }

  /** The best b and c for {@code m = e^logarithm}. */
  private static Fit with(double[] slopes, double logarithm) {
    double[] powers = new double[slopes.length];
    double[] ones = new double[slopes.length];
    for (int i = 0; i < powers.length; i++) {
      powers[i] = Math.exp(logarithm * (i + 1));
      ones[i] = 1;
    }
    Line line = Line.through(powers, slopes, ones);
    if (!Double.isFinite(line.slope())) {
      return without(slopes, logarithm);
    }
    return new Fit(
        Math.exp(logarithm),
        line.slope(),
        line.intercept(),
        residual(slopes, logarithm, line.slope(), line.intercept()));
  }

  private static double residual(double[] slopes, double logarithm, double b, double c) {
    double sum = 0;
    for (int i = 0; i < slopes.length; i++) {
      double error = slopes[i] - b * Math.exp(logarithm * (i + 1)) - c;
      sum += error * error;
    }
    return sum;
  }

  /** Given m, the rest is linear, so that a search over ln m finds the least squares. */
  private static Fit best(DoubleFunction<Fit> fit) {
    double[] logarithms = new double[2 * GRID];
    double step = Math.pow(LONGEST_TIMESCALE / SHORTEST_TIMESCALE, 1.0 / (GRID - 1));
    double growthStep = Math.pow(LONGEST_TIMESCALE / SHORTEST_GROWTH, 1.0 / (GRID - 1));
    for (int i = 0; i < GRID; i++) {
      logarithms[i] = -1 / (SHORTEST_TIMESCALE * Math.pow(step, i));
      logarithms[2 * GRID - 1 - i] = 1 / (SHORTEST_GROWTH * Math.pow(growthStep, i));
    }
    int best = 0;
    Fit found = fit.apply(logarithms[0]);
    for (int i = 1; i < logarithms.length; i++) {
      Fit candidate = fit.apply(logarithms[i]);
      if (candidate.residual() < found.residual()) {
        found = candidate;
        best = i;
      }
    }
    double low = logarithms[Math.max(0, best - 1)];
    double high = logarithms[Math.min(logarithms.length - 1, best + 1)];
    for (int i = 0; i < REFINEMENTS; i++) {
      double left = high - GOLDEN * (high - low);
      double right = low + GOLDEN * (high - low);
      if (fit.apply(left).residual() <= fit.apply(right).residual()) {
        high = right;
      } else {
        low = left;
      }
    }
    Fit refined = fit.apply((low + high) / 2);
    return refined.residual() < found.residual() ? refined : found;
  }
}
