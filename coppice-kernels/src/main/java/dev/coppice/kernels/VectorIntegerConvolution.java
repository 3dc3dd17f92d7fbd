package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/** {@link IntegerConvolution} with the Vector API. */
final class VectorIntegerConvolution {
  private static final int COUNT = Lanes.SHORTS.length();

  /** Whether vectors are as long as what they read, and numbers move freely within them. */
  static final boolean FITS = COUNT == FoldedPlanes.LANES && ByteShuffles.exist();

  private VectorIntegerConvolution() {}

  static void forward(
      IntegerConvolution c,
      MemorySegment elements,
      MemorySegment sums,
      int fromImage,
      int toImage,
      int fromRow,
      int toRow) {
    if (!FITS) {
      ScalarIntegerConvolution.forward(c, elements, sums, fromImage, toImage, fromRow, toRow);
      return;
    }
    FoldedPlanes folded = c.folded;
    VectorIntegerSums.Block[] blocks = VectorIntegerSums.of(folded);
    short[] totals = PlaneScratch.get().shorts((2 * FoldedPlanes.BLOCK + 1) * COUNT);
    for (int image = fromImage; image < toImage; image++) {
      for (int vector = 0; vector < folded.half(); ) {
        int vectors = folded.block(vector);
        VectorIntegerSums.Block block = blocks[Integer.numberOfTrailingZeros(vectors)];
        block(c, block, vector, vectors, elements, sums, totals, image, fromRow, toRow);
        vector += vectors;
      }
    }
  }

  /** Vectors are those of {@link FoldedPlanes}. */
  private static void block(
      IntegerConvolution c,
      VectorIntegerSums.Block block,
      int vector,
      int vectors,
      MemorySegment elements,
      MemorySegment sums,
      short[] totals,
      int image,
      int fromRow,
      int toRow) {
    long from = c.folded.inputBytes(image, vector);
    for (int row = fromRow; row < toRow; row++) {
      long to = c.first(image, row);
      int first = c.rows[row];
      for (int segment = first; segment < c.rows[row + 1]; segment++) {
        block.add(c, segment, elements, from, totals);
        boolean more = segment > first;
        write(c.folded, vector, vectors, 0, totals, more, sums, to);
        int later = vector + c.folded.half();
        if (later < c.folded.vectors()) {
          int folded = Math.min(vectors, c.folded.vectors() - later);
          write(c.folded, later, folded, vectors, totals, more, sums, to);
        }
      }
    }
  }

  /** Writes vectors of sums that begin at one of the totals. */
  private static void write(
      FoldedPlanes folded,
      int vector,
      int vectors,
      int total,
      short[] totals,
      boolean more,
      MemorySegment sums,
      long to) {
    int first = folded.spans[vector];
    int end = folded.spans[vector + vectors];
    int lane = (vector - total) * COUNT;
    if (folded.piece() == FoldedPlanes.PIECE && !more) {
      writePieces(folded.lanes, folded.targets, first, end, totals, lane, sums, to);
    } else if (folded.piece() == FoldedPlanes.PIECE / 2 && !more) {
      writeHalves(folded.lanes, folded.targets, first, end, totals, lane, sums, to);
    } else {
      for (int span = first; span < end; span++) {
        long at = (to + folded.targets[span]) * Float.BYTES;
        write(totals, folded.lanes[span] - lane, folded.counts[span], more, sums, at);
      }
    }
  }

  /** Writes spans of {@link FoldedPlanes#PIECE} sums. */
  private static void writePieces(
      int[] lanes,
      int[] targets,
      int first,
      int end,
      short[] totals,
      int lane,
      MemorySegment sums,
      long to) {
    for (int span = first; span < end; span++) {
      int from = lanes[span] - lane;
      long at = (to + targets[span]) * Float.BYTES;
      ShortVector.fromArray(Lanes.HALF_SHORTS, totals, from)
          .convertShape(VectorOperators.S2F, Lanes.FLOATS, 0)
          .intoMemorySegment(sums, at, Lanes.ORDER);
    }
  }

  /** Writes spans of half as many. */
  private static void writeHalves(
      int[] lanes,
      int[] targets,
      int first,
      int end,
      short[] totals,
      int lane,
      MemorySegment sums,
      long to) {
    for (int span = first; span < end; span++) {
      int from = lanes[span] - lane;
      long at = (to + targets[span]) * Float.BYTES;
      ((FloatVector)
              ShortVector.fromArray(Lanes.QUARTER_SHORTS, totals, from)
                  .convertShape(VectorOperators.S2F, Lanes.HALF_FLOATS, 0))
          .intoMemorySegment(sums, at, Lanes.ORDER);
    }
  }

  /** Writes a span of up to {@link FoldedPlanes#PIECE} sums, or adds it to what is there. */
  private static void write(
      short[] totals, int lane, int count, boolean more, MemorySegment sums, long at) {
    VectorMask<Float> mask = Lanes.FLOATS.indexInRange(0, count);
    FloatVector total =
        (FloatVector)
            ShortVector.fromArray(Lanes.HALF_SHORTS, totals, lane)
                .convertShape(VectorOperators.S2F, Lanes.FLOATS, 0);
    if (more) {
      total = total.add(FloatVector.fromMemorySegment(Lanes.FLOATS, sums, at, Lanes.ORDER, mask));
    }
    total.intoMemorySegment(sums, at, Lanes.ORDER, mask);
  }
}
