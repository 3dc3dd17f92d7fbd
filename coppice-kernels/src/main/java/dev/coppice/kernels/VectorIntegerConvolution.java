package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * {@link IntegerConvolution} with the Vector API: vectors of neighbouring sums stay in registers
 * while a segment's entries are read once.
 *
 * <p>Sums are added to zero once more before they are stored: what comes out of a loop may be of
 * any class for the compiler, which then looks at what the store has met elsewhere, and where that
 * were vectors of several widths it makes objects of all sums. The class of an addition it knows.
 */
final class VectorIntegerConvolution {
  private static final int COUNT = Lanes.SHORTS.length();
  private static final long BYTES = (long) COUNT * Short.BYTES;

  /** Vectors of {@link ShiftedPlanes} in a block: at most four of the machine, for eight sums. */
  private static final int MOST = Math.max(1, 4 * COUNT / ShiftedPlanes.LANES);

  /** Small maps that are copied together. */
  private static final int MAPS = 32;

  /** From {@code COUNT - n} on, ones in the first n lanes. */
  private static final short[] BELOW = new short[2 * COUNT];

  static {
    Arrays.fill(BELOW, 0, COUNT, (short) -1);
  }

  /** Adds of counts up to 16 that no sum of a lane overflows by. */
  private static final int ADDS = 2000;

  /** Whether all patterns' sums fit into a vector, which can then look them up. */
  static final boolean LOOKS_UP = COUNT == IntegerConvolution.PATTERNS;

  /**
   * Adds up a segment for a block of vectors. The blocks are called through this, and not inlined
   * one beside the other, because the compiler then keeps sums on the stack rather than in
   * registers.
   */
  private interface Sums {
    /**
     * Adds up entries.
     *
     * @param begin the first entry
     * @param from where the inputs lie of an entry without distance
     * @param totals written
     */
    void add(
        int[] offsets,
        short[] numbers,
        int begin,
        int end,
        MemorySegment counts,
        long from,
        short[] totals);
  }

  /**
   * By the logarithm of the number of vectors. Each gives the sums of its vectors, and then those
   * of the ones folded onto them.
   */
  private static final Sums[] PRODUCTS = {
    VectorIntegerConvolution::products,
    VectorIntegerConvolution::twoProducts,
    VectorIntegerConvolution::fourProducts
  };

  private static final Sums[] LOOK_UPS = {
    VectorIntegerConvolution::lookUps,
    VectorIntegerConvolution::twoLookUps,
    VectorIntegerConvolution::fourLookUps
  };

  private VectorIntegerConvolution() {}

  static void forward(
      IntegerConvolution c,
      MemorySegment copies,
      MemorySegment sums,
      int fromImage,
      int toImage,
      int fromRow,
      int toRow) {
    if (c.patterns() && !LOOKS_UP) {
      ScalarIntegerConvolution.forward(c, copies, sums, fromImage, toImage, fromRow, toRow);
      return;
    }
    ShiftedPlanes shifted = c.shifted;
    short[] totals = PlaneScratch.get().shorts(2 * MOST * ShiftedPlanes.LANES + COUNT);
    for (int image = fromImage; image < toImage; image++) {
      for (int vector = 0; vector < shifted.half(); ) {
        int vectors = Math.min(MOST, Integer.highestOneBit(shifted.half() - vector));
        block(c, vector, vectors, copies, sums, totals, image, fromRow, toRow);
        vector += vectors;
      }
    }
  }

  /** Vectors are those of {@link ShiftedPlanes}. */
  private static void block(
      IntegerConvolution c,
      int vector,
      int vectors,
      MemorySegment copies,
      MemorySegment sums,
      short[] totals,
      int image,
      int fromRow,
      int toRow) {
    long from = c.shifted.inputBytes(image, vector);
    int wide = vectors * ShiftedPlanes.LANES / COUNT;
    Sums block = (c.patterns() ? LOOK_UPS : PRODUCTS)[Integer.numberOfTrailingZeros(wide)];
    for (int row = fromRow; row < toRow; row++) {
      long to = c.first(image, row);
      int first = c.rows[row];
      for (int segment = first; segment < c.rows[row + 1]; segment++) {
        block.add(
            c.offsets,
            c.numbers,
            c.segments[segment],
            c.segments[segment + 1],
            copies,
            from,
            totals);
        boolean more = segment > first;
        write(c.shifted, vector, vectors, 0, totals, more, sums, to);
        int later = vector + c.shifted.half();
        if (later < c.shifted.vectors()) {
          int folded = Math.min(vectors, c.shifted.vectors() - later);
          write(c.shifted, later, folded, vectors, totals, more, sums, to);
        }
      }
    }
  }

