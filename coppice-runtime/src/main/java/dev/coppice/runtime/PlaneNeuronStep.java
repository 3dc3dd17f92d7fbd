package dev.coppice.runtime;

import dev.coppice.kernels.NeuronConstants;
import dev.coppice.kernels.Planes;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * A layer of neurons between planes. It reads its input current through the batch norm and the
 * biases before it.
 *
 * @param index the number of the neuron layer
 * @param number its number among those between planes
 * @param scale factor of a channel of the input
 * @param shift constant term of a channel of the input
 */
record PlaneNeuronStep(
    String node,
    int index,
    int number,
    NeuronConstants constants,
    Value.Planar in,
    Value.Planar out,
    float[] scale,
    float[] shift)
    implements PlaneStep, NeuronLayer {
  @Override
  public void work(Frame frame, int fromPlane, int toPlane) {
    frame.kernels.planeNeuronForward(
        frame.placement.neurons().get(number),
        frame.planes[in.buffer()],
        frame.planes[out.buffer()],
        frame.images,
        fromPlane,
        toPlane,
        state(frame));
  }

  /** Returns the potentials that it goes on with, or null where it begins at rest. */
  @Nullable MemorySegment state(Frame frame) {
    MemorySegment[] states = frame.states;
    return states == null ? null : states[index];
  }

  @Override
  public void count(Frame frame) {
    Planes planes = frame.placement.layouts().get(out.layout());
    MemorySegment spikes = frame.planes[out.buffer()];
    long count = 0;
    for (int image = 0; image < frame.images; image++) {
      for (int channel = 0; channel < planes.channels(); channel++) {
        // What lies around the maps is zero.
        long first = planes.at(image, channel, 0, 0);
        count += (long) out.sum(frame.kernels, spikes, first, planes.planeFloats());
      }
    }
    frame.spikes[index] = count;
  }

  @Override
  public MemorySegment allocateState(Frame frame) {
    return frame.placement.neurons().get(number).allocateState(Arena.ofAuto(), 1);
  }

  @Override
  public void rest(Frame frame, MemorySegment state) {
    frame.placement.neurons().get(number).rest(state, 1);
  }

  @Override
  public String explain() {
    return "neurons" + (in.constant() ? ", input constant in time" : "");
  }
}
