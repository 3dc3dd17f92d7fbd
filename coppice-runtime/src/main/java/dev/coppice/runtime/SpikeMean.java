package dev.coppice.runtime;

import static dev.coppice.runtime.Frame.load;
import static dev.coppice.runtime.Frame.store;

import java.lang.foreign.MemorySegment;

/** The mean over the positions of packed spikes. */
record SpikeMean(String node, Value.Spikes in, Value.Analog out) implements Step {

  @Override
  public void run(Frame frame) {
    work(frame, 0, frame.samples(false));
  }

  @Override
  public void work(Frame frame, long from, long to) {
    long[] source = frame.words[in.buffer()];
    MemorySegment target = frame.floats[out.buffer()];
    int planes = in.pixels() * in.levels();
    for (long sample = from; sample < to; sample++) {
      long first = sample * in.channels();
      for (int c = 0; c < in.channels(); c++) {
        store(target, first + c, 0);
      }
      int at = (int) sample * in.sampleWords();
      for (int i = 0; i < in.sampleWords(); i++) {
        long base = first + (long) (i % in.words()) * Long.SIZE;
        for (long bits = source[at + i]; bits != 0; bits &= bits - 1) {
          long index = base + Long.numberOfTrailingZeros(bits);
          store(target, index, load(target, index) + 1);
        }
      }
      for (int c = 0; c < in.channels(); c++) {
        store(target, first + c, load(target, first + c) / planes);
      }
    }
  }

  @Override
  public String explain() {
    return "counts spikes";
  }
}
