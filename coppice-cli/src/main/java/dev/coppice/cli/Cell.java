package dev.coppice.cli;

import java.util.Locale;

/**
 * What one run of a comparison trains.
 *
 * @param method the name that the comparison gives it
 * @param sparsityTarget the share of zeros to end with; 0 for the dense reference
 * @param seed of the initial weights, the order of the images and the method
 */
record Cell(String method, double sparsityTarget, long seed) {
  /** The name of the network that nothing is pruned from. */
  static final String DENSE = "dense";

  boolean isDense() {
    return method.equals(DENSE);
  }

  /** Returns the cell for people. */
  String describe() {
    return isDense()
        ? DENSE + ", seed " + seed
        : String.format(Locale.ROOT, "%s at %s, seed %d", method, sparsityTarget, seed);
  }
}
