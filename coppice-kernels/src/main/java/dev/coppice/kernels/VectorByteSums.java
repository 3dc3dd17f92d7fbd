package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Sums of segments of a {@link ByteConvolution}, for blocks of neighbouring vectors of pixels,
 * which stay in registers.
 *
 * <p>An int holds what four neighbouring pixels give. Its halves are added up modulo 2¹⁶, those of
 * two pixels each, and besides those of the int moved by a pixel, of which the last one is alone:
 * less its sums, the others are those of the pixel before it, and so on. (There is no instruction
 * to move shorts by a constant that the compiler knows.)
 *
 * <p>Sums are computed with once more before they are stored: the compiler knows the class of what
 * an addition gives, but not of what comes out of a loop, of which it would make an object. There
 * are few helpers, because vectors that are handed over become objects where a method grows past
 * what the compiler inlines.
 */
final class VectorByteSums {
  private static final int LANES = Lanes.BYTES.length();
  private static final int SHORTS = Lanes.SHORTS.length();
  private static final long BYTES = LANES;

  /** The lower half of an int. */
  private static final int LOW = 0xFFFF;

  /** Vectors of a block, at most. */
  private static final int BLOCK = 4;

  /** Shorts of a list's sums in a block. */
  private static final int LIST = 2 * BLOCK * SHORTS;

  /** Shorts that are used before the totals. */
  static final int SCRATCH = 2 * LIST;

  private static final Block FOUR_SELECTIONS = VectorByteSums::fourSelections;
  private static final Block TWO_SELECTIONS = VectorByteSums::twoSelections;
  private static final Block FOUR_PRODUCTS = VectorByteSums::fourProducts;
  private static final Block TWO_PRODUCTS = VectorByteSums::twoProducts;

  private VectorByteSums() {}

  /**
   * Adds up a list for some vectors. The blocks are called through this, and not inlined one beside
   * the other, because the compiler then keeps sums on the stack rather than in registers.
   */
  @FunctionalInterface
  private interface Block {
    /**
     * Adds up entries.
     *
     * @param from where the inputs lie of an entry without distance
     * @param sums written from {@code to} on: of every vector the sums of its ints, and then of
     *     every vector those of its ints moved by a pixel
     */
    void add(
        ByteConvolution c,
        int entry,
        int end,
        MemorySegment counts,
        long from,
        short[] sums,
        int to);
  }

  /** Returns the room that the sums of so many pixels take. */
  static int room(int size) {
    return Math.ceilDiv(size, 2 * LANES) * 2 * LANES;
  }

  /**
   * Adds up segments, block by block.
   *
   * @param from where the first pixel lies
   * @param size how many pixels
   * @param totals written from {@link #SCRATCH} on, {@code room} for every segment
   */
  static void add(
      ByteConvolution c,
      int fromSegment,
      int toSegment,
      MemorySegment counts,
      long from,
      int size,
      short[] totals,
      int room) {
    int[] lists = c.lists;
    for (int pixel = 0; pixel < size; ) {
      int vectors = size - pixel > 2 * LANES ? BLOCK : BLOCK / 2;
      Block block = block(c, vectors);
      for (int segment = fromSegment; segment < toSegment; segment++) {
        int positive = lists[2 * segment];
        int negative = lists[2 * segment + 1];
        int end = lists[2 * segment + 2];
        int to = SCRATCH + (segment - fromSegment) * room + pixel;
        block.add(c, positive, negative, counts, from + pixel, totals, 0);
        block.add(c, negative, end, counts, from + pixel, totals, LIST);
        // The last vector may lie beyond the room.
        spread(totals, vectors, Math.min(vectors, (room - pixel) / LANES), to);
      }
      pixel += vectors * LANES;
    }
  }

  private static Block block(ByteConvolution c, int vectors) {
    if (c.selects) {
      return vectors == BLOCK ? FOUR_SELECTIONS : TWO_SELECTIONS;
    }
    return vectors == BLOCK ? FOUR_PRODUCTS : TWO_PRODUCTS;
  }

