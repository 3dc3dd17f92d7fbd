package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Sparse convolutions of marks with the Vector API, where a vector is a pixel or half of one: a
 * mark tells whether a lane takes part in an addition. The sums are those of {@link
 * VectorSparseConvolution}, for to multiply with 1 and to add is to add, and with 0 is to do
 * nothing.
 */
final class VectorPlaneMarks {
  private static final int SHRINKING = PlaneMarks.SHRINKING;
  private static final int SHIFT = PlaneMarks.SHIFT;

  private static final int LANES = Planes.LANES;
  private static final int COUNT = Lanes.COUNT;

  /** Whether a pixel is two vectors. */
  private static final boolean HALVES = 2 * COUNT == LANES;

  /** Floats of a block, and bytes of its marks. */
  private static final int BLOCK = 8 * COUNT;

  private static final int RUN = SparseConvolution.RUN / BLOCK;

  private static final byte NONE = PlaneMarks.NONE;
  private static final byte SPIKE = PlaneMarks.SPIKE;
  private static final int SUMS = SparseConvolution.SUMS;
  private static final long BYTES = (long) COUNT * Float.BYTES;

  private VectorPlaneMarks() {}

  /** Whether vectors are as long as pixels, or half as long. */
  static boolean runs() {
    return COUNT == LANES || HALVES;
  }

  static void pack(
      Planes planes,
      MemorySegment floats,
      MemorySegment marks,
      int groups,
      int fromPlane,
      int toPlane) {
    for (int group = 0; group < groups; group++) {
      long at = PlaneMarks.first(planes, group, fromPlane) * Float.BYTES;
      int count = (toPlane - fromPlane) * planes.planeFloats();
      pack(Math.nextUp(0.5f), floats, at, marks, at, count);
    }
  }

  /** Packs what is at least as large as a number, from an offset of floats to another. */
  static void pack(
      float least, MemorySegment floats, long at, MemorySegment marks, long to, int count) {
    long first = to / SHRINKING;
    for (int i = 0; i < count / COUNT; i++) {
      ByteVector.zero(Lanes.SPIKES)
          .blend(
              SPIKE,
              FloatVector.fromMemorySegment(Lanes.FLOATS, floats, at + i * BYTES, Lanes.ORDER)
                  .compare(VectorOperators.GE, least)
                  .cast(Lanes.SPIKES))
          .intoMemorySegment(marks, first + (long) i * COUNT, Lanes.ORDER);
    }
  }

  static void unpack(
      Planes planes,
      MemorySegment marks,
      MemorySegment floats,
      int groups,
      int fromPlane,
      int toPlane) {
    FloatVector zero = FloatVector.zero(Lanes.FLOATS);
    for (int group = 0; group < groups; group++) {
      long at = PlaneMarks.first(planes, group, fromPlane) * Float.BYTES;
      long end = PlaneMarks.first(planes, group, toPlane) * Float.BYTES;
      for (; at < end; at += BYTES) {
        zero.blend(
                1,
                ByteVector.fromMemorySegment(Lanes.SPIKES, marks, at / SHRINKING, Lanes.ORDER)
                    .compare(VectorOperators.NE, NONE)
                    .cast(Lanes.FLOATS))
            .intoMemorySegment(floats, at, Lanes.ORDER);
      }
    }
  }

