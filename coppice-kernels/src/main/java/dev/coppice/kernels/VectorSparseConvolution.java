package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * {@link SparseConvolution} with the Vector API: up to eight vectors of sums stay in registers
 * while a row's list is read. No vector is handed to a method: one that the compiler does not
 * inline would allocate it. What a loop reads together is sliced first: slices are checked once,
 * where every vector loaded from a varying place would be checked by itself.
 */
final class VectorSparseConvolution {
  private static final int COUNT = Lanes.COUNT;
  private static final long BYTES = (long) COUNT * Float.BYTES;

  /** Floats of the widest block. */
  private static final int BLOCK = 8 * COUNT;

  /** Blocks of a run. */
  private static final int RUN = SparseConvolution.RUN / BLOCK;

  private static final int SUMS = SparseConvolution.SUMS;

  /** Whether an entry has sums for two vectors or more. */
  private static final boolean PAIRS = COUNT < SUMS;

  private VectorSparseConvolution() {}

  static void forward(
      SparseConvolution c,
      MemorySegment in,
      MemorySegment out,
      int fromGroup,
      int toGroup,
      int fromRow,
      int toRow) {
    for (int group = fromGroup; group < toGroup; group++) {
      for (int piece = 0; piece < c.cut().count(); piece++) {
        if (c.narrow()) {
          narrowPiece(c, in, out, group, piece, fromRow, toRow);
        } else {
          piece(c, in, out, group, piece, fromRow, toRow);
        }
      }
      c.clearGaps(out, group, fromRow, toRow);
    }
  }

  /** In blocks of floats, the last overlapping the one before it where it would be cut off. */
  private static void piece(
      SparseConvolution c,
      MemorySegment in,
      MemorySegment out,
      int group,
      int piece,
      int fromRow,
      int toRow) {
    int floats = c.cut().size();
    if (floats < COUNT) {
      cutVector(c, in, out, group, piece, fromRow, toRow);
      return;
    }
    int whole = floats / BLOCK;
    for (int first = 0; first < whole; first += RUN) {
      int blocks = Math.min(RUN, whole - first);
      run(c, blocks, in, out, group, piece, first * BLOCK, fromRow, toRow);
    }
    int done = whole * BLOCK;
    while (done < floats) {
      int left = floats - done;
      int at = done;
      int size;
      if (left > 4 * COUNT) {
        size = left <= 5 * COUNT ? 5 : 4;
      } else if (left > 2 * COUNT && floats >= 4 * COUNT) {
        size = 4;
        at = floats - 4 * COUNT;
      } else if (left > COUNT && floats >= 2 * COUNT) {
        size = 2;
        at = Math.min(at, floats - 2 * COUNT);
      } else {
        size = 1;
        at = Math.min(at, floats - COUNT);
      }
      block(
          c, size, (floats - COUNT - at) * Float.BYTES, in, out, group, piece, at, fromRow, toRow);
      done = at + size * COUNT;
    }
  }

  /** Blocks of eight vectors. */
  private static void run(
      SparseConvolution c,
      int blocks,
      MemorySegment in,
      MemorySegment out,
      int group,
      int piece,
      int at,
      int fromRow,
      int toRow) {
    long from = c.inputBytes(group, piece) + (long) at * Float.BYTES;
    long to = c.outputBytes(group, fromRow, piece) + (long) at * Float.BYTES;
    long step = (long) c.out().planeFloats() * Float.BYTES;
    eight(c, blocks, fromRow, toRow, in, from, out, to, step);
    for (int part = 1; part < c.parts(); part++) {
      eightMore(c, part, blocks, fromRow, toRow, in, from, out, to, step);
    }
  }

  private static void block(
      SparseConvolution c,
      int size,
      int last,
      MemorySegment in,
      MemorySegment out,
      int group,
      int piece,
      int at,
      int fromRow,
      int toRow) {
    long from = c.inputBytes(group, piece) + (long) at * Float.BYTES;
    long to = c.outputBytes(group, fromRow, piece) + (long) at * Float.BYTES;
    long step = (long) c.out().planeFloats() * Float.BYTES;
    int[] starts = c.starts;
    int[] offsets = c.offsets;
    float[] values = c.values;
    for (int row = fromRow; row < toRow; row++) {
      int first = starts[row];
      int end = starts[row + 1];
      switch (size) {
        case 5 -> five(offsets, values, first, end, in, from, last, out, to);
        case 4 -> four(offsets, values, first, end, in, from, out, to);
        case 2 -> two(offsets, values, first, end, in, from, out, to);
        default -> one(offsets, values, first, end, in, from, out, to);
      }
      to += step;
    }
  }

