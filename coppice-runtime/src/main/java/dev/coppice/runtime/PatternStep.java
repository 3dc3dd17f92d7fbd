package dev.coppice.runtime;

/** Counts of single spikes into patterns of several channels. */
record PatternStep(String node, Value.Planar in, Value.Planar out) implements Step {

  @Override
  public void run(Frame frame) {
    frame.crew.run(this, frame, (long) frame.images * out.shape().channels(), 1);
  }

  @Override
  public void work(Frame frame, long from, long to) {
    frame.kernels.packPatterns(
        frame.placement.layouts().get(in.layout()),
        frame.placement.layouts().get(out.layout()),
        frame.planes[in.buffer()],
        frame.planes[out.buffer()],
        frame.images,
        (int) from,
        (int) to);
  }

  @Override
  public String explain() {
    return "counts to patterns";
  }
}
