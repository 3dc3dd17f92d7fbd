package dev.coppice.train;

import java.io.IOException;
import java.nio.file.Path;

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

  /**
   * When a run cannot be resumed from a checkpoint and goes on from the one before.
   *
   * @param checkpoint its folder
   * @param problem what is wrong with it
   */
  default void onDamagedCheckpoint(Path checkpoint, IOException problem) {}
}
