package dev.coppice.runtime;

import dev.coppice.kernels.ByteConvolution;

/**
 * A convolution by the surviving weights alone, between planes, in whole numbers: of weights in
 * eight bits and spikes counted in bytes. What it gives are multiples of a scale that its reader
 * applies.
 *
 * @param number its number among the layers of bytes
 * @param weights the surviving weights, between the planes of T as images are run
 * @param count counts what it did
 * @param reason why this kernel
 */
record ByteLayer(
    String node,
    int number,
    ByteConvolution weights,
    PlaneCount count,
    Value.Planar in,
    Value.Planar out,
    String reason)
    implements WholeLayer {

  @Override
  public void work(Frame frame, int fromPlane, int toPlane) {
    ByteConvolution placed = frame.placement.bytes().get(number);
    int image = fromPlane / placed.rows();
    int first = image * placed.rows();
    frame.kernels.byteConvForward(
        placed,
        frame.planes[in.buffer()],
        frame.planes[out.buffer()],
        frame.images,
        image,
        image + 1,
        fromPlane - first,
        toPlane - first);
  }

  @Override
  public void fire(Frame frame, PlaneNeuronStep neurons, int fromPlane, int toPlane) {
    ByteConvolution placed = frame.placement.bytes().get(number);
    int image = fromPlane / placed.rows();
    int first = image * placed.rows();
    frame.kernels.byteNeuronForward(
        placed,
        frame.placement.neurons().get(neurons.number()),
        frame.planes[in.buffer()],
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
    return "int8, bytes: " + reason;
  }
}
