package dev.coppice.runtime;

import dev.coppice.kernels.IntegerConvolution;

/**
 * A convolution by the surviving weights alone, between planes, in whole numbers: of weights in
 * eight bits and counts of spikes. What it gives are multiples of a scale that its reader applies.
 *
 * @param number its number among the integer layers
 * @param weights the surviving weights, between the planes of T as images are run
 * @param in the counts that a {@link FoldStep} made ready
 * @param count counts what it did
 * @param reason why this kernel
 */
record IntegerLayer(
    String node,
    int number,
    IntegerConvolution weights,
    PlaneCount count,
    Value.Planar in,
    Value.Planar out,
    String reason)
    implements WholeLayer {

  @Override
  public void work(Frame frame, int fromPlane, int toPlane) {
    IntegerConvolution placed = frame.placement.integer().get(number);
    int image = fromPlane / placed.rows();
    int first = image * placed.rows();
    frame.kernels.integerConvForward(
        placed,
        frame.folded(number),
        frame.planes[out.buffer()],
        frame.images,
        image,
        image + 1,
        fromPlane - first,
        toPlane - first);
  }

  @Override
  public void fire(Frame frame, PlaneNeuronStep neurons, int fromPlane, int toPlane) {
    IntegerConvolution placed = frame.placement.integer().get(number);
    int image = fromPlane / placed.rows();
    int first = image * placed.rows();
    frame.kernels.integerNeuronForward(
        placed,
        frame.placement.neurons().get(neurons.number()),
        frame.folded(number),
        frame.planes[out.buffer()],
        frame.planes[neurons.out().buffer()],
        frame.images,
        image,
        image + 1,
        fromPlane - first,
        toPlane - first,
        neurons.state(frame));
  }

  @Override
  public void count(Frame frame) {
    count.run(frame);
  }

  @Override
  public String explain() {
    return (weights.patterns() ? "int8, spikes in patterns: " : "int8, spikes counted: ") + reason;
  }
}