  /** Rows of sums in blocks, of their first part alone. */
  private static void eight(
      SparseConvolution c,
      int blocks,
      int fromRow,
      int toRow,
      MemorySegment in,
      long from,
      MemorySegment out,
      long to,
      long step) {
    int[] offsets = c.offsets;
    float[] values = c.values;
    int[] starts = c.partStarts;
    int rows = c.rows();
    for (int row = fromRow; row < toRow; row++) {
      for (int block = 0; block < blocks; block++) {
        long shift = 8L * block * BYTES;
        MemorySegment sums = out.asSlice(to + shift, 8 * BYTES);
        FloatVector s0 = FloatVector.zero(Lanes.FLOATS);
        FloatVector s1 = s0;
        FloatVector s2 = s0;
        FloatVector s3 = s0;
        FloatVector s4 = s0;
        FloatVector s5 = s0;
        FloatVector s6 = s0;
        FloatVector s7 = s0;
        int end = starts[rows + row];
        for (int j = starts[row]; j < end; j++) {
          MemorySegment pixels = in.asSlice(from + shift + offsets[j], 8 * BYTES);
          FloatVector value = FloatVector.broadcast(Lanes.FLOATS, values[j]);
          s0 = FloatVector.fromMemorySegment(Lanes.FLOATS, pixels, 0, Lanes.ORDER).fma(value, s0);
          s1 =
              FloatVector.fromMemorySegment(Lanes.FLOATS, pixels, BYTES, Lanes.ORDER)
                  .fma(value, s1);
          s2 =
              FloatVector.fromMemorySegment(Lanes.FLOATS, pixels, 2 * BYTES, Lanes.ORDER)
                  .fma(value, s2);
          s3 =
              FloatVector.fromMemorySegment(Lanes.FLOATS, pixels, 3 * BYTES, Lanes.ORDER)
                  .fma(value, s3);
          s4 =
              FloatVector.fromMemorySegment(Lanes.FLOATS, pixels, 4 * BYTES, Lanes.ORDER)
                  .fma(value, s4);
          s5 =
              FloatVector.fromMemorySegment(Lanes.FLOATS, pixels, 5 * BYTES, Lanes.ORDER)
                  .fma(value, s5);
          s6 =
              FloatVector.fromMemorySegment(Lanes.FLOATS, pixels, 6 * BYTES, Lanes.ORDER)
                  .fma(value, s6);
          s7 =
              FloatVector.fromMemorySegment(Lanes.FLOATS, pixels, 7 * BYTES, Lanes.ORDER)
                  .fma(value, s7);
        }
        s0.intoMemorySegment(sums, 0, Lanes.ORDER);
        s1.intoMemorySegment(sums, BYTES, Lanes.ORDER);
        s2.intoMemorySegment(sums, 2 * BYTES, Lanes.ORDER);
        s3.intoMemorySegment(sums, 3 * BYTES, Lanes.ORDER);
        s4.intoMemorySegment(sums, 4 * BYTES, Lanes.ORDER);
        s5.intoMemorySegment(sums, 5 * BYTES, Lanes.ORDER);
        s6.intoMemorySegment(sums, 6 * BYTES, Lanes.ORDER);
        s7.intoMemorySegment(sums, 7 * BYTES, Lanes.ORDER);
      }
      to += step;
    }
  }

