package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Sums of {@link VectorPlaneMarks} where a vector is half a pixel. Processors with such vectors do
 * not add under a mask: marks are widened to all bits of a float and ANDed with what is added.
 */
final class VectorHalfMarks {
  private static final int SHRINKING = PlaneMarks.SHRINKING;
  private static final int SHIFT = PlaneMarks.SHIFT;
  private static final int COUNT = Lanes.COUNT;
  private static final long BYTES = (long) COUNT * Float.BYTES;
  private static final int SUMS = SparseConvolution.SUMS;

  private VectorHalfMarks() {}

  /** A row's sums of four pixels. */
  static void eight(
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
      MemorySegment spikes = marks.asSlice(from + (offsets[j] >> SHIFT), 8L * COUNT);
      IntVector value = FloatVector.broadcast(Lanes.FLOATS, values[j]).reinterpretAsInts();
      s0 =
          s0.add(
              ByteVector.fromMemorySegment(Lanes.SPIKES, spikes, 0, Lanes.ORDER)
                  .convertShape(VectorOperators.B2I, Lanes.INTS, 0)
                  .reinterpretAsInts()
                  .and(value)
                  .reinterpretAsFloats());
      s1 =
          s1.add(
              ByteVector.fromMemorySegment(Lanes.SPIKES, spikes, COUNT, Lanes.ORDER)
                  .convertShape(VectorOperators.B2I, Lanes.INTS, 0)
                  .reinterpretAsInts()
                  .and(value)
                  .reinterpretAsFloats());
      s2 =
          s2.add(
              ByteVector.fromMemorySegment(Lanes.SPIKES, spikes, 2L * COUNT, Lanes.ORDER)
                  .convertShape(VectorOperators.B2I, Lanes.INTS, 0)
                  .reinterpretAsInts()
                  .and(value)
                  .reinterpretAsFloats());
      s3 =
          s3.add(
              ByteVector.fromMemorySegment(Lanes.SPIKES, spikes, 3L * COUNT, Lanes.ORDER)
                  .convertShape(VectorOperators.B2I, Lanes.INTS, 0)
                  .reinterpretAsInts()
                  .and(value)
                  .reinterpretAsFloats());
      s4 =
          s4.add(
              ByteVector.fromMemorySegment(Lanes.SPIKES, spikes, 4L * COUNT, Lanes.ORDER)
                  .convertShape(VectorOperators.B2I, Lanes.INTS, 0)
                  .reinterpretAsInts()
                  .and(value)
                  .reinterpretAsFloats());
      s5 =
          s5.add(
              ByteVector.fromMemorySegment(Lanes.SPIKES, spikes, 5L * COUNT, Lanes.ORDER)
                  .convertShape(VectorOperators.B2I, Lanes.INTS, 0)
                  .reinterpretAsInts()
                  .and(value)
                  .reinterpretAsFloats());
      s6 =
          s6.add(
              ByteVector.fromMemorySegment(Lanes.SPIKES, spikes, 6L * COUNT, Lanes.ORDER)
                  .convertShape(VectorOperators.B2I, Lanes.INTS, 0)
                  .reinterpretAsInts()
                  .and(value)
                  .reinterpretAsFloats());
      s7 =
          s7.add(
              ByteVector.fromMemorySegment(Lanes.SPIKES, spikes, 7L * COUNT, Lanes.ORDER)
                  .convertShape(VectorOperators.B2I, Lanes.INTS, 0)
                  .reinterpretAsInts()
                  .and(value)
                  .reinterpretAsFloats());
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

  /** A row's sums of one pixel. */
  static void pixel(
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
    for (int j = first; j < end; j++) {
      MemorySegment spikes = marks.asSlice(from + (offsets[j] >> SHIFT), 2L * COUNT);
      IntVector value = FloatVector.broadcast(Lanes.FLOATS, values[j]).reinterpretAsInts();
      s0 =
          s0.add(
              ByteVector.fromMemorySegment(Lanes.SPIKES, spikes, 0, Lanes.ORDER)
                  .convertShape(VectorOperators.B2I, Lanes.INTS, 0)
                  .reinterpretAsInts()
                  .and(value)
                  .reinterpretAsFloats());
      s1 =
          s1.add(
              ByteVector.fromMemorySegment(Lanes.SPIKES, spikes, COUNT, Lanes.ORDER)
                  .convertShape(VectorOperators.B2I, Lanes.INTS, 0)
                  .reinterpretAsInts()
                  .and(value)
                  .reinterpretAsFloats());
    }
    s0.intoMemorySegment(out, to, Lanes.ORDER);
    s1.intoMemorySegment(out, to + BYTES, Lanes.ORDER);
  }

  /**
   * Sums for the gradients of eight weights, four at a time so that they stay in registers.
   *
   * @param used of the weights; of the others sums may be left as they are
   * @param pixels of the output's gradient
   */
  static void eightSums(
      MemorySegment marks,
      long[] places,
      int used,
      MemorySegment gradOut,
      long at,
      int pixels,
      float[] sums) {
    for (int first = 0; first < used; first += 4) {
      fourSums(marks, places, first, gradOut, at, pixels, sums);
    }
  }

  private static void fourSums(
      MemorySegment marks,
      long[] places,
      int first,
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
    int bytes = pixels * Planes.LANES;
    MemorySegment grads = gradOut.asSlice(at, (long) bytes * Float.BYTES);
    MemorySegment p0 = marks.asSlice(places[first], bytes);
    MemorySegment p1 = marks.asSlice(places[first + 1], bytes);
    MemorySegment p2 = marks.asSlice(places[first + 2], bytes);
    MemorySegment p3 = marks.asSlice(places[first + 3], bytes);
    for (int x = 0; x < bytes; x += Planes.LANES) {
      long place = x * (long) SHRINKING;
      IntVector grad =
          FloatVector.fromMemorySegment(Lanes.FLOATS, grads, place, Lanes.ORDER)
              .reinterpretAsInts();
      IntVector next =
          FloatVector.fromMemorySegment(Lanes.FLOATS, grads, place + BYTES, Lanes.ORDER)
              .reinterpretAsInts();
      s0 =
          s0.add(
              ByteVector.fromMemorySegment(Lanes.SPIKES, p0, x, Lanes.ORDER)
                  .convertShape(VectorOperators.B2I, Lanes.INTS, 0)
                  .reinterpretAsInts()
                  .and(grad)
                  .reinterpretAsFloats());
      s1 =
          s1.add(
              ByteVector.fromMemorySegment(Lanes.SPIKES, p0, x + COUNT, Lanes.ORDER)
                  .convertShape(VectorOperators.B2I, Lanes.INTS, 0)
                  .reinterpretAsInts()
                  .and(next)
                  .reinterpretAsFloats());
      s2 =
          s2.add(
              ByteVector.fromMemorySegment(Lanes.SPIKES, p1, x, Lanes.ORDER)
                  .convertShape(VectorOperators.B2I, Lanes.INTS, 0)
                  .reinterpretAsInts()
                  .and(grad)
                  .reinterpretAsFloats());
      s3 =
          s3.add(
              ByteVector.fromMemorySegment(Lanes.SPIKES, p1, x + COUNT, Lanes.ORDER)
                  .convertShape(VectorOperators.B2I, Lanes.INTS, 0)
                  .reinterpretAsInts()
                  .and(next)
                  .reinterpretAsFloats());
      s4 =
          s4.add(
              ByteVector.fromMemorySegment(Lanes.SPIKES, p2, x, Lanes.ORDER)
                  .convertShape(VectorOperators.B2I, Lanes.INTS, 0)
                  .reinterpretAsInts()
                  .and(grad)
                  .reinterpretAsFloats());
      s5 =
          s5.add(
              ByteVector.fromMemorySegment(Lanes.SPIKES, p2, x + COUNT, Lanes.ORDER)
                  .convertShape(VectorOperators.B2I, Lanes.INTS, 0)
                  .reinterpretAsInts()
                  .and(next)
                  .reinterpretAsFloats());
      s6 =
          s6.add(
              ByteVector.fromMemorySegment(Lanes.SPIKES, p3, x, Lanes.ORDER)
                  .convertShape(VectorOperators.B2I, Lanes.INTS, 0)
                  .reinterpretAsInts()
                  .and(grad)
                  .reinterpretAsFloats());
      s7 =
          s7.add(
              ByteVector.fromMemorySegment(Lanes.SPIKES, p3, x + COUNT, Lanes.ORDER)
                  .convertShape(VectorOperators.B2I, Lanes.INTS, 0)
                  .reinterpretAsInts()
                  .and(next)
                  .reinterpretAsFloats());
    }
    s0.intoArray(sums, first * SUMS);
    s1.intoArray(sums, first * SUMS + COUNT);
    s2.intoArray(sums, (first + 1) * SUMS);
    s3.intoArray(sums, (first + 1) * SUMS + COUNT);
    s4.intoArray(sums, (first + 2) * SUMS);
    s5.intoArray(sums, (first + 2) * SUMS + COUNT);
    s6.intoArray(sums, (first + 3) * SUMS);
    s7.intoArray(sums, (first + 3) * SUMS + COUNT);
  }
}
