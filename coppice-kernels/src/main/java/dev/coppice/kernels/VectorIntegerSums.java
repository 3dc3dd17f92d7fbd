package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Sums of a segment of an {@link IntegerConvolution}, for a block of neighbouring vectors, which
 * stay in registers.
 *
 * <p>Entries are added up column by column of the kernel, and what a column gives is then moved to
 * the lanes that it belongs to.
 *
 * <p>Products of what is folded together are added up together, modulo 2¹⁶: less the sums of the
 * later numbers, which are added up besides, they are the sums of the first ones.
 *
 * <p>What is looked up are bytes, for the patterns of an element's both bytes at once. Two look-ups
 * are added up as bytes, see {@link PatternTable}, and go on like products.
 *
 * <p>Shorts are shifted by a vector of distances: for a constant distance the compiler keeps a
 * register for every shift.
 *
 * <p>Sums are computed with once more before they are stored: what comes out of a loop may be of
 * any class for the compiler, which then looks at what the store has met elsewhere, and where that
 * were vectors of several widths it makes objects of all sums. The class of an addition it knows.
 *
 * <p>There are few helpers: past some size of a method the compiler inlines no more, and vectors
 * that are handed over become objects.
 */
final class VectorIntegerSums {
  private static final int COUNT = Lanes.SHORTS.length();
  private static final long BYTES = (long) COUNT * Short.BYTES;

  /** Bits below the sign of a weight. */
  private static final int SIGN = Short.SIZE - 1;

  /** One for both numbers of an element. */
  private static final int BOTH = (1 << FoldedPlanes.FOLD) + 1;

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

  /** Where nothing is folded. */
  private static final Block[] LONE_PRODUCTS = {VectorIntegerSums::loneProducts};

  private static final Block[] LONE_SELECTIONS = {VectorIntegerSums::loneSelections};
  private static final Block[] LONE_LOOK_UPS = {VectorIntegerSums::loneLookUps};

  private VectorIntegerSums() {}

  /**
   * Adds up a segment for some vectors. The blocks are called through this, and not inlined one
   * beside the other, because the compiler then keeps sums on the stack rather than in registers.
   */
  @FunctionalInterface
  interface Block {
    /**
     * Adds up the entries of a segment.
     *
     * @param from where the inputs lie of an entry without distance
     * @param totals written: the sums of the block's vectors, and then those of the ones folded
     *     onto them
     */
    void add(IntegerConvolution c, int segment, MemorySegment elements, long from, short[] totals);
  }

  /** Returns blocks of 1, 2, 4… vectors. */
  static Block[] of(FoldedPlanes folded) {
    boolean lone = folded.vectors() == 1;
    return switch (folded.reading()) {
      case COUNTS -> lone ? LONE_PRODUCTS : PRODUCTS;
      case SPIKES -> lone ? LONE_SELECTIONS : SELECTIONS;
      case PATTERNS -> lone ? LONE_LOOK_UPS : LOOK_UPS;
    };
  }