  /** Writes vectors of sums that begin at one of the totals. */
  private static void write(
      ShiftedPlanes shifted,
      int vector,
      int vectors,
      int total,
      short[] totals,
      boolean more,
      MemorySegment sums,
      long to) {
    int first = shifted.spans[vector];
    int end = shifted.spans[vector + vectors];
    int lane = (vector - total) * ShiftedPlanes.LANES;
    if (shifted.multiple() % Lanes.COUNT == 0 && !more) {
      writeWhole(shifted, first, end, totals, lane, sums, to);
    } else {
      for (int span = first; span < end; span++) {
        long at = (to + shifted.targets[span]) * Float.BYTES;
        write(totals, shifted.lanes[span] - lane, shifted.counts[span], more, sums, at);
      }
    }
  }

  private static void writeWhole(
      ShiftedPlanes shifted,
      int first,
      int end,
      short[] totals,
      int lane,
      MemorySegment sums,
      long to) {
    for (int span = first; span < end; span++) {
      int from = shifted.lanes[span] - lane;
      long at = (to + shifted.targets[span]) * Float.BYTES;
      for (int k = 0; k < shifted.counts[span]; k += Lanes.COUNT) {
        floats(totals, from + k)
            .intoMemorySegment(sums, at + (long) k * Float.BYTES, ByteOrder.nativeOrder());
      }
    }
  }

  private static void write(
      short[] totals, int lane, int count, boolean more, MemorySegment sums, long to) {
    for (int k = 0; k < count; k += Lanes.COUNT) {
      long at = to + (long) k * Float.BYTES;
      VectorMask<Float> mask = Lanes.FLOATS.indexInRange(k, count);
      FloatVector total = floats(totals, lane + k);
      if (more) {
        total =
            total.add(
                FloatVector.fromMemorySegment(
                    Lanes.FLOATS, sums, at, ByteOrder.nativeOrder(), mask));
      }
      total.intoMemorySegment(sums, at, ByteOrder.nativeOrder(), mask);
    }
  }

  private static FloatVector floats(short[] totals, int k) {
    return (FloatVector)
        ShortVector.fromArray(Lanes.HALF_SHORTS, totals, k)
            .convertShape(VectorOperators.S2F, Lanes.FLOATS, 0);
  }

  private static void fourProducts(
      int[] offsets,
      short[] numbers,
      int begin,
      int end,
      MemorySegment counts,
      long from,
      short[] totals) {
    ShortVector zero = ShortVector.zero(Lanes.SHORTS);
    ShortVector s0 = zero;
    ShortVector s1 = zero;
    ShortVector s2 = zero;
    ShortVector s3 = zero;
    ShortVector s4 = zero;
    ShortVector s5 = zero;
    ShortVector s6 = zero;
    ShortVector s7 = zero;
    for (int j = begin; j < end; j++) {
      long at = from + offsets[j];
      ShortVector weight = ShortVector.broadcast(Lanes.SHORTS, numbers[j]);
      ShortVector c0 = load(counts, at);
      ShortVector c1 = load(counts, at + BYTES);
      ShortVector c2 = load(counts, at + 2 * BYTES);
      ShortVector c3 = load(counts, at + 3 * BYTES);
      s0 = first(c0).mul(weight).add(s0);
      s1 = first(c1).mul(weight).add(s1);
      s2 = first(c2).mul(weight).add(s2);
      s3 = first(c3).mul(weight).add(s3);
      s4 = later(c0).mul(weight).add(s4);
      s5 = later(c1).mul(weight).add(s5);
      s6 = later(c2).mul(weight).add(s6);
      s7 = later(c3).mul(weight).add(s7);
    }
    zero.add(s0).intoArray(totals, 0);
    zero.add(s1).intoArray(totals, COUNT);
    zero.add(s2).intoArray(totals, 2 * COUNT);
    zero.add(s3).intoArray(totals, 3 * COUNT);
    zero.add(s4).intoArray(totals, 4 * COUNT);
    zero.add(s5).intoArray(totals, 5 * COUNT);
    zero.add(s6).intoArray(totals, 6 * COUNT);
    zero.add(s7).intoArray(totals, 7 * COUNT);
  }

