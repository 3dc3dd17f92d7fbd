package dev.coppice.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Planes of spikes as bits: where {@link Planes} of groups of {@value Planes#LANES} have a pixel of
 * that many floats, there is a {@code short} here, bit {@code n} for image {@code n} of the group.
 * They take a thirty-second of the memory, so that what a convolution reads again and again stays
 * near. Around the maps are zeros, as around planes.
 */
public final class PlaneBits {
  /** Bytes of floats for a byte of bits. */
  public static final int SHRINKING = Planes.LANES * Float.BYTES / Short.BYTES;

  private PlaneBits() {}

  /** Whether a convolution can read its input so. */
  public static boolean fit(SparseConvolution c) {
    return fit(c.in()) && fit(c.out()) && !c.narrow();
  }

  /** Whether there are bits of planes: where they have as many images side by side. */
  public static boolean fit(Planes planes) {
    return planes.group() == Planes.LANES;
  }

  /** Returns memory for the bits of so many images, zero. */
  public static MemorySegment allocate(Planes planes, Arena arena, int images) {
    return arena.allocate(planes.bytes(planes.groups(images)) / SHRINKING, Long.BYTES);
  }

  static void checkPack(
      Planes planes, MemorySegment spikes, MemorySegment bits, int groups, int from, int to) {
    SpikeArguments.checkRange("planes", from, to, planes.planes());
    NeuronArguments.requireFloats("spikes", spikes, planes.bytes(groups));
    requireBits(planes, bits, groups);
  }

  static void checkFire(
      PlaneSteps p,
      MemorySegment x,
      float[] scale,
      float[] shift,
      MemorySegment bits,
      int fromChannel,
      int toChannel) {
    p.checkChannels(x, scale, shift, fromChannel, toChannel);
    requireBits(p.planes(), bits, p.allGroups());
  }

  static void checkAverage(
      PlaneAverage p,
      MemorySegment bits,
      MemorySegment y,
      int groups,
      int fromChannel,
      int toChannel) {
    SpikeArguments.checkRange("channels", fromChannel, toChannel, p.in().channels());
    requireBits(p.in(), bits, groups);
    NeuronArguments.requireFloats("averages", y, p.out().bytes(groups));
  }

  private static void requireBits(Planes planes, MemorySegment bits, int groups) {
    if (!fit(planes)) {
      throw new IllegalArgumentException(
          "planes of bits have groups of %d images, not %d"
              .formatted(Planes.LANES, planes.group()));
    }
    Planes.requireImages(groups);
    long bytes = planes.bytes(groups) / SHRINKING;
    if (!bits.isNative() || bits.byteSize() < bytes) {
      throw new IllegalArgumentException("bits must be native memory of %d bytes".formatted(bytes));
    }
  }

  private static void requireFit(SparseConvolution c, MemorySegment bits, int groups) {
    if (!fit(c)) {
      throw new IllegalArgumentException("the convolution cannot read bits");
    }
    requireBits(c.in(), bits, groups);
  }

  static void checkForward(
      SparseConvolution c,
      MemorySegment bits,
      MemorySegment out,
      int groups,
      int fromGroup,
      int toGroup,
      int fromRow,
      int toRow) {
    requireFit(c, bits, groups);
    NeuronArguments.requireFloats("output", out, c.out().bytes(groups));
    SpikeArguments.checkRange("groups", fromGroup, toGroup, groups);
    SpikeArguments.checkRange("rows", fromRow, toRow, c.rows());
  }

  static void checkWeightGradient(
      SparseConvolution c,
      MemorySegment bits,
      MemorySegment gradOut,
      float[] gradient,
      int groups,
      int fromRow,
      int toRow) {
    requireFit(c, bits, groups);
    NeuronArguments.requireFloats("gradient of the output", gradOut, c.out().bytes(groups));
    SpikeArguments.checkRange("rows", fromRow, toRow, c.rows());
    if (gradient.length < c.entries()) {
      throw new IllegalArgumentException(
          "gradients must be at least %d, not %d".formatted(c.entries(), gradient.length));
    }
  }

  /** Returns planes of the floats 0 and 1. */
  private static MemorySegment unpack(Planes planes, MemorySegment bits, int groups, Arena arena) {
    MemorySegment floats = planes.allocate(arena, groups * planes.group());
    unpack(planes, bits, floats, groups, 0, planes.planes());
    return floats;
  }

  /** Unpacks channels as plain loops. */
  static void unpack(
      Planes planes,
      MemorySegment bits,
      MemorySegment floats,
      int groups,
      int fromPlane,
      int toPlane) {
    for (int group = 0; group < groups; group++) {
      for (int plane = fromPlane; plane < toPlane; plane++) {
        long at = first(planes, group, plane);
        for (long k = 0; k < planes.planeFloats(); k++) {
          int word = bits.getAtIndex(ValueLayout.JAVA_SHORT_UNALIGNED, (at + k) / Planes.LANES);
          floats.setAtIndex(ValueLayout.JAVA_FLOAT, at + k, word >> (k % Planes.LANES) & 1);
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
      MemorySegment bits,
      int fromChannel,
      int toChannel) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment s = p.planes().allocate(arena, p.allGroups() * p.planes().group());
      kernels.planeStepsForward(c, p, x, scale, shift, s, fromChannel, toChannel);
      pack(p.planes(), s, bits, p.allGroups(), fromChannel, toChannel);
    }
  }

  /** The averages of numbers made from bits. */
  static void average(
      Kernels kernels,
      PlaneAverage p,
      MemorySegment bits,
      MemorySegment y,
      int groups,
      int fromChannel,
      int toChannel) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment x = unpack(p.in(), bits, groups, arena);
      kernels.planeAverage(p, x, y, groups, fromChannel, toChannel);
    }
  }

  /** The convolution of planes made from bits, which says what all others compute. */
  static void forward(
      Kernels kernels,
      SparseConvolution c,
      MemorySegment bits,
      MemorySegment out,
      int groups,
      int fromGroup,
      int toGroup,
      int fromRow,
      int toRow) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment in = unpack(c.in(), bits, groups, arena);
      kernels.sparseConvForward(c, in, out, groups, fromGroup, toGroup, fromRow, toRow);
    }
  }

  static void weightGradient(
      Kernels kernels,
      SparseConvolution c,
      MemorySegment bits,
      MemorySegment gradOut,
      float[] gradient,
      int groups,
      int fromRow,
      int toRow) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment in = unpack(c.in(), bits, groups, arena);
      kernels.sparseConvWeightGradient(c, in, gradOut, gradient, groups, fromRow, toRow);
    }
  }

  /** Packs channels as plain loops: what is above ½ is a spike. */
  static void pack(
      Planes planes,
      MemorySegment floats,
      MemorySegment bits,
      int groups,
      int fromPlane,
      int toPlane) {
    for (int group = 0; group < groups; group++) {
      for (int plane = fromPlane; plane < toPlane; plane++) {
        long at = first(planes, group, plane);
        for (long k = 0; k < planes.planeFloats(); k += Planes.LANES) {
          int word = 0;
          for (int n = 0; n < Planes.LANES; n++) {
            if (floats.getAtIndex(ValueLayout.JAVA_FLOAT, at + k + n) > 0.5f) {
              word |= 1 << n;
            }
          }
          bits.setAtIndex(ValueLayout.JAVA_SHORT_UNALIGNED, (at + k) / Planes.LANES, (short) word);
        }
      }
    }
  }

  /** Makes the bits between rows zero again, the first row lying at an offset of floats. */
  static void clearGaps(PlaneSteps p, MemorySegment bits, long at, int rows) {
    long gap = (at + (long) p.rowFloats() * Float.BYTES) / SHRINKING;
    for (int row = 1; row < rows; row++) {
      for (int i = 0; i < p.planes().border(); i++) {
        bits.set(ValueLayout.JAVA_SHORT_UNALIGNED, gap + (long) i * Short.BYTES, (short) 0);
      }
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
