package dev.coppice.train;

/** Watches a training run. */
public interface TrainingListener {
  /** Watches nothing. */
  TrainingListener NONE = new TrainingListener() {};

  /**
   * After every optimizer step.
   *
   * @param step done so far, of {@code totalSteps}
   * @param loss of this step's batch
   */
  default void onStep(long step, long totalSteps, double loss) {}

  /** After every epoch. */
  default void onEpoch(EpochMetrics metrics) {}
}
