package dev.coppice.kernels;

import static dev.coppice.kernels.NeuronArguments.requireApart;
import static dev.coppice.kernels.NeuronArguments.requireFloats;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** The checks that all implementations of the normalising kernels begin with. */
final class NormArguments {
  private NormArguments() {}

  static void checkMoments(MemorySegment x, ChannelSums sums, long fromRow, long toRow) {
    requireFloats("x", x, checkRows(1, sums.rows(), sums.channels(), fromRow, toRow));
    sums.checkRange(fromRow, toRow);
  }

  static void checkForward(
      MemorySegment x,
      boolean repeated,
      float[] scale,
      float[] shift,
      @Nullable MemorySegment h,
      MemorySegment s,
      int steps,
      long rows,
      long fromRow,
      long toRow,
      @Nullable Probe probe) {
    long bytes = checkRows(steps, rows, scale.length, fromRow, toRow);
    long inputBytes = repeated ? bytes / steps : bytes;
    requireChannels("shift", shift, scale.length);
    requireFloats("x", x, inputBytes);
    requireFloats("s", s, bytes);
    requireApart("x", x, inputBytes, "s", s, bytes);
    if (h != null) {
      requireFloats("h", h, bytes);
      requireApart("x", x, inputBytes, "h", h, bytes);
      requireApart("h", h, bytes, "s", s, bytes);
    }
    if (probe != null) {
      NeuronArguments.checkProbe(probe, fromRow * scale.length, toRow * scale.length);
    }
  }

  static void checkPacked(
      MemorySegment x,
      boolean repeated,
      float[] scale,
      float[] shift,
      long[] packed,
      int steps,
      long rows,
      long fromRow,
      long toRow,
      @Nullable MemorySegment state) {
    long bytes = checkRows(steps, rows, scale.length, fromRow, toRow);
    requireChannels("shift", shift, scale.length);
    requireFloats("x", x, repeated ? bytes / steps : bytes);
    SpikeArguments.requireWords(packed, steps * rows * Math.ceilDiv(scale.length, Long.SIZE));
    if (state != null) {
      requireFloats("state", state, bytes / steps);
      requireApart("state", state, bytes / steps, "x", x, repeated ? bytes / steps : bytes);
    }
  }

  static void checkBackward(
      MemorySegment x,
      boolean repeated,
      float[] scale,
      float[] shift,
      float[] mean,
      MemorySegment gradS,
      MemorySegment gradY,
      int steps,
      long rows,
      long fromRow,
      long toRow,
      ChannelSums sums) {
    long bytes = checkRows(steps, rows, scale.length, fromRow, toRow);
    long inputBytes = repeated ? bytes / steps : bytes;
    requireChannels("shift", shift, scale.length);
    requireChannels("mean", mean, scale.length);
    requireFloats("x", x, inputBytes);
    requireFloats("gradS", gradS, bytes);
    requireFloats("gradY", gradY, inputBytes);
    requireApart("gradY", gradY, inputBytes, "x", x, inputBytes);
    if (repeated || gradY.address() != gradS.address()) {
      requireApart("gradY", gradY, inputBytes, "gradS", gradS, bytes);
    }
    if (sums.rows() != rows || sums.channels() != scale.length) {
      throw new IllegalArgumentException(
          "sums of %d rows of %d channels do not fit %d rows of %d"
              .formatted(sums.rows(), sums.channels(), rows, scale.length));
    }
    sums.checkRange(fromRow, toRow);
  }

  static void checkCombine(
      MemorySegment gradY,
      MemorySegment x,
      float[] a,
      float[] b,
      float[] c,
      MemorySegment gradX,
      long rows,
      long fromRow,
      long toRow) {
    long bytes = checkRows(1, rows, a.length, fromRow, toRow);
    requireChannels("b", b, a.length);
    requireChannels("c", c, a.length);
    requireFloats("gradY", gradY, bytes);
    requireFloats("x", x, bytes);
    requireFloats("gradX", gradX, bytes);
    if (gradX.address() != gradY.address()) {
      requireApart("gradX", gradX, bytes, "gradY", gradY, bytes);
    }
    if (gradX.address() != x.address()) {
      requireApart("gradX", gradX, bytes, "x", x, bytes);
    }
  }

  private static void requireChannels(String name, float[] values, int channels) {
    if (values.length != channels) {
      throw new IllegalArgumentException(
          "%s must have %d channels, not %d".formatted(name, channels, values.length));
    }
  }

  /** Returns the bytes of an array {@code [T, rows, C]}. */
  private static long checkRows(int steps, long rows, int channels, long fromRow, long toRow) {
    if (channels < 1) {
      throw new IllegalArgumentException("there must be at least one channel");
    }
    if (steps < 1) {
      throw new IllegalArgumentException("steps must be at least 1, not " + steps);
    }
    if (rows < 0 || rows > Long.MAX_VALUE / Float.BYTES / steps / channels) {
      throw new IllegalArgumentException(
          "%d steps of %d rows of %d channels do not fit into memory"
              .formatted(steps, rows, channels));
    }
    if (fromRow < 0 || fromRow > toRow || toRow > rows) {
      throw new IllegalArgumentException(
          "rows %d to %d do not lie in a step of %d".formatted(fromRow, toRow, rows));
    }
    return steps * rows * channels * Float.BYTES;
  }
}
