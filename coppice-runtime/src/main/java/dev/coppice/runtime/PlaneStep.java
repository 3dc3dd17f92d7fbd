package dev.coppice.runtime;

/**
 * A part of a {@link PlaneChain}: what it writes to planes depends, of what the chain makes, on the
 * same planes alone. Planes are counted through the images of the frame.
 */
sealed interface PlaneStep
    permits SparseLayer,
        WholeLayer,
        WholeNeurons,
        PlaneNeuronStep,
        PlanePoolStep,
        PlaneAddStep,
        FoldStep {
  /** Returns the node of the network that it computes. */
  String node();

  /** Returns the planes that it takes together, from the first of an image on. */
  default int together() {
    return 1;
  }

  /** Does what comes before all planes. */
  default void prepare(Frame frame) {}

  /** Writes some planes, all of one image. */
  void work(Frame frame, int fromPlane, int toPlane);

  /** Counts what it did, after all planes have been written. */
  default void count(Frame frame) {}

  /** Returns, for people, how it is computed and why so. */
  String explain();
}
