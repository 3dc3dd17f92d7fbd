package dev.coppice.runtime;

/** A convolution in whole numbers between planes, with whose sums neurons can go on. */
sealed interface WholeLayer extends PlaneStep permits IntegerLayer, ByteLayer {

  /** {@link #work} and that of the neurons that alone read what it gives. */
  void fire(Frame frame, PlaneNeuronStep neurons, int fromPlane, int toPlane);
}
