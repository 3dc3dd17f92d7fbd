package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Sums of a segment of an {@link IntegerConvolution}, for a block of neighbouring vectors, which
 * stay in registers.
 *
 * <p>Products of what is folded together are added up together, modulo 2¹⁶: less the sums of the
 * later numbers, which are added up besides, they are the sums of the first ones.
 *
 * <p>Sums are computed with once more before they are stored: what comes out of a loop may be of
 * any class for the compiler, which then looks at what the store has met elsewhere, and where that
 * were vectors of several widths it makes objects of all sums. The class of an addition it knows.
 */
final class VectorIntegerSums {
  private static final int COUNT = Lanes.SHORTS.length();
  private static final long BYTES = (long) COUNT * Short.BYTES;

  /** Bits below the sign of a weight. */
  private static final int SIGN = Short.SIZE - 1;

  private static final Block[] PRODUCTS = {
    VectorIntegerSums::products, VectorIntegerSums::twoProducts, VectorIntegerSums::fourProducts
  };

  private static final Block[] SELECTIONS = {
    VectorIntegerSums::selections,
    VectorIntegerSums::twoSelections,
    VectorIntegerSums::fourSelections
  };

  private static final Block[] LOOK_UPS = {
    VectorIntegerSums::lookUps, VectorIntegerSums::twoLookUps, VectorIntegerSums::fourLookUps
  };

  private VectorIntegerSums() {}

  /**
   * Adds up a segment for some vectors. The blocks are called through this, and not inlined one
   * beside the other, because the compiler then keeps sums on the stack rather than in registers.
   */
  @FunctionalInterface
  interface Block {
    /**
     * Adds up entries.
     *
     * @param begin the first entry
     * @param negatives how many of the entries have a {@linkplain #SIGN sign}
     * @param from where the inputs lie of an entry without distance
     * @param totals written: the sums of the block's vectors, and then those of the ones folded
     *     onto them
     */
    void add(
        int[] offsets,
        short[] numbers,
        int begin,
        int end,
        int negatives,
        MemorySegment counts,
        long from,
        short[] totals);
  }

  /** Returns blocks of 1, 2, 4… vectors. */
  static Block[] of(IntegerConvolution.Reading reading) {
    return switch (reading) {
      case COUNTS -> PRODUCTS;
      case SPIKES -> SELECTIONS;
      case PATTERNS -> LOOK_UPS;
    };
  }