  /**
   * Takes the sums of both lists apart, pixel by pixel, from the last one of an int to the first.
   *
   * @param vectors vectors of the block
   * @param wanted those of them that are written
   */
  private static void spread(short[] totals, int vectors, int wanted, int to) {
    for (int k = 0; k < wanted; k++) {
      int there = k * SHORTS;
      int moved = (vectors + k) * SHORTS;
      IntVector evens =
          ShortVector.fromArray(Lanes.SHORTS, totals, there)
              .sub(ShortVector.fromArray(Lanes.SHORTS, totals, LIST + there))
              .reinterpretAsInts();
      IntVector odds =
          ShortVector.fromArray(Lanes.SHORTS, totals, moved)
              .sub(ShortVector.fromArray(Lanes.SHORTS, totals, LIST + moved))
              .reinterpretAsInts();
      IntVector fourth = odds.lanewise(VectorOperators.LSHR, Short.SIZE);
      IntVector third =
          evens
              .lanewise(VectorOperators.LSHR, Short.SIZE)
              .sub(fourth.lanewise(VectorOperators.LSHL, Byte.SIZE))
              .and(LOW);
      IntVector second = odds.sub(third.lanewise(VectorOperators.LSHL, Byte.SIZE)).and(LOW);
      IntVector first = evens.sub(second.lanewise(VectorOperators.LSHL, Byte.SIZE)).and(LOW);
      IntVector ahead = second.lanewise(VectorOperators.LSHL, Short.SIZE).or(first);
      IntVector behind = fourth.lanewise(VectorOperators.LSHL, Short.SIZE).or(third);
      // Ints of both beside each other, those of the lower half first.
      int at = to + k * LANES;
      ((LongVector) behind.convertShape(VectorOperators.ZERO_EXTEND_I2L, Lanes.LONGS, 0))
          .lanewise(VectorOperators.LSHL, Integer.SIZE)
          .or((LongVector) ahead.convertShape(VectorOperators.ZERO_EXTEND_I2L, Lanes.LONGS, 0))
          .reinterpretAsShorts()
          .intoArray(totals, at);
      ((LongVector) behind.convertShape(VectorOperators.ZERO_EXTEND_I2L, Lanes.LONGS, 1))
          .lanewise(VectorOperators.LSHL, Integer.SIZE)
          .or((LongVector) ahead.convertShape(VectorOperators.ZERO_EXTEND_I2L, Lanes.LONGS, 1))
          .reinterpretAsShorts()
          .intoArray(totals, at + SHORTS);
    }
  }

  private static void fourSelections(
      ByteConvolution c,
      int entry,
      int end,
      MemorySegment counts,
      long from,
      short[] sums,
      int to) {
    int[] weights = c.weights;
    int[] offsets = c.offsets;
    ShortVector zero = ShortVector.zero(Lanes.SHORTS);
    ShortVector s0 = zero;
    ShortVector s1 = zero;
    ShortVector s2 = zero;
    ShortVector s3 = zero;
    ShortVector s4 = zero;
    ShortVector s5 = zero;
    ShortVector s6 = zero;
    ShortVector s7 = zero;
    for (int j = entry; j < end; j += 2) {
      MemorySegment p = counts.asSlice(from + offsets[j], 4 * BYTES);
      MemorySegment q = counts.asSlice(from + offsets[j + 1], 4 * BYTES);
      ByteVector v = IntVector.broadcast(Lanes.INTS, weights[j]).reinterpretAsBytes();
      ByteVector w = IntVector.broadcast(Lanes.INTS, weights[j + 1]).reinterpretAsBytes();
      ShortVector c0 =
          ByteVector.fromMemorySegment(Lanes.BYTES, p, 0, Lanes.ORDER)
              .and(v)
              .add(ByteVector.fromMemorySegment(Lanes.BYTES, q, 0, Lanes.ORDER).and(w))
              .reinterpretAsShorts();
      ShortVector c1 =
          ByteVector.fromMemorySegment(Lanes.BYTES, p, BYTES, Lanes.ORDER)
              .and(v)
              .add(ByteVector.fromMemorySegment(Lanes.BYTES, q, BYTES, Lanes.ORDER).and(w))
              .reinterpretAsShorts();
      ShortVector c2 =
          ByteVector.fromMemorySegment(Lanes.BYTES, p, 2 * BYTES, Lanes.ORDER)
              .and(v)
              .add(ByteVector.fromMemorySegment(Lanes.BYTES, q, 2 * BYTES, Lanes.ORDER).and(w))
              .reinterpretAsShorts();
      ShortVector c3 =
          ByteVector.fromMemorySegment(Lanes.BYTES, p, 3 * BYTES, Lanes.ORDER)
              .and(v)
              .add(ByteVector.fromMemorySegment(Lanes.BYTES, q, 3 * BYTES, Lanes.ORDER).and(w))
              .reinterpretAsShorts();
      s0 = c0.add(s0);
      s1 = c1.add(s1);
      s2 = c2.add(s2);
      s3 = c3.add(s3);
      s4 =
          c0.reinterpretAsInts()
              .lanewise(VectorOperators.LSHR, Byte.SIZE)
              .reinterpretAsShorts()
              .add(s4);
      s5 =
          c1.reinterpretAsInts()
              .lanewise(VectorOperators.LSHR, Byte.SIZE)
              .reinterpretAsShorts()
              .add(s5);
      s6 =
          c2.reinterpretAsInts()
              .lanewise(VectorOperators.LSHR, Byte.SIZE)
              .reinterpretAsShorts()
              .add(s6);
      s7 =
          c3.reinterpretAsInts()
              .lanewise(VectorOperators.LSHR, Byte.SIZE)
              .reinterpretAsShorts()
              .add(s7);
    }
    zero.add(s0).intoArray(sums, to);
    zero.add(s1).intoArray(sums, to + SHORTS);
    zero.add(s2).intoArray(sums, to + 2 * SHORTS);
    zero.add(s3).intoArray(sums, to + 3 * SHORTS);
    zero.add(s4).intoArray(sums, to + 4 * SHORTS);
    zero.add(s5).intoArray(sums, to + 5 * SHORTS);
    zero.add(s6).intoArray(sums, to + 6 * SHORTS);
    zero.add(s7).intoArray(sums, to + 7 * SHORTS);
  }

