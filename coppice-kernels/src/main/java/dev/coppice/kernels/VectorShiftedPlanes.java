package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.Arrays;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/** {@link ShiftedPlanes} of planes of counts, with the Vector API. */
final class VectorShiftedPlanes {
  private static final int COUNT = Lanes.SHORTS.length();
  private static final long BYTES = (long) COUNT * Short.BYTES;

  /** Small maps that are copied together, at most. */
  private static final int MAPS = 32;

  /** Numbers of maps that are copied together: they stay in the first cache. */
  private static final int TOGETHER = 8192;

  /** From {@code COUNT - n} on, ones in the first n lanes. */
  private static final short[] BELOW = new short[2 * COUNT];

  static {
    Arrays.fill(BELOW, 0, COUNT, (short) -1);
  }

  /** Adds of counts up to 16 that no sum of a lane overflows by. */
  private static final int ADDS = 2000;

  private VectorShiftedPlanes() {}

  static void shift(
      ShiftedPlanes shifted,
      MemorySegment counts,
      MemorySegment copies,
      int fromPlane,
      int toPlane) {
    if (COUNT != ShiftedPlanes.LANES) {
      ScalarIntegerConvolution.shift(shifted, counts, copies, fromPlane, toPlane);
      return;
    }
    // Small maps are taken together, so that loops are long.
    int size = shifted.flatVectors() * COUNT;
    int most = Math.clamp(TOGETHER / size, 1, MAPS);
    short[] source = PlaneScratch.get().shorts(2 * shifted.margin() + most * size + COUNT);
    for (int plane = fromPlane; plane < toPlane; ) {
      int left = Math.min(toPlane - plane, shifted.planes() - plane % shifted.planes());
      int planes = Math.min(most, left);
      Arrays.fill(source, 0, 2 * shifted.margin() + planes * size + COUNT, (short) 0);
      gather(shifted, counts, plane, planes, source);
      fold(shifted, planes, source);
      long to = (long) shifted.planeElements() * Short.BYTES * plane;
      for (int copy = 0; copy < shifted.copies(); copy++) {
        copy(shifted, source, copy, planes, copies, to + shifted.copyVectors() * BYTES * copy);
      }
      plane += planes;
    }
  }

  private static void copy(
      ShiftedPlanes shifted, short[] source, int copy, int planes, MemorySegment copies, long to) {
    int parts = shifted.parts();
    int vectors = shifted.copyVectors();
    int from = shifted.margin() + shifted.shift(copy);
    int size = shifted.flatVectors() * COUNT;
    long planeBytes = (long) shifted.planeElements() * Short.BYTES;
    for (int part = 0; part < parts; part++) {
      int mask = (copy * parts + part) * COUNT;
      if (planes == 1) {
        copy(
            source,
            from + part * COUNT,
            parts * COUNT,
            vectors / parts,
            shifted.masks,
            mask,
            copies,
            to + part * BYTES,
            parts * BYTES);
        continue;
      }
      for (int vector = part; vector < vectors; vector += parts) {
        int at = from + vector * COUNT;
        long place = to + vector * BYTES;
        copy(source, at, size, planes, shifted.masks, mask, copies, place, planeBytes);
      }
    }
  }

  private static void copy(
      short[] source,
      int from,
      int fromStep,
      int count,
      short[] masks,
      int mask,
      MemorySegment copies,
      long to,
      long toStep) {
    ShortVector pixels = ShortVector.fromArray(Lanes.SHORTS, masks, mask);
    for (int k = 0; k < count; k++) {
      ShortVector.fromArray(Lanes.SHORTS, source, from + k * fromStep)
          .and(pixels)
          .intoMemorySegment(copies, to + k * toStep, ByteOrder.nativeOrder());
    }
  }

  /** Folds later halves onto the first ones: what is shifted afterwards is shifted alike. */
  private static void fold(ShiftedPlanes shifted, int planes, short[] source) {
    int later = shifted.half() * COUNT;
    short factor = (short) shifted.reading().factor();
    for (int plane = 0; plane < planes; plane++) {
      int begin = shifted.margin() + plane * shifted.flatVectors() * COUNT;
      int end = begin + shifted.copyVectors() * COUNT;
      // Ahead lies what has not been folded yet.
      for (int at = begin; at < end; at += COUNT) {
        ShortVector.fromArray(Lanes.SHORTS, source, at + later)
            .lanewise(VectorOperators.LSHL, ShiftedPlanes.FOLD)
            .or(ShortVector.fromArray(Lanes.SHORTS, source, at))
            .mul(factor)
            .intoArray(source, at);
      }
    }
  }

