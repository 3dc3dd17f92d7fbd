package dev.coppice.analysis;

import java.util.SplittableRandom;

/** Sampled activity whose branching parameter is known. */
final class BranchingProcess {
  private static final double LARGEST_MEAN = 30;

  private BranchingProcess() {}

  /** Returns {@code A(t+1) ~ Poisson(σ·A(t) + drive)}, begun at a given activity. */
  static long[] driven(double sigma, double drive, long start, int steps, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    long[] activity = new long[steps];
    activity[0] = start;
    for (int t = 1; t < steps; t++) {
      activity[t] = poisson(sigma * activity[t - 1] + drive, random);
    }
    return activity;
  }

  /** Returns what is left if each spike is seen with a probability. */
  static long[] subsampled(long[] activity, double probability, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    long[] seen = new long[activity.length];
    for (int t = 0; t < seen.length; t++) {
      for (long i = 0; i < activity[t]; i++) {
        seen[t] += random.nextDouble() < probability ? 1 : 0;
      }
    }
    return seen;
  }

  /** Returns one recording of avalanches of a critical process, each from one spike, with gaps. */
  static long[] criticalAvalanches(int count, int longest, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    java.util.stream.LongStream.Builder activity = java.util.stream.LongStream.builder();
    activity.add(0);
    for (int i = 0; i < count; i++) {
      long active = 1;
      for (int t = 0; active > 0 && t < longest; t++) {
        activity.add(active);
        active = poisson((double) active, random);
      }
      activity.add(0);
    }
    return activity.build().toArray();
  }

  /** A sum of Poisson variables is one, so that large means are taken apart. */
  static long poisson(double mean, SplittableRandom random) {
    long sum = 0;
    for (double left = mean; left > 0; left -= LARGEST_MEAN) {
      double limit = Math.exp(-Math.min(left, LARGEST_MEAN));
      for (double product = random.nextDouble(); product > limit; product *= random.nextDouble()) {
        sum++;
      }
    }
    return sum;
  }
}
