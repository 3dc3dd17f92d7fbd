package dev.coppice.runtime;

import dev.coppice.kernels.IntegerConvolution;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

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
  public int rows() {
    return weights.rows();
  }

  @Override
  public void run(
      Frame frame, int image, int fromRow, int toRow, @Nullable PlaneNeuronStep neurons) {
    IntegerConvolution placed = frame.placement.integer().get(number);
    MemorySegment read = frame.folded(number);
    MemorySegment sums = frame.planes[out.buffer()];
    if (neurons == null) {
      frame.kernels.integerConvForward(
          placed, read, sums, frame.images, image, image + 1, fromRow, toRow);
    } else {
      frame.kernels.integerNeuronForward(
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
    return (weights.patterns() ? "int8, spikes in patterns: " : "int8, spikes counted: ") + reason;
  }
}