  /** Goes on with the sums of a later part. */
  private static void eightMore(
      SparseConvolution c,
      int part,
      int blocks,
      int fromRow,
      int toRow,
      MemorySegment in,
      long from,
      MemorySegment out,
      long to,
      long step) {
    int[] offsets = c.offsets;
    float[] values = c.values;
    int[] starts = c.partStarts;
    int rows = c.rows();
    for (int row = fromRow; row < toRow; row++) {
      for (int block = 0; block < blocks; block++) {
        long shift = 8L * block * BYTES;
        MemorySegment sums = out.asSlice(to + shift, 8 * BYTES);
        FloatVector s0 = FloatVector.fromMemorySegment(Lanes.FLOATS, sums, 0, Lanes.ORDER);
        FloatVector s1 = FloatVector.fromMemorySegment(Lanes.FLOATS, sums, BYTES, Lanes.ORDER);
        FloatVector s2 = FloatVector.fromMemorySegment(Lanes.FLOATS, sums, 2 * BYTES, Lanes.ORDER);
        FloatVector s3 = FloatVector.fromMemorySegment(Lanes.FLOATS, sums, 3 * BYTES, Lanes.ORDER);
        FloatVector s4 = FloatVector.fromMemorySegment(Lanes.FLOATS, sums, 4 * BYTES, Lanes.ORDER);
        FloatVector s5 = FloatVector.fromMemorySegment(Lanes.FLOATS, sums, 5 * BYTES, Lanes.ORDER);
        FloatVector s6 = FloatVector.fromMemorySegment(Lanes.FLOATS, sums, 6 * BYTES, Lanes.ORDER);
        FloatVector s7 = FloatVector.fromMemorySegment(Lanes.FLOATS, sums, 7 * BYTES, Lanes.ORDER);
        int end = starts[(part + 1) * rows + row];
        for (int j = starts[part * rows + row]; j < end; j++) {
          MemorySegment pixels = in.asSlice(from + shift + offsets[j], 8 * BYTES);
          FloatVector value = FloatVector.broadcast(Lanes.FLOATS, values[j]);
          s0 = FloatVector.fromMemorySegment(Lanes.FLOATS, pixels, 0, Lanes.ORDER).fma(value, s0);
          s1 =
              FloatVector.fromMemorySegment(Lanes.FLOATS, pixels, BYTES, Lanes.ORDER)
                  .fma(value, s1);
          s2 =
              FloatVector.fromMemorySegment(Lanes.FLOATS, pixels, 2 * BYTES, Lanes.ORDER)
                  .fma(value, s2);
          s3 =
              FloatVector.fromMemorySegment(Lanes.FLOATS, pixels, 3 * BYTES, Lanes.ORDER)
                  .fma(value, s3);
          s4 =
              FloatVector.fromMemorySegment(Lanes.FLOATS, pixels, 4 * BYTES, Lanes.ORDER)
                  .fma(value, s4);
          s5 =
              FloatVector.fromMemorySegment(Lanes.FLOATS, pixels, 5 * BYTES, Lanes.ORDER)
                  .fma(value, s5);
          s6 =
              FloatVector.fromMemorySegment(Lanes.FLOATS, pixels, 6 * BYTES, Lanes.ORDER)
                  .fma(value, s6);
          s7 =
              FloatVector.fromMemorySegment(Lanes.FLOATS, pixels, 7 * BYTES, Lanes.ORDER)
                  .fma(value, s7);
        }
        s0.intoMemorySegment(sums, 0, Lanes.ORDER);
        s1.intoMemorySegment(sums, BYTES, Lanes.ORDER);
        s2.intoMemorySegment(sums, 2 * BYTES, Lanes.ORDER);
        s3.intoMemorySegment(sums, 3 * BYTES, Lanes.ORDER);
        s4.intoMemorySegment(sums, 4 * BYTES, Lanes.ORDER);
        s5.intoMemorySegment(sums, 5 * BYTES, Lanes.ORDER);
        s6.intoMemorySegment(sums, 6 * BYTES, Lanes.ORDER);
        s7.intoMemorySegment(sums, 7 * BYTES, Lanes.ORDER);
      }
      to += step;
    }
  }

