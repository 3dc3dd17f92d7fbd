package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * {@link PlanePool} of {@link PlaneNumbers#BYTES} in windows of 2×2, two apart, of single images,
 * with the Vector API: neighbours are the bytes of a short, of which the lower one becomes the sum,
 * or the largest count.
 */
final class VectorBytePool {
  private static final int LANES = Lanes.BYTES.length();

  /** Vectors whose bytes can be added up in shorts, counts being 128 at most. */
  private static final int ADDS = 100;

  private VectorBytePool() {}

  static void forward(
      PlanePool p, MemorySegment from, MemorySegment to, int fromPlane, int toPlane) {
    for (int plane = fromPlane; plane < toPlane; plane++) {
      long read = PlaneNeurons.firstOf(p.in(), plane);
      plane(p, from, read, to, PlaneNeurons.firstOf(p.out(), plane));
      p.numbers().clearEnds(p.out(), to, plane);
    }
  }

  /**
   * Pools the maps of a plane and clears what is around them. What is written beyond a row is
   * written again, by the next row or as border, but for the end of the plane.
   */
  private static void plane(PlanePool p, MemorySegment from, long read, MemorySegment to, long at) {
    Planes in = p.in();
    Planes out = p.out();
    boolean average = p.average();
    int columns = out.columns();
    int rows = out.rows();
    int below = out.border() * out.pitch();
    int inPitch = in.pitch();
    int outPitch = out.pitch();
    long end = at + out.planeFloats();
    long[] pooled = PlaneScratch.get().longs(LANES / 2 / Long.BYTES);
    for (int map = 0; map < out.stack(); map++) {
      for (int y = 0; y < rows; y++) {
        long first = read + (long) map * in.mapFloats() + 2L * y * inPitch;
        long place = at + (long) map * out.mapFloats() + (long) y * outPitch;
        for (int x = 0; x < columns; x += LANES / 2) {
          ByteVector above =
              ByteVector.fromMemorySegment(Lanes.BYTES, from, first + 2L * x, Lanes.ORDER);
          ByteVector under =
              ByteVector.fromMemorySegment(
                  Lanes.BYTES, from, first + 2L * x + inPitch, Lanes.ORDER);
          // Through memory: a vector that comes from two places becomes an object.
          if (average) {
            ShortVector pairs = above.add(under).reinterpretAsShorts();
            pairs
                .lanewise(VectorOperators.LSHR, Byte.SIZE)
                .add(pairs)
                .convertShape(VectorOperators.S2B, Lanes.HALF_BYTES, 0)
                .reinterpretAsLongs()
                .intoArray(pooled, 0);
          } else {
            ByteVector larger = above.min(under);
            larger
                .reinterpretAsShorts()
                .lanewise(VectorOperators.LSHR, Byte.SIZE)
                .reinterpretAsBytes()
                .min(larger)
                .reinterpretAsShorts()
                .convertShape(VectorOperators.S2B, Lanes.HALF_BYTES, 0)
                .reinterpretAsLongs()
                .intoArray(pooled, 0);
          }
          for (int k = x; k < Math.min(columns, x + LANES / 2); k += Long.BYTES) {
            write(kept(pooled[(k - x) / Long.BYTES], columns - k), to, place + k, end);
          }
        }
        int beside = y < rows - 1 ? outPitch : outPitch + below;
        for (int x = Math.ceilDiv(columns, Long.BYTES) * Long.BYTES; x < beside; x += Long.BYTES) {
          write(0, to, place + x, end);
        }
      }
    }
  }

  /** Returns the first of eight bytes, and zeros behind them. */
  private static long kept(long bytes, int count) {
    return count < Long.BYTES ? bytes & ((1L << (count * Byte.SIZE)) - 1) : bytes;
  }

  /** Writes eight bytes, as far as the plane goes. */
  private static void write(long bytes, MemorySegment to, long at, long end) {
    if (at + Long.BYTES <= end) {
      to.set(ValueLayout.JAVA_LONG_UNALIGNED, at, bytes);
    } else {
      for (int k = 0; at + k < end; k++) {
        to.set(ValueLayout.JAVA_BYTE, at + k, (byte) (bytes >>> (k * Byte.SIZE)));
      }
    }
  }

  static int sum(MemorySegment counts, long from, int count) {
    int sum = 0;
    int done = 0;
    while (count - done >= LANES) {
      ShortVector pairs = ShortVector.zero(Lanes.SHORTS);
      for (int k = 0; k < ADDS && count - done >= LANES; k++) {
        ShortVector bytes =
            ByteVector.fromMemorySegment(Lanes.BYTES, counts, from + done, Lanes.ORDER)
                .reinterpretAsShorts();
        pairs =
            pairs
                .add(bytes.lanewise(VectorOperators.ASHR, Byte.SIZE))
                .add(
                    bytes
                        .lanewise(VectorOperators.LSHL, Byte.SIZE)
                        .lanewise(VectorOperators.ASHR, Byte.SIZE));
        done += LANES;
      }
      short[] totals = new short[Lanes.SHORTS.length()];
      pairs.intoArray(totals, 0);
      for (short total : totals) {
        sum -= total;
      }
    }
    return sum + ScalarByteConvolution.sum(counts, from + done, count - done);
  }
}
