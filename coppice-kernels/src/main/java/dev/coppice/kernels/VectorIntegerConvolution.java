package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * {@link IntegerConvolution} with the Vector API: vectors of neighbouring sums stay in registers
 * while a segment's entries are read once.
 */
final class VectorIntegerConvolution {
  private static final int COUNT = Lanes.SHORTS.length();
  private static final long BYTES = (long) COUNT * Short.BYTES;

  /** Vectors of a block. */
  private static final int BLOCK = 8;

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

  /** By the logarithm of the number of vectors. */
  private static final Sums[] PRODUCTS = {
    VectorIntegerConvolution::products,
    VectorIntegerConvolution::twoProducts,
    VectorIntegerConvolution::fourProducts,
    VectorIntegerConvolution::eightProducts
  };

  private static final Sums[] LOOK_UPS = {
    VectorIntegerConvolution::lookUps,
    VectorIntegerConvolution::twoLookUps,
    VectorIntegerConvolution::fourLookUps,
    VectorIntegerConvolution::eightLookUps
  };

  private VectorIntegerConvolution() {}

  static void forward(
      IntegerConvolution c,
      MemorySegment counts,
      MemorySegment sums,
      int fromGroup,
      int toGroup,
      int fromRow,
      int toRow) {
    if (c.patterns() && !LOOKS_UP) {
      ScalarIntegerConvolution.forward(c, counts, sums, fromGroup, toGroup, fromRow, toRow);
      return;
    }
    short[] totals = PlaneScratch.get().shorts(BLOCK * COUNT);
    for (int group = fromGroup; group < toGroup; group++) {
      for (int piece = 0; piece < c.cut().count(); piece++) {
        piece(c, counts, sums, totals, group, piece, fromRow, toRow);
      }
    }
  }

  /** In blocks of vectors, the last overlapping the one before it where it would be cut off. */
  private static void piece(
      IntegerConvolution c,
      MemorySegment counts,
      MemorySegment sums,
      short[] totals,
      int group,
      int piece,
      int fromRow,
      int toRow) {
    int size = c.cut().size();
    for (int done = 0; done < size; ) {
      int vectors = vectors(size - done, size);
      int at = Math.max(0, Math.min(done, size - vectors * COUNT));
      block(c, vectors, counts, sums, totals, group, piece, at, size - at, fromRow, toRow);
      done = at + vectors * COUNT;
    }
  }

  /** Returns the vectors of a block: 8, 4, 2 or 1, and not more than the piece has. */
  private static int vectors(int left, int size) {
    int wanted = Math.ceilDiv(left, COUNT);
    int vectors = wanted > 4 ? 8 : wanted > 2 ? 4 : wanted;
    while (vectors > 1 && vectors * COUNT > size) {
      vectors /= 2;
    }
    return vectors;
  }

  private static void block(
      IntegerConvolution c,
      int vectors,
      MemorySegment counts,
      MemorySegment sums,
      short[] totals,
      int group,
      int piece,
      int at,
      int left,
      int fromRow,
      int toRow) {
    long from = c.inputBytes(group, piece) + (long) at * Short.BYTES;
    int size = Math.min(left, vectors * COUNT);
    Sums block = (c.patterns() ? LOOK_UPS : PRODUCTS)[Integer.numberOfTrailingZeros(vectors)];
    for (int row = fromRow; row < toRow; row++) {
      long to = c.outputBytes(group, row, piece) + (long) at * Float.BYTES;
      int first = c.rows[row];
      for (int segment = first; segment < c.rows[row + 1]; segment++) {
        block.add(
            c.offsets,
            c.numbers,
            c.segments[segment],
            c.segments[segment + 1],
            counts,
            from,
            totals);
        if (segment == first) {
          write(totals, sums, to, size);
        } else {
          add(totals, sums, to, size);
        }
      }
    }
  }

  private static void write(short[] totals, MemorySegment sums, long to, int size) {
    int k = 0;
    for (; k + Lanes.COUNT <= size; k += Lanes.COUNT) {
      floats(totals, k)
          .intoMemorySegment(sums, to + (long) k * Float.BYTES, ByteOrder.nativeOrder());
    }
    for (; k < size; k++) {
      sums.set(ValueLayout.JAVA_FLOAT, to + (long) k * Float.BYTES, totals[k]);
    }
  }

  private static void add(short[] totals, MemorySegment sums, long to, int size) {
    int k = 0;
    for (; k + Lanes.COUNT <= size; k += Lanes.COUNT) {
      long at = to + (long) k * Float.BYTES;
      FloatVector.fromMemorySegment(Lanes.FLOATS, sums, at, ByteOrder.nativeOrder())
          .add(floats(totals, k))
          .intoMemorySegment(sums, at, ByteOrder.nativeOrder());
    }
    for (; k < size; k++) {
      long at = to + (long) k * Float.BYTES;
      sums.set(ValueLayout.JAVA_FLOAT, at, sums.get(ValueLayout.JAVA_FLOAT, at) + totals[k]);
    }
  }

