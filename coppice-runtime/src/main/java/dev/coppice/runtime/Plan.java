package dev.coppice.runtime;

import dev.coppice.kernels.Planes;
import java.util.List;

/**
 * A compiled network.
 *
 * @param steps in the order to run
 * @param floats the sizes of the buffers of floats
 * @param words the sizes of the buffers of packed spikes
 * @param planes the layouts of the values in each buffer of planes
 * @param placements what the steps between planes need
 * @param neurons the layers of neurons, by their number
 * @param synapses the nodes of convolutions and linear layers, by their number
 * @param layers the nodes of both, in the order of the network
 * @param input where images go, constant in time
 * @param output where logits come from, with nothing left to be done to them
 */
record Plan(
    List<Step> steps,
    List<Buffers.Size> floats,
    List<Buffers.Size> words,
    List<List<Integer>> planes,
    Placements placements,
    List<NeuronLayer> neurons,
    List<String> synapses,
    List<String> layers,
    Value.Analog input,
    Value.Analog output) {
  /** Bytes that stay in the second cache of a processor. */
  private static final long CACHE = 512 << 10;

  /**
   * Returns how many images had better be run side by side: as many as let what a step writes stay
   * in the cache for the next one.
   */
  int sideBySide(int steps) {
    long largest = 1;
    for (Buffers.Size size : floats) {
      largest = Math.max(largest, (long) size.elements(steps, 1) * Float.BYTES);
    }
    for (Buffers.Size size : words) {
      largest = Math.max(largest, (long) size.elements(steps, 1) * Long.BYTES);
    }
    for (Planes layout : placements.planes(steps)) {
      largest = Math.max(largest, layout.bytes(1));
    }
    return (int) Math.max(1, CACHE / largest);
  }
}
