package dev.coppice.prune;

/** How the target sparsity rises over the K pruning iterations of a run. */
public enum SparsitySchedule {
  /** {@code S_0 + (S_f − S_0)·(1 − (1 − k/K)³)} (Zhu and Gupta, arXiv 1710.01878). */
  CUBIC {
    @Override
    double progress(double fraction) {
      return 1 - Math.pow(1 - fraction, 3);
    }
  },
  /** {@code S_0 + (S_f − S_0)·k/K}. */
  LINEAR {
    @Override
    double progress(double fraction) {
      return fraction;
    }
  };

  abstract double progress(double fraction);

  /**
   * Returns the target sparsity.
   *
   * @param iteration k, 1 for the first, at most {@code iterations}
   */
  public double target(int iteration, int iterations, double initial, double goal) {
    return initial + (goal - initial) * progress(iteration / (double) iterations);
  }
}
