package dev.coppice.runtime;

import static dev.coppice.runtime.Frame.load;
import static dev.coppice.runtime.Frame.store;

import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A sum, each term read through the batch norm and the biases before it: {@code Σ x·scale + shift}.
 * Terms constant in time are repeated where others are not.
 */
record AddStep(String node, List<Term> terms, float[] shift, Value.Analog out) implements Step {
  /** Elements that are worth a thread of their own. */
  private static final int GRAIN = 1 << 12;

  /** What is added, and the factor of a channel. */
  record Term(Value.Analog value, float[] scale) {}

  @Override
  public void run(Frame frame) {
    frame.share(
        this,
        (long) frame.samples(out.constant()) * out.pixels(),
        Math.max(1, GRAIN / shift.length));
  }

  @Override
  public void work(Frame frame, long from, long to) {
    for (int k = 0; k < terms.size(); k++) {
      add(frame, terms.get(k), k == 0, from, to);
    }
  }

  private void add(Frame frame, Term term, boolean first, long from, long to) {
    MemorySegment source = frame.floats[term.value().buffer()];
    MemorySegment target = frame.floats[out.buffer()];
    int channels = shift.length;
    float[] scale = term.scale();
    long rows = (long) frame.samples(term.value().constant()) * out.pixels();
    for (long row = from; row < to; row++) {
      long at = row * channels;
      long read = row % rows * channels;
      if (first) {
        for (int c = 0; c < channels; c++) {
          store(target, at + c, load(source, read + c) * scale[c] + shift[c]);
        }
      } else {
        for (int c = 0; c < channels; c++) {
          store(target, at + c, load(target, at + c) + load(source, read + c) * scale[c]);
        }
      }
    }
  }

  @Override
  public String explain() {
    return "sum of " + terms.size();
  }
}
