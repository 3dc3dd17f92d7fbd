package dev.coppice.prune;

import dev.coppice.graph.Op;
import java.util.Set;

/**
 * How connections are pruned and regrown during training.
 *
 * @param sparsity the share of prunable weights that is zero at the end, in [0, 1); a pattern says
 *     itself what that is, see {@link #goal}
 * @param initialSparsity the share of zeros of a random mask that the run begins with, at most that
 *     at the end; 0 to begin with all weights that are not zero
 * @param schedule how the target rises
 * @param timetable when
 * @param scope which weights compete
 * @param saliency what a weight counts for
 * @param renewal how many come back, and which
 * @param ties how ties are broken
 * @param excluded convolution and linear nodes that keep all weights
 */
public record PruningSettings(
    double sparsity,
    double initialSparsity,
    SparsitySchedule schedule,
    Timetable timetable,
    Scope scope,
    Saliency saliency,
    Renewal renewal,
    Ties ties,
    Set<String> excluded) {

  /** Throws {@link IllegalArgumentException} for a value out of its range. */
  public PruningSettings {
    require(sparsity >= 0 && sparsity < 1, "sparsity must lie in [0, 1), not " + sparsity);
    require(
        initialSparsity >= 0 && initialSparsity <= 1,
        "the initial sparsity must lie in [0, 1], not " + initialSparsity);
    require(
        ties == Ties.EXACT || scope instanceof Scope.Budget,
        "the pattern " + scope + " needs exact ties: those of the reference miss it");
    require(
        !renewal.withinLayers() || scope instanceof Scope.Budget,
        "the pattern " + scope + " says itself where connections come back");
    excluded = Set.copyOf(excluded);
  }

  static void require(boolean condition, String message) {
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
    public static final Renewal.Decay DECAY = Renewal.Decay.COSINE;

    /** What a regrown connection starts from. */
    public static final Renewal.RegrownValue REGROWN_VALUE = Renewal.RegrownValue.ZERO;

    /** How many times connections are pruned. */
    public static final int ITERATIONS = 10;

    /** The part of the run after which none is pruned any more. */
    public static final double WINDOW_OF_RUN = 0.55;

    /** Optimizer steps over which scores are averaged, at most the pruning interval. */
    public static final int SCORE_WINDOW = 1;

    private double sparsity = SPARSITY;
    private double initialSparsity;
    private SparsitySchedule schedule = SparsitySchedule.CUBIC;
    private int iterations = ITERATIONS;
    private int interval = 1;
    private int exchanges;
    private boolean instead;
    private long start;
    private Scope scope = SCOPE;
    private Saliency saliency = Saliency.MAGNITUDE;
    private Regrowth regrowth = Regrowth.Criticality.paper(Op.Neuron.decay().threshold());
    private double ratio = RATIO;
    private double lastRatio;
    private Renewal.Turnover turnover = Renewal.Turnover.OF_KEPT;
    private boolean withinLayers;
    private boolean classifiers;
    private int grace;
    private Renewal.Decay decay = DECAY;
    private Ties ties = Ties.EXACT;
    private Renewal.RegrownValue regrownValue = REGROWN_VALUE;
    private int window = SCORE_WINDOW;
    private Set<String> excluded = Set.of();

    private Builder() {}

    /** Sets the share of zeros at the end; without effect if the scope is a pattern. */
    public Builder sparsity(double value) {
      sparsity = value;
      return this;
    }

    /**
     * Begins with a random mask.
     *
     * @param value its share of zeros, at most that at the end
     */
    public Builder initialSparsity(double value) {
      initialSparsity = value;
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

    /** Sets how often connections are exchanged after the last rise of the target. */
    public Builder exchanges(int value) {
      exchanges = value;
      return this;
    }

    /** Sets whether steps in which scores are measured move no weight. */
    public Builder instead(boolean value) {
      instead = value;
      return this;
    }

    /** Sets which weights compete. */
    public Builder scope(Scope value) {
      scope = value;
      return this;
    }

    /** Sets what a weight counts for. */
    public Builder saliency(Saliency value) {
      saliency = value;
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

    /** Sets the share that a decaying ratio ends at. */
    public Builder lastRatio(double value) {
      lastRatio = value;
      return this;
    }

    /** Sets what the ratio is a share of. */
    public Builder turnover(Renewal.Turnover value) {
      turnover = value;
      return this;
    }

    /** Sets whether every layer regrows as many as were given up for that in it. */
    public Builder withinLayers(boolean value) {
      withinLayers = value;
      return this;
    }

    /** Sets whether layers that drive no neuron take part in regrowth. */
    public Builder classifiers(boolean value) {
      classifiers = value;
      return this;
    }

    /** Sets the iterations for which a regrown connection is not pruned again. */
    public Builder grace(int value) {
      grace = value;
      return this;
    }

    /** Sets how that share changes over the iterations. */
    public Builder decay(Renewal.Decay value) {
      decay = value;
      return this;
    }

    /** Sets how ties are broken. */
    public Builder ties(Ties value) {
      ties = value;
      return this;
    }

    /** Sets what a regrown connection starts from. */
    public Builder regrownValue(Renewal.RegrownValue value) {
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
          initialSparsity,
          schedule,
          new Timetable(start, interval, iterations, exchanges, window, instead),
          scope,
          saliency,
          new Renewal(
              regrowth,
              ratio,
              lastRatio,
              decay,
              turnover,
              withinLayers,
              classifiers,
              regrownValue,
              grace),
          ties,
          excluded);
    }
  }
}
