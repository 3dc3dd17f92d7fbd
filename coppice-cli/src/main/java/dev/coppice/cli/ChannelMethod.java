package dev.coppice.cli;

import java.util.Arrays;
import java.util.Optional;

/** A method of removing channels by its name: what prunes them, what brings them back, and when. */
enum ChannelMethod {
  /** The smallest scales go, and nothing comes back (network slimming, arXiv 1708.06519). */
  SLIMMING(ChannelOptions.Score.SCALE, ChannelOptions.Score.SCALE, 0, 1),
  /** The least active go, those of the largest |∂L/∂γ| come back (SCA, arXiv 2406.01072). */
  SCA(ChannelOptions.Score.ACTIVITY, ChannelOptions.Score.GRADIENT, 0.05, 3),
  /** By chance, the control. */
  CHANNEL_RANDOM(ChannelOptions.Score.RANDOM, ChannelOptions.Score.RANDOM, 0, 1),
  /** The smallest scales go, the most critical come back (arXiv 2311.16141). */
  CHANNEL_CRITICALITY(ChannelOptions.Score.SCALE, ChannelOptions.Score.CRITICALITY, 0.05, 1);

  private final ChannelOptions.Score pruning;
  private final ChannelOptions.Score regrowth;
  private final double growth;
  private final int rounds;

  ChannelMethod(
      ChannelOptions.Score pruning, ChannelOptions.Score regrowth, double growth, int rounds) {
    this.pruning = pruning;
    this.regrowth = regrowth;
    this.growth = growth;
    this.rounds = rounds;
  }

  /** Returns the method of a name, if it has one. */
  static Optional<ChannelMethod> named(String name) {
    return Arrays.stream(values()).filter(method -> EnumName.of(method).equals(name)).findFirst();
  }

  /** Returns what prunes. */
  ChannelOptions.Score pruning() {
    return pruning;
  }

  /** Returns what brings back. */
  ChannelOptions.Score regrowth() {
    return regrowth;
  }

  /** Returns the share of the kept channels that regrowth chooses. */
  double growth() {
    return growth;
  }

  /** Returns how often channels are pruned. */
  int rounds() {
    return rounds;
  }
}