  static void average(
      PlaneAverage p,
      MemorySegment marks,
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
            averagePairs(marks, from, pitch, p.share(), y, to, p.out().width());
            continue;
          }
          for (int column = 0; column < p.out().width(); column++) {
            for (int lane = 0; lane < LANES; lane += COUNT) {
              FloatVector sum = FloatVector.zero(Lanes.FLOATS);
              for (int dy = 0; dy < window; dy++) {
                for (int dx = 0; dx < window; dx++) {
                  sum =
                      sum.add(
                          1,
                          ByteVector.fromMemorySegment(
                                  Lanes.SPIKES,
                                  marks,
                                  from + dy * pitch + dx * (long) LANES + lane,
                                  Lanes.ORDER)
                              .compare(VectorOperators.NE, NONE)
                              .cast(Lanes.FLOATS));
                }
              }
              sum.mul(p.share()).intoMemorySegment(y, to, Lanes.ORDER);
              to += BYTES;
            }
            from += window * (long) LANES;
          }
        }
      }
    }
  }

  private static void averagePairs(
      MemorySegment marks,
      long from,
      long pitch,
      float share,
      MemorySegment y,
      long to,
      int width) {
    FloatVector zero = FloatVector.zero(Lanes.FLOATS);
    int floats = width * LANES;
    for (int x = 0; x < floats; x += COUNT) {
      long at = from + 2L * x - (x & LANES - 1);
      FloatVector sum =
          zero.blend(
              1,
              ByteVector.fromMemorySegment(Lanes.SPIKES, marks, at, Lanes.ORDER)
                  .compare(VectorOperators.NE, NONE)
                  .cast(Lanes.FLOATS));
      sum =
          sum.add(
              1,
              ByteVector.fromMemorySegment(Lanes.SPIKES, marks, at + LANES, Lanes.ORDER)
                  .compare(VectorOperators.NE, NONE)
                  .cast(Lanes.FLOATS));
      sum =
          sum.add(
              1,
              ByteVector.fromMemorySegment(Lanes.SPIKES, marks, at + pitch, Lanes.ORDER)
                  .compare(VectorOperators.NE, NONE)
                  .cast(Lanes.FLOATS));
      sum =
          sum.add(
              1,
              ByteVector.fromMemorySegment(Lanes.SPIKES, marks, at + pitch + LANES, Lanes.ORDER)
                  .compare(VectorOperators.NE, NONE)
                  .cast(Lanes.FLOATS));
      sum.mul(share).intoMemorySegment(y, to + (long) x * Float.BYTES, Lanes.ORDER);
    }
  }

  static void forward(
      SparseConvolution c,
      MemorySegment marks,
      MemorySegment out,
      int fromGroup,
      int toGroup,
      int fromRow,
      int toRow) {
    int[] offsets = c.offsets;
    float[] values = c.values;
    int floats = c.cut().size();
    long step = (long) c.out().planeFloats() * Float.BYTES;
    for (int group = fromGroup; group < toGroup; group++) {
      for (int piece = 0; piece < c.cut().count(); piece++) {
        for (int done = 0; done < floats; ) {
          int blocks = Math.min(RUN, (floats - done) / BLOCK);
          long from = (c.inputBytes(group, piece) + (long) done * Float.BYTES) / SHRINKING;
          long to = c.outputBytes(group, fromRow, piece) + (long) done * Float.BYTES;
          for (int row = fromRow; row < toRow; row++) {
            int first = c.starts[row];
            int end = c.starts[row + 1];
            if (blocks == 0 && HALVES) {
              VectorHalfMarks.pixel(offsets, values, first, end, marks, from, out, to);
            } else if (blocks == 0) {
              pixel(offsets, values, first, end, marks, from, out, to);
            }
            for (int block = 0; block < blocks; block++) {
              long read = from + (long) block * BLOCK;
              long write = to + 8L * block * BYTES;
              if (HALVES) {
                VectorHalfMarks.eight(offsets, values, first, end, marks, read, out, write);
              } else {
                eight(offsets, values, first, end, marks, read, out, write);
              }
            }
            to += step;
          }
          done += blocks == 0 ? LANES : blocks * BLOCK;
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
      MemorySegment marks,
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
      MemorySegment spikes = marks.asSlice(from + (offsets[j] >> SHIFT), 8 * LANES);
      FloatVector value = FloatVector.broadcast(Lanes.FLOATS, values[j]);
      s0 =
          s0.add(
              value,
              ByteVector.fromMemorySegment(Lanes.SPIKES, spikes, 0, Lanes.ORDER)
                  .compare(VectorOperators.NE, NONE)
                  .cast(Lanes.FLOATS));
      s1 =
          s1.add(
              value,
              ByteVector.fromMemorySegment(Lanes.SPIKES, spikes, LANES, Lanes.ORDER)
                  .compare(VectorOperators.NE, NONE)
                  .cast(Lanes.FLOATS));
      s2 =
          s2.add(
              value,
              ByteVector.fromMemorySegment(Lanes.SPIKES, spikes, 2 * LANES, Lanes.ORDER)
                  .compare(VectorOperators.NE, NONE)
                  .cast(Lanes.FLOATS));
      s3 =
          s3.add(
              value,
              ByteVector.fromMemorySegment(Lanes.SPIKES, spikes, 3 * LANES, Lanes.ORDER)
                  .compare(VectorOperators.NE, NONE)
                  .cast(Lanes.FLOATS));
      s4 =
          s4.add(
              value,
              ByteVector.fromMemorySegment(Lanes.SPIKES, spikes, 4 * LANES, Lanes.ORDER)
                  .compare(VectorOperators.NE, NONE)
                  .cast(Lanes.FLOATS));
      s5 =
          s5.add(
              value,
              ByteVector.fromMemorySegment(Lanes.SPIKES, spikes, 5 * LANES, Lanes.ORDER)
                  .compare(VectorOperators.NE, NONE)
                  .cast(Lanes.FLOATS));
      s6 =
          s6.add(
              value,
              ByteVector.fromMemorySegment(Lanes.SPIKES, spikes, 6 * LANES, Lanes.ORDER)
                  .compare(VectorOperators.NE, NONE)
                  .cast(Lanes.FLOATS));
      s7 =
          s7.add(
              value,
              ByteVector.fromMemorySegment(Lanes.SPIKES, spikes, 7 * LANES, Lanes.ORDER)
                  .compare(VectorOperators.NE, NONE)
                  .cast(Lanes.FLOATS));
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

  private static void pixel(
      int[] offsets,
      float[] values,
      int first,
      int end,
      MemorySegment marks,
      long from,
      MemorySegment out,
      long to) {
    FloatVector sum = FloatVector.zero(Lanes.FLOATS);
    for (int j = first; j < end; j++) {
      FloatVector value = FloatVector.broadcast(Lanes.FLOATS, values[j]);
      sum =
          sum.add(
              value,
              ByteVector.fromMemorySegment(
                      Lanes.SPIKES, marks, from + (offsets[j] >> SHIFT), Lanes.ORDER)
                  .compare(VectorOperators.NE, NONE)
                  .cast(Lanes.FLOATS));
    }
    sum.intoMemorySegment(out, to, Lanes.ORDER);
  }

  static void weightGradient(
      SparseConvolution c,
      MemorySegment marks,
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
                places[k] = from + (c.offsets[j + Math.min(k, used - 1)] >> SHIFT);
              }
              if (HALVES) {
                VectorHalfMarks.eightSums(marks, places, used, gradOut, at, count / LANES, sums);
              } else {
                eightSums(marks, places, gradOut, at, count / LANES, sums);
              }
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
      MemorySegment marks,
      long[] places,
      MemorySegment gradOut,
      long at,
      int pixels,
      float[] sums) {
    FloatVector s0 = FloatVector.zero(Lanes.FLOATS);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    FloatVector s4 = s0;
    FloatVector s5 = s0;
    FloatVector s6 = s0;
    FloatVector s7 = s0;
    int bytes = pixels * LANES;
    MemorySegment grads = gradOut.asSlice(at, pixels * BYTES);
    MemorySegment p0 = marks.asSlice(places[0], bytes);
    MemorySegment p1 = marks.asSlice(places[1], bytes);
    MemorySegment p2 = marks.asSlice(places[2], bytes);
    MemorySegment p3 = marks.asSlice(places[3], bytes);
    MemorySegment p4 = marks.asSlice(places[4], bytes);
    MemorySegment p5 = marks.asSlice(places[5], bytes);
    MemorySegment p6 = marks.asSlice(places[6], bytes);
    MemorySegment p7 = marks.asSlice(places[7], bytes);
    for (int x = 0; x < bytes; x += LANES) {
      FloatVector grad =
          FloatVector.fromMemorySegment(Lanes.FLOATS, grads, x * (long) SHRINKING, Lanes.ORDER);
      s0 =
          s0.add(
              grad,
              ByteVector.fromMemorySegment(Lanes.SPIKES, p0, x, Lanes.ORDER)
                  .compare(VectorOperators.NE, NONE)
                  .cast(Lanes.FLOATS));
      s1 =
          s1.add(
              grad,
              ByteVector.fromMemorySegment(Lanes.SPIKES, p1, x, Lanes.ORDER)
                  .compare(VectorOperators.NE, NONE)
                  .cast(Lanes.FLOATS));
      s2 =
          s2.add(
              grad,
              ByteVector.fromMemorySegment(Lanes.SPIKES, p2, x, Lanes.ORDER)
                  .compare(VectorOperators.NE, NONE)
                  .cast(Lanes.FLOATS));
      s3 =
          s3.add(
              grad,
              ByteVector.fromMemorySegment(Lanes.SPIKES, p3, x, Lanes.ORDER)
                  .compare(VectorOperators.NE, NONE)
                  .cast(Lanes.FLOATS));
      s4 =
          s4.add(
              grad,
              ByteVector.fromMemorySegment(Lanes.SPIKES, p4, x, Lanes.ORDER)
                  .compare(VectorOperators.NE, NONE)
                  .cast(Lanes.FLOATS));
      s5 =
          s5.add(
              grad,
              ByteVector.fromMemorySegment(Lanes.SPIKES, p5, x, Lanes.ORDER)
                  .compare(VectorOperators.NE, NONE)
                  .cast(Lanes.FLOATS));
      s6 =
          s6.add(
              grad,
              ByteVector.fromMemorySegment(Lanes.SPIKES, p6, x, Lanes.ORDER)
                  .compare(VectorOperators.NE, NONE)
                  .cast(Lanes.FLOATS));
      s7 =
          s7.add(
              grad,
              ByteVector.fromMemorySegment(Lanes.SPIKES, p7, x, Lanes.ORDER)
                  .compare(VectorOperators.NE, NONE)
                  .cast(Lanes.FLOATS));
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
