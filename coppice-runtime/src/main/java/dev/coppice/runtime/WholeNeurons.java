package dev.coppice.runtime;

import java.lang.foreign.MemorySegment;

/** An integer layer and the neurons that alone read it, which go on with sums at once. */
record IntegerNeurons(IntegerLayer layer, PlaneNeuronStep neurons) implements PlaneStep {
  @Override
  public String node() {
    return layer.node();
  }

  @Override
  public void work(Frame frame, int fromPlane, int toPlane) {
    int rows = layer.weights().rows();
    int image = fromPlane / rows;
    MemorySegment[] states = frame.states;
    frame.kernels.integerNeuronForward(
        frame.placement.integer().get(layer.number()),
        frame.placement.neurons().get(neurons.number()),
        frame.folded(layer.number()),
        frame.planes[layer.out().buffer()],
        frame.planes[neurons.out().buffer()],
        frame.images,
        image,
        image + 1,
        fromPlane - image * rows,
        toPlane - image * rows,
        states == null ? null : states[neurons.index()]);
  }

  @Override
  public void count(Frame frame) {
    layer.count(frame);
    neurons.count(frame);
  }

  @Override
  public String explain() {
    return layer.explain() + "; " + neurons.node() + ": " + neurons.explain();
  }
}
