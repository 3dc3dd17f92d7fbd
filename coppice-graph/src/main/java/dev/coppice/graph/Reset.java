package dev.coppice.graph;

/** What a spike {@code s} does to the membrane potential {@code h}. */
public sealed interface Reset {
  /** {@code u = h·(1−s) + potential·s}. */
  record Hard(float potential) implements Reset {
    /** Throws {@link GraphException} unless the potential is finite. */
    public Hard {
      Check.finite("a reset potential", potential);
    }
  }

  /** {@code u = h − θ·s}. */
  record Soft() implements Reset {}

  /** Returns the reset potential: that of a hard reset, else 0. */
  default float potential() {
    return 0;
  }
}
