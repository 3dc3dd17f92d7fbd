package dev.coppice.train;

/** Derives independent seeds from the one of a run, so that each purpose draws from its own source. */
public enum Seeds {
  /** The initial weights. */
  INITIALIZATION,
  /** The order of the training images and their augmentation. */
  DATA,
  /** The spikes of a random encoder. */
  ENCODING,
  /** Dropout. */
  DROPOUT,
  /** Draws of a pruning method. */
  METHOD;

  /** Returns the seed of this purpose at a step of a run. */
  public long at(long seed, long step) {
    return mix(mix(mix(seed) + ordinal() + 1) + step);
  }

  /** The finalizer of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). */
  private static long mix(long value) {
    long z = value + 0x9E3779B97F4A7C15L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
