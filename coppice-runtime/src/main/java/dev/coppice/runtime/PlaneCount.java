package dev.coppice.runtime;

import dev.coppice.kernels.Planes;
import java.lang.foreign.MemorySegment;

/**
 * Counts the operations of a sparse layer from the spikes that it read.
 *
 * @param index the number of the layer
 * @param reach how many surviving weights read an input
 */
record PlaneCount(int index, Reach reach, Value.Planar in) implements Work {
  /** Planes that are worth a thread of their own. */
  private static final int GRAIN = 8;

  void run(Frame frame) {
    frame.operations[index] = 0;
    if (in.levels() == 0) {
      frame.operations[index] = frame.samples(in.constant()) * reach.all();
    } else {
      frame.share(this, (long) frame.images * in.shape().channels(), GRAIN);
    }
  }

  @Override
  public void work(Frame frame, long from, long to) {
    Planes planes = frame.placement.layouts().get(in.layout());
    MemorySegment spikes = frame.planes[in.buffer()];
    long sum = 0;
    for (int plane = (int) from; plane < to; plane++) {
      int image = plane / planes.channels();
      int channel = plane % planes.channels();
      sum += reach.performed(frame.kernels, planes, spikes, in, image, channel);
    }
    synchronized (frame) {
      frame.operations[index] += sum;
    }
  }
}
