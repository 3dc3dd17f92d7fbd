package dev.coppice.prune;

import dev.coppice.graph.Op;
import java.util.Set;

/**
 * How connections are pruned and regrown during training.
 *
 * @param sparsity the share of prunable weights that is zero at the end, in [0, 1); a pattern says
 *     itself what that is, see {@link #goal}
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
    require(
        ties == Ties.EXACT || scope instanceof Scope.Budget,
        "the pattern " + scope + " needs exact ties: those of the reference miss it");
    excluded = Set.copyOf(excluded);
  }

  private static void require(boolean condition, String message) {
    if (!condition) {
      throw new IllegalArgumentException(message);
    }
  }

  /**
   * Returns the share of zeros at the end of a run: that asked for, or for a {@link Scope.Pattern}
   * what it leaves of these layers.
   */
  public double goal(PrunableLayers layers) {
    return scope instanceof Scope.Pattern pattern
        ? 1 - pattern.least(layers) / (double) layers.size()
        : sparsity;
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

  /** Returns a builder with the defaults, which were chosen by experiment. */
  public static Builder builder() {
    return new Builder();
  }

  /** Collects settings; what is not set keeps its default. */
  public static final class Builder {
    /** The share of zeros at the end. */
    public static final double SPARSITY = 0.95;

    /** Which weights compete: at high sparsity a global threshold empties the largest layers. */
    public static final Scope SCOPE = Scope.Budget.ERK;

    /** The share of the kept connections that regrowth chooses at first. */
    public static final double RATIO = 0.2;

    /** How that share changes. */
    public static final Decay DECAY = Decay.COSINE;

    /** What a regrown connection starts from. */
    public static final RegrownValue REGROWN_VALUE = RegrownValue.ZERO;

    /** How many times connections are pruned. */
    public static final int ITERATIONS = 10;

    /** The part of the run after which none is pruned any more. */
    public static final double WINDOW_OF_RUN = 0.55;

    /** Optimizer steps over which scores are averaged, at most the pruning interval. */
    public static final int SCORE_WINDOW = 1;

    private double sparsity = SPARSITY;
    private SparsitySchedule schedule = SparsitySchedule.CUBIC;
    private int iterations = ITERATIONS;
    private int interval = 1;
    private long start;
    private Scope scope = SCOPE;
    private Regrowth regrowth = Regrowth.Criticality.paper(Op.Neuron.decay().threshold());
    private double ratio = RATIO;
    private Decay decay = DECAY;
    private Ties ties = Ties.EXACT;
    private RegrownValue regrownValue = REGROWN_VALUE;
    private int window = SCORE_WINDOW;
    private Set<String> excluded = Set.of();

    private Builder() {}

    /** Sets the share of zeros at the end; without effect if the scope is a pattern. */
    public Builder sparsity(double value) {
      sparsity = value;
      return this;
    }

    /** Sets how the target rises. */
    public Builder schedule(SparsitySchedule value) {
      schedule = value;
      return this;
    }

    /** Sets how many times connections are pruned. */
    public Builder iterations(int value) {
      iterations = value;
      return this;
    }

    /** Sets the optimizer steps between prunings. */
    public Builder interval(int value) {
      interval = value;
      return this;
    }

    /** Sets the optimizer steps before the pruning window opens. */
    public Builder start(long value) {
      start = value;
      return this;
    }

    /**
     * Spreads the iterations over the first {@link #WINDOW_OF_RUN} of a run, after the start; in a
     * run too short for them, there is one at each step.
     *
     * @param totalSteps the optimizer steps of the run
     */
    public Builder within(long totalSteps) {
      long steps = Math.max(1, Math.round(WINDOW_OF_RUN * totalSteps) - start);
      iterations = (int) Math.min(iterations, steps);
      interval = Math.toIntExact(steps / Math.max(1, iterations));
      return this;
    }

    /** Sets which weights compete. */
    public Builder scope(Scope value) {
      scope = value;
      return this;
    }

    /**
     * Sets what comes back. The default is the paper's criticality for the threshold of {@link
     * Op.Neuron#decay}.
     */
    public Builder regrowth(Regrowth value) {
      regrowth = value;
      return this;
    }

    /** Sets the share of the kept weights that regrowth chooses. */
    public Builder ratio(double value) {
      ratio = value;
      return this;
    }

    /** Sets how that share changes over the iterations. */
    public Builder decay(Decay value) {
      decay = value;
      return this;
    }

    /** Sets how ties are broken. */
    public Builder ties(Ties value) {
      ties = value;
      return this;
    }

    /** Sets what a regrown connection starts from. */
    public Builder regrownValue(RegrownValue value) {
      regrownValue = value;
      return this;
    }

    /** Sets the optimizer steps over which scores are averaged. */
    public Builder window(int value) {
      window = value;
      return this;
    }

    /** Sets the convolution and linear nodes that keep all weights. */
    public Builder excluded(Set<String> value) {
      excluded = value;
      return this;
    }

    /**
     * Returns the settings.
     *
     * @throws IllegalArgumentException for a value out of its range
     */
    public PruningSettings build() {
      return new PruningSettings(
          sparsity,
          schedule,
          iterations,
          interval,
          start,
          scope,
          regrowth,
          ratio,
          decay,
          ties,
          regrownValue,
          window,
          excluded);
    }
  }
}
