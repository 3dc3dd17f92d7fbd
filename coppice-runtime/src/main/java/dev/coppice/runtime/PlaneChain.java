package dev.coppice.runtime;

import java.util.List;
import java.util.stream.Collectors;

/**
 * Steps that go from plane to plane, done one after the other for a few planes at a time: what a
 * convolution wrote is still in the cache when its neurons read it.
 *
 * @param planes the planes of an image that each of them writes
 */
record PlaneChain(List<PlaneStep> parts, int planes) implements Step {

  @Override
  public String node() {
    return parts.getFirst().node();
  }

  @Override
  public void run(Frame frame) {
    frame.crew.run(this, frame, (long) frame.images * planes, 1);
    if (frame.counting) {
      for (PlaneStep part : parts) {
        part.count(frame);
      }
    }
  }

  @Override
  public void work(Frame frame, long from, long to) {
    for (int first = (int) from; first < to; ) {
      int end = (int) Math.min(to, (first / planes + 1L) * planes);
      // By index: an iterator would be an object.
      for (int i = 0; i < parts.size(); i++) {
        parts.get(i).work(frame, first, end);
      }
      first = end;
    }
  }

  @Override
  public String explain() {
    return parts.getFirst().explain()
        + parts.stream()
            .skip(1)
            .map(part -> "; " + part.node() + ": " + part.explain())
            .collect(Collectors.joining());
  }
}
