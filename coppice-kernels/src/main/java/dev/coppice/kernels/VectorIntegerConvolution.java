package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/** {@link IntegerConvolution} with the Vector API. */
final class VectorIntegerConvolution {
  private static final int COUNT = Lanes.SHORTS.length();

  private static final int HALF = Lanes.HALF_FLOATS.length();

  /** Whether all patterns' sums fit into a vector, which can then look them up. */
  static final boolean LOOKS_UP = COUNT == IntegerConvolution.PATTERNS;

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
    VectorIntegerSums.Block[] blocks = VectorIntegerSums.of(shifted.reading());
    int most = Math.max(1, (COUNT << (blocks.length - 1)) / ShiftedPlanes.LANES);
    short[] totals = PlaneScratch.get().shorts(2 * most * ShiftedPlanes.LANES + COUNT);
    for (int image = fromImage; image < toImage; image++) {
      for (int vector = 0; vector < shifted.half(); ) {
        int vectors = Math.min(most, Integer.highestOneBit(shifted.half() - vector));
        int wide = vectors * ShiftedPlanes.LANES / COUNT;
        VectorIntegerSums.Block block = blocks[Integer.numberOfTrailingZeros(wide)];
        block(c, block, vector, vectors, copies, sums, totals, image, fromRow, toRow);
        vector += vectors;
      }
    }
  }

  /** Vectors are those of {@link ShiftedPlanes}. */
  private static void block(
      IntegerConvolution c,
      VectorIntegerSums.Block block,
      int vector,
      int vectors,
      MemorySegment copies,
      MemorySegment sums,
      short[] totals,
      int image,
      int fromRow,
      int toRow) {
    long from = c.shifted.inputBytes(image, vector);
    for (int row = fromRow; row < toRow; row++) {
      long to = c.first(image, row);
      int first = c.rows[row];
      for (int segment = first; segment < c.rows[row + 1]; segment++) {
        block.add(
            c.offsets,
            c.numbers,
            c.segments[segment],
            c.segments[segment + 1],
            c.negatives[segment],
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
    if (shifted.piece() == ShiftedPlanes.PIECE && !more) {
      writePieces(shifted.lanes, shifted.targets, first, end, totals, lane, sums, to);
    } else if (shifted.piece() == ShiftedPlanes.PIECE / 2 && !more) {
      writeHalves(shifted.lanes, shifted.targets, first, end, totals, lane, sums, to);
    } else {
      for (int span = first; span < end; span++) {
        long at = (to + shifted.targets[span]) * Float.BYTES;
        write(totals, shifted.lanes[span] - lane, shifted.counts[span], more, sums, at);
      }
    }
  }

  /** Writes spans of {@link ShiftedPlanes#PIECE} sums. */
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
      for (int k = 0; k < ShiftedPlanes.PIECE; k += Lanes.COUNT) {
        floats(totals, from + k)
            .intoMemorySegment(sums, at + (long) k * Float.BYTES, ByteOrder.nativeOrder());
      }
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
      for (int k = 0; k < ShiftedPlanes.PIECE / 2; k += HALF) {
        ((FloatVector)
                ShortVector.fromArray(Lanes.QUARTER_SHORTS, totals, from + k)
                    .convertShape(VectorOperators.S2F, Lanes.HALF_FLOATS, 0))
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
}