  private static void twoProducts(
      int[] offsets,
      short[] numbers,
      int begin,
      int end,
      MemorySegment counts,
      long from,
      short[] totals) {
    ShortVector zero = ShortVector.zero(Lanes.SHORTS);
    ShortVector s0 = zero;
    ShortVector s1 = zero;
    ShortVector s2 = zero;
    ShortVector s3 = zero;
    for (int j = begin; j < end; j++) {
      long at = from + offsets[j];
      ShortVector weight = ShortVector.broadcast(Lanes.SHORTS, numbers[j]);
      ShortVector c0 = load(counts, at);
      ShortVector c1 = load(counts, at + BYTES);
      s0 = first(c0).mul(weight).add(s0);
      s1 = first(c1).mul(weight).add(s1);
      s2 = later(c0).mul(weight).add(s2);
      s3 = later(c1).mul(weight).add(s3);
    }
    zero.add(s0).intoArray(totals, 0);
    zero.add(s1).intoArray(totals, COUNT);
    zero.add(s2).intoArray(totals, 2 * COUNT);
    zero.add(s3).intoArray(totals, 3 * COUNT);
  }

  private static void products(
      int[] offsets,
      short[] numbers,
      int begin,
      int end,
      MemorySegment counts,
      long from,
      short[] totals) {
    ShortVector zero = ShortVector.zero(Lanes.SHORTS);
    ShortVector s0 = zero;
    ShortVector s1 = zero;
    for (int j = begin; j < end; j++) {
      long at = from + offsets[j];
      ShortVector weight = ShortVector.broadcast(Lanes.SHORTS, numbers[j]);
      ShortVector c0 = load(counts, at);
      s0 = first(c0).mul(weight).add(s0);
      s1 = later(c0).mul(weight).add(s1);
    }
    zero.add(s0).intoArray(totals, 0);
    zero.add(s1).intoArray(totals, COUNT);
  }

  private static void fourLookUps(
      int[] offsets,
      short[] numbers,
      int begin,
      int end,
      MemorySegment counts,
      long from,
      short[] totals) {
    ShortVector zero = ShortVector.zero(Lanes.SHORTS);
    ShortVector s0 = zero;
    ShortVector s1 = zero;
    ShortVector s2 = zero;
    ShortVector s3 = zero;
    ShortVector s4 = zero;
    ShortVector s5 = zero;
    ShortVector s6 = zero;
    ShortVector s7 = zero;
    for (int j = begin; j < end; j++) {
      long at = from + offsets[j];
      ShortVector table = ShortVector.fromArray(Lanes.SHORTS, numbers, j * COUNT);
      ShortVector p0 = load(counts, at);
      ShortVector p1 = load(counts, at + BYTES);
      ShortVector p2 = load(counts, at + 2 * BYTES);
      ShortVector p3 = load(counts, at + 3 * BYTES);
      s0 = p0.selectFrom(table).add(s0);
      s1 = p1.selectFrom(table).add(s1);
      s2 = p2.selectFrom(table).add(s2);
      s3 = p3.selectFrom(table).add(s3);
      s4 = later(p0).selectFrom(table).add(s4);
      s5 = later(p1).selectFrom(table).add(s5);
      s6 = later(p2).selectFrom(table).add(s6);
      s7 = later(p3).selectFrom(table).add(s7);
    }
    zero.add(s0).intoArray(totals, 0);
    zero.add(s1).intoArray(totals, COUNT);
    zero.add(s2).intoArray(totals, 2 * COUNT);
    zero.add(s3).intoArray(totals, 3 * COUNT);
    zero.add(s4).intoArray(totals, 4 * COUNT);
    zero.add(s5).intoArray(totals, 5 * COUNT);
    zero.add(s6).intoArray(totals, 6 * COUNT);
    zero.add(s7).intoArray(totals, 7 * COUNT);
  }

