package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;

/**
 * Averages over windows that do not overlap, from planes to planes. Rows and columns that fill no
 * window are left out, and their gradient is zero. An image {@code [H, W, C]} can be taken for a
 * plane of C images side by side without a border.
 *
 * @param in planes of the input, with a step and a stack of 1
 * @param out planes of the output, with a step and a stack of 1
 * @param window rows and columns of a window
 */
public record PlaneAverage(Planes in, Planes out, int window) {
  /** Throws {@link IllegalArgumentException} when the planes do not fit. */
  public PlaneAverage {
    if (window < 1
        || in.step() != 1
        || out.step() != 1
        || in.stack() != 1
        || out.stack() != 1
        || in.group() != out.group()
        || in.channels() != out.channels()
        || in.height() / window != out.height()
        || in.width() / window != out.width()) {
      throw new IllegalArgumentException(
          "windows of %d do not take %s to %s".formatted(window, in, out));
    }
  }

  void check(MemorySegment x, MemorySegment y, int groups, int fromChannel, int toChannel) {
    SpikeArguments.checkRange("channels", fromChannel, toChannel, in.channels());
    Planes.requireImages(groups);
    long before = bytes(in, groups);
    long behind = bytes(out, groups);
    NeuronArguments.requireFloats("planes before", x, before);
    NeuronArguments.requireFloats("planes behind", y, behind);
    NeuronArguments.requireApart("planes before", x, before, "planes behind", y, behind);
  }

  /** Without what lies behind the last plane, so that an image {@code [H, W, C]} is planes, too. */
  private static long bytes(Planes planes, int groups) {
    long last = planes.origin() + (long) planes.planes() * planes.planeFloats();
    return planes.bytes(groups) - (planes.groupFloats() - last) * Float.BYTES;
  }

  /** What a number of a window counts. */
  float share() {
    return 1f / (window * window);
  }
}
