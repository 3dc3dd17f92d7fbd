package dev.coppice.runtime;

/** A convolution in whole numbers and the neurons that alone read it, which go on with its sums. */
record WholeNeurons(WholeLayer layer, PlaneNeuronStep neurons) implements PlaneStep {
  @Override
  public String node() {
    return layer.node();
  }

  @Override
  public void work(Frame frame, int fromPlane, int toPlane) {
    layer.fire(frame, neurons, fromPlane, toPlane);
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
