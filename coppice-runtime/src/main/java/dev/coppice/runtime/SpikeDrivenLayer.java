package dev.coppice.runtime;

import dev.coppice.kernels.SpikeConvolution;
import java.lang.foreign.MemorySegment;

/**
 * A convolution or a linear layer of spikes: for each spike, the rows of weights that read it are
 * added. Silent neurons cost nothing, pruned weights do.
 *
 * @param index the number of the layer
 * @param weights packed
 * @param rowTaps how many rows of the kernel meet a row of the input
 * @param columnTaps how many columns of the kernel meet a column of the input
 * @param reason why this kernel
 */
record SpikeDrivenLayer(
    String node,
    int index,
    SpikeConvolution shape,
    MemorySegment weights,
    Value.Spikes in,
    Value.Analog out,
    int[] rowTaps,
    int[] columnTaps,
    String reason)
    implements SynapseStep {

  /** Returns how often a kernel meets each place along a side. */
  static int[] taps(int size, int positions, int kernel, int stride, int padding) {
    int[] taps = new int[size];
    for (int position = 0; position < positions; position++) {
      int first = position * stride - padding;
      for (int at = Math.max(0, first); at < Math.min(size, first + kernel); at++) {
        taps[at]++;
      }
    }
    return taps;
  }

  @Override
  public void run(Frame frame) {
    int samples = frame.samples(false);
    frame.crew.run(this, frame, samples, 1);
    frame.operations[index] = performed(frame.words[in.buffer()], samples);
  }

  private long performed(long[] packed, int samples) {
    int pixelWords = in.levels() * in.words();
    long sum = 0;
    int at = 0;
    for (int sample = 0; sample < samples; sample++) {
      for (int rows : rowTaps) {
        for (int columns : columnTaps) {
          int spikes = 0;
          for (int end = at + pixelWords; at < end; at++) {
            spikes += Long.bitCount(packed[at]);
          }
          sum += (long) spikes * rows * columns;
        }
      }
    }
    return sum * shape.out();
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
