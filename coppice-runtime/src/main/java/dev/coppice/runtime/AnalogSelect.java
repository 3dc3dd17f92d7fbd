package dev.coppice.runtime;

import static dev.coppice.runtime.Frame.load;
import static dev.coppice.runtime.Frame.store;

import java.lang.foreign.MemorySegment;

/**
 * Some channels of any numbers.
 *
 * @param channels indices among those of the input
 */
record AnalogSelect(String node, int[] channels, Value.Analog in, Value.Analog out)
    implements Step {

  @Override
  public void run(Frame frame) {
    work(frame, 0, (long) frame.samples(in.constant()) * in.pixels());
  }

  @Override
  public void work(Frame frame, long from, long to) {
    MemorySegment source = frame.floats[in.buffer()];
    MemorySegment target = frame.floats[out.buffer()];
    int width = in.shape().channels();
    for (long row = from; row < to; row++) {
      for (int i = 0; i < channels.length; i++) {
        store(target, row * channels.length + i, load(source, row * width + channels[i]));
      }
    }
  }

  @Override
  public String explain() {
    return "selection";
  }
}
