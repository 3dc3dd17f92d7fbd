package dev.coppice.runtime;

import dev.coppice.kernels.ByteConvolution;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

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
  public int rows() {
    return weights.rows();
  }

  @Override
  public void run(
      Frame frame, int image, int fromRow, int toRow, @Nullable PlaneNeuronStep neurons) {
    ByteConvolution placed = frame.placement.bytes().get(number);
    MemorySegment read = frame.planes[in.buffer()];
    MemorySegment sums = frame.planes[out.buffer()];
    if (neurons == null) {
      frame.kernels.byteConvForward(
          placed, read, sums, frame.images, image, image + 1, fromRow, toRow);
    } else {
      frame.kernels.byteNeuronForward(
          placed,
          frame.placement.neurons().get(neurons.number()),
          read,
          sums,
          frame.planes[neurons.out().buffer()],
          frame.images,
          image,
          image + 1,
          fromRow,
          toRow,
          neurons.state(frame));
    }
  }

  @Override
  public String explain() {
    return "int8, bytes: " + reason;
  }
}
