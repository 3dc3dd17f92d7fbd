package dev.coppice.train;

import java.util.BitSet;

/** The channels of maps that are computed; nobody reads the others. */
final class LiveChannels {
  private final int channels;
  private final BitSet live;
  private final int[] numbers;

  /**
   * Makes a choice of channels.
   *
   * @param channels how many there are
   * @param live those that are computed, not to be changed
   */
  LiveChannels(int channels, BitSet live) {
    this.channels = channels;
    this.live = live;
    this.numbers = live.stream().toArray();
  }

  static LiveChannels all(int channels) {
    BitSet live = new BitSet(channels);
    live.set(0, channels);
    return new LiveChannels(channels, live);
  }

  int count() {
    return numbers.length;
  }

  /** Works on what is live among some channels, piece by piece. */
  void each(int fromChannel, int toChannel, PlaneMaps.Filler work) {
    int end;
    for (int first = live.nextSetBit(fromChannel);
        first >= 0 && first < toChannel;
        first = live.nextSetBit(end)) {
      end = Math.min(live.nextClearBit(first), toChannel);
      work.fill(first, end);
    }
  }

  /** Works on the live channels from one place in their order to another, piece by piece. */
  void part(int from, int to, PlaneMaps.Filler work) {
    if (from < to) {
      each(numbers[from], numbers[to - 1] + 1, work);
    }
  }

  /** Works on the channels that are not live, piece by piece. */
  void eachOther(PlaneMaps.Filler work) {
    int end;
    for (int first = live.nextClearBit(0); first < channels; first = live.nextClearBit(end)) {
      int next = live.nextSetBit(first);
      end = next < 0 ? channels : next;
      work.fill(first, end);
    }
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof LiveChannels that
        && channels == that.channels
        && live.equals(that.live);
  }

  @Override
  public int hashCode() {
    return live.hashCode();
  }
}
