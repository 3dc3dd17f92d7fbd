package dev.coppice.runtime;

/** Work on what a frame holds, which threads share. */
interface Work {
  /** Does the elements {@code [from, to)}; must not depend on how a range is cut. */
  void work(Frame frame, long from, long to);
}
