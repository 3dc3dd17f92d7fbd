package dev.coppice.cli;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Looks for the strength of a method at which a network becomes as sparse as is wanted. Sparsity
 * rises with the strength: the search halves the range of its logarithm and, once it has seen both
 * sides, goes where the log odds of a weight to stay would be right on a straight line. Its runs
 * are as long as the one that it is for: the sparsity that a shorter one reaches says too little.
 *
 * @param low the least strength
 * @param high the greatest
 * @param goal the sparsity wanted
 */
record StrengthSearch(double low, double high, double goal) {
  /** Runs that a search takes at most. */
  static final int TRIALS = 6;

  /** How near the density must come, as a part of it. */
  private static final double TOLERANCE = 0.1;

  /** The least density that is told from none, and how far the greatest is from 1. */
  private static final double LEAST = 1e-3;

  /** A run with a strength. */
  interface Trial {
    /**
     * Returns the sparsity at the end.
     *
     * @param number 1 for the first
     */
    double sparsity(int number, double strength) throws IOException;
  }

  /** A strength and what came of it. */
  record Tried(double strength, double sparsity) {}

  /** Returns what was tried, the nearest first. */
  List<Tried> run(Trial trial) throws IOException {
    List<Tried> all = new ArrayList<>();
    Tried below = null;
    Tried above = null;
    for (int number = 1; number <= TRIALS; number++) {
      double strength = next(below, above);
      Tried tried = new Tried(strength, trial.sparsity(number, strength));
      all.add(tried);
      if (distance(tried) <= TOLERANCE * (1 - goal)) {
        break;
      }
      if (tried.sparsity() < goal) {
        below = tried;
      } else {
        above = tried;
      }
    }
    all.sort(Comparator.comparingDouble(this::distance));
    return all;
  }

  private double distance(Tried tried) {
    return Math.abs(tried.sparsity() - goal);
  }

  private double next(@Nullable Tried below, @Nullable Tried above) {
    double from = Math.log(below == null ? low : below.strength());
    double to = Math.log(above == null ? high : above.strength());
    double part = 0.5;
    if (below != null && above != null) {
      double rest = logOdds(below.sparsity());
      double line = (rest - logOdds(goal)) / (rest - logOdds(above.sparsity()));
      part = Math.clamp(line, 0.25, 0.75);
    }
    return Math.exp(from + part * (to - from));
  }

  private static double logOdds(double sparsity) {
    double density = Math.clamp(1 - sparsity, LEAST, 1 - LEAST);
    return Math.log(density / (1 - density));
  }
}
