package dev.coppice.runtime;

import dev.coppice.kernels.DenseConvolution;
import java.lang.foreign.MemorySegment;

/**
 * A convolution or a linear layer of any numbers; once for all time steps if its input is constant.
 *
 * @param index the number of the layer
 * @param weights packed
 * @param reach how many surviving weights read an input
 * @param reason why this kernel
 */
record DenseLayer(
    String node,
    int index,
    DenseConvolution shape,
    MemorySegment weights,
    Value.Analog in,
    Value.Analog out,
    Reach reach,
    String reason)
    implements Step {

  @Override
  public void run(Frame frame) {
    int samples = frame.samples(in.constant());
    frame.share(this, (long) samples * shape.outHeight(), 1);
    frame.operations[index] = samples * reach.all();
  }

  @Override
  public void work(Frame frame, long from, long to) {
    frame.kernels.denseConvForward(
        shape,
        frame.floats[in.buffer()],
        weights,
        frame.floats[out.buffer()],
        frame.samples(in.constant()),
        (int) from,
        (int) to);
  }

  @Override
  public String explain() {
    return "dense: " + reason + (in.constant() ? ", once for all time steps" : "");
  }
}
