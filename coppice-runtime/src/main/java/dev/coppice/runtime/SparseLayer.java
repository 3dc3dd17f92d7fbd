package dev.coppice.runtime;

import dev.coppice.kernels.SparseConvolution;

/**
 * A convolution by the surviving weights alone, between planes: for each weight, one pass over all
 * positions and time steps. Pruned weights cost nothing, silent neurons do.
 *
 * @param number its number among the sparse layers
 * @param weights the surviving weights, between the planes of T as images are run
 * @param count counts what it did
 * @param reason why this kernel
 */
record SparseLayer(
    String node,
    int number,
    SparseConvolution weights,
    PlaneCount count,
    Value.Planar in,
    Value.Planar out,
    String reason)
    implements PlaneStep {

  @Override
  public void work(Frame frame, int fromPlane, int toPlane) {
    SparseConvolution placed = frame.placement.sparse().get(number);
    int image = fromPlane / placed.rows();
    int first = image * placed.rows();
    frame.kernels.sparseConvForward(
        placed,
        frame.planes[in.buffer()],
        frame.planes[out.buffer()],
        frame.images,
        image,
        image + 1,
        fromPlane - first,
        toPlane - first);
  }

  @Override
  public void count(Frame frame) {
    count.run(frame);
  }

  @Override
  public String explain() {
    return "sparse: " + reason + (in.constant() ? ", once for all time steps" : "");
  }
}
