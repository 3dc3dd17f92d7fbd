package dev.coppice.runtime;

/** Spikes, or averages of them, from planes into bits. */
record SpikesFromPlanes(String node, Value.Planar in, Value.Spikes out) implements Step {

  @Override
  public void run(Frame frame) {
    frame.share(this, frame.placement.layouts().get(in.layout()).maps(frame.images), 1);
  }

  @Override
  public void work(Frame frame, long from, long to) {
    frame
        .placement
        .layouts()
        .get(in.layout())
        .toSpikes(
            frame.planes[in.buffer()],
            frame.words[out.buffer()],
            out.levels(),
            frame.images,
            (int) from,
            (int) to);
  }

  @Override
  public String explain() {
    return "planes to bits";
  }
}
