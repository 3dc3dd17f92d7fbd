package dev.coppice.runtime;

/**
 * Average or maximum pooling between planes.
 *
 * @param number its number among those between planes
 */
record PlanePoolStep(
    String node,
    int number,
    boolean average,
    int kernel,
    int stride,
    Value.Planar in,
    Value.Planar out)
    implements PlaneStep {

  @Override
  public void work(Frame frame, int fromPlane, int toPlane) {
    frame.kernels.planePoolForward(
        frame.placement.pools().get(number),
        frame.planes[in.buffer()],
        frame.planes[out.buffer()],
        frame.images,
        fromPlane,
        toPlane);
  }

  @Override
  public String explain() {
    return average ? "average" : "maximum";
  }
}
