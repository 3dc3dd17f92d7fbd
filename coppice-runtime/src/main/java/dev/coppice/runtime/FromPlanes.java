package dev.coppice.runtime;

/** Any numbers from planes into maps. */
record FromPlanes(String node, Value.Planar in, Value.Analog out) implements Step {

  @Override
  public void run(Frame frame) {
    frame.share(this, frame.placement.layouts().get(in.layout()).parts(frame.images), 1);
  }

  @Override
  public void work(Frame frame, long from, long to) {
    frame
        .placement
        .layouts()
        .get(in.layout())
        .toMaps(
            frame.planes[in.buffer()],
            frame.floats[out.buffer()],
            frame.images,
            (int) from,
            (int) to);
  }

  @Override
  public String explain() {
    return "planes to maps";
  }
}