  private static void fourProducts(
      int[] offsets,
      short[] numbers,
      int begin,
      int end,
      int negatives,
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
      ShortVector c0 = Lanes.shorts(counts, at);
      ShortVector c1 = Lanes.shorts(counts, at + BYTES);
      ShortVector c2 = Lanes.shorts(counts, at + 2 * BYTES);
      ShortVector c3 = Lanes.shorts(counts, at + 3 * BYTES);
      s0 = c0.mul(weight).add(s0);
      s1 = c1.mul(weight).add(s1);
      s2 = c2.mul(weight).add(s2);
      s3 = c3.mul(weight).add(s3);
      s4 = later(c0).mul(weight).add(s4);
      s5 = later(c1).mul(weight).add(s5);
      s6 = later(c2).mul(weight).add(s6);
      s7 = later(c3).mul(weight).add(s7);
    }
    first(zero.add(s0), zero.add(s4)).intoArray(totals, 0);
    first(zero.add(s1), zero.add(s5)).intoArray(totals, COUNT);
    first(zero.add(s2), zero.add(s6)).intoArray(totals, 2 * COUNT);
    first(zero.add(s3), zero.add(s7)).intoArray(totals, 3 * COUNT);
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
      int negatives,
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
      ShortVector c0 = Lanes.shorts(counts, at);
      ShortVector c1 = Lanes.shorts(counts, at + BYTES);
      s0 = c0.mul(weight).add(s0);
      s1 = c1.mul(weight).add(s1);
      s2 = later(c0).mul(weight).add(s2);
      s3 = later(c1).mul(weight).add(s3);
    }
    first(zero.add(s0), zero.add(s2)).intoArray(totals, 0);
    first(zero.add(s1), zero.add(s3)).intoArray(totals, COUNT);
    zero.add(s2).intoArray(totals, 2 * COUNT);
    zero.add(s3).intoArray(totals, 3 * COUNT);
  }

  private static void products(
      int[] offsets,
      short[] numbers,
      int begin,
      int end,
      int negatives,
      MemorySegment counts,
      long from,
      short[] totals) {
    ShortVector zero = ShortVector.zero(Lanes.SHORTS);
    ShortVector s0 = zero;
    ShortVector s1 = zero;
    for (int j = begin; j < end; j++) {
      long at = from + offsets[j];
      ShortVector weight = ShortVector.broadcast(Lanes.SHORTS, numbers[j]);
      ShortVector c0 = Lanes.shorts(counts, at);
      s0 = c0.mul(weight).add(s0);
      s1 = later(c0).mul(weight).add(s1);
    }
    first(zero.add(s0), zero.add(s1)).intoArray(totals, 0);
    zero.add(s1).intoArray(totals, COUNT);
  }

  private static void fourSelections(
      int[] offsets,
      short[] numbers,
      int begin,
      int end,
      int negatives,
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
      ShortVector sign = weight.lanewise(VectorOperators.ASHR, SIGN);
      ShortVector c0 = selected(Lanes.shorts(counts, at), weight, sign);
      ShortVector c1 = selected(Lanes.shorts(counts, at + BYTES), weight, sign);
      ShortVector c2 = selected(Lanes.shorts(counts, at + 2 * BYTES), weight, sign);
      ShortVector c3 = selected(Lanes.shorts(counts, at + 3 * BYTES), weight, sign);
      s0 = c0.add(s0);
      s1 = c1.add(s1);
      s2 = c2.add(s2);
      s3 = c3.add(s3);
      s4 = c0.lanewise(VectorOperators.ASHR, ShiftedPlanes.FOLD).add(s4);
      s5 = c1.lanewise(VectorOperators.ASHR, ShiftedPlanes.FOLD).add(s5);
      s6 = c2.lanewise(VectorOperators.ASHR, ShiftedPlanes.FOLD).add(s6);
      s7 = c3.lanewise(VectorOperators.ASHR, ShiftedPlanes.FOLD).add(s7);
    }
    ShortVector ones = ShortVector.broadcast(Lanes.SHORTS, (short) negatives);
    first(ones.add(s0), ones.add(s4)).intoArray(totals, 0);
    first(ones.add(s1), ones.add(s5)).intoArray(totals, COUNT);
    first(ones.add(s2), ones.add(s6)).intoArray(totals, 2 * COUNT);
    first(ones.add(s3), ones.add(s7)).intoArray(totals, 3 * COUNT);
    ones.add(s4).intoArray(totals, 4 * COUNT);
    ones.add(s5).intoArray(totals, 5 * COUNT);
    ones.add(s6).intoArray(totals, 6 * COUNT);
    ones.add(s7).intoArray(totals, 7 * COUNT);
  }

  private static void twoSelections(
      int[] offsets,
      short[] numbers,
      int begin,
      int end,
      int negatives,
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
      ShortVector sign = weight.lanewise(VectorOperators.ASHR, SIGN);
      ShortVector c0 = selected(Lanes.shorts(counts, at), weight, sign);
      ShortVector c1 = selected(Lanes.shorts(counts, at + BYTES), weight, sign);
      s0 = c0.add(s0);
      s1 = c1.add(s1);
      s2 = c0.lanewise(VectorOperators.ASHR, ShiftedPlanes.FOLD).add(s2);
      s3 = c1.lanewise(VectorOperators.ASHR, ShiftedPlanes.FOLD).add(s3);
    }
    ShortVector ones = ShortVector.broadcast(Lanes.SHORTS, (short) negatives);
    first(ones.add(s0), ones.add(s2)).intoArray(totals, 0);
    first(ones.add(s1), ones.add(s3)).intoArray(totals, COUNT);
    ones.add(s2).intoArray(totals, 2 * COUNT);
    ones.add(s3).intoArray(totals, 3 * COUNT);
  }

  private static void selections(
      int[] offsets,
      short[] numbers,
      int begin,
      int end,
      int negatives,
      MemorySegment counts,
      long from,
      short[] totals) {
    ShortVector zero = ShortVector.zero(Lanes.SHORTS);
    ShortVector s0 = zero;
    ShortVector s1 = zero;
    for (int j = begin; j < end; j++) {
      long at = from + offsets[j];
      ShortVector weight = ShortVector.broadcast(Lanes.SHORTS, numbers[j]);
      ShortVector sign = weight.lanewise(VectorOperators.ASHR, SIGN);
      ShortVector c0 = selected(Lanes.shorts(counts, at), weight, sign);
      s0 = c0.add(s0);
      s1 = c0.lanewise(VectorOperators.ASHR, ShiftedPlanes.FOLD).add(s1);
    }
    ShortVector ones = ShortVector.broadcast(Lanes.SHORTS, (short) negatives);
    first(ones.add(s0), ones.add(s1)).intoArray(totals, 0);
    ones.add(s1).intoArray(totals, COUNT);
  }

  private static void fourLookUps(
      int[] offsets,
      short[] numbers,
      int begin,
      int end,
      int negatives,
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
      ShortVector c0 = Lanes.shorts(counts, at);
      ShortVector c1 = Lanes.shorts(counts, at + BYTES);
      ShortVector c2 = Lanes.shorts(counts, at + 2 * BYTES);
      ShortVector c3 = Lanes.shorts(counts, at + 3 * BYTES);
      s0 = c0.selectFrom(table).add(s0);
      s1 = c1.selectFrom(table).add(s1);
      s2 = c2.selectFrom(table).add(s2);
      s3 = c3.selectFrom(table).add(s3);
      s4 = later(c0).selectFrom(table).add(s4);
      s5 = later(c1).selectFrom(table).add(s5);
      s6 = later(c2).selectFrom(table).add(s6);
      s7 = later(c3).selectFrom(table).add(s7);
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
      int negatives,
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
      ShortVector c0 = Lanes.shorts(counts, at);
      ShortVector c1 = Lanes.shorts(counts, at + BYTES);
      s0 = c0.selectFrom(table).add(s0);
      s1 = c1.selectFrom(table).add(s1);
      s2 = later(c0).selectFrom(table).add(s2);
      s3 = later(c1).selectFrom(table).add(s3);
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
      int negatives,
      MemorySegment counts,
      long from,
      short[] totals) {
    ShortVector zero = ShortVector.zero(Lanes.SHORTS);
    ShortVector s0 = zero;
    ShortVector s1 = zero;
    for (int j = begin; j < end; j++) {
      long at = from + offsets[j];
      ShortVector table = ShortVector.fromArray(Lanes.SHORTS, numbers, j * COUNT);
      ShortVector c0 = Lanes.shorts(counts, at);
      s0 = c0.selectFrom(table).add(s0);
      s1 = later(c0).selectFrom(table).add(s1);
    }
    zero.add(s0).intoArray(totals, 0);
    zero.add(s1).intoArray(totals, COUNT);
  }

  /**
   * Weights that fired, complemented where they are negative: that is one less than minus the
   * weight, in both parts of an element.
   */
  private static ShortVector selected(ShortVector spikes, ShortVector weight, ShortVector sign) {
    return spikes.and(weight).lanewise(VectorOperators.XOR, sign);
  }

  /** What was folded onto other numbers. */
  private static ShortVector later(ShortVector elements) {
    return elements.lanewise(VectorOperators.LSHR, ShiftedPlanes.FOLD);
  }

  /** What is left of sums of elements. */
  private static ShortVector first(ShortVector sums, ShortVector later) {
    return sums.sub(later.lanewise(VectorOperators.LSHL, ShiftedPlanes.FOLD));
  }
}
