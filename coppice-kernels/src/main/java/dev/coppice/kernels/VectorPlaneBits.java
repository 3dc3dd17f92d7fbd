package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * Sparse convolutions of bits with the Vector API, where a vector is a pixel: a bit tells whether a
 * lane takes part in an addition. The sums are those of {@link VectorSparseConvolution}, for to
 * multiply with 1 and to add is to add, and with 0 is to do nothing.
 */
final class VectorPlaneBits {
  private static final int SHRINKING = PlaneBits.SHRINKING;
  private static final int SUMS = SparseConvolution.SUMS;
  private static final long BYTES = (long) Planes.LANES * Float.BYTES;

  private VectorPlaneBits() {}

  /** Whether vectors are as long as pixels. */
  static boolean runs() {
    return Lanes.COUNT == Planes.LANES;
  }

  static void pack(
      Planes planes,
      MemorySegment floats,
      MemorySegment bits,
      int groups,
      int fromPlane,
      int toPlane) {
    for (int group = 0; group < groups; group++) {
      long at = PlaneBits.first(planes, group, fromPlane) * Float.BYTES;
      int count = (toPlane - fromPlane) * planes.planeFloats();
      pack(Math.nextUp(0.5f), floats, at, bits, at, count);
    }
  }

  /** Packs what is at least as large as a number, from an offset of floats to another. */
  static void pack(
      float least, MemorySegment floats, long at, MemorySegment bits, long to, int count) {
    long first = to / SHRINKING;
    for (int i = 0; i < count / Planes.LANES; i++) {
      long word =
          FloatVector.fromMemorySegment(Lanes.FLOATS, floats, at + i * BYTES, Lanes.ORDER)
              .compare(VectorOperators.GE, least)
              .toLong();
      bits.set(ValueLayout.JAVA_SHORT_UNALIGNED, first + (long) i * Short.BYTES, (short) word);
    }
  }

  static void unpack(
      Planes planes,
      MemorySegment bits,
      MemorySegment floats,
      int groups,
      int fromPlane,
      int toPlane) {
    FloatVector zero = FloatVector.zero(Lanes.FLOATS);
    for (int group = 0; group < groups; group++) {
      long at = PlaneBits.first(planes, group, fromPlane) * Float.BYTES;
      long end = PlaneBits.first(planes, group, toPlane) * Float.BYTES;
      for (; at < end; at += BYTES) {
        zero.blend(
                1,
                VectorMask.fromLong(
                    Lanes.FLOATS,
                    bits.get(ValueLayout.JAVA_SHORT_UNALIGNED, at / SHRINKING) & 0xFFFFL))
            .intoMemorySegment(floats, at, Lanes.ORDER);
      }
    }
  }

  static void average(
      PlaneAverage p,
      MemorySegment bits,
      MemorySegment y,
      int groups,
      int fromChannel,
      int toChannel) {
    int window = p.window();
    long pitch = (long) p.in().pitch() * Float.BYTES / SHRINKING;
    for (int group = 0; group < groups; group++) {
      for (int c = fromChannel; c < toChannel; c++) {
        for (int row = 0; row < p.out().height(); row++) {
          long from = PlaneSteps.rowBytes(p.in(), group, c, row * window) / SHRINKING;
          long to = PlaneSteps.rowBytes(p.out(), group, c, row);
          if (window == 2) {
            averagePairs(bits, from, pitch, p.share(), y, to, p.out().width());
            continue;
          }
          for (int column = 0; column < p.out().width(); column++) {
            FloatVector sum = FloatVector.zero(Lanes.FLOATS);
            for (int dy = 0; dy < window; dy++) {
              for (int dx = 0; dx < window; dx++) {
                sum =
                    sum.add(
                        1,
                        VectorMask.fromLong(
                            Lanes.FLOATS,
                            bits.get(
                                    ValueLayout.JAVA_SHORT_UNALIGNED,
                                    from + dy * pitch + dx * (long) Short.BYTES)
                                & 0xFFFFL));
              }
            }
            sum.mul(p.share()).intoMemorySegment(y, to, Lanes.ORDER);
            from += window * (long) Short.BYTES;
            to += BYTES;
          }
        }
      }
    }
  }

  private static void averagePairs(
      MemorySegment bits, long from, long pitch, float share, MemorySegment y, long to, int width) {
    FloatVector zero = FloatVector.zero(Lanes.FLOATS);
    for (int column = 0; column < width; column++) {
      long at = column * (long) Integer.BYTES;
      long above = bits.get(ValueLayout.JAVA_INT_UNALIGNED, from + at);
      long below = bits.get(ValueLayout.JAVA_INT_UNALIGNED, from + pitch + at);
      FloatVector sum = zero.blend(1, VectorMask.fromLong(Lanes.FLOATS, above));
      sum = sum.add(1, VectorMask.fromLong(Lanes.FLOATS, above >>> Short.SIZE));
      sum = sum.add(1, VectorMask.fromLong(Lanes.FLOATS, below));
      sum = sum.add(1, VectorMask.fromLong(Lanes.FLOATS, below >>> Short.SIZE));
      sum.mul(share).intoMemorySegment(y, to + column * BYTES, Lanes.ORDER);
    }
  }

