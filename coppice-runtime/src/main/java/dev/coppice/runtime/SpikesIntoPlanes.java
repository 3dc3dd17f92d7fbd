package dev.coppice.runtime;

/** Packed spikes into planes. */
record SpikesIntoPlanes(String node, Value.Spikes in, Value.Planar out) implements Step {

  @Override
  public void run(Frame frame) {
    frame.clearPlanes(out);
    frame.share(this, frame.placement.layouts().get(out.layout()).parts(frame.images), 1);
  }

  @Override
  public void work(Frame frame, long from, long to) {
    frame
        .placement
        .layouts()
        .get(out.layout())
        .fromSpikes(
            frame.words[in.buffer()],
            in.levels(),
            out.numbers(),
            frame.planes[out.buffer()],
            frame.images,
            (int) from,
            (int) to);
  }

  @Override
  public String explain() {
    return "bits to planes";
  }
}
