package dev.coppice.cli;

/** What {@code coppice analyze} can look at. */
enum Analysis {
  CRITICALITY,
  RATES,
  ENTROPY,
  CONSISTENCY,
  IMPORTANCE,
  BRANCHING,
  AVALANCHES
}