  static void forward(
      SparseConvolution c,
      MemorySegment bits,
      MemorySegment out,
      int fromGroup,
      int toGroup,
      int fromRow,
      int toRow) {
    int floats = c.cut().size();
    long step = (long) c.out().planeFloats() * Float.BYTES;
    for (int group = fromGroup; group < toGroup; group++) {
      for (int piece = 0; piece < c.cut().count(); piece++) {
        for (int done = 0; done < floats; ) {
          boolean eight = floats - done >= 8 * Planes.LANES;
          long from = (c.inputBytes(group, piece) + (long) done * Float.BYTES) / SHRINKING;
          long to = c.outputBytes(group, fromRow, piece) + (long) done * Float.BYTES;
          for (int row = fromRow; row < toRow; row++) {
            if (eight) {
              eight(c.offsets, c.values, c.starts[row], c.starts[row + 1], bits, from, out, to);
            } else {
              one(c.offsets, c.values, c.starts[row], c.starts[row + 1], bits, from, out, to);
            }
            to += step;
          }
          done += (eight ? 8 : 1) * Planes.LANES;
        }
      }
      c.clearGaps(out, group, fromRow, toRow);
    }
  }

  private static void eight(
      int[] offsets,
      float[] values,
      int first,
      int end,
      MemorySegment bits,
      long from,
      MemorySegment out,
      long to) {
    FloatVector s0 = FloatVector.zero(Lanes.FLOATS);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    FloatVector s4 = s0;
    FloatVector s5 = s0;
    FloatVector s6 = s0;
    FloatVector s7 = s0;
    for (int j = first; j < end; j++) {
      MemorySegment spikes = bits.asSlice(from + (offsets[j] >> 5), 8 * Short.BYTES);
      FloatVector value = FloatVector.broadcast(Lanes.FLOATS, values[j]);
      s0 =
          s0.add(
              value,
              VectorMask.fromLong(
                  Lanes.FLOATS, spikes.get(ValueLayout.JAVA_SHORT_UNALIGNED, 0) & 0xFFFFL));
      s1 =
          s1.add(
              value,
              VectorMask.fromLong(
                  Lanes.FLOATS,
                  spikes.get(ValueLayout.JAVA_SHORT_UNALIGNED, Short.BYTES) & 0xFFFFL));
      s2 =
          s2.add(
              value,
              VectorMask.fromLong(
                  Lanes.FLOATS,
                  spikes.get(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * Short.BYTES) & 0xFFFFL));
      s3 =
          s3.add(
              value,
              VectorMask.fromLong(
                  Lanes.FLOATS,
                  spikes.get(ValueLayout.JAVA_SHORT_UNALIGNED, 3 * Short.BYTES) & 0xFFFFL));
      s4 =
          s4.add(
              value,
              VectorMask.fromLong(
                  Lanes.FLOATS,
                  spikes.get(ValueLayout.JAVA_SHORT_UNALIGNED, 4 * Short.BYTES) & 0xFFFFL));
      s5 =
          s5.add(
              value,
              VectorMask.fromLong(
                  Lanes.FLOATS,
                  spikes.get(ValueLayout.JAVA_SHORT_UNALIGNED, 5 * Short.BYTES) & 0xFFFFL));
      s6 =
          s6.add(
              value,
              VectorMask.fromLong(
                  Lanes.FLOATS,
                  spikes.get(ValueLayout.JAVA_SHORT_UNALIGNED, 6 * Short.BYTES) & 0xFFFFL));
      s7 =
          s7.add(
              value,
              VectorMask.fromLong(
                  Lanes.FLOATS,
                  spikes.get(ValueLayout.JAVA_SHORT_UNALIGNED, 7 * Short.BYTES) & 0xFFFFL));
    }
    s0.intoMemorySegment(out, to, Lanes.ORDER);
    s1.intoMemorySegment(out, to + BYTES, Lanes.ORDER);
    s2.intoMemorySegment(out, to + 2 * BYTES, Lanes.ORDER);
    s3.intoMemorySegment(out, to + 3 * BYTES, Lanes.ORDER);
    s4.intoMemorySegment(out, to + 4 * BYTES, Lanes.ORDER);
    s5.intoMemorySegment(out, to + 5 * BYTES, Lanes.ORDER);
    s6.intoMemorySegment(out, to + 6 * BYTES, Lanes.ORDER);
    s7.intoMemorySegment(out, to + 7 * BYTES, Lanes.ORDER);
  }

  private static void one(
      int[] offsets,
      float[] values,
      int first,
      int end,
      MemorySegment bits,
      long from,
      MemorySegment out,
      long to) {
    FloatVector sum = FloatVector.zero(Lanes.FLOATS);
    for (int j = first; j < end; j++) {
      FloatVector value = FloatVector.broadcast(Lanes.FLOATS, values[j]);
      sum =
          sum.add(
              value,
              VectorMask.fromLong(
                  Lanes.FLOATS,
                  bits.get(ValueLayout.JAVA_SHORT_UNALIGNED, from + (offsets[j] >> 5)) & 0xFFFFL));
    }
    sum.intoMemorySegment(out, to, Lanes.ORDER);
  }