  private static void fourProducts(
      IntegerConvolution c, int segment, MemorySegment elements, long from, short[] totals) {
    int[] lists = c.lists;
    int[] offsets = c.offsets;
    short[] numbers = c.numbers;
    LaneMoves moves = c.folded.columnMoves;
    short[] sources = moves.sources;
    short[] kept = moves.kept;
    int columns = moves.count();
    ShortVector fold = ShortVector.broadcast(Lanes.SHORTS, (short) FoldedPlanes.FOLD);
    ShortVector zero = ShortVector.zero(Lanes.SHORTS);
    ShortVector t0 = zero;
    ShortVector t1 = zero;
    ShortVector t2 = zero;
    ShortVector t3 = zero;
    ShortVector t4 = zero;
    ShortVector t5 = zero;
    ShortVector t6 = zero;
    ShortVector t7 = zero;
    for (int column = 0; column < columns; column++) {
      int list = segment * columns + column;
      ShortVector s0 = zero;
      ShortVector s1 = zero;
      ShortVector s2 = zero;
      ShortVector s3 = zero;
      ShortVector s4 = zero;
      ShortVector s5 = zero;
      ShortVector s6 = zero;
      ShortVector s7 = zero;
      int end = lists[list + 1];
      for (int j = lists[list]; j < end; j++) {
        long at = from + offsets[j];
        ShortVector weight = ShortVector.broadcast(Lanes.SHORTS, numbers[j]);
        ShortVector c0 = ShortVector.fromMemorySegment(Lanes.SHORTS, elements, at, Lanes.ORDER);
        ShortVector c1 =
            ShortVector.fromMemorySegment(Lanes.SHORTS, elements, at + BYTES, Lanes.ORDER);
        ShortVector c2 =
            ShortVector.fromMemorySegment(Lanes.SHORTS, elements, at + 2 * BYTES, Lanes.ORDER);
        ShortVector c3 =
            ShortVector.fromMemorySegment(Lanes.SHORTS, elements, at + 3 * BYTES, Lanes.ORDER);
        s0 = c0.mul(weight).add(s0);
        s1 = c1.mul(weight).add(s1);
        s2 = c2.mul(weight).add(s2);
        s3 = c3.mul(weight).add(s3);
        s4 = c0.lanewise(VectorOperators.LSHR, fold).mul(weight).add(s4);
        s5 = c1.lanewise(VectorOperators.LSHR, fold).mul(weight).add(s5);
        s6 = c2.lanewise(VectorOperators.LSHR, fold).mul(weight).add(s6);
        s7 = c3.lanewise(VectorOperators.LSHR, fold).mul(weight).add(s7);
      }
      ShortVector source = ShortVector.fromArray(Lanes.SHORTS, sources, column * COUNT);
      ShortVector keep = ShortVector.fromArray(Lanes.SHORTS, kept, column * COUNT);
      t0 = source.selectFrom(zero.add(s0)).and(keep).add(t0);
      t1 = source.selectFrom(zero.add(s1)).and(keep).add(t1);
      t2 = source.selectFrom(zero.add(s2)).and(keep).add(t2);
      t3 = source.selectFrom(zero.add(s3)).and(keep).add(t3);
      t4 = source.selectFrom(zero.add(s4)).and(keep).add(t4);
      t5 = source.selectFrom(zero.add(s5)).and(keep).add(t5);
      t6 = source.selectFrom(zero.add(s6)).and(keep).add(t6);
      t7 = source.selectFrom(zero.add(s7)).and(keep).add(t7);
    }
    zero.add(t0)
        .sub(zero.add(t4).lanewise(VectorOperators.LSHL, FoldedPlanes.FOLD))
        .intoArray(totals, 0);
    zero.add(t1)
        .sub(zero.add(t5).lanewise(VectorOperators.LSHL, FoldedPlanes.FOLD))
        .intoArray(totals, COUNT);
    zero.add(t2)
        .sub(zero.add(t6).lanewise(VectorOperators.LSHL, FoldedPlanes.FOLD))
        .intoArray(totals, 2 * COUNT);
    zero.add(t3)
        .sub(zero.add(t7).lanewise(VectorOperators.LSHL, FoldedPlanes.FOLD))
        .intoArray(totals, 3 * COUNT);
    zero.add(t4).intoArray(totals, 4 * COUNT);
    zero.add(t5).intoArray(totals, 5 * COUNT);
    zero.add(t6).intoArray(totals, 6 * COUNT);
    zero.add(t7).intoArray(totals, 7 * COUNT);
  }

  private static void twoProducts(
      IntegerConvolution c, int segment, MemorySegment elements, long from, short[] totals) {
    int[] lists = c.lists;
    int[] offsets = c.offsets;
    short[] numbers = c.numbers;
    LaneMoves moves = c.folded.columnMoves;
    short[] sources = moves.sources;
    short[] kept = moves.kept;
    int columns = moves.count();
    ShortVector fold = ShortVector.broadcast(Lanes.SHORTS, (short) FoldedPlanes.FOLD);
    ShortVector zero = ShortVector.zero(Lanes.SHORTS);
    ShortVector t0 = zero;
    ShortVector t1 = zero;
    ShortVector t2 = zero;
    ShortVector t3 = zero;
    for (int column = 0; column < columns; column++) {
      int list = segment * columns + column;
      ShortVector s0 = zero;
      ShortVector s1 = zero;
      ShortVector s2 = zero;
      ShortVector s3 = zero;
      int end = lists[list + 1];
      for (int j = lists[list]; j < end; j++) {
        long at = from + offsets[j];
        ShortVector weight = ShortVector.broadcast(Lanes.SHORTS, numbers[j]);
        ShortVector c0 = ShortVector.fromMemorySegment(Lanes.SHORTS, elements, at, Lanes.ORDER);
        ShortVector c1 =
            ShortVector.fromMemorySegment(Lanes.SHORTS, elements, at + BYTES, Lanes.ORDER);
        s0 = c0.mul(weight).add(s0);
        s1 = c1.mul(weight).add(s1);
        s2 = c0.lanewise(VectorOperators.LSHR, fold).mul(weight).add(s2);
        s3 = c1.lanewise(VectorOperators.LSHR, fold).mul(weight).add(s3);
      }
      ShortVector source = ShortVector.fromArray(Lanes.SHORTS, sources, column * COUNT);
      ShortVector keep = ShortVector.fromArray(Lanes.SHORTS, kept, column * COUNT);
      t0 = source.selectFrom(zero.add(s0)).and(keep).add(t0);
      t1 = source.selectFrom(zero.add(s1)).and(keep).add(t1);
      t2 = source.selectFrom(zero.add(s2)).and(keep).add(t2);
      t3 = source.selectFrom(zero.add(s3)).and(keep).add(t3);
    }
    zero.add(t0)
        .sub(zero.add(t2).lanewise(VectorOperators.LSHL, FoldedPlanes.FOLD))
        .intoArray(totals, 0);
    zero.add(t1)
        .sub(zero.add(t3).lanewise(VectorOperators.LSHL, FoldedPlanes.FOLD))
        .intoArray(totals, COUNT);
    zero.add(t2).intoArray(totals, 2 * COUNT);
    zero.add(t3).intoArray(totals, 3 * COUNT);
  }