  private static void twoLookUps(
      int[] offsets,
      short[] numbers,
      int begin,
      int end,
      MemorySegment counts,
      long from,
      short[] totals) {
    ShortVector zero = ShortVector.zero(Lanes.SHORTS);
    ShortVector s0 = zero;
    ShortVector s1 = zero;
    ShortVector s2 = zero;
    ShortVector s3 = zero;
    for (int j = begin; j < end; j++) {
      long at = from + offsets[j];
      ShortVector table = ShortVector.fromArray(Lanes.SHORTS, numbers, j * COUNT);
      ShortVector p0 = load(counts, at);
      ShortVector p1 = load(counts, at + BYTES);
      s0 = p0.selectFrom(table).add(s0);
      s1 = p1.selectFrom(table).add(s1);
      s2 = later(p0).selectFrom(table).add(s2);
      s3 = later(p1).selectFrom(table).add(s3);
    }
    zero.add(s0).intoArray(totals, 0);
    zero.add(s1).intoArray(totals, COUNT);
    zero.add(s2).intoArray(totals, 2 * COUNT);
    zero.add(s3).intoArray(totals, 3 * COUNT);
  }

  private static void lookUps(
      int[] offsets,
      short[] numbers,
      int begin,
      int end,
      MemorySegment counts,
      long from,
      short[] totals) {
    ShortVector zero = ShortVector.zero(Lanes.SHORTS);
    ShortVector s0 = zero;
    ShortVector s1 = zero;
    for (int j = begin; j < end; j++) {
      long at = from + offsets[j];
      ShortVector table = ShortVector.fromArray(Lanes.SHORTS, numbers, j * COUNT);
      ShortVector p0 = load(counts, at);
      s0 = p0.selectFrom(table).add(s0);
      s1 = later(p0).selectFrom(table).add(s1);
    }
    zero.add(s0).intoArray(totals, 0);
    zero.add(s1).intoArray(totals, COUNT);
  }

  private static ShortVector first(ShortVector elements) {
    return elements.and((short) ((1 << ShiftedPlanes.FOLD) - 1));
  }

  /** What is folded onto other numbers. */
  private static ShortVector later(ShortVector elements) {
    return elements.lanewise(VectorOperators.LSHR, ShiftedPlanes.FOLD);
  }

  static ShortVector load(MemorySegment segment, long at) {
    return ShortVector.fromMemorySegment(Lanes.SHORTS, segment, at, ByteOrder.nativeOrder());
  }

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
    int most = shifted.maps() ? MAPS : 1;
    int size = shifted.flatVectors() * COUNT;
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
      for (int vector = part; planes > 1 && vector < vectors; vector += parts) {
        int at = from + vector * COUNT;
        long place = to + vector * BYTES;
        copy(source, at, size, planes, shifted.masks, mask, copies, place, planeBytes);
      }
      if (planes == 1) {
        int at = from + part * COUNT;
        copy(
            source,
            at,
            parts * COUNT,
            vectors / parts,
            shifted.masks,
            mask,
            copies,
            to + part * BYTES,
            parts * BYTES);
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
    for (int plane = 0; plane < planes; plane++) {
      int begin = shifted.margin() + plane * shifted.flatVectors() * COUNT;
      int end = begin + shifted.copyVectors() * COUNT;
      // Ahead lies what has not been folded yet.
      for (int at = begin; at < end; at += COUNT) {
        ShortVector.fromArray(Lanes.SHORTS, source, at + later)
            .lanewise(VectorOperators.LSHL, ShiftedPlanes.FOLD)
            .or(ShortVector.fromArray(Lanes.SHORTS, source, at))
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
    for (int k = 0; k < size; k += COUNT) {
      ShortVector within =
          ShortVector.fromArray(Lanes.SHORTS, BELOW, COUNT - Math.min(COUNT, size - k));
      for (int line = 0; line < lines; line++) {
        int at = to + line * toPitch + k;
        load(counts, (from + (long) line * fromPitch + k) * Short.BYTES)
            .and(within)
            .lanewise(VectorOperators.LSHL, channel)
            .or(ShortVector.fromArray(Lanes.SHORTS, source, at))
            .intoArray(source, at);
      }
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
      sum = sum.add(load(counts, at + k * BYTES));
    }
    IntVector low = (IntVector) sum.convertShape(VectorOperators.S2I, Lanes.INTS, 0);
    IntVector high = (IntVector) sum.convertShape(VectorOperators.S2I, Lanes.INTS, 1);
    return low.add(high).reduceLanes(VectorOperators.ADD);
  }
}