  private static FloatVector floats(short[] totals, int k) {
    return (FloatVector)
        ShortVector.fromArray(Lanes.HALF_SHORTS, totals, k)
            .convertShape(VectorOperators.S2F, Lanes.FLOATS, 0);
  }

  private static void eightProducts(
      int[] offsets,
      short[] numbers,
      int begin,
      int end,
      MemorySegment counts,
      long from,
      short[] totals) {
    ShortVector s0 = ShortVector.zero(Lanes.SHORTS);
    ShortVector s1 = s0;
    ShortVector s2 = s0;
    ShortVector s3 = s0;
    ShortVector s4 = s0;
    ShortVector s5 = s0;
    ShortVector s6 = s0;
    ShortVector s7 = s0;
    for (int j = begin; j < end; j++) {
      long at = from + offsets[j];
      ShortVector weight = ShortVector.broadcast(Lanes.SHORTS, numbers[j]);
      s0 = load(counts, at).mul(weight).add(s0);
      s1 = load(counts, at + BYTES).mul(weight).add(s1);
      s2 = load(counts, at + 2 * BYTES).mul(weight).add(s2);
      s3 = load(counts, at + 3 * BYTES).mul(weight).add(s3);
      s4 = load(counts, at + 4 * BYTES).mul(weight).add(s4);
      s5 = load(counts, at + 5 * BYTES).mul(weight).add(s5);
      s6 = load(counts, at + 6 * BYTES).mul(weight).add(s6);
      s7 = load(counts, at + 7 * BYTES).mul(weight).add(s7);
    }
    s0.intoArray(totals, 0);
    s1.intoArray(totals, COUNT);
    s2.intoArray(totals, 2 * COUNT);
    s3.intoArray(totals, 3 * COUNT);
    s4.intoArray(totals, 4 * COUNT);
    s5.intoArray(totals, 5 * COUNT);
    s6.intoArray(totals, 6 * COUNT);
    s7.intoArray(totals, 7 * COUNT);
  }

  private static void fourProducts(
      int[] offsets,
      short[] numbers,
      int begin,
      int end,
      MemorySegment counts,
      long from,
      short[] totals) {
    ShortVector s0 = ShortVector.zero(Lanes.SHORTS);
    ShortVector s1 = s0;
    ShortVector s2 = s0;
    ShortVector s3 = s0;
    for (int j = begin; j < end; j++) {
      long at = from + offsets[j];
      ShortVector weight = ShortVector.broadcast(Lanes.SHORTS, numbers[j]);
      s0 = load(counts, at).mul(weight).add(s0);
      s1 = load(counts, at + BYTES).mul(weight).add(s1);
      s2 = load(counts, at + 2 * BYTES).mul(weight).add(s2);
      s3 = load(counts, at + 3 * BYTES).mul(weight).add(s3);
    }
    s0.intoArray(totals, 0);
    s1.intoArray(totals, COUNT);
    s2.intoArray(totals, 2 * COUNT);
    s3.intoArray(totals, 3 * COUNT);
  }

  private static void twoProducts(
      int[] offsets,
      short[] numbers,
      int begin,
      int end,
      MemorySegment counts,
      long from,
      short[] totals) {
    ShortVector s0 = ShortVector.zero(Lanes.SHORTS);
    ShortVector s1 = s0;
    for (int j = begin; j < end; j++) {
      long at = from + offsets[j];
      ShortVector weight = ShortVector.broadcast(Lanes.SHORTS, numbers[j]);
      s0 = load(counts, at).mul(weight).add(s0);
      s1 = load(counts, at + BYTES).mul(weight).add(s1);
    }
    s0.intoArray(totals, 0);
    s1.intoArray(totals, COUNT);
  }

  private static void products(
      int[] offsets,
      short[] numbers,
      int begin,
      int end,
      MemorySegment counts,
      long from,
      short[] totals) {
    ShortVector s0 = ShortVector.zero(Lanes.SHORTS);
    for (int j = begin; j < end; j++) {
      long at = from + offsets[j];
      ShortVector weight = ShortVector.broadcast(Lanes.SHORTS, numbers[j]);
      s0 = load(counts, at).mul(weight).add(s0);
    }
    s0.intoArray(totals, 0);
  }

