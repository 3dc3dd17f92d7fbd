package dev.coppice.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Planes of spikes as marks: where {@link Planes} of groups of {@value Planes#LANES} have a float,
 * there is a byte here, all of whose bits are ones for a spike. They take a quarter of the memory,
 * so that what a convolution reads again and again stays near, and one comparison makes a mask of a
 * pixel's marks. (Bits would take less, but a mask that comes from a register of numbers takes
 * twice as long as the addition that it is for.) Around the maps are zeros, as around planes.
 */
public final class PlaneMarks {
  /** Bytes of floats for a byte of marks. */
  public static final int SHRINKING = Float.BYTES;

  /** Divides by {@link #SHRINKING}, in fewer instructions where the number may be negative. */
  static final int SHIFT = Integer.numberOfTrailingZeros(SHRINKING);

  /** No spike. */
  static final byte NONE = 0;

  /** A spike. */
  static final byte SPIKE = -1;

  private PlaneMarks() {}

  /** Whether a convolution can read its input so. */
  public static boolean fit(SparseConvolution c) {
    return fit(c.in()) && fit(c.out()) && !c.narrow();
  }

  /** Whether there are marks of planes: where they have as many images side by side. */
  public static boolean fit(Planes planes) {
    return planes.group() == Planes.LANES;
  }

  /** Returns memory for the marks of so many images, zero. */
  public static MemorySegment allocate(Planes planes, Arena arena, int images) {
    return arena.allocate(bytes(planes, images), Planes.LANES);
  }

  /** Returns the memory of the marks of so many images. */
  public static long bytes(Planes planes, int images) {
    return planes.bytes(planes.groups(images)) / SHRINKING;
  }

  /** {@link Planes#clearAround(MemorySegment, int, int, int)} for marks. */
  public static void clearAround(
      Planes planes, MemorySegment marks, int images, int fromChannel, int toChannel) {
    requireMarks(planes, marks, planes.groups(images));
    planes.clearAround(marks, images, fromChannel, toChannel, Float.BYTES / SHRINKING);
  }

  static void checkPack(
      Planes planes, MemorySegment spikes, MemorySegment marks, int groups, int from, int to) {
    SpikeArguments.checkRange("planes", from, to, planes.planes());
    NeuronArguments.requireFloats("spikes", spikes, planes.bytes(groups));
    requireMarks(planes, marks, groups);
  }

  static void checkFire(
      PlaneSteps p,
      MemorySegment x,
      float[] scale,
      float[] shift,
      MemorySegment marks,
      int fromChannel,
      int toChannel) {
    p.checkChannels(x, scale, shift, fromChannel, toChannel);
    requireMarks(p.planes(), marks, p.allGroups());
  }

  static void checkAverage(
      PlaneAverage p,
      MemorySegment marks,
      MemorySegment y,
      int groups,
      int fromChannel,
      int toChannel) {
    SpikeArguments.checkRange("channels", fromChannel, toChannel, p.in().channels());
    requireMarks(p.in(), marks, groups);
    NeuronArguments.requireFloats("averages", y, p.out().bytes(groups));
  }

  private static void requireMarks(Planes planes, MemorySegment marks, int groups) {
    if (!fit(planes)) {
      throw new IllegalArgumentException(
          "planes of marks have groups of %d images, not %d"
              .formatted(Planes.LANES, planes.group()));
    }
    Planes.requireImages(groups);
    long bytes = planes.bytes(groups) / SHRINKING;
    if (!marks.isNative() || marks.byteSize() < bytes) {
      throw new IllegalArgumentException(
          "marks must be native memory of %d bytes".formatted(bytes));
    }
  }

  private static void requireFit(SparseConvolution c, MemorySegment marks, int groups) {
    if (!fit(c)) {
      throw new IllegalArgumentException("the convolution cannot read marks");
    }
    requireMarks(c.in(), marks, groups);
  }

  static void checkForward(
      SparseConvolution c,
      MemorySegment marks,
      MemorySegment out,
      int groups,
      int fromGroup,
      int toGroup,
      int fromRow,
      int toRow) {
    requireFit(c, marks, groups);
    NeuronArguments.requireFloats("output", out, c.out().bytes(groups));
    SpikeArguments.checkRange("groups", fromGroup, toGroup, groups);
    SpikeArguments.checkRange("rows", fromRow, toRow, c.rows());
  }

