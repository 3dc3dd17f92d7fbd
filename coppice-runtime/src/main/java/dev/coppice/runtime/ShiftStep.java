package dev.coppice.runtime;

import dev.coppice.kernels.IntegerConvolution;

/**
 * Makes of counts what an {@link IntegerLayer} reads.
 *
 * @param number of the integer layer
 * @param patterns whether the spikes of several channels are taken together
 */
record ShiftStep(String node, int number, boolean patterns, Value.Planar in) implements Step {

  @Override
  public void run(Frame frame) {
    IntegerConvolution placed = frame.placement.integer().get(number);
    frame.requireShifted(placed.shiftedBytes(frame.images));
    frame.crew.run(this, frame, (long) frame.images * placed.shiftedPlanes(), 1);
  }

  @Override
  public void work(Frame frame, long from, long to) {
    frame.kernels.shiftCounts(
        frame.placement.integer().get(number),
        frame.planes[in.buffer()],
        frame.shifted,
        frame.images,
        (int) from,
        (int) to);
  }

  @Override
  public String explain() {
    return patterns ? "counts to patterns" : "counts to vectors";
  }
}