  private static void products(
      IntegerConvolution c, int segment, MemorySegment elements, long from, short[] totals) {
    int[] lists = c.lists;
    int[] offsets = c.offsets;
    short[] numbers = c.numbers;
    LaneMoves moves = c.folded.columnMoves;
    short[] sources = moves.sources;
    short[] kept = moves.kept;
    int columns = moves.count();
    ShortVector fold = ShortVector.broadcast(Lanes.SHORTS, (short) FoldedPlanes.FOLD);
    ShortVector zero = ShortVector.zero(Lanes.SHORTS);
    ShortVector t0 = zero;
    ShortVector t1 = zero;
    for (int column = 0; column < columns; column++) {
      int list = segment * columns + column;
      ShortVector s0 = zero;
      ShortVector s1 = zero;
      int end = lists[list + 1];
      for (int j = lists[list]; j < end; j++) {
        long at = from + offsets[j];
        ShortVector weight = ShortVector.broadcast(Lanes.SHORTS, numbers[j]);
        ShortVector c0 = ShortVector.fromMemorySegment(Lanes.SHORTS, elements, at, Lanes.ORDER);
        s0 = c0.mul(weight).add(s0);
        s1 = c0.lanewise(VectorOperators.LSHR, fold).mul(weight).add(s1);
      }
      ShortVector source = ShortVector.fromArray(Lanes.SHORTS, sources, column * COUNT);
      ShortVector keep = ShortVector.fromArray(Lanes.SHORTS, kept, column * COUNT);
      t0 = source.selectFrom(zero.add(s0)).and(keep).add(t0);
      t1 = source.selectFrom(zero.add(s1)).and(keep).add(t1);
    }
    zero.add(t0)
        .sub(zero.add(t1).lanewise(VectorOperators.LSHL, FoldedPlanes.FOLD))
        .intoArray(totals, 0);
    zero.add(t1).intoArray(totals, COUNT);
  }

