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

  /** Planes that had better be in the same hands. */
  private int together() {
    int together = 1;
    for (int i = 0; i < parts.size(); i++) {
      together = Math.max(together, parts.get(i).together());
    }
    return together;
  }

  @Override
  public void run(Frame frame) {
    for (int i = 0; i < parts.size(); i++) {
      parts.get(i).prepare(frame);
    }
    frame.share(this, (long) frame.images * Math.ceilDiv(planes, together()), 1);
    if (frame.counting) {
      for (PlaneStep part : parts) {
        part.count(frame);
      }
    }
  }

  /** Works on bundles of planes, the last of an image being smaller. */
  @Override
  public void work(Frame frame, long from, long to) {
    int together = together();
    int bundles = Math.ceilDiv(planes, together);
    for (int first = (int) from; first < to; ) {
      int image = first / bundles;
      int end = (int) Math.min(to, (image + 1L) * bundles);
      int firstPlane = image * planes + first % bundles * together;
      int endPlane = image * planes + Math.min(planes, (end - image * bundles) * together);
      // By index: an iterator would be an object.
      for (int i = 0; i < parts.size(); i++) {
        parts.get(i).work(frame, firstPlane, endPlane);
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
