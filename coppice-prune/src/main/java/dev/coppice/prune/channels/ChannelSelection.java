package dev.coppice.prune.channels;

import dev.coppice.prune.Selection;
import dev.coppice.prune.Ties;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

/**
 * Which channels stay: steps 3 and 4 of procedure S of arXiv 2311.16141. Of the n channels of all
 * groups, {@code i = ⌊n·percent⌋} are to go and {@code grow = ⌊(n − i)·growth⌋} of those that stay
 * are chosen by a second score. By the first score those stay that exceed its ascending element
 * {@code i + grow}; of the rest, the {@code grow} of the highest second score come back.
 *
 * @param keep the channels that stay, {@code [channels]} by name of their group
 * @param first those of them that the first score chose; the others came back
 * @param channels n
 * @param grow how many were to come back
 * @param threshold the value of the first score to exceed, infinite if it was to choose none
 */
public record ChannelSelection(
    SequencedMap<String, boolean[]> keep,
    SequencedMap<String, boolean[]> first,
    int channels,
    int grow,
    float threshold) {

  /**
   * Selects channels. With {@link Ties#EXACT} exactly {@code n − i} stay: ties of one score are
   * broken by the other, then by a seeded random choice. With {@link Ties#REFERENCE} the first
   * score must exceed the threshold, which leaves one channel fewer or more than one if there are
   * ties, and all that reach the grow-th highest second score come back.
   *
   * @param first what prunes, by name of the group
   * @param second what brings back, likewise
   * @param percent the share of channels to prune, in (0, 1)
   * @param growth the share of those left that the second score chooses, in [0, 1]
   * @throws IllegalArgumentException if a share is out of its range, or the scores are not those of
   *     the groups
   */
  public static ChannelSelection of(
      List<ChannelGroup> groups,
      Map<String, float[]> first,
      Map<String, float[]> second,
      double percent,
      double growth,
      Ties ties,
      long seed) {
    if (!(percent > 0 && percent < 1)) {
      throw new IllegalArgumentException(
          "the share of channels to prune must lie strictly between 0 and 1, not be " + percent);
    }
    if (!(growth >= 0 && growth <= 1)) {
      throw new IllegalArgumentException(
          "the share of channels to regrow must lie in [0, 1], not be " + growth);
    }
    float[] pruning = flat(groups, first);
    float[] regrowth = flat(groups, second);
    int n = pruning.length;
    int left = n - (int) Math.floor(n * percent);
    int grow = (int) Math.floor(left * growth);
    boolean[] candidates = new boolean[n];
    Arrays.fill(candidates, true);
    boolean[] keep = new boolean[n];
    float threshold = Selection.keep(ties, pruning, regrowth, candidates, left - grow, seed, keep);
    SequencedMap<String, boolean[]> byFirst = split(groups, keep);
    for (int i = 0; i < n; i++) {
      candidates[i] = !keep[i];
    }
    Selection.regrow(ties, regrowth, pruning, candidates, grow, seed + 1, keep);
    return new ChannelSelection(split(groups, keep), byFirst, n, grow, threshold);
  }

  private static float[] flat(List<ChannelGroup> groups, Map<String, float[]> scores) {
    float[] all = new float[groups.stream().mapToInt(ChannelGroup::channels).sum()];
    int offset = 0;
    for (ChannelGroup group : groups) {
      float[] own = scores.get(group.name());
      if (own == null || own.length != group.channels()) {
        throw new IllegalArgumentException(
            "expected " + group.channels() + " scores for the channels of " + group.name());
      }
      System.arraycopy(own, 0, all, offset, own.length);
      offset += own.length;
    }
    return all;
  }

  private static SequencedMap<String, boolean[]> split(List<ChannelGroup> groups, boolean[] all) {
    SequencedMap<String, boolean[]> parts = new LinkedHashMap<>();
    int offset = 0;
    for (ChannelGroup group : groups) {
      parts.put(group.name(), Arrays.copyOfRange(all, offset, offset + group.channels()));
      offset += group.channels();
    }
    return parts;
  }

  /** Returns how many channels stay. */
  public int kept() {
    return count(keep);
  }

  /** Returns how many of them came back by the second score. */
  public int regrown() {
    return kept() - count(first);
  }

  private static int count(Map<String, boolean[]> masks) {
    int ones = 0;
    for (boolean[] mask : masks.values()) {
      for (boolean one : mask) {
        ones += one ? 1 : 0;
      }
    }
    return ones;
  }
}
