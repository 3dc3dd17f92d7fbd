package dev.coppice.cli;

import dev.coppice.prune.channels.ChannelScope;
import java.util.Arrays;
import java.util.Optional;

/** A method of removing channels by its name: what prunes them, what brings them back, and when. */
enum ChannelMethod {
  /** The smallest scales go, and nothing comes back (network slimming, arXiv 1708.06519). */
  SLIMMING(ChannelOptions.Score.SCALE, ChannelOptions.Score.SCALE, ChannelScope.GLOBAL, 0, 1),
  /** The least active go, those of the largest |∂L/∂γ| come back (SCA, arXiv 2406.01072). */
  SCA(ChannelOptions.Score.ACTIVITY, ChannelOptions.Score.GRADIENT, ChannelScope.GLOBAL, 0.05, 3),
  /** By chance, the control. */
  CHANNEL_RANDOM(
      ChannelOptions.Score.RANDOM, ChannelOptions.Score.RANDOM, ChannelScope.GLOBAL, 0, 1),
  /** The smallest scales go, the most critical come back (arXiv 2311.16141). */
  CHANNEL_CRITICALITY(
      ChannelOptions.Score.SCALE, ChannelOptions.Score.CRITICALITY, ChannelScope.GLOBAL, 0.05, 1),
  /** The same, but every layer loses the same share before the most critical come back. */
  CHANNEL_BALANCED(
      ChannelOptions.Score.SCALE, ChannelOptions.Score.CRITICALITY, ChannelScope.LAYER, 0.05, 1);

  private final ChannelOptions.Score pruning;
  private final ChannelOptions.Score regrowth;
  private final ChannelScope scope;
  private final double growth;
  private final int rounds;

  ChannelMethod(
      ChannelOptions.Score pruning,
      ChannelOptions.Score regrowth,
      ChannelScope scope,
      double growth,
      int rounds) {
    this.pruning = pruning;
    this.regrowth = regrowth;
    this.scope = scope;
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

  /** Returns which channels compete. */
  ChannelScope scope() {
    return scope;
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
