package dev.coppice.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * What a thread needs to compute convolutions forward. It is kept from call to call, so that calls
 * allocate nothing once it has grown.
 */
final class ConvolutionScratch {
  private static final ThreadLocal<ConvolutionScratch> OF_THREAD =
      ThreadLocal.withInitial(ConvolutionScratch::new);

  /** Sums of a block of output channels. */
  final float[] sums = new float[SpikeConvolution.BLOCK];

  /** Room for the sums of a block of output channels that is not all in use. */
  final MemorySegment block =
      Arena.ofAuto()
          .allocate((long) SpikeConvolution.BLOCK * Float.BYTES, SpikeConvolution.ALIGNMENT);

  private int[] list = new int[0];
  private int[] starts = new int[0];
  private float[] padded = new float[0];

  private ConvolutionScratch() {}

  static ConvolutionScratch get() {
    return OF_THREAD.get();
  }

  /** Returns room for a list of spikes, with stale numbers. */
  int[] list(int size) {
    if (list.length < size) {
      list = new int[size];
    }
    return list;
  }

  /** Returns room for where the spikes of pixels start in the list, with stale numbers. */
  int[] starts(int size) {
    if (starts.length < size) {
      starts = new int[size];
    }
    return starts;
  }

  /** Returns room for an image with its border, with stale numbers. */
  float[] padded(int size) {
    if (padded.length < size) {
      padded = new float[size];
    }
    return padded;
  }
}