  private static void eightLookUps(
      int[] offsets,
      short[] numbers,
      int begin,
      int end,
      MemorySegment counts,
      long from,
      short[] totals) {
    ShortVector s0 = ShortVector.zero(Lanes.SHORTS);
    ShortVector s1 = s0;
    ShortVector s2 = s0;
    ShortVector s3 = s0;
    ShortVector s4 = s0;
    ShortVector s5 = s0;
    ShortVector s6 = s0;
    ShortVector s7 = s0;
    for (int j = begin; j < end; j++) {
      long at = from + offsets[j];
      ShortVector table = ShortVector.fromArray(Lanes.SHORTS, numbers, j * COUNT);
      s0 = load(counts, at).selectFrom(table).add(s0);
      s1 = load(counts, at + BYTES).selectFrom(table).add(s1);
      s2 = load(counts, at + 2 * BYTES).selectFrom(table).add(s2);
      s3 = load(counts, at + 3 * BYTES).selectFrom(table).add(s3);
      s4 = load(counts, at + 4 * BYTES).selectFrom(table).add(s4);
      s5 = load(counts, at + 5 * BYTES).selectFrom(table).add(s5);
      s6 = load(counts, at + 6 * BYTES).selectFrom(table).add(s6);
      s7 = load(counts, at + 7 * BYTES).selectFrom(table).add(s7);
    }
    s0.intoArray(totals, 0);
    s1.intoArray(totals, COUNT);
    s2.intoArray(totals, 2 * COUNT);
    s3.intoArray(totals, 3 * COUNT);
    s4.intoArray(totals, 4 * COUNT);
    s5.intoArray(totals, 5 * COUNT);
    s6.intoArray(totals, 6 * COUNT);
    s7.intoArray(totals, 7 * COUNT);
  }

  private static void fourLookUps(
      int[] offsets,
      short[] numbers,
      int begin,
      int end,
      MemorySegment counts,
      long from,
      short[] totals) {
    ShortVector s0 = ShortVector.zero(Lanes.SHORTS);
    ShortVector s1 = s0;
    ShortVector s2 = s0;
    ShortVector s3 = s0;
    for (int j = begin; j < end; j++) {
      long at = from + offsets[j];
      ShortVector table = ShortVector.fromArray(Lanes.SHORTS, numbers, j * COUNT);
      s0 = load(counts, at).selectFrom(table).add(s0);
      s1 = load(counts, at + BYTES).selectFrom(table).add(s1);
      s2 = load(counts, at + 2 * BYTES).selectFrom(table).add(s2);
      s3 = load(counts, at + 3 * BYTES).selectFrom(table).add(s3);
    }
    s0.intoArray(totals, 0);
    s1.intoArray(totals, COUNT);
    s2.intoArray(totals, 2 * COUNT);
    s3.intoArray(totals, 3 * COUNT);
  }

  private static void twoLookUps(
      int[] offsets,
      short[] numbers,
      int begin,
      int end,
      MemorySegment counts,
      long from,
      short[] totals) {
    ShortVector s0 = ShortVector.zero(Lanes.SHORTS);
    ShortVector s1 = s0;
    for (int j = begin; j < end; j++) {
      long at = from + offsets[j];
      ShortVector table = ShortVector.fromArray(Lanes.SHORTS, numbers, j * COUNT);
      s0 = load(counts, at).selectFrom(table).add(s0);
      s1 = load(counts, at + BYTES).selectFrom(table).add(s1);
    }
    s0.intoArray(totals, 0);
    s1.intoArray(totals, COUNT);
  }

  private static void lookUps(
      int[] offsets,
      short[] numbers,
      int begin,
      int end,
      MemorySegment counts,
      long from,
      short[] totals) {
    ShortVector s0 = ShortVector.zero(Lanes.SHORTS);
    for (int j = begin; j < end; j++) {
      long at = from + offsets[j];
      ShortVector table = ShortVector.fromArray(Lanes.SHORTS, numbers, j * COUNT);
      s0 = load(counts, at).selectFrom(table).add(s0);
    }
    s0.intoArray(totals, 0);
  }

  static ShortVector load(MemorySegment segment, long at) {
    return ShortVector.fromMemorySegment(Lanes.SHORTS, segment, at, ByteOrder.nativeOrder());
  }

  static void packPatterns(
      Planes counts,
      Planes patterns,
      MemorySegment from,
      MemorySegment to,
      int fromPlane,
      int toPlane) {
    int whole = patterns.planeFloats() / COUNT * COUNT;
    long step = (long) counts.planeFloats() * Short.BYTES;
    for (int plane = fromPlane; plane < toPlane; plane++) {
      long read = IntegerConvolution.firstCount(counts, plane) * Short.BYTES;
      long write = PlaneNeurons.firstOf(patterns, plane) * Short.BYTES;
      int side = IntegerConvolution.side(counts, plane);
      for (long k = 0; k < (long) patterns.planeFloats() * Short.BYTES; k += BYTES) {
        ShortVector pattern = load(from, read + k);
        for (int channel = 1; channel < side; channel++) {
          pattern =
              load(from, read + channel * step + k)
                  .lanewise(VectorOperators.LSHL, channel)
                  .or(pattern);
        }
        if (k < (long) whole * Short.BYTES) {
          pattern.intoMemorySegment(to, write + k, ByteOrder.nativeOrder());
        } else {
          pattern.intoMemorySegment(
              to,
              write + k,
              ByteOrder.nativeOrder(),
              Lanes.SHORTS.indexInRange(0, patterns.planeFloats() - whole));
        }
      }
      PlaneNumbers.COUNTS.clearEnds(patterns, to, plane);
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
