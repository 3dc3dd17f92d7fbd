package dev.coppice.prune.channels;

/** What becomes of the channels that additions tie together. */
public enum Residual {
  /** The channels of a residual stream go together, out of all that it adds. */
  GROUP,
  /**
   * A residual stream keeps its width; each batch norm that reads it may select channels of its
   * own, as arXiv 2311.16141 does.
   */
  SELECT
}
