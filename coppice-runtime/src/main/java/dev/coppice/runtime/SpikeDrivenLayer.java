package dev.coppice.runtime;

import dev.coppice.kernels.SpikeConvolution;
import java.lang.foreign.MemorySegment;

/**
 * A convolution or a linear layer of spikes: for each spike, the rows of weights that read it are
 * added. Silent neurons cost nothing, pruned weights do.
 *
 * @param index the number of the layer
 * @param weights packed
 * @param reach how many surviving weights read an input
 * @param reason why this kernel
 */
record SpikeDrivenLayer(
    String node,
    int index,
    SpikeConvolution shape,
    MemorySegment weights,
    Value.Spikes in,
    Value.Analog out,
    Reach reach,
    String reason)
    implements Step {

  @Override
  public void run(Frame frame) {
    int samples = frame.samples(false);
    frame.share(this, samples, 1);
    if (frame.counting) {
      frame.operations[index] = reach.performed(frame.words[in.buffer()], in.levels(), samples);
    }
  }

  @Override
  public void work(Frame frame, long from, long to) {
    frame.kernels.spikeConvForward(
        shape,
        frame.words[in.buffer()],
        weights,
        frame.floats[out.buffer()],
        frame.samples(false),
        (int) from,
        (int) to);
  }

  @Override
  public String explain() {
    return "spike-driven: " + reason;
  }
}
