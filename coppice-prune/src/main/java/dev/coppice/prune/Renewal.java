package dev.coppice.prune;

/**
 * How many connections regrowth chooses at an iteration, which, and where.
 *
 * @param rule what comes back
 * @param ratio at first the share that regrowth chooses, in [0, 1]
 * @param lastRatio the share that a decaying ratio ends at, in [0, 1]
 * @param decay how the ratio goes from the one to the other
 * @param turnover what the ratio is a share of
 * @param withinLayers whether every layer regrows as many as were given up for that in it, also
 *     where weights of all layers compete for what is kept
 * @param classifiers whether layers that drive no neuron take part
 * @param value what a regrown connection starts from
 * @param grace iterations for which a regrown connection is not pruned again
 */
public record Renewal(
    Regrowth rule,
    double ratio,
    double lastRatio,
    Decay decay,
    Turnover turnover,
    boolean withinLayers,
    boolean classifiers,
    RegrownValue value,
    int grace) {

  /** How the ratio changes from one iteration to the next. */
  public enum Decay {
    /** Not at all. */
    CONSTANT,
    /** Half a cosine, to its end at the last iteration. */
    COSINE;

    private double factor(int iteration, int iterations) {
      return switch (this) {
        case CONSTANT -> 1;
        case COSINE -> 0.5 * (1 + Math.cos(Math.PI * iteration / iterations));
      };
    }
  }

  /** How many connections regrowth chooses by a ratio r. */
  public enum Turnover {
    /** {@code ⌊r·kept⌋} of those that the target keeps (arXiv 2311.16141, arXiv 1911.11134). */
    OF_KEPT,
    /** {@code ⌈r·kept⌉} (GraNet, arXiv 2106.10404). */
    OF_KEPT_UPWARDS,
    /**
     * What the target leaves when {@code ⌈r·alive⌉} of those alive before are dropped: where the
     * target falls faster than that, nothing (our reading of NDSNN, arXiv 2304.12214).
     */
    OF_ALIVE;

    int grow(int kept, int alive, double ratio) {
      return switch (this) {
        case OF_KEPT -> (int) Math.floor(kept * ratio);
        case OF_KEPT_UPWARDS -> (int) Math.ceil(kept * ratio);
        case OF_ALIVE -> Math.clamp(kept - alive + (long) Math.ceil(alive * ratio), 0, kept);
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
  public Renewal {
    PruningSettings.require(
        ratio >= 0 && ratio <= 1, "the regrowth ratio must lie in [0, 1], not " + ratio);
    PruningSettings.require(
        lastRatio >= 0 && lastRatio <= 1,
        "the last regrowth ratio must lie in [0, 1], not " + lastRatio);
    PruningSettings.require(grace >= 0, "the grace period must not be negative: " + grace);
    PruningSettings.require(
        !(classifiers && rule instanceof Regrowth.Criticality),
        "classifiers drive no neuron whose criticality could choose their connections");
  }

  /**
   * Returns the ratio of an iteration, 0 if nothing is ever regrown.
   *
   * @param iteration 1 for the first
   */
  double ratio(int iteration, int iterations) {
    return rule instanceof Regrowth.None
        ? 0
        : lastRatio + (ratio - lastRatio) * decay.factor(iteration, iterations);
  }
}