  private static void twoSelections(
      ByteConvolution c,
      int entry,
      int end,
      MemorySegment counts,
      long from,
      short[] sums,
      int to) {
    int[] weights = c.weights;
    int[] offsets = c.offsets;
    ShortVector zero = ShortVector.zero(Lanes.SHORTS);
    ShortVector s0 = zero;
    ShortVector s1 = zero;
    ShortVector s2 = zero;
    ShortVector s3 = zero;
    for (int j = entry; j < end; j += 2) {
      MemorySegment p = counts.asSlice(from + offsets[j], 2 * BYTES);
      MemorySegment q = counts.asSlice(from + offsets[j + 1], 2 * BYTES);
      ByteVector v = IntVector.broadcast(Lanes.INTS, weights[j]).reinterpretAsBytes();
      ByteVector w = IntVector.broadcast(Lanes.INTS, weights[j + 1]).reinterpretAsBytes();
      ShortVector c0 =
          ByteVector.fromMemorySegment(Lanes.BYTES, p, 0, Lanes.ORDER)
              .and(v)
              .add(ByteVector.fromMemorySegment(Lanes.BYTES, q, 0, Lanes.ORDER).and(w))
              .reinterpretAsShorts();
      ShortVector c1 =
          ByteVector.fromMemorySegment(Lanes.BYTES, p, BYTES, Lanes.ORDER)
              .and(v)
              .add(ByteVector.fromMemorySegment(Lanes.BYTES, q, BYTES, Lanes.ORDER).and(w))
              .reinterpretAsShorts();
      s0 = c0.add(s0);
      s1 = c1.add(s1);
      s2 =
          c0.reinterpretAsInts()
              .lanewise(VectorOperators.LSHR, Byte.SIZE)
              .reinterpretAsShorts()
              .add(s2);
      s3 =
          c1.reinterpretAsInts()
              .lanewise(VectorOperators.LSHR, Byte.SIZE)
              .reinterpretAsShorts()
              .add(s3);
    }
    zero.add(s0).intoArray(sums, to);
    zero.add(s1).intoArray(sums, to + SHORTS);
    zero.add(s2).intoArray(sums, to + 2 * SHORTS);
    zero.add(s3).intoArray(sums, to + 3 * SHORTS);
  }

