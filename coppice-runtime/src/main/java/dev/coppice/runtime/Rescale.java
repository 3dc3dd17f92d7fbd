package dev.coppice.runtime;

import static dev.coppice.runtime.Frame.load;
import static dev.coppice.runtime.Frame.store;

import java.lang.foreign.MemorySegment;

/** Batch norms and biases before a reader that cannot apply them itself. */
record Rescale(String node, Value.Analog in, float[] scale, float[] shift, Value.Analog out)
    implements Step {

  @Override
  public void run(Frame frame) {
    frame.share(this, (long) frame.samples(in.constant()) * in.pixels(), in.pixels());
  }

  @Override
  public void work(Frame frame, long from, long to) {
    MemorySegment source = frame.floats[in.buffer()];
    MemorySegment target = frame.floats[out.buffer()];
    int channels = scale.length;
    for (long row = from; row < to; row++) {
      for (int c = 0; c < channels; c++) {
        long at = row * channels + c;
        store(target, at, load(source, at) * scale[c] + shift[c]);
      }
    }
  }

  @Override
  public String explain() {
    return "scale and shift";
  }
}
