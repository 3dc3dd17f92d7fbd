package dev.coppice.runtime;

/**
 * Any numbers from maps into planes.
 *
 * @param surrounded whether what surrounds the maps must be zero
 */
record IntoPlanes(String node, Value.Analog in, Value.Planar out, boolean surrounded)
    implements Step {

  @Override
  public void run(Frame frame) {
    if (surrounded) {
      frame.clearPlanes(out);
    }
    frame.share(this, frame.placement.layouts().get(out.layout()).parts(frame.images), 1);
  }

  @Override
  public void work(Frame frame, long from, long to) {
    frame
        .placement
        .layouts()
        .get(out.layout())
        .fromMaps(
            frame.floats[in.buffer()],
            frame.planes[out.buffer()],
            frame.images,
            (int) from,
            (int) to);
  }

  @Override
  public String explain() {
    return "maps to planes";
  }
}