  /** Puts the units of planes of an image where they lie when nothing is shifted. */
  private static void gather(
      ShiftedPlanes shifted, MemorySegment counts, int plane, int planes, short[] source) {
    Planes in = shifted.in();
    int size = shifted.flatVectors() * COUNT;
    int pitch =
        shifted.maps() ? shifted.out().pitch() : shifted.stackGroups() * shifted.parts() * COUNT;
    boolean piece = shifted.maps() && in.pitch() == pitch && in.columns() == pitch;
    int inImage = plane % shifted.planes();
    long first = in.at(plane / shifted.planes(), inImage * shifted.together(), 0, 0);
    int begin = shifted.margin() - shifted.sourceRow(0) * pitch;
    for (int channel = 0; channel < shifted.together(); channel++) {
      // The last plane may have fewer.
      int count = channel < shifted.together(inImage + planes - 1) ? planes : planes - 1;
      for (int step = 0; step < in.stack(); step++) {
        long read = first + (long) channel * in.planeFloats() + (long) step * in.mapFloats();
        int unit = step % shifted.side() * (COUNT / shifted.side());
        int to = begin + step / shifted.side() * (shifted.parts() * COUNT) + unit;
        int planeStep = shifted.together() * in.planeFloats();
        if (piece) {
          int map = in.rows() * pitch;
          add(counts, read, planeStep, count, map, channel, source, to, size);
          continue;
        }
        for (int k = 0; k < count; k++) {
          long at = read + (long) k * planeStep;
          int columns = in.columns();
          add(counts, at, in.pitch(), in.rows(), columns, channel, source, to + k * size, pitch);
        }
      }
    }
  }

  /** Adds the bits of a channel in lines; places are counted in elements. */
  private static void add(
      MemorySegment counts,
      long from,
      int fromPitch,
      int lines,
      int size,
      int channel,
      short[] source,
      int to,
      int toPitch) {
    if (size == COUNT / 2) {
      addHalves(counts, from, fromPitch, lines, channel, source, to, toPitch);
      return;
    }
    if (size == COUNT / 4) {
      addQuarters(counts, from, fromPitch, lines, channel, source, to, toPitch);
      return;
    }
    for (int k = 0; k < size; k += COUNT) {
      ShortVector within =
          ShortVector.fromArray(Lanes.SHORTS, BELOW, COUNT - Math.min(COUNT, size - k));
      for (int line = 0; line < lines; line++) {
        int at = to + line * toPitch + k;
        Lanes.shorts(counts, (from + (long) line * fromPitch + k) * Short.BYTES)
            .and(within)
            .lanewise(VectorOperators.LSHL, channel)
            .or(ShortVector.fromArray(Lanes.SHORTS, source, at))
            .intoArray(source, at);
      }
    }
  }

  /** Lines of half a vector: a species must be a constant where it is used. */
  private static void addHalves(
      MemorySegment counts,
      long from,
      int fromPitch,
      int lines,
      int channel,
      short[] source,
      int to,
      int toPitch) {
    for (int line = 0; line < lines; line++) {
      int at = to + line * toPitch;
      long read = (from + (long) line * fromPitch) * Short.BYTES;
      ShortVector.fromMemorySegment(Lanes.HALF_SHORTS, counts, read, ByteOrder.nativeOrder())
          .lanewise(VectorOperators.LSHL, channel)
          .or(ShortVector.fromArray(Lanes.HALF_SHORTS, source, at))
          .intoArray(source, at);
    }
  }

  /** Lines of a quarter of a vector. */
  private static void addQuarters(
      MemorySegment counts,
      long from,
      int fromPitch,
      int lines,
      int channel,
      short[] source,
      int to,
      int toPitch) {
    for (int line = 0; line < lines; line++) {
      int at = to + line * toPitch;
      long read = (from + (long) line * fromPitch) * Short.BYTES;
      ShortVector.fromMemorySegment(Lanes.QUARTER_SHORTS, counts, read, ByteOrder.nativeOrder())
          .lanewise(VectorOperators.LSHL, channel)
          .or(ShortVector.fromArray(Lanes.QUARTER_SHORTS, source, at))
          .intoArray(source, at);
    }
  }

  static int sum(MemorySegment counts, long from, int count) {
    int sum = 0;
    int done = 0;
    while (count - done >= COUNT) {
      int vectors = Math.min(ADDS, (count - done) / COUNT);
      sum += sumOfVectors(counts, (from + done) * Short.BYTES, vectors);
      done += vectors * COUNT;
    }
    return sum + ScalarIntegerConvolution.sum(counts, from + done, count - done);
  }

  private static int sumOfVectors(MemorySegment counts, long at, int vectors) {
    ShortVector sum = ShortVector.zero(Lanes.SHORTS);
    for (int k = 0; k < vectors; k++) {
      sum = sum.add(Lanes.shorts(counts, at + k * BYTES));
    }
    IntVector low = (IntVector) sum.convertShape(VectorOperators.S2I, Lanes.INTS, 0);
    IntVector high = (IntVector) sum.convertShape(VectorOperators.S2I, Lanes.INTS, 1);
    return low.add(high).reduceLanes(VectorOperators.ADD);
  }
}