  private static void fourSelections(
      IntegerConvolution c, int segment, MemorySegment elements, long from, short[] totals) {
    int[] lists = c.lists;
    int[] offsets = c.offsets;
    short[] numbers = c.numbers;
    LaneMoves moves = c.folded.columnMoves;
    short[] sources = moves.sources;
    short[] kept = moves.kept;
    int columns = moves.count();
    ShortVector fold = ShortVector.broadcast(Lanes.SHORTS, (short) FoldedPlanes.FOLD);
    ShortVector zero = ShortVector.zero(Lanes.SHORTS);
    ShortVector t0 = zero;
    ShortVector t1 = zero;
    ShortVector t2 = zero;
    ShortVector t3 = zero;
    ShortVector t4 = zero;
    ShortVector t5 = zero;
    ShortVector t6 = zero;
    ShortVector t7 = zero;
    for (int column = 0; column < columns; column++) {
      int list = segment * columns + column;
      ShortVector s0 = zero;
      ShortVector s1 = zero;
      ShortVector s2 = zero;
      ShortVector s3 = zero;
      ShortVector s4 = zero;
      ShortVector s5 = zero;
      ShortVector s6 = zero;
      ShortVector s7 = zero;
      int end = lists[list + 1];
      for (int j = lists[list]; j < end; j++) {
        long at = from + offsets[j];
        ShortVector weight = ShortVector.broadcast(Lanes.SHORTS, numbers[j]);
        ShortVector sign = weight.lanewise(VectorOperators.ASHR, SIGN);
        ShortVector c0 =
            ShortVector.fromMemorySegment(Lanes.SHORTS, elements, at, Lanes.ORDER)
                .and(weight)
                .lanewise(VectorOperators.XOR, sign);
        ShortVector c1 =
            ShortVector.fromMemorySegment(Lanes.SHORTS, elements, at + BYTES, Lanes.ORDER)
                .and(weight)
                .lanewise(VectorOperators.XOR, sign);
        ShortVector c2 =
            ShortVector.fromMemorySegment(Lanes.SHORTS, elements, at + 2 * BYTES, Lanes.ORDER)
                .and(weight)
                .lanewise(VectorOperators.XOR, sign);
        ShortVector c3 =
            ShortVector.fromMemorySegment(Lanes.SHORTS, elements, at + 3 * BYTES, Lanes.ORDER)
                .and(weight)
                .lanewise(VectorOperators.XOR, sign);
        s0 = c0.add(s0);
        s1 = c1.add(s1);
        s2 = c2.add(s2);
        s3 = c3.add(s3);
        s4 = c0.lanewise(VectorOperators.ASHR, fold).add(s4);
        s5 = c1.lanewise(VectorOperators.ASHR, fold).add(s5);
        s6 = c2.lanewise(VectorOperators.ASHR, fold).add(s6);
        s7 = c3.lanewise(VectorOperators.ASHR, fold).add(s7);
      }
      ShortVector source = ShortVector.fromArray(Lanes.SHORTS, sources, column * COUNT);
      ShortVector keep = ShortVector.fromArray(Lanes.SHORTS, kept, column * COUNT);
      ShortVector ones = ShortVector.broadcast(Lanes.SHORTS, (short) c.constants[list]);
      t0 = source.selectFrom(ones.add(s0)).and(keep).add(t0);
      t1 = source.selectFrom(ones.add(s1)).and(keep).add(t1);
      t2 = source.selectFrom(ones.add(s2)).and(keep).add(t2);
      t3 = source.selectFrom(ones.add(s3)).and(keep).add(t3);
      t4 = source.selectFrom(ones.add(s4)).and(keep).add(t4);
      t5 = source.selectFrom(ones.add(s5)).and(keep).add(t5);
      t6 = source.selectFrom(ones.add(s6)).and(keep).add(t6);
      t7 = source.selectFrom(ones.add(s7)).and(keep).add(t7);
    }
    zero.add(t0)
        .sub(zero.add(t4).lanewise(VectorOperators.LSHL, FoldedPlanes.FOLD))
        .intoArray(totals, 0);
    zero.add(t1)
        .sub(zero.add(t5).lanewise(VectorOperators.LSHL, FoldedPlanes.FOLD))
        .intoArray(totals, COUNT);
    zero.add(t2)
        .sub(zero.add(t6).lanewise(VectorOperators.LSHL, FoldedPlanes.FOLD))
        .intoArray(totals, 2 * COUNT);
    zero.add(t3)
        .sub(zero.add(t7).lanewise(VectorOperators.LSHL, FoldedPlanes.FOLD))
        .intoArray(totals, 3 * COUNT);
    zero.add(t4).intoArray(totals, 4 * COUNT);
    zero.add(t5).intoArray(totals, 5 * COUNT);
    zero.add(t6).intoArray(totals, 6 * COUNT);
    zero.add(t7).intoArray(totals, 7 * COUNT);
  }

  private static void twoSelections(
      IntegerConvolution c, int segment, MemorySegment elements, long from, short[] totals) {
    int[] lists = c.lists;
    int[] offsets = c.offsets;
    short[] numbers = c.numbers;
    LaneMoves moves = c.folded.columnMoves;
    short[] sources = moves.sources;
    short[] kept = moves.kept;
    int columns = moves.count();
    ShortVector fold = ShortVector.broadcast(Lanes.SHORTS, (short) FoldedPlanes.FOLD);
    ShortVector zero = ShortVector.zero(Lanes.SHORTS);
    ShortVector t0 = zero;
    ShortVector t1 = zero;
    ShortVector t2 = zero;
    ShortVector t3 = zero;
    for (int column = 0; column < columns; column++) {
      int list = segment * columns + column;
      ShortVector s0 = zero;
      ShortVector s1 = zero;
      ShortVector s2 = zero;
      ShortVector s3 = zero;
      int end = lists[list + 1];
      for (int j = lists[list]; j < end; j++) {
        long at = from + offsets[j];
        ShortVector weight = ShortVector.broadcast(Lanes.SHORTS, numbers[j]);
        ShortVector sign = weight.lanewise(VectorOperators.ASHR, SIGN);
        ShortVector c0 =
            ShortVector.fromMemorySegment(Lanes.SHORTS, elements, at, Lanes.ORDER)
                .and(weight)
                .lanewise(VectorOperators.XOR, sign);
        ShortVector c1 =
            ShortVector.fromMemorySegment(Lanes.SHORTS, elements, at + BYTES, Lanes.ORDER)
                .and(weight)
                .lanewise(VectorOperators.XOR, sign);
        s0 = c0.add(s0);
        s1 = c1.add(s1);
        s2 = c0.lanewise(VectorOperators.ASHR, fold).add(s2);
        s3 = c1.lanewise(VectorOperators.ASHR, fold).add(s3);
      }
      ShortVector source = ShortVector.fromArray(Lanes.SHORTS, sources, column * COUNT);
      ShortVector keep = ShortVector.fromArray(Lanes.SHORTS, kept, column * COUNT);
      ShortVector ones = ShortVector.broadcast(Lanes.SHORTS, (short) c.constants[list]);
      t0 = source.selectFrom(ones.add(s0)).and(keep).add(t0);
      t1 = source.selectFrom(ones.add(s1)).and(keep).add(t1);
      t2 = source.selectFrom(ones.add(s2)).and(keep).add(t2);
      t3 = source.selectFrom(ones.add(s3)).and(keep).add(t3);
    }
    zero.add(t0)
        .sub(zero.add(t2).lanewise(VectorOperators.LSHL, FoldedPlanes.FOLD))
        .intoArray(totals, 0);
    zero.add(t1)
        .sub(zero.add(t3).lanewise(VectorOperators.LSHL, FoldedPlanes.FOLD))
        .intoArray(totals, COUNT);
    zero.add(t2).intoArray(totals, 2 * COUNT);
    zero.add(t3).intoArray(totals, 3 * COUNT);
  }