  /** Four vectors and the last one of the piece, {@code last} bytes away, which may overlap. */
  private static void five(
      int[] offsets,
      float[] values,
      int first,
      int end,
      MemorySegment in,
      long from,
      int last,
      MemorySegment out,
      long to) {
    FloatVector s0 = FloatVector.zero(Lanes.FLOATS);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    FloatVector s4 = s0;
    for (int j = first; j < end; j++) {
      MemorySegment pixels = in.asSlice(from + offsets[j], last + BYTES);
      FloatVector value = FloatVector.broadcast(Lanes.FLOATS, values[j]);
      s0 = FloatVector.fromMemorySegment(Lanes.FLOATS, pixels, 0, Lanes.ORDER).fma(value, s0);
      s1 = FloatVector.fromMemorySegment(Lanes.FLOATS, pixels, BYTES, Lanes.ORDER).fma(value, s1);
      s2 =
          FloatVector.fromMemorySegment(Lanes.FLOATS, pixels, 2 * BYTES, Lanes.ORDER)
              .fma(value, s2);
      s3 =
          FloatVector.fromMemorySegment(Lanes.FLOATS, pixels, 3 * BYTES, Lanes.ORDER)
              .fma(value, s3);
      s4 = FloatVector.fromMemorySegment(Lanes.FLOATS, pixels, last, Lanes.ORDER).fma(value, s4);
    }
    s0.intoMemorySegment(out, to, Lanes.ORDER);
    s1.intoMemorySegment(out, to + BYTES, Lanes.ORDER);
    s2.intoMemorySegment(out, to + 2 * BYTES, Lanes.ORDER);
    s3.intoMemorySegment(out, to + 3 * BYTES, Lanes.ORDER);
    s4.intoMemorySegment(out, to + last, Lanes.ORDER);
  }

  private static void four(
      int[] offsets,
      float[] values,
      int first,
      int end,
      MemorySegment in,
      long from,
      MemorySegment out,
      long to) {
    FloatVector s0 = FloatVector.zero(Lanes.FLOATS);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    for (int j = first; j < end; j++) {
      MemorySegment pixels = in.asSlice(from + offsets[j], 4 * BYTES);
      FloatVector value = FloatVector.broadcast(Lanes.FLOATS, values[j]);
      s0 = FloatVector.fromMemorySegment(Lanes.FLOATS, pixels, 0, Lanes.ORDER).fma(value, s0);
      s1 = FloatVector.fromMemorySegment(Lanes.FLOATS, pixels, BYTES, Lanes.ORDER).fma(value, s1);
      s2 =
          FloatVector.fromMemorySegment(Lanes.FLOATS, pixels, 2 * BYTES, Lanes.ORDER)
              .fma(value, s2);
      s3 =
          FloatVector.fromMemorySegment(Lanes.FLOATS, pixels, 3 * BYTES, Lanes.ORDER)
              .fma(value, s3);
    }
    s0.intoMemorySegment(out, to, Lanes.ORDER);
    s1.intoMemorySegment(out, to + BYTES, Lanes.ORDER);
    s2.intoMemorySegment(out, to + 2 * BYTES, Lanes.ORDER);
    s3.intoMemorySegment(out, to + 3 * BYTES, Lanes.ORDER);
  }

  private static void two(
      int[] offsets,
      float[] values,
      int first,
      int end,
      MemorySegment in,
      long from,
      MemorySegment out,
      long to) {
    FloatVector s0 = FloatVector.zero(Lanes.FLOATS);
    FloatVector s1 = s0;
    for (int j = first; j < end; j++) {
      MemorySegment pixels = in.asSlice(from + offsets[j], 2 * BYTES);
      FloatVector value = FloatVector.broadcast(Lanes.FLOATS, values[j]);
      s0 = FloatVector.fromMemorySegment(Lanes.FLOATS, pixels, 0, Lanes.ORDER).fma(value, s0);
      s1 = FloatVector.fromMemorySegment(Lanes.FLOATS, pixels, BYTES, Lanes.ORDER).fma(value, s1);
    }
    s0.intoMemorySegment(out, to, Lanes.ORDER);
    s1.intoMemorySegment(out, to + BYTES, Lanes.ORDER);
  }

  private static void one(
      int[] offsets,
      float[] values,
      int first,
      int end,
      MemorySegment in,
      long from,
      MemorySegment out,
      long to) {
    FloatVector s0 = FloatVector.zero(Lanes.FLOATS);
    for (int j = first; j < end; j++) {
      s0 =
          FloatVector.fromMemorySegment(Lanes.FLOATS, in, from + offsets[j], Lanes.ORDER)
              .fma(FloatVector.broadcast(Lanes.FLOATS, values[j]), s0);
    }
    s0.intoMemorySegment(out, to, Lanes.ORDER);
  }

