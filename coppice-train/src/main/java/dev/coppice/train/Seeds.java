package dev.coppice.train;

/**
 * Derives independent seeds from the one of a run, so that each purpose draws from its own source.
 */
public enum Seeds {
  /** The initial weights. */
  INITIALIZATION(1),
  /** The order of the training images and their augmentation. */
  DATA(2),
  /** The spikes of a random encoder. */
  ENCODING(3),
  /** Dropout. */
  DROPOUT(4),
  /** Draws of a pruning method. */
  METHOD(5);

  private final long purpose;

  Seeds(long purpose) {
    this.purpose = purpose;
  }

  /** Returns the seed of this purpose at a step of a run. */
  public long at(long seed, long step) {
    return mix(mix(mix(seed) + purpose) + step);
  }

  /** The finalizer of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). */
  private static long mix(long value) {
    long z = value + 0x9E3779B97F4A7C15L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