  private static void selections(
      IntegerConvolution c, int segment, MemorySegment elements, long from, short[] totals) {
    int[] lists = c.lists;
    int[] offsets = c.offsets;
    short[] numbers = c.numbers;
    LaneMoves moves = c.folded.columnMoves;
    short[] sources = moves.sources;
    short[] kept = moves.kept;
    int columns = moves.count();
    ShortVector fold = ShortVector.broadcast(Lanes.SHORTS, (short) FoldedPlanes.FOLD);
    ShortVector zero = ShortVector.zero(Lanes.SHORTS);
    ShortVector t0 = zero;
    ShortVector t1 = zero;
    for (int column = 0; column < columns; column++) {
      int list = segment * columns + column;
      ShortVector s0 = zero;
      ShortVector s1 = zero;
      int end = lists[list + 1];
      for (int j = lists[list]; j < end; j++) {
        long at = from + offsets[j];
        ShortVector weight = ShortVector.broadcast(Lanes.SHORTS, numbers[j]);
        ShortVector sign = weight.lanewise(VectorOperators.ASHR, SIGN);
        ShortVector c0 =
            ShortVector.fromMemorySegment(Lanes.SHORTS, elements, at, Lanes.ORDER)
                .and(weight)
                .lanewise(VectorOperators.XOR, sign);
        s0 = c0.add(s0);
        s1 = c0.lanewise(VectorOperators.ASHR, fold).add(s1);
      }
      ShortVector source = ShortVector.fromArray(Lanes.SHORTS, sources, column * COUNT);
      ShortVector keep = ShortVector.fromArray(Lanes.SHORTS, kept, column * COUNT);
      ShortVector ones = ShortVector.broadcast(Lanes.SHORTS, (short) c.constants[list]);
      t0 = source.selectFrom(ones.add(s0)).and(keep).add(t0);
      t1 = source.selectFrom(ones.add(s1)).and(keep).add(t1);
    }
    zero.add(t0)
        .sub(zero.add(t1).lanewise(VectorOperators.LSHL, FoldedPlanes.FOLD))
        .intoArray(totals, 0);
    zero.add(t1).intoArray(totals, COUNT);
  }

