package dev.coppice.runtime;

import static dev.coppice.runtime.Frame.load;
import static dev.coppice.runtime.Frame.store;

import dev.coppice.kernels.Planes;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A sum between planes, each term read through the batch norm and the biases before it: {@code Σ
 * x·scale + shift}. Terms constant in time are repeated where others are not. What surrounds the
 * maps is summed too and means nothing.
 */
record PlaneAddStep(String node, List<Term> terms, float[] shift, Value.Planar out)
    implements PlaneStep {

  /** What is added, and the factor of a channel. */
  record Term(Value.Planar value, float[] scale) {}

  @Override
  public void work(Frame frame, int fromPlane, int toPlane) {
    for (int plane = fromPlane; plane < toPlane; plane++) {
      for (int k = 0; k < terms.size(); k++) {
        add(frame, terms.get(k), k == 0, plane / shift.length, plane % shift.length);
      }
    }
  }

  private void add(Frame frame, Term term, boolean first, int image, int channel) {
    MemorySegment source = frame.planes[term.value().buffer()];
    MemorySegment target = frame.planes[out.buffer()];
    Planes from = frame.placement.layouts().get(term.value().layout());
    Planes to = frame.placement.layouts().get(out.layout());
    float scale = term.scale()[channel];
    float constant = shift[channel];
    int floats = to.mapFloats();
    for (int map = 0; map < to.stack(); map++) {
      long read = from.at(Math.min(map, from.stack() - 1), image, channel, 0, 0);
      long at = to.at(map, image, channel, 0, 0);
      if (first) {
        for (int i = 0; i < floats; i++) {
          store(target, at + i, load(source, read + i) * scale + constant);
        }
      } else {
        for (int i = 0; i < floats; i++) {
          store(target, at + i, load(target, at + i) + load(source, read + i) * scale);
        }
      }
    }
  }

  @Override
  public String explain() {
    return "sum of " + terms.size();
  }
}