  /** Less than a vector, which is read whole: behind the last plane there is room for that. */
  private static void cutVector(
      SparseConvolution c,
      MemorySegment in,
      MemorySegment out,
      int group,
      int piece,
      int fromRow,
      int toRow) {
    VectorMask<Float> used = Lanes.FLOATS.indexInRange(0, c.cut().size());
    long from = c.inputBytes(group, piece);
    for (int row = fromRow; row < toRow; row++) {
      FloatVector sum = FloatVector.zero(Lanes.FLOATS);
      for (int j = c.starts[row]; j < c.starts[row + 1]; j++) {
        FloatVector value = FloatVector.broadcast(Lanes.FLOATS, c.values[j]);
        sum =
            FloatVector.fromMemorySegment(Lanes.FLOATS, in, from + c.offsets[j], Lanes.ORDER)
                .fma(value, sum);
      }
      sum.intoMemorySegment(out, c.outputBytes(group, row, piece), Lanes.ORDER, used);
    }
  }

  /** Vector by vector, a cut one being read whole: behind the last plane there is room for that. */
  private static void narrowPiece(
      SparseConvolution c,
      MemorySegment in,
      MemorySegment out,
      int group,
      int piece,
      int fromRow,
      int toRow) {
    int floats = c.cut().size();
    for (int row = fromRow; row < toRow; row++) {
      for (int at = 0; at < floats; at += COUNT) {
        inParts(
            c.offsets,
            c.values,
            c.starts[row],
            c.starts[row + 1],
            in,
            c.inputBytes(group, piece) + (long) at * Float.BYTES,
            out,
            c.outputBytes(group, row, piece) + (long) at * Float.BYTES,
            floats - at);
      }
    }
  }

  private static void inParts(
      int[] offsets,
      float[] values,
      int first,
      int end,
      MemorySegment in,
      long from,
      MemorySegment out,
      long to,
      int count) {
    FloatVector a = FloatVector.zero(Lanes.FLOATS);
    FloatVector b = a;
    FloatVector c = a;
    FloatVector d = a;
    int j = first;
    for (; j + 4 <= end; j += 4) {
      a =
          FloatVector.fromMemorySegment(Lanes.FLOATS, in, from + offsets[j], Lanes.ORDER)
              .fma(FloatVector.broadcast(Lanes.FLOATS, values[j]), a);
      b =
          FloatVector.fromMemorySegment(Lanes.FLOATS, in, from + offsets[j + 1], Lanes.ORDER)
              .fma(FloatVector.broadcast(Lanes.FLOATS, values[j + 1]), b);
      c =
          FloatVector.fromMemorySegment(Lanes.FLOATS, in, from + offsets[j + 2], Lanes.ORDER)
              .fma(FloatVector.broadcast(Lanes.FLOATS, values[j + 2]), c);
      d =
          FloatVector.fromMemorySegment(Lanes.FLOATS, in, from + offsets[j + 3], Lanes.ORDER)
              .fma(FloatVector.broadcast(Lanes.FLOATS, values[j + 3]), d);
    }
    if (j < end) {
      a =
          FloatVector.fromMemorySegment(Lanes.FLOATS, in, from + offsets[j], Lanes.ORDER)
              .fma(FloatVector.broadcast(Lanes.FLOATS, values[j]), a);
    }
    if (j + 1 < end) {
      b =
          FloatVector.fromMemorySegment(Lanes.FLOATS, in, from + offsets[j + 1], Lanes.ORDER)
              .fma(FloatVector.broadcast(Lanes.FLOATS, values[j + 1]), b);
    }
    if (j + 2 < end) {
      c =
          FloatVector.fromMemorySegment(Lanes.FLOATS, in, from + offsets[j + 2], Lanes.ORDER)
              .fma(FloatVector.broadcast(Lanes.FLOATS, values[j + 2]), c);
    }
    FloatVector sum = a.add(b).add(c.add(d));
    if (count >= COUNT) {
      sum.intoMemorySegment(out, to, Lanes.ORDER);
    } else {
      sum.intoMemorySegment(out, to, Lanes.ORDER, Lanes.FLOATS.indexInRange(0, count));
    }
  }

