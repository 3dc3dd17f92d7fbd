package dev.coppice.runtime;

import static dev.coppice.runtime.Frame.load;
import static dev.coppice.runtime.Frame.store;

import java.lang.foreign.MemorySegment;

/** Packed spikes as floats. */
record Unpack(String node, Value.Spikes in, Value.Analog out) implements Step {

  @Override
  public void run(Frame frame) {
    frame.share(this, (long) frame.samples(false) * in.pixels(), in.pixels());
  }

  @Override
  public void work(Frame frame, long from, long to) {
    long[] source = frame.words[in.buffer()];
    MemorySegment target = frame.floats[out.buffer()];
    int channels = in.channels();
    int pixelWords = in.levels() * in.words();
    for (long pixel = from; pixel < to; pixel++) {
      long first = pixel * channels;
      for (int c = 0; c < channels; c++) {
        store(target, first + c, 0);
      }
      int at = (int) pixel * pixelWords;
      for (int i = 0; i < pixelWords; i++) {
        long base = first + (long) (i % in.words()) * Long.SIZE;
        for (long bits = source[at + i]; bits != 0; bits &= bits - 1) {
          long index = base + Long.numberOfTrailingZeros(bits);
          store(target, index, load(target, index) + 1);
        }
      }
      for (int c = 0; in.levels() > 1 && c < channels; c++) {
        store(target, first + c, load(target, first + c) / in.levels());
      }
    }
  }

  @Override
  public String explain() {
    return "bits to floats";
  }
}
