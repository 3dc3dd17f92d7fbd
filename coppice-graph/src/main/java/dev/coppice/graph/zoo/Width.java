package dev.coppice.graph.zoo;

import dev.coppice.graph.GraphException;

/** A multiplier of the channels of a network. */
record Width(double factor) {
  /** Throws {@link GraphException} unless the factor is positive and at most 1000. */
  Width {
    if (!(factor > 0 && factor <= 1000)) {
      throw new GraphException("the width must lie in (0, 1000], not " + factor);
    }
  }

  /** Returns the scaled number of channels, at least 1. */
  int of(int channels) {
    return (int) Math.max(1, Math.round(channels * factor));
  }
}
