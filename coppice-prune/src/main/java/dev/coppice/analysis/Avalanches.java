package dev.coppice.analysis;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;

/**
 * Avalanches of activity: the runs of time steps with activity between steps without (Beggs and
 * Plenz, Journal of Neuroscience 23, 2003). Runs that a recording cuts off are left out.
 *
 * @param threshold activity up to it counts as silence, and only what exceeds it counts for a size
 * @param sizes the sums of activity above the threshold, one for each avalanche
 * @param durations the time steps of each
 */
public record Avalanches(long threshold, long[] sizes, long[] durations) {
  /** Throws {@link IllegalArgumentException} if there are not as many sizes as durations. */
  public Avalanches {
    if (sizes.length != durations.length) {
      throw new IllegalArgumentException(
          "expected a duration for each size, found " + durations.length + " and " + sizes.length);
    }
  }

  /**
   * Finds the avalanches of some trials.
   *
   * @param trials activity by time step, {@code [T]}
   * @param threshold 0 for avalanches between silent steps
   */
  public static Avalanches of(List<long[]> trials, long threshold) {
    List<Long> sizes = new ArrayList<>();
    List<Long> durations = new ArrayList<>();
    for (long[] trial : trials) {
      long size = 0;
      int start = -1;
      for (int t = 0; t < trial.length; t++) {
        if (trial[t] > threshold) {
          size += trial[t] - threshold;
          continue;
        }
        // Before the first step below the threshold nothing tells when the avalanche began.
        if (start >= 0 && t > start) {
          sizes.add(size);
          durations.add((long) t - start);
        }
        size = 0;
        start = t + 1;
      }
    }
    return new Avalanches(threshold, array(sizes), array(durations));
  }

  /**
   * Returns 0 if some time step is silent, else the median activity: a dense network is never
   * silent, and its avalanches are its excursions above the median.
   */
  public static long suggestedThreshold(List<long[]> trials) {
    long[] sorted = trials.stream().flatMapToLong(Arrays::stream).sorted().toArray();
    return sorted.length == 0 || sorted[0] == 0 ? 0 : sorted[sorted.length / 2];
  }

  /** Returns the number of avalanches. */
  public int count() {
    return sizes.length;
  }

  /** Returns the mean size. */
  public double meanSize() {
    return LongStream.of(sizes).average().orElse(Double.NaN);
  }

  /** Returns the mean duration. */
  public double meanDuration() {
    return LongStream.of(durations).average().orElse(Double.NaN);
  }

  private static long[] array(List<Long> values) {
    return values.stream().mapToLong(Long::longValue).toArray();
  }
}
