package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/** {@link ByteConvolution} with the Vector API, and the {@link PlaneNeurons} that read it. */
final class VectorByteConvolution {
  /** Sums that are kept for neurons: inputs are read once for the rows of these. */
  private static final int KEPT = 1 << 15;

  private VectorByteConvolution() {}

  static void forward(
      ByteConvolution c,
      MemorySegment counts,
      MemorySegment sums,
      int fromImage,
      int toImage,
      int fromRow,
      int toRow) {
    int size = c.cut.size();
    int room = VectorByteSums.room(size);
    short[] totals = PlaneScratch.get().shorts(VectorByteSums.SCRATCH + room);
    for (int image = fromImage; image < toImage; image++) {
      for (int row = fromRow; row < toRow; row++) {
        for (int piece = 0; piece < c.cut.count(); piece++) {
          long from = c.cut.input(image, piece);
          long to = c.cut.output(image, row, piece) * Float.BYTES;
          int first = c.rows[row];
          for (int segment = first; segment < c.rows[row + 1]; segment++) {
            int at = VectorByteSums.SCRATCH;
            VectorByteSums.add(c, segment, segment + 1, counts, from, size, totals, room);
            write(totals, at, size, segment > first, sums, to);
          }
        }
      }
    }
  }

  /** Writes sums as floats, or adds them to what is there. */
  private static void write(
      short[] totals, int first, int size, boolean more, MemorySegment sums, long to) {
    for (int k = 0; k < size; k += Lanes.COUNT) {
      VectorMask<Float> mask = Lanes.FLOATS.indexInRange(k, size);
      long at = to + (long) k * Float.BYTES;
      FloatVector total =
          (FloatVector)
              ShortVector.fromArray(Lanes.HALF_SHORTS, totals, first + k)
                  .convertShape(VectorOperators.S2F, Lanes.FLOATS, 0);
      if (more) {
        total = total.add(FloatVector.fromMemorySegment(Lanes.FLOATS, sums, at, Lanes.ORDER, mask));
      }
      total.intoMemorySegment(sums, at, Lanes.ORDER, mask);
    }
  }

  /** Whether neurons can go on with sums before these are written. */
  static boolean fires(ByteConvolution c, PlaneNeurons n) {
    return c.oneSegment()
        && c.cut.whole()
        && n.spikes == PlaneNumbers.BYTES
        && n.in.equals(c.out())
        && n.out.equals(c.out());
  }

  static void fire(
      ByteConvolution c,
      PlaneNeurons n,
      MemorySegment counts,
      MemorySegment s,
      int fromImage,
      int toImage,
      int fromRow,
      int toRow) {
    int size = c.cut.size();
    int room = VectorByteSums.room(size);
    int together = Math.clamp(KEPT / room, 1, toRow - fromRow);
    // Vectors of the last time step may begin before its end.
    short[] totals =
        PlaneScratch.get().shorts(VectorByteSums.SCRATCH + together * room + Lanes.COUNT);
    for (int image = fromImage; image < toImage; image++) {
      long from = c.cut.input(image, 0);
      for (int first = fromRow; first < toRow; first += together) {
        int end = Math.min(first + together, toRow);
        VectorByteSums.add(c, first, end, counts, from, size, totals, room);
        for (int row = first; row < end; row++) {
          int at = VectorByteSums.SCRATCH + (row - first) * room;
          VectorByteNeurons.fire(n, row, totals, at, s, c.cut.output(image, row, 0));
          n.spikes.clearEnds(n.out, s, image * c.rows() + row);
        }
      }
    }
  }
}
