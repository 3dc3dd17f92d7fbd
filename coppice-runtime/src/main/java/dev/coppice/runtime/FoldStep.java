package dev.coppice.runtime;

import dev.coppice.kernels.IntegerConvolution;

/**
 * Makes of counts what an {@link IntegerLayer} reads.
 *
 * @param number of the integer layer
 * @param together channels whose spikes are taken together as patterns, 1 for counts
 */
record FoldStep(String node, int number, int together, Value.Planar in) implements PlaneStep {

  @Override
  public void prepare(Frame frame) {
    long bytes = frame.placement.integer().get(number).foldedBytes(frame.images);
    frame.requireFolded(number, bytes);
  }

  @Override
  public void work(Frame frame, int fromPlane, int toPlane) {
    IntegerConvolution placed = frame.placement.integer().get(number);
    int image = fromPlane / in.shape().channels();
    int firstPlane = image * in.shape().channels();
    int first = image * placed.foldedPlanes();
    frame.kernels.foldCounts(
        placed,
        frame.planes[in.buffer()],
        frame.folded(number),
        frame.images,
        first + (fromPlane - firstPlane) / together,
        first + Math.ceilDiv(toPlane - firstPlane, together));
  }

  @Override
  public String explain() {
    return together > 1 ? "counts to patterns" : "counts to vectors";
  }
}