  private static void fourLookUps(
      IntegerConvolution c, int segment, MemorySegment elements, long from, short[] totals) {
    int[] lists = c.lists;
    int[] offsets = c.offsets;
    byte[] tables = c.tables;
    LaneMoves moves = c.folded.columnMoves;
    short[] sources = moves.sources;
    short[] kept = moves.kept;
    int columns = moves.count();
    ShortVector fold = ShortVector.broadcast(Lanes.SHORTS, (short) FoldedPlanes.FOLD);
    ShortVector zero = ShortVector.zero(Lanes.SHORTS);
    ShortVector t0 = zero;
    ShortVector t1 = zero;
    ShortVector t2 = zero;
    ShortVector t3 = zero;
    ShortVector t4 = zero;
    ShortVector t5 = zero;
    ShortVector t6 = zero;
    ShortVector t7 = zero;
    for (int column = 0; column < columns; column++) {
      int list = segment * columns + column;
      ShortVector s0 = zero;
      ShortVector s1 = zero;
      ShortVector s2 = zero;
      ShortVector s3 = zero;
      ShortVector s4 = zero;
      ShortVector s5 = zero;
      ShortVector s6 = zero;
      ShortVector s7 = zero;
      int end = lists[list + 1];
      for (int j = lists[list]; j < end; j += 2) {
        ByteVector table = ByteVector.fromArray(Lanes.BYTES, tables, j * PatternTable.SIZE);
        ByteVector other = ByteVector.fromArray(Lanes.BYTES, tables, (j + 1) * PatternTable.SIZE);
        long at = from + offsets[j];
        long beside = from + offsets[j + 1];
        ShortVector c0 =
            ByteVector.fromMemorySegment(Lanes.BYTES, elements, at, Lanes.ORDER)
                .selectFrom(table)
                .add(
                    ByteVector.fromMemorySegment(Lanes.BYTES, elements, beside, Lanes.ORDER)
                        .selectFrom(other))
                .reinterpretAsShorts();
        ShortVector c1 =
            ByteVector.fromMemorySegment(Lanes.BYTES, elements, at + BYTES, Lanes.ORDER)
                .selectFrom(table)
                .add(
                    ByteVector.fromMemorySegment(Lanes.BYTES, elements, beside + BYTES, Lanes.ORDER)
                        .selectFrom(other))
                .reinterpretAsShorts();
        ShortVector c2 =
            ByteVector.fromMemorySegment(Lanes.BYTES, elements, at + 2 * BYTES, Lanes.ORDER)
                .selectFrom(table)
                .add(
                    ByteVector.fromMemorySegment(
                            Lanes.BYTES, elements, beside + 2 * BYTES, Lanes.ORDER)
                        .selectFrom(other))
                .reinterpretAsShorts();
        ShortVector c3 =
            ByteVector.fromMemorySegment(Lanes.BYTES, elements, at + 3 * BYTES, Lanes.ORDER)
                .selectFrom(table)
                .add(
                    ByteVector.fromMemorySegment(
                            Lanes.BYTES, elements, beside + 3 * BYTES, Lanes.ORDER)
                        .selectFrom(other))
                .reinterpretAsShorts();
        s0 = c0.add(s0);
        s1 = c1.add(s1);
        s2 = c2.add(s2);
        s3 = c3.add(s3);
        s4 = c0.lanewise(VectorOperators.LSHR, fold).add(s4);
        s5 = c1.lanewise(VectorOperators.LSHR, fold).add(s5);
        s6 = c2.lanewise(VectorOperators.LSHR, fold).add(s6);
        s7 = c3.lanewise(VectorOperators.LSHR, fold).add(s7);
      }
      ShortVector source = ShortVector.fromArray(Lanes.SHORTS, sources, column * COUNT);
      ShortVector keep = ShortVector.fromArray(Lanes.SHORTS, kept, column * COUNT);
      ShortVector least = ShortVector.broadcast(Lanes.SHORTS, (short) c.constants[list]);
      ShortVector both = ShortVector.broadcast(Lanes.SHORTS, (short) (c.constants[list] * BOTH));
      t0 = source.selectFrom(both.add(s0)).and(keep).add(t0);
      t1 = source.selectFrom(both.add(s1)).and(keep).add(t1);
      t2 = source.selectFrom(both.add(s2)).and(keep).add(t2);
      t3 = source.selectFrom(both.add(s3)).and(keep).add(t3);
      t4 = source.selectFrom(least.add(s4)).and(keep).add(t4);
      t5 = source.selectFrom(least.add(s5)).and(keep).add(t5);
      t6 = source.selectFrom(least.add(s6)).and(keep).add(t6);
      t7 = source.selectFrom(least.add(s7)).and(keep).add(t7);
    }
    zero.add(t0)
        .sub(zero.add(t4).lanewise(VectorOperators.LSHL, FoldedPlanes.FOLD))
        .intoArray(totals, 0);
    zero.add(t1)
        .sub(zero.add(t5).lanewise(VectorOperators.LSHL, FoldedPlanes.FOLD))
        .intoArray(totals, COUNT);
    zero.add(t2)
        .sub(zero.add(t6).lanewise(VectorOperators.LSHL, FoldedPlanes.FOLD))
        .intoArray(totals, 2 * COUNT);
    zero.add(t3)
        .sub(zero.add(t7).lanewise(VectorOperators.LSHL, FoldedPlanes.FOLD))
        .intoArray(totals, 3 * COUNT);
    zero.add(t4).intoArray(totals, 4 * COUNT);
    zero.add(t5).intoArray(totals, 5 * COUNT);
    zero.add(t6).intoArray(totals, 6 * COUNT);
    zero.add(t7).intoArray(totals, 7 * COUNT);
  }

