package dev.coppice.runtime;

import static dev.coppice.runtime.Frame.load;
import static dev.coppice.runtime.Frame.store;

import java.lang.foreign.MemorySegment;

/**
 * Any numbers, each times its gate.
 *
 * @param gates {@code [pixels, channels]}
 */
record AnalogGate(String node, float[] gates, Value.Analog in, Value.Analog out) implements Step {

  @Override
  public void run(Frame frame) {
    work(frame, 0, frame.samples(in.constant()));
  }

  @Override
  public void work(Frame frame, long from, long to) {
    MemorySegment source = frame.floats[in.buffer()];
    MemorySegment target = frame.floats[out.buffer()];
    for (long sample = from; sample < to; sample++) {
      long first = sample * gates.length;
      for (int i = 0; i < gates.length; i++) {
        store(target, first + i, load(source, first + i) * gates[i]);
      }
    }
  }

  @Override
  public String explain() {
    return "gates";
  }
}
