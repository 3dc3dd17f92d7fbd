package dev.coppice.cli;

import dev.coppice.prune.PruningSettings;

/** The settings of pruning where the user says nothing: chosen by experiment. */
final class PruningDefaults {
  /** The share of zeros at the end. */
  static final double SPARSITY = 0.95;

  /** The share of the kept connections that regrowth chooses at first. */
  static final double RATIO = 0.2;

  /** How that share changes. */
  static final PruningSettings.Decay DECAY = PruningSettings.Decay.COSINE;

  /** What a regrown connection starts from. */
  static final PruningSettings.RegrownValue REGROWN_VALUE = PruningSettings.RegrownValue.ZERO;

  /** How many times connections are pruned. */
  static final int ITERATIONS = 10;

  /** The part of the run after which none is pruned any more. */
  static final double WINDOW_OF_RUN = 0.55;

  /** Optimizer steps over which scores are averaged, at most the pruning interval. */
  static final int SCORE_WINDOW = 1;

  private PruningDefaults() {}
}
