package dev.coppice.prune;

/** What happens to connections or channels with the same score at the edge of a selection. */
public enum Ties {
  /**
   * The target is met exactly: ties are broken by a second score (the magnitude before pruning for
   * connections that come back), then by a seeded random choice.
   */
  EXACT,
  /**
   * As the published code of arXiv 2311.16141 does: magnitudes must exceed the threshold, regrowth
   * takes every score that reaches it, so that whole neurons come back and the target is missed.
   */
  REFERENCE
}
