package dev.coppice.data;

/**
 * SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA
 * 2014), keyed by several numbers so that every sample has a stream of its own. Unlike the JDK's
 * generators its output is fixed here for good, and splits, shuffles and augmentations with it.
 */
final class Rng {
  private static final long GAMMA = 0x9e3779b97f4a7c15L;

  private long state;

  private Rng(long state) {
    this.state = state;
  }

  /** Returns a generator whose stream is a function of the keys and their order. */
  static Rng of(long... keys) {
    long hash = GAMMA;
    for (long key : keys) {
      hash = mix(hash + GAMMA + mix(key));
    }
    return new Rng(hash);
  }

  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }

  long nextLong() {
    state += GAMMA;
    return mix(state);
  }

  /** Returns a number in 0..bound-1, uniform up to a bias below {@code bound / 2^32}. */
  int nextInt(int bound) {
    return (int) (((nextLong() >>> 32) * bound) >>> 32);
  }

  boolean nextBoolean() {
    return nextLong() < 0;
  }

  /** Returns a number in [0, 1), a multiple of 2^-24. */
  float nextFloat() {
    return (nextLong() >>> 40) * 0x1p-24f;
  }

  /** Permutes the array uniformly (Fisher and Yates). */
  void shuffle(int[] values) {
    for (int i = values.length - 1; i > 0; i--) {
      int j = nextInt(i + 1);
      int kept = values[i];
      values[i] = values[j];
      values[j] = kept;
    }
  }
}
