package dev.coppice.runtime;

import dev.coppice.kernels.SpikeColumns;

/**
 * A convolution or a linear layer of spikes by the surviving weights alone: each spike adds those
 * of its channel, one by one. Neither silent neurons nor pruned weights cost anything.
 *
 * @param index the number of the layer
 * @param columns the surviving weights by input channel
 * @param reach how many surviving weights read an input
 * @param reason why this kernel
 */
record SpikeColumnsLayer(
    String node,
    int index,
    SpikeColumns columns,
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
    frame.kernels.spikeColumnsForward(
        columns,
        frame.words[in.buffer()],
        frame.floats[out.buffer()],
        frame.samples(false),
        (int) from,
        (int) to);
  }

  @Override
  public String explain() {
    return "spike-driven, sparse: " + reason;
  }
}
