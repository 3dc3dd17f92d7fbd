package dev.coppice.prune;

import java.util.Set;

/**
 * How connections are pruned and regrown during training.
 *
 * @param sparsity the share of prunable weights that is zero at the end, in [0, 1)
 * @param schedule how the target rises
 * @param iterations K, the pruning iterations; 0 prunes nothing
 * @param interval optimizer steps between them; iteration k comes after step {@code start +
 *     k·interval}
 * @param start optimizer steps before the pruning window opens
 * @param scope which weights compete
 * @param regrowth what comes back
 * @param ratio the share of the kept weights that regrowth chooses, in [0, 1]
 * @param decay how that share changes over the iterations
 * @param ties how ties are broken
 * @param regrownValue what a regrown connection starts from
 * @param window optimizer steps over which scores are averaged, the pruning step's last
 * @param excluded convolution and linear nodes that keep all weights
 */
public record PruningSettings(
    double sparsity,
    SparsitySchedule schedule,
    int iterations,
    int interval,
    long start,
    Scope scope,
    Regrowth regrowth,
    double ratio,
    Decay decay,
    Ties ties,
    RegrownValue regrownValue,
    int window,
    Set<String> excluded) {

  /** How the share of regrown weights changes from one iteration to the next. */
  public enum Decay {
    /** Not at all. */
    CONSTANT,
    /** Half a cosine, to 0 at the last iteration. */
    COSINE;

    double factor(int iteration, int iterations) {
      return switch (this) {
        case CONSTANT -> 1;
        case COSINE -> 0.5 * (1 + Math.cos(Math.PI * iteration / iterations));
      };
    }
  }

  /** What a regrown connection starts from. */
  public enum RegrownValue {
    /** Zero. */
    ZERO,
    /** The value it had, if it is only now being pruned; else zero. */
    KEPT
  }

  /** Throws {@link IllegalArgumentException} for a value out of its range. */
  public PruningSettings {
    require(sparsity >= 0 && sparsity < 1, "sparsity must lie in [0, 1), not " + sparsity);
    require(ratio >= 0 && ratio <= 1, "the regrowth ratio must lie in [0, 1], not " + ratio);
    require(
        iterations >= 0, "the number of pruning iterations must not be negative: " + iterations);
    require(interval >= 1, "the pruning interval must be at least a step, not " + interval);
    require(start >= 0, "the pruning window cannot open before the first step: " + start);
    require(
        window >= 1 && window <= interval,
        "the window of the scores must lie between 1 and the pruning interval, not " + window);
    excluded = Set.copyOf(excluded);
  }

  private static void require(boolean condition, String message) {
    if (!condition) {
      throw new IllegalArgumentException(message);
    }
  }

  /** Returns the iteration that follows an optimizer step, or 0 if none does. */
  int iterationAt(long step) {
    long since = step - start;
    if (since <= 0 || since % interval != 0 || since / interval > iterations) {
      return 0;
    }
    return Math.toIntExact(since / interval);
  }

  /** Whether scores are measured in an optimizer step. */
  boolean measuredAt(long step) {
    long since = step - start;
    return since > 0
        && since <= (long) iterations * interval
        && Math.floorMod(since - 1, interval) >= interval - window;
  }

  /** Returns the optimizer step of the last iteration. */
  public long lastStep() {
    return start + (long) iterations * interval;
  }
}