  private static void twoLookUps(
      IntegerConvolution c, int segment, MemorySegment elements, long from, short[] totals) {
    int[] lists = c.lists;
    int[] offsets = c.offsets;
    byte[] tables = c.tables;
    LaneMoves moves = c.folded.columnMoves;
    short[] sources = moves.sources;
    short[] kept = moves.kept;
    int columns = moves.count();
    ShortVector fold = ShortVector.broadcast(Lanes.SHORTS, (short) FoldedPlanes.FOLD);
    ShortVector zero = ShortVector.zero(Lanes.SHORTS);
    ShortVector t0 = zero;
    ShortVector t1 = zero;
    ShortVector t2 = zero;
    ShortVector t3 = zero;
    for (int column = 0; column < columns; column++) {
      int list = segment * columns + column;
      ShortVector s0 = zero;
      ShortVector s1 = zero;
      ShortVector s2 = zero;
      ShortVector s3 = zero;
      int end = lists[list + 1];
      for (int j = lists[list]; j < end; j += 2) {
        ByteVector table = ByteVector.fromArray(Lanes.BYTES, tables, j * PatternTable.SIZE);
        ByteVector other = ByteVector.fromArray(Lanes.BYTES, tables, (j + 1) * PatternTable.SIZE);
        long at = from + offsets[j];
        long beside = from + offsets[j + 1];
        ShortVector c0 =
            ByteVector.fromMemorySegment(Lanes.BYTES, elements, at, Lanes.ORDER)
                .selectFrom(table)
                .add(
                    ByteVector.fromMemorySegment(Lanes.BYTES, elements, beside, Lanes.ORDER)
                        .selectFrom(other))
                .reinterpretAsShorts();
        ShortVector c1 =
            ByteVector.fromMemorySegment(Lanes.BYTES, elements, at + BYTES, Lanes.ORDER)
                .selectFrom(table)
                .add(
                    ByteVector.fromMemorySegment(Lanes.BYTES, elements, beside + BYTES, Lanes.ORDER)
                        .selectFrom(other))
                .reinterpretAsShorts();
        s0 = c0.add(s0);
        s1 = c1.add(s1);
        s2 = c0.lanewise(VectorOperators.LSHR, fold).add(s2);
        s3 = c1.lanewise(VectorOperators.LSHR, fold).add(s3);
      }
      ShortVector source = ShortVector.fromArray(Lanes.SHORTS, sources, column * COUNT);
      ShortVector keep = ShortVector.fromArray(Lanes.SHORTS, kept, column * COUNT);
      ShortVector least = ShortVector.broadcast(Lanes.SHORTS, (short) c.constants[list]);
      ShortVector both = ShortVector.broadcast(Lanes.SHORTS, (short) (c.constants[list] * BOTH));
      t0 = source.selectFrom(both.add(s0)).and(keep).add(t0);
      t1 = source.selectFrom(both.add(s1)).and(keep).add(t1);
      t2 = source.selectFrom(least.add(s2)).and(keep).add(t2);
      t3 = source.selectFrom(least.add(s3)).and(keep).add(t3);
    }
    zero.add(t0)
        .sub(zero.add(t2).lanewise(VectorOperators.LSHL, FoldedPlanes.FOLD))
        .intoArray(totals, 0);
    zero.add(t1)
        .sub(zero.add(t3).lanewise(VectorOperators.LSHL, FoldedPlanes.FOLD))
        .intoArray(totals, COUNT);
    zero.add(t2).intoArray(totals, 2 * COUNT);
    zero.add(t3).intoArray(totals, 3 * COUNT);
  }

  private static void lookUps(
      IntegerConvolution c, int segment, MemorySegment elements, long from, short[] totals) {
    int[] lists = c.lists;
    int[] offsets = c.offsets;
    byte[] tables = c.tables;
    LaneMoves moves = c.folded.columnMoves;
    short[] sources = moves.sources;
    short[] kept = moves.kept;
    int columns = moves.count();
    ShortVector fold = ShortVector.broadcast(Lanes.SHORTS, (short) FoldedPlanes.FOLD);
    ShortVector zero = ShortVector.zero(Lanes.SHORTS);
    ShortVector t0 = zero;
    ShortVector t1 = zero;
    for (int column = 0; column < columns; column++) {
      int list = segment * columns + column;
      ShortVector s0 = zero;
      ShortVector s1 = zero;
      int end = lists[list + 1];
      for (int j = lists[list]; j < end; j += 2) {
        ByteVector table = ByteVector.fromArray(Lanes.BYTES, tables, j * PatternTable.SIZE);
        ByteVector other = ByteVector.fromArray(Lanes.BYTES, tables, (j + 1) * PatternTable.SIZE);
        long at = from + offsets[j];
        long beside = from + offsets[j + 1];
        ShortVector c0 =
            ByteVector.fromMemorySegment(Lanes.BYTES, elements, at, Lanes.ORDER)
                .selectFrom(table)
                .add(
                    ByteVector.fromMemorySegment(Lanes.BYTES, elements, beside, Lanes.ORDER)
                        .selectFrom(other))
                .reinterpretAsShorts();
        s0 = c0.add(s0);
        s1 = c0.lanewise(VectorOperators.LSHR, fold).add(s1);
      }
      ShortVector source = ShortVector.fromArray(Lanes.SHORTS, sources, column * COUNT);
      ShortVector keep = ShortVector.fromArray(Lanes.SHORTS, kept, column * COUNT);
      ShortVector least = ShortVector.broadcast(Lanes.SHORTS, (short) c.constants[list]);
      ShortVector both = ShortVector.broadcast(Lanes.SHORTS, (short) (c.constants[list] * BOTH));
      t0 = source.selectFrom(both.add(s0)).and(keep).add(t0);
      t1 = source.selectFrom(least.add(s1)).and(keep).add(t1);
    }
    zero.add(t0)
        .sub(zero.add(t1).lanewise(VectorOperators.LSHL, FoldedPlanes.FOLD))
        .intoArray(totals, 0);
    zero.add(t1).intoArray(totals, COUNT);
  }

