package dev.coppice.prune.channels;

import dev.coppice.prune.SparsitySchedule;

/**
 * How many channels go in each of several rounds of pruning, regrowth and fine-tuning.
 *
 * @param shape how the share of channels gone rises over the rounds
 * @param rounds at least 1
 * @param goal the share of all channels gone after the last round, in (0, 1)
 */
public record ChannelSchedule(SparsitySchedule shape, int rounds, double goal) {
  /** Throws {@link IllegalArgumentException} for a value out of its range. */
  public ChannelSchedule {
    if (rounds < 1) {
      throw new IllegalArgumentException(
          "channels are pruned in at least one round, not in " + rounds);
    }
    if (!(goal > 0 && goal < 1)) {
      throw new IllegalArgumentException(
          "the share of channels to prune must lie strictly between 0 and 1, not be " + goal);
    }
  }

  /**
   * Returns the share of the channels left to prune in a round, for {@link ChannelSelection#of}: so
   * many that {@code ⌊before·S⌋} are gone with S the target of the round, whatever rounds before it
   * left.
   *
   * @param round 1 for the first
   * @param before channels of the network at the start of the first round
   * @param now channels left
   * @return 0 if there is nothing to prune in this round
   */
  public double percent(int round, int before, int now) {
    int gone = (int) Math.floor(before * shape.target(round, rounds, 0, goal));
    int pruned = gone - (before - now);
    // Half a channel more, so that rounding down now·percent gives the number back.
    return pruned > 0 ? (pruned + 0.5) / now : 0;
  }
}
