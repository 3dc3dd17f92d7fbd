package dev.coppice.analysis;

import java.util.Arrays;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * A discrete power law {@code p(x) = x^−α / ζ(α, x_min)} for {@code x ≥ x_min}, fitted as Clauset,
 * Shalizi and Newman do (SIAM Review 51, 2009, appendix B and section 4): α by maximum likelihood,
 * {@code x_min} where the Kolmogorov–Smirnov distance between data and law is least, and the
 * goodness of fit by a semi-parametric bootstrap.
 *
 * @param exponent α
 * @param standardError of α at this {@code x_min}
 * @param minimum x_min
 * @param tail the number of values from {@code x_min} on
 * @param samples the number of all values
 * @param distance the Kolmogorov–Smirnov distance
 */
public record PowerLawFit(
    double exponent, double standardError, long minimum, int tail, int samples, double distance) {
  /** The fewest values that a law is fitted to. */
  public static final int FEWEST = 50;

  /** The most values of x_min that are tried; more are thinned out, the larger the more. */
  private static final int CANDIDATES = 100;

  private static final double LOWEST_EXPONENT = 1.0001;
  private static final double HIGHEST_EXPONENT = 20;
  private static final double TOLERANCE = 1e-7;
  private static final double GOLDEN = (Math.sqrt(5) - 1) / 2;
  private static final int TABLE = 4096;

  /** No exponent keeps a value beyond it from being one that a {@code double} cannot tell. */
  private static final long LARGEST = 1L << 52;

  /**
   * Fits a law.
   *
   * @param values positive
   * @return empty if fewer than {@link #FEWEST} values, or only one distinct, are there to fit
   * @throws IllegalArgumentException if a value is not positive
   */
  public static Optional<PowerLawFit> of(long[] values) {
    return fit(Data.of(values));
  }

  /**
   * Returns the goodness of fit: the share of data sets drawn from the fit (the law from x_min on,
   * the data themselves below), each fitted anew, that lie farther from their law than the data do.
   * Below 0.1 the law is ruled out.
   *
   * @param values those of {@link #of}
   * @param replicates how many are drawn; the result is good to about {@code 1 / (2·√replicates)}
   */
  public double goodness(long[] values, int replicates, long seed) {
    if (replicates < 1) {
      throw new IllegalArgumentException("expected at least one replicate, found " + replicates);
    }
    long[] body = Arrays.stream(values).filter(x -> x < minimum).toArray();
    Sampler law = new Sampler(exponent, minimum);
    SplittableRandom random = new SplittableRandom(seed);
    int farther = 0;
    for (int i = 0; i < replicates; i++) {
      long[] drawn = new long[values.length];
      for (int k = 0; k < drawn.length; k++) {
        drawn[k] =
            random.nextInt(values.length) < body.length
                ? body[random.nextInt(body.length)]
                : law.draw(random);
      }
      Optional<PowerLawFit> fit = fit(Data.of(drawn));
      if (fit.isPresent() && fit.get().distance() >= distance) {
        farther++;
      }
    }
    return (double) farther / replicates;
  }

  private static Optional<PowerLawFit> fit(Data data) {
    PowerLawFit best = null;
    for (int index : data.candidates()) {
      int tail = data.countFrom[index];
      long minimum = data.distinct[index];
      double exponent = data.mostLikely(index);
      double distance = data.distance(index, exponent);
      if (best == null || distance < best.distance()) {
        double error = standardError(exponent, minimum, tail);
        best = new PowerLawFit(exponent, error, minimum, tail, data.countFrom[0], distance);
      }
    }
    return Optional.ofNullable(best);
  }

  /** From the curvature of ln ζ, which is the Fisher information of one value. */
  private static double standardError(double exponent, long minimum, int tail) {
    double step = 1e-3 * Math.min(1, exponent - 1);
    double information =
        (Math.log(Zeta.of(exponent + step, minimum))
                - 2 * Math.log(Zeta.of(exponent, minimum))
                + Math.log(Zeta.of(exponent - step, minimum)))
            / (step * step);
    return 1 / Math.sqrt(tail * information);
  }

  /**
   * Sorted values, each once.
   *
   * @param counts how often each occurs
   * @param countFrom values from each on
   * @param logarithmsFrom the sum of logarithms from each on
   */
  private record Data(long[] distinct, int[] counts, int[] countFrom, double[] logarithmsFrom) {
    static Data of(long[] values) {
      long[] sorted = values.clone();
      Arrays.sort(sorted);
      if (sorted.length > 0 && sorted[0] < 1) {
        throw new IllegalArgumentException("expected positive values, found " + sorted[0]);
      }
      long[] distinct = Arrays.stream(sorted).distinct().toArray();
      int[] counts = new int[distinct.length];
      for (int i = 0, k = 0; i < sorted.length; i++) {
        k += sorted[i] == distinct[k] ? 0 : 1;
        counts[k]++;
      }
      int[] countFrom = new int[distinct.length];
      double[] logarithmsFrom = new double[distinct.length];
      int count = 0;
      double sum = 0;
      for (int k = distinct.length - 1; k >= 0; k--) {
        count += counts[k];
        sum += counts[k] * Math.log((double) distinct[k]);
        countFrom[k] = count;
        logarithmsFrom[k] = sum;
      }
      return new Data(distinct, counts, countFrom, logarithmsFrom);
    }

    /** The indices of the values that are tried as x_min. */
    int[] candidates() {
      int possible = 0;
      while (possible < distinct.length - 1 && countFrom[possible] >= FEWEST) {
        possible++;
      }
      if (possible <= CANDIDATES) {
        int[] all = new int[possible];
        Arrays.setAll(all, i -> i);
        return all;
      }
      double factor = Math.log(possible) / (CANDIDATES - 1);
      return java.util.stream.IntStream.range(0, CANDIDATES)
          .map(i -> (int) Math.round(Math.exp(factor * i)) - 1)
          .distinct()
          .toArray();
    }

    /** The exponent of greatest likelihood, whose negative logarithm is convex in it. */
    double mostLikely(int from) {
      double low = LOWEST_EXPONENT;
      double high = HIGHEST_EXPONENT;
      double left = high - GOLDEN * (high - low);
      double right = low + GOLDEN * (high - low);
      double atLeft = cost(from, left);
      double atRight = cost(from, right);
      while (high - low > TOLERANCE) {
        if (atLeft <= atRight) {
          high = right;
          right = left;
          atRight = atLeft;
          left = high - GOLDEN * (high - low);
          atLeft = cost(from, left);
        } else {
          low = left;
          left = right;
          atLeft = atRight;
          right = low + GOLDEN * (high - low);
          atRight = cost(from, right);
        }
      }
      return (low + high) / 2;
    }

    private double cost(int from, double exponent) {
      return countFrom[from] * Math.log(Zeta.of(exponent, distinct[from]))
          + exponent * logarithmsFrom[from];
    }

    double distance(int from, double exponent) {
      double all = Zeta.of(exponent, distinct[from]);
      double below = 0;
      double distance = 0;
      for (int k = from; k < distinct.length; k++) {
        // Both functions are steps, the data's with the fewer: the law just before each of them
        // counts too.
        double rest = Zeta.of(exponent, distinct[k]);
        double lawBelow = 1 - rest / all;
        double lawAt = 1 - (rest - Zeta.term(exponent, distinct[k])) / all;
        double upTo = below + (double) counts[k] / countFrom[from];
        distance = Math.max(distance, Math.max(Math.abs(lawBelow - below), Math.abs(lawAt - upTo)));
        below = upTo;
      }
      return distance;
    }
  }

  /** Draws from a law: by a table of its first values, by bisection beyond. */
  static final class Sampler {
    private final double exponent;
    private final long minimum;
    private final double all;

    /** P(X ≥ x) of {@code minimum + i}, descending. */
    private final double[] survival = new double[TABLE];

    Sampler(double exponent, long minimum) {
      this.exponent = exponent;
      this.minimum = minimum;
      this.all = Zeta.of(exponent, minimum);
      double rest = all;
      for (int i = 0; i < TABLE; i++) {
        survival[i] = rest / all;
        rest -= Zeta.term(exponent, minimum + i);
      }
    }

    /** Returns the largest x with {@code P(X ≥ x) > u}, u uniform. */
    long draw(SplittableRandom random) {
      double u = random.nextDouble();
      if (u >= survival[TABLE - 1]) {
        int low = 0;
        int high = TABLE - 1;
        while (high - low > 1) {
          int middle = (low + high) >>> 1;
          if (survival[middle] > u) {
            low = middle;
          } else {
            high = middle;
          }
        }
        return minimum + low;
      }
      long low = minimum + TABLE - 1;
      long high = low;
      do {
        low = high;
        high = Math.min(2 * high, LARGEST);
      } while (high < LARGEST && Zeta.of(exponent, high) / all > u);
      while (high - low > 1) {
        long middle = low + (high - low) / 2;
        if (Zeta.of(exponent, middle) / all > u) {
          low = middle;
        } else {
          high = middle;
        }
      }
      return low;
    }
  }
}
