package dev.coppice.train;

import java.util.List;

/** The learning rate over a run, after a linear warm-up from zero. */
public sealed interface LearningRate {
  /** The same rate throughout. */
  record Constant() implements LearningRate {}

  /** Half a cosine from the base rate to zero (Loshchilov and Hutter, arXiv 1608.03983). */
  record Cosine() implements LearningRate {}

  /**
   * Multiplied by {@code factor} at each of the given fractions of the run.
   *
   * @param milestones fractions in (0, 1), ascending
   */
  record Step(float factor, List<Float> milestones) implements LearningRate {
    /** Copies the milestones. */
    public Step {
      milestones = List.copyOf(milestones);
    }
  }

  /**
   * Returns the factor of the base rate.
   *
   * @param step optimizer steps done so far
   * @param totalSteps those of the whole run
   * @param warmUpSteps those of the warm-up, which are part of the run
   */
  default double factor(long step, long totalSteps, long warmUpSteps) {
    if (step < warmUpSteps) {
      return (step + 1.0) / (double) warmUpSteps;
    }
    double progress =
        (double) (step - warmUpSteps) / (double) Math.max(1, totalSteps - warmUpSteps);
    return switch (this) {
      case Constant() -> 1;
      case Cosine() -> 0.5 * (1 + Math.cos(Math.PI * Math.min(1, progress)));
      case Step(float factor, List<Float> milestones) ->
          Math.pow(factor, milestones.stream().filter(m -> progress >= m).toList().size());
    };
  }
}