  static void checkWeightGradient(
      SparseConvolution c,
      MemorySegment marks,
      MemorySegment gradOut,
      float[] gradient,
      int groups,
      int fromRow,
      int toRow) {
    requireFit(c, marks, groups);
    NeuronArguments.requireFloats("gradient of the output", gradOut, c.out().bytes(groups));
    SpikeArguments.checkRange("rows", fromRow, toRow, c.rows());
    if (gradient.length < c.entries()) {
      throw new IllegalArgumentException(
          "gradients must be at least %d, not %d".formatted(c.entries(), gradient.length));
    }
  }

  /** Returns planes of the floats 0 and 1. */
  private static MemorySegment unpack(Planes planes, MemorySegment marks, int groups, Arena arena) {
    MemorySegment floats = planes.allocate(arena, groups * planes.group());
    unpack(planes, marks, floats, groups, 0, planes.planes());
    return floats;
  }

  /** Unpacks channels as plain loops. */
  static void unpack(
      Planes planes,
      MemorySegment marks,
      MemorySegment floats,
      int groups,
      int fromPlane,
      int toPlane) {
    for (int group = 0; group < groups; group++) {
      for (int plane = fromPlane; plane < toPlane; plane++) {
        long at = first(planes, group, plane);
        for (long k = 0; k < planes.planeFloats(); k++) {
          int spike = marks.get(ValueLayout.JAVA_BYTE, at + k) & 1;
          floats.setAtIndex(ValueLayout.JAVA_FLOAT, at + k, spike);
        }
      }
    }
  }

  /** The steps of neurons whose numbers are packed. */
  static void fire(
      Kernels kernels,
      NeuronConstants c,
      PlaneSteps p,
      MemorySegment x,
      float[] scale,
      float[] shift,
      MemorySegment marks,
      int fromChannel,
      int toChannel) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment s = p.planes().allocate(arena, p.allGroups() * p.planes().group());
      kernels.planeStepsForward(c, p, x, scale, shift, s, fromChannel, toChannel);
      pack(p.planes(), s, marks, p.allGroups(), fromChannel, toChannel);
    }
  }

  /** The averages of numbers made from marks. */
  static void average(
      Kernels kernels,
      PlaneAverage p,
      MemorySegment marks,
      MemorySegment y,
      int groups,
      int fromChannel,
      int toChannel) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment x = unpack(p.in(), marks, groups, arena);
      kernels.planeAverage(p, x, y, groups, fromChannel, toChannel);
    }
  }

  /** The convolution of planes made from marks, which says what all others compute. */
  static void forward(
      Kernels kernels,
      SparseConvolution c,
      MemorySegment marks,
      MemorySegment out,
      int groups,
      int fromGroup,
      int toGroup,
      int fromRow,
      int toRow) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment in = unpack(c.in(), marks, groups, arena);
      kernels.sparseConvForward(c, in, out, groups, fromGroup, toGroup, fromRow, toRow);
    }
  }

  static void weightGradient(
      Kernels kernels,
      SparseConvolution c,
      MemorySegment marks,
      MemorySegment gradOut,
      float[] gradient,
      int groups,
      int fromRow,
      int toRow) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment in = unpack(c.in(), marks, groups, arena);
      kernels.sparseConvWeightGradient(c, in, gradOut, gradient, groups, fromRow, toRow);
    }
  }

  /** Packs channels as plain loops: what is above ½ is a spike. */
  static void pack(
      Planes planes,
      MemorySegment floats,
      MemorySegment marks,
      int groups,
      int fromPlane,
      int toPlane) {
    for (int group = 0; group < groups; group++) {
      for (int plane = fromPlane; plane < toPlane; plane++) {
        long at = first(planes, group, plane);
        for (long k = at; k < at + planes.planeFloats(); k++) {
          boolean spike = floats.getAtIndex(ValueLayout.JAVA_FLOAT, k) > 0.5f;
          marks.set(ValueLayout.JAVA_BYTE, k, spike ? SPIKE : NONE);
        }
      }
    }
  }

  /** Makes the marks between rows zero again, the first row lying at an offset of floats. */
  static void clearGaps(PlaneSteps p, MemorySegment marks, long at, int rows) {
    long gap = (at + (long) p.rowFloats() * Float.BYTES) / SHRINKING;
    for (int row = 1; row < rows; row++) {
      marks.asSlice(gap, (long) p.planes().border() * Planes.LANES).fill(NONE);
      gap += (long) p.planes().pitch() * Float.BYTES / SHRINKING;
    }
  }

  /** Returns where a plane begins, in floats. */
  static long first(Planes planes, int group, int plane) {
    return (long) group * planes.groupFloats()
        + planes.origin()
        + (long) plane * planes.planeFloats();
  }
}