  static void weightGradient(
      SparseConvolution c,
      MemorySegment bits,
      MemorySegment gradOut,
      float[] gradient,
      int groups,
      int fromRow,
      int toRow) {
    int chunk = c.chunk();
    int floats = c.gradientFloats();
    float[] sums = new float[8 * SUMS];
    long[] places = new long[8];
    for (int group = 0; group < groups; group++) {
      for (int piece = 0; piece < c.cut().count(); piece++) {
        for (int first = 0; first < floats; first += chunk) {
          int count = Math.min(chunk, floats - first);
          long from = (c.inputBytes(group, piece) + (long) first * Float.BYTES) / SHRINKING;
          for (int row = fromRow; row < toRow; row++) {
            long at = c.outputBytes(group, row, piece) + (long) first * Float.BYTES;
            int end = c.starts[row + 1];
            for (int j = c.starts[row]; j < end; j += 8) {
              int used = Math.min(8, end - j);
              for (int k = 0; k < 8; k++) {
                places[k] = from + (c.offsets[j + Math.min(k, used - 1)] >> 5);
              }
              eightSums(bits, places, gradOut, at, count / Planes.LANES, sums);
              for (int k = 0; k < used; k++) {
                gradient[j + k] += SparseConvolution.tree(sums, k * SUMS);
              }
            }
          }
        }
      }
    }
  }

  private static void eightSums(
      MemorySegment bits, long[] places, MemorySegment gradOut, long at, int pixels, float[] sums) {
    FloatVector s0 = FloatVector.zero(Lanes.FLOATS);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    FloatVector s4 = s0;
    FloatVector s5 = s0;
    FloatVector s6 = s0;
    FloatVector s7 = s0;
    int bytes = pixels * Short.BYTES;
    MemorySegment grads = gradOut.asSlice(at, pixels * BYTES);
    MemorySegment p0 = bits.asSlice(places[0], bytes);
    MemorySegment p1 = bits.asSlice(places[1], bytes);
    MemorySegment p2 = bits.asSlice(places[2], bytes);
    MemorySegment p3 = bits.asSlice(places[3], bytes);
    MemorySegment p4 = bits.asSlice(places[4], bytes);
    MemorySegment p5 = bits.asSlice(places[5], bytes);
    MemorySegment p6 = bits.asSlice(places[6], bytes);
    MemorySegment p7 = bits.asSlice(places[7], bytes);
    for (int x = 0; x < bytes; x += Short.BYTES) {
      FloatVector grad =
          FloatVector.fromMemorySegment(Lanes.FLOATS, grads, x * (long) SHRINKING, Lanes.ORDER);
      s0 =
          s0.add(
              grad,
              VectorMask.fromLong(
                  Lanes.FLOATS, p0.get(ValueLayout.JAVA_SHORT_UNALIGNED, x) & 0xFFFFL));
      s1 =
          s1.add(
              grad,
              VectorMask.fromLong(
                  Lanes.FLOATS, p1.get(ValueLayout.JAVA_SHORT_UNALIGNED, x) & 0xFFFFL));
      s2 =
          s2.add(
              grad,
              VectorMask.fromLong(
                  Lanes.FLOATS, p2.get(ValueLayout.JAVA_SHORT_UNALIGNED, x) & 0xFFFFL));
      s3 =
          s3.add(
              grad,
              VectorMask.fromLong(
                  Lanes.FLOATS, p3.get(ValueLayout.JAVA_SHORT_UNALIGNED, x) & 0xFFFFL));
      s4 =
          s4.add(
              grad,
              VectorMask.fromLong(
                  Lanes.FLOATS, p4.get(ValueLayout.JAVA_SHORT_UNALIGNED, x) & 0xFFFFL));
      s5 =
          s5.add(
              grad,
              VectorMask.fromLong(
                  Lanes.FLOATS, p5.get(ValueLayout.JAVA_SHORT_UNALIGNED, x) & 0xFFFFL));
      s6 =
          s6.add(
              grad,
              VectorMask.fromLong(
                  Lanes.FLOATS, p6.get(ValueLayout.JAVA_SHORT_UNALIGNED, x) & 0xFFFFL));
      s7 =
          s7.add(
              grad,
              VectorMask.fromLong(
                  Lanes.FLOATS, p7.get(ValueLayout.JAVA_SHORT_UNALIGNED, x) & 0xFFFFL));
    }
    s0.intoArray(sums, 0);
    s1.intoArray(sums, SUMS);
    s2.intoArray(sums, 2 * SUMS);
    s3.intoArray(sums, 3 * SUMS);
    s4.intoArray(sums, 4 * SUMS);
    s5.intoArray(sums, 5 * SUMS);
    s6.intoArray(sums, 6 * SUMS);
    s7.intoArray(sums, 7 * SUMS);
  }
}