  private static void fourProducts(
      ByteConvolution c,
      int entry,
      int end,
      MemorySegment counts,
      long from,
      short[] sums,
      int to) {
    int[] weights = c.weights;
    int[] offsets = c.offsets;
    ShortVector zero = ShortVector.zero(Lanes.SHORTS);
    ByteVector none = ByteVector.zero(Lanes.BYTES);
    ShortVector s0 = zero;
    ShortVector s1 = zero;
    ShortVector s2 = zero;
    ShortVector s3 = zero;
    ShortVector s4 = zero;
    ShortVector s5 = zero;
    ShortVector s6 = zero;
    ShortVector s7 = zero;
    for (int j = entry; j < end; j++) {
      MemorySegment p = counts.asSlice(from + offsets[j], 4 * BYTES);
      ShortVector weight = IntVector.broadcast(Lanes.INTS, weights[j]).reinterpretAsShorts();
      ShortVector c0 =
          none.sub(ByteVector.fromMemorySegment(Lanes.BYTES, p, 0, Lanes.ORDER))
              .reinterpretAsShorts();
      ShortVector c1 =
          none.sub(ByteVector.fromMemorySegment(Lanes.BYTES, p, BYTES, Lanes.ORDER))
              .reinterpretAsShorts();
      ShortVector c2 =
          none.sub(ByteVector.fromMemorySegment(Lanes.BYTES, p, 2 * BYTES, Lanes.ORDER))
              .reinterpretAsShorts();
      ShortVector c3 =
          none.sub(ByteVector.fromMemorySegment(Lanes.BYTES, p, 3 * BYTES, Lanes.ORDER))
              .reinterpretAsShorts();
      s0 = c0.mul(weight).add(s0);
      s1 = c1.mul(weight).add(s1);
      s2 = c2.mul(weight).add(s2);
      s3 = c3.mul(weight).add(s3);
      s4 =
          c0.reinterpretAsInts()
              .lanewise(VectorOperators.LSHR, Byte.SIZE)
              .reinterpretAsShorts()
              .mul(weight)
              .add(s4);
      s5 =
          c1.reinterpretAsInts()
              .lanewise(VectorOperators.LSHR, Byte.SIZE)
              .reinterpretAsShorts()
              .mul(weight)
              .add(s5);
      s6 =
          c2.reinterpretAsInts()
              .lanewise(VectorOperators.LSHR, Byte.SIZE)
              .reinterpretAsShorts()
              .mul(weight)
              .add(s6);
      s7 =
          c3.reinterpretAsInts()
              .lanewise(VectorOperators.LSHR, Byte.SIZE)
              .reinterpretAsShorts()
              .mul(weight)
              .add(s7);
    }
    zero.add(s0).intoArray(sums, to);
    zero.add(s1).intoArray(sums, to + SHORTS);
    zero.add(s2).intoArray(sums, to + 2 * SHORTS);
    zero.add(s3).intoArray(sums, to + 3 * SHORTS);
    zero.add(s4).intoArray(sums, to + 4 * SHORTS);
    zero.add(s5).intoArray(sums, to + 5 * SHORTS);
    zero.add(s6).intoArray(sums, to + 6 * SHORTS);
    zero.add(s7).intoArray(sums, to + 7 * SHORTS);
  }

  private static void twoProducts(
      ByteConvolution c,
      int entry,
      int end,
      MemorySegment counts,
      long from,
      short[] sums,
      int to) {
    int[] weights = c.weights;
    int[] offsets = c.offsets;
    ShortVector zero = ShortVector.zero(Lanes.SHORTS);
    ByteVector none = ByteVector.zero(Lanes.BYTES);
    ShortVector s0 = zero;
    ShortVector s1 = zero;
    ShortVector s2 = zero;
    ShortVector s3 = zero;
    for (int j = entry; j < end; j++) {
      MemorySegment p = counts.asSlice(from + offsets[j], 2 * BYTES);
      ShortVector weight = IntVector.broadcast(Lanes.INTS, weights[j]).reinterpretAsShorts();
      ShortVector c0 =
          none.sub(ByteVector.fromMemorySegment(Lanes.BYTES, p, 0, Lanes.ORDER))
              .reinterpretAsShorts();
      ShortVector c1 =
          none.sub(ByteVector.fromMemorySegment(Lanes.BYTES, p, BYTES, Lanes.ORDER))
              .reinterpretAsShorts();
      s0 = c0.mul(weight).add(s0);
      s1 = c1.mul(weight).add(s1);
      s2 =
          c0.reinterpretAsInts()
              .lanewise(VectorOperators.LSHR, Byte.SIZE)
              .reinterpretAsShorts()
              .mul(weight)
              .add(s2);
      s3 =
          c1.reinterpretAsInts()
              .lanewise(VectorOperators.LSHR, Byte.SIZE)
              .reinterpretAsShorts()
              .mul(weight)
              .add(s3);
    }
    zero.add(s0).intoArray(sums, to);
    zero.add(s1).intoArray(sums, to + SHORTS);
    zero.add(s2).intoArray(sums, to + 2 * SHORTS);
    zero.add(s3).intoArray(sums, to + 3 * SHORTS);
  }
}
