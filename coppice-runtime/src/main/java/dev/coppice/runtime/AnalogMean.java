package dev.coppice.runtime;

import static dev.coppice.runtime.Frame.load;
import static dev.coppice.runtime.Frame.store;

import java.lang.foreign.MemorySegment;

/** The mean over the positions of a map of any numbers. */
record AnalogMean(String node, Value.Analog in, Value.Analog out) implements Step {

  @Override
  public void run(Frame frame) {
    work(frame, 0, frame.samples(in.constant()));
  }

  @Override
  public void work(Frame frame, long from, long to) {
    MemorySegment source = frame.floats[in.buffer()];
    MemorySegment target = frame.floats[out.buffer()];
    int channels = in.shape().channels();
    int pixels = in.pixels();
    for (long sample = from; sample < to; sample++) {
      for (int c = 0; c < channels; c++) {
        float sum = 0;
        for (int pixel = 0; pixel < pixels; pixel++) {
          sum += load(source, (sample * pixels + pixel) * channels + c);
        }
        store(target, sample * channels + c, sum / pixels);
      }
    }
  }

  @Override
  public String explain() {
    return "mean";
  }
}