  static void weightGradient(
      SparseConvolution c,
      MemorySegment in,
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
          long from = c.inputBytes(group, piece) + (long) first * Float.BYTES;
          for (int row = fromRow; row < toRow; row++) {
            row(
                c,
                row,
                in,
                from,
                gradOut,
                c.outputBytes(group, row, piece) + (long) first * Float.BYTES,
                count,
                places,
                sums,
                gradient);
          }
        }
      }
    }
  }

  /**
   * Several entries at a time, so that eight sums hide the latency: entries whose sums fill a
   * vector one vector at a time, others two, so that lines of a cache are read once. Of the last
   * entries some are computed again.
   */
  private static void row(
      SparseConvolution c,
      int row,
      MemorySegment in,
      long from,
      MemorySegment gradOut,
      long at,
      int count,
      long[] places,
      float[] sums,
      float[] gradient) {
    int end = c.starts[row + 1];
    int whole = count / SUMS * SUMS;
    for (int j = c.starts[row]; j < end; ) {
      int size = PAIRS || end - j <= 4 ? 4 : 8;
      int used = Math.min(size, end - j);
      for (int k = 0; k < size; k++) {
        places[k] = from + c.offsets[j + Math.min(k, used - 1)];
      }
      if (whole == 0) {
        Arrays.fill(sums, 0);
      } else if (PAIRS) {
        for (int lane = 0; lane < SUMS; lane += 2 * COUNT) {
          fourPairs(in, places, gradOut, at, lane, whole, sums);
        }
      } else if (size == 8) {
        eightProducts(in, places, gradOut, at, whole, sums);
      } else {
        fourProducts(in, places, gradOut, at, whole, sums);
      }
      for (int k = 0; k < used; k++) {
        for (int rest = whole; rest < count; rest++) {
          long place = (long) rest * Float.BYTES;
          int lane = k * SUMS + rest - whole;
          sums[lane] =
              Math.fma(
                  gradOut.get(ValueLayout.JAVA_FLOAT, at + place),
                  in.get(ValueLayout.JAVA_FLOAT, places[k] + place),
                  sums[lane]);
        }
        gradient[j + k] += SparseConvolution.tree(sums, k * SUMS);
      }
      j += used;
    }
  }

  private static void eightProducts(
      MemorySegment in, long[] places, MemorySegment gradOut, long at, int whole, float[] sums) {
    FloatVector s0 = FloatVector.zero(Lanes.FLOATS);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    FloatVector s4 = s0;
    FloatVector s5 = s0;
    FloatVector s6 = s0;
    FloatVector s7 = s0;
    int end = whole * Float.BYTES;
    MemorySegment grads = gradOut.asSlice(at, end);
    MemorySegment p0 = in.asSlice(places[0], end);
    MemorySegment p1 = in.asSlice(places[1], end);
    MemorySegment p2 = in.asSlice(places[2], end);
    MemorySegment p3 = in.asSlice(places[3], end);
    MemorySegment p4 = in.asSlice(places[4], end);
    MemorySegment p5 = in.asSlice(places[5], end);
    MemorySegment p6 = in.asSlice(places[6], end);
    MemorySegment p7 = in.asSlice(places[7], end);
    for (int x = 0; x < end; x += SUMS * Float.BYTES) {
      FloatVector grad = FloatVector.fromMemorySegment(Lanes.FLOATS, grads, x, Lanes.ORDER);
      s0 = grad.fma(FloatVector.fromMemorySegment(Lanes.FLOATS, p0, x, Lanes.ORDER), s0);
      s1 = grad.fma(FloatVector.fromMemorySegment(Lanes.FLOATS, p1, x, Lanes.ORDER), s1);
      s2 = grad.fma(FloatVector.fromMemorySegment(Lanes.FLOATS, p2, x, Lanes.ORDER), s2);
      s3 = grad.fma(FloatVector.fromMemorySegment(Lanes.FLOATS, p3, x, Lanes.ORDER), s3);
      s4 = grad.fma(FloatVector.fromMemorySegment(Lanes.FLOATS, p4, x, Lanes.ORDER), s4);
      s5 = grad.fma(FloatVector.fromMemorySegment(Lanes.FLOATS, p5, x, Lanes.ORDER), s5);
      s6 = grad.fma(FloatVector.fromMemorySegment(Lanes.FLOATS, p6, x, Lanes.ORDER), s6);
      s7 = grad.fma(FloatVector.fromMemorySegment(Lanes.FLOATS, p7, x, Lanes.ORDER), s7);
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

  private static void fourProducts(
      MemorySegment in, long[] places, MemorySegment gradOut, long at, int whole, float[] sums) {
    FloatVector s0 = FloatVector.zero(Lanes.FLOATS);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    int end = whole * Float.BYTES;
    MemorySegment grads = gradOut.asSlice(at, end);
    MemorySegment p0 = in.asSlice(places[0], end);
    MemorySegment p1 = in.asSlice(places[1], end);
    MemorySegment p2 = in.asSlice(places[2], end);
    MemorySegment p3 = in.asSlice(places[3], end);
    for (int x = 0; x < end; x += SUMS * Float.BYTES) {
      FloatVector grad = FloatVector.fromMemorySegment(Lanes.FLOATS, grads, x, Lanes.ORDER);
      s0 = grad.fma(FloatVector.fromMemorySegment(Lanes.FLOATS, p0, x, Lanes.ORDER), s0);
      s1 = grad.fma(FloatVector.fromMemorySegment(Lanes.FLOATS, p1, x, Lanes.ORDER), s1);
      s2 = grad.fma(FloatVector.fromMemorySegment(Lanes.FLOATS, p2, x, Lanes.ORDER), s2);
      s3 = grad.fma(FloatVector.fromMemorySegment(Lanes.FLOATS, p3, x, Lanes.ORDER), s3);
    }
    s0.intoArray(sums, 0);
    s1.intoArray(sums, SUMS);
    s2.intoArray(sums, 2 * SUMS);
    s3.intoArray(sums, 3 * SUMS);
  }

  /** Of two vectors that lie beside each other, from a lane on. */
  private static void fourPairs(
      MemorySegment in,
      long[] places,
      MemorySegment gradOut,
      long at,
      int lane,
      int whole,
      float[] sums) {
    FloatVector s0 = FloatVector.zero(Lanes.FLOATS);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    FloatVector s4 = s0;
    FloatVector s5 = s0;
    FloatVector s6 = s0;
    FloatVector s7 = s0;
    int end = whole * Float.BYTES;
    MemorySegment grads = gradOut.asSlice(at, end);
    MemorySegment p0 = in.asSlice(places[0], end);
    MemorySegment p1 = in.asSlice(places[1], end);
    MemorySegment p2 = in.asSlice(places[2], end);
    MemorySegment p3 = in.asSlice(places[3], end);
    for (int x = lane * Float.BYTES; x < end; x += SUMS * Float.BYTES) {
      FloatVector grad = FloatVector.fromMemorySegment(Lanes.FLOATS, grads, x, Lanes.ORDER);
      FloatVector next = FloatVector.fromMemorySegment(Lanes.FLOATS, grads, x + BYTES, Lanes.ORDER);
      s0 = grad.fma(FloatVector.fromMemorySegment(Lanes.FLOATS, p0, x, Lanes.ORDER), s0);
      s1 = next.fma(FloatVector.fromMemorySegment(Lanes.FLOATS, p0, x + BYTES, Lanes.ORDER), s1);
      s2 = grad.fma(FloatVector.fromMemorySegment(Lanes.FLOATS, p1, x, Lanes.ORDER), s2);
      s3 = next.fma(FloatVector.fromMemorySegment(Lanes.FLOATS, p1, x + BYTES, Lanes.ORDER), s3);
      s4 = grad.fma(FloatVector.fromMemorySegment(Lanes.FLOATS, p2, x, Lanes.ORDER), s4);
      s5 = next.fma(FloatVector.fromMemorySegment(Lanes.FLOATS, p2, x + BYTES, Lanes.ORDER), s5);
      s6 = grad.fma(FloatVector.fromMemorySegment(Lanes.FLOATS, p3, x, Lanes.ORDER), s6);
      s7 = next.fma(FloatVector.fromMemorySegment(Lanes.FLOATS, p3, x + BYTES, Lanes.ORDER), s7);
    }
    s0.intoArray(sums, lane);
    s1.intoArray(sums, lane + COUNT);
    s2.intoArray(sums, lane + SUMS);
    s3.intoArray(sums, lane + SUMS + COUNT);
    s4.intoArray(sums, lane + 2 * SUMS);
    s5.intoArray(sums, lane + 2 * SUMS + COUNT);
    s6.intoArray(sums, lane + 3 * SUMS);
    s7.intoArray(sums, lane + 3 * SUMS + COUNT);
  }
}
