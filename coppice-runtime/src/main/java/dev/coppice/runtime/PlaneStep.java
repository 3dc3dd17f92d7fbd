package dev.coppice.runtime;

/**
 * A part of a {@link PlaneChain}: what it writes to a plane depends, of what the chain makes, on
 * the same plane alone. Planes are counted through the images of the frame.
 */
sealed interface PlaneStep
    permits SparseLayer, IntegerLayer, PlaneNeuronStep, PlanePoolStep, PlaneAddStep {
  /** Returns the node of the network that it computes. */
  String node();

  /** Writes some planes, all of one image. */
  void work(Frame frame, int fromPlane, int toPlane);

  /** Counts what it did, after all planes have been written. */
  default void count(Frame frame) {}

  /** Returns, for people, how it is computed and why so. */
  String explain();
}
