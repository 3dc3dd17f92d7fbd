package dev.coppice.runtime;

import java.lang.foreign.MemorySegment;

/** A layer of neurons, whose potentials a stream keeps from call to call. */
sealed interface NeuronLayer permits NeuronStep, PlaneNeuronStep {
  /** Returns the node of the network. */
  String node();

  /** Returns the number of the layer. */
  int index();

  /** Returns memory for the potentials of one image, at rest. */
  MemorySegment allocateState(Frame frame);

  /** Puts the potentials to rest. */
  void rest(Frame frame, MemorySegment state);
}
