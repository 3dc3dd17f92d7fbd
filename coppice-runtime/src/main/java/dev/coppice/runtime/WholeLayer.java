package dev.coppice.runtime;

import org.jspecify.annotations.Nullable;

/** A convolution in whole numbers between planes, with whose sums neurons can go on. */
sealed interface WholeLayer extends PlaneStep permits IntegerLayer, ByteLayer {

  /** Returns the planes of an image that it writes. */
  int rows();

  /** Returns what counts its operations. */
  PlaneCount count();

  /**
   * Writes some planes of an image.
   *
   * @param neurons those that alone read them and go on with sums at once, or null
   */
  void run(Frame frame, int image, int fromRow, int toRow, @Nullable PlaneNeuronStep neurons);

  /** Writes some planes, all of one image, and what neurons make of them if there are any. */
  default void fire(Frame frame, @Nullable PlaneNeuronStep neurons, int fromPlane, int toPlane) {
    int image = fromPlane / rows();
    int first = image * rows();
    run(frame, image, fromPlane - first, toPlane - first, neurons);
  }

  @Override
  default void work(Frame frame, int fromPlane, int toPlane) {
    fire(frame, null, fromPlane, toPlane);
  }

  @Override
  default void count(Frame frame) {
    count().run(frame);
  }
}