  private static void loneProducts(
      IntegerConvolution c, int segment, MemorySegment elements, long from, short[] totals) {
    int[] lists = c.lists;
    int[] offsets = c.offsets;
    short[] numbers = c.numbers;
    LaneMoves moves = c.folded.columnMoves;
    short[] sources = moves.sources;
    short[] kept = moves.kept;
    int columns = moves.count();
    ShortVector zero = ShortVector.zero(Lanes.SHORTS);
    ShortVector t0 = zero;
    for (int column = 0; column < columns; column++) {
      int list = segment * columns + column;
      ShortVector s0 = zero;
      int end = lists[list + 1];
      for (int j = lists[list]; j < end; j++) {
        ShortVector c0 =
            ShortVector.fromMemorySegment(Lanes.SHORTS, elements, from + offsets[j], Lanes.ORDER);
        s0 = c0.mul(numbers[j]).add(s0);
      }
      ShortVector source = ShortVector.fromArray(Lanes.SHORTS, sources, column * COUNT);
      ShortVector keep = ShortVector.fromArray(Lanes.SHORTS, kept, column * COUNT);
      t0 = source.selectFrom(zero.add(s0)).and(keep).add(t0);
    }
    zero.add(t0).intoArray(totals, 0);
  }

  private static void loneSelections(
      IntegerConvolution c, int segment, MemorySegment elements, long from, short[] totals) {
    int[] lists = c.lists;
    int[] offsets = c.offsets;
    short[] numbers = c.numbers;
    LaneMoves moves = c.folded.columnMoves;
    short[] sources = moves.sources;
    short[] kept = moves.kept;
    int columns = moves.count();
    ShortVector zero = ShortVector.zero(Lanes.SHORTS);
    ShortVector t0 = zero;
    for (int column = 0; column < columns; column++) {
      int list = segment * columns + column;
      ShortVector s0 = zero;
      int end = lists[list + 1];
      for (int j = lists[list]; j < end; j++) {
        ShortVector c0 =
            ShortVector.fromMemorySegment(Lanes.SHORTS, elements, from + offsets[j], Lanes.ORDER);
        ShortVector weight = ShortVector.broadcast(Lanes.SHORTS, numbers[j]);
        s0 =
            c0.and(weight)
                .lanewise(VectorOperators.XOR, weight.lanewise(VectorOperators.ASHR, SIGN))
                .add(s0);
      }
      ShortVector source = ShortVector.fromArray(Lanes.SHORTS, sources, column * COUNT);
      ShortVector keep = ShortVector.fromArray(Lanes.SHORTS, kept, column * COUNT);
      ShortVector ones = ShortVector.broadcast(Lanes.SHORTS, (short) c.constants[list]);
      t0 = source.selectFrom(ones.add(s0)).and(keep).add(t0);
    }
    zero.add(t0).intoArray(totals, 0);
  }

  private static void loneLookUps(
      IntegerConvolution c, int segment, MemorySegment elements, long from, short[] totals) {
    int[] lists = c.lists;
    int[] offsets = c.offsets;
    byte[] tables = c.tables;
    LaneMoves moves = c.folded.columnMoves;
    short[] sources = moves.sources;
    short[] kept = moves.kept;
    int columns = moves.count();
    ShortVector zero = ShortVector.zero(Lanes.SHORTS);
    ShortVector t0 = zero;
    for (int column = 0; column < columns; column++) {
      int list = segment * columns + column;
      ShortVector s0 = zero;
      int end = lists[list + 1];
      for (int j = lists[list]; j < end; j += 2) {
        ByteVector table = ByteVector.fromArray(Lanes.BYTES, tables, j * PatternTable.SIZE);
        ByteVector other = ByteVector.fromArray(Lanes.BYTES, tables, (j + 1) * PatternTable.SIZE);
        long at = from + offsets[j];
        long beside = from + offsets[j + 1];
        ShortVector c0 =
            ByteVector.fromMemorySegment(Lanes.BYTES, elements, at, Lanes.ORDER)
                .selectFrom(table)
                .add(
                    ByteVector.fromMemorySegment(Lanes.BYTES, elements, beside, Lanes.ORDER)
                        .selectFrom(other))
                .reinterpretAsShorts();
        s0 = c0.add(s0);
      }
      ShortVector source = ShortVector.fromArray(Lanes.SHORTS, sources, column * COUNT);
      ShortVector keep = ShortVector.fromArray(Lanes.SHORTS, kept, column * COUNT);
      ShortVector both = ShortVector.broadcast(Lanes.SHORTS, (short) (c.constants[list] * BOTH));
      t0 = source.selectFrom(both.add(s0)).and(keep).add(t0);
    }
    zero.add(t0).intoArray(totals, 0);
  }
}
