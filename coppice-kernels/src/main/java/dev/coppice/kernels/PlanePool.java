package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;

/**
 * Average or maximum pooling between {@link Planes} of the same groups and stacks, for inference.
 * Everything around the maps of the output is written too, as zeros. Columns of a window are summed
 * first, then these sums from left to right.
 *
 * @param average whether to average, or to add up if these are counts; otherwise the largest is
 *     taken
 * @param kernel rows and columns of a window
 * @param stride steps of the window in both directions
 * @param numbers what is pooled; sums of counts must fit into them
 */
public record PlanePool(
    boolean average, int kernel, int stride, Planes in, Planes out, PlaneNumbers numbers) {
  /**
   * Throws {@link IllegalArgumentException} when windows do not fit or the planes do not go
   * together.
   */
  public PlanePool {
    if (kernel < 1 || stride < 1) {
      throw new IllegalArgumentException("windows and their steps must be positive");
    }
    var expected =
        new Planes(
            in.channels(),
            (in.height() - kernel) / stride + 1,
            (in.width() - kernel) / stride + 1,
            in.group(),
            out.border(),
            1,
            in.stack());
    if (in.height() < kernel || in.width() < kernel || in.step() != 1 || !out.equals(expected)) {
      throw new IllegalArgumentException(
          "windows of %d, %d apart, do not take %s to %s".formatted(kernel, stride, in, out));
    }
  }

  void check(MemorySegment from, MemorySegment to, int groups, int fromPlane, int toPlane) {
    if (groups < 0) {
      throw new IllegalArgumentException("groups must not be negative: " + groups);
    }
    SpikeArguments.checkRange("planes", fromPlane, toPlane, (long) groups * out.planes());
    NeuronArguments.requireFloats("input", from, in.bytes(groups));
    NeuronArguments.requireFloats("output", to, out.bytes(groups));
    NeuronArguments.requireApart("input", from, in.bytes(groups), "output", to, out.bytes(groups));
  }

  /**
   * Makes what surrounds a map that begins at {@code at} zero, but for what lies before it; in
   * elements.
   */
  void clearBorder(MemorySegment to, long at) {
    if (out.border() == 0) {
      return;
    }
    long first = at;
    int row = out.columns() * out.group();
    for (int y = 1; y < out.rows(); y++) {
      numbers.clear(to, first + row, first + out.pitch());
      first += out.pitch();
    }
    numbers.clear(to, first + row, first + (out.border() + 1L) * out.pitch());
  }
}
