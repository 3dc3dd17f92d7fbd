package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * {@link PlanePool} with the Vector API, where that helps: windows of 2×2, two apart, of planes of
 * single images, of which the sums at every pixel are made and every second kept; and any windows
 * of planes whose groups fill vectors.
 */
final class VectorPlanePool {
  private static final int COUNT = Lanes.COUNT;
  private static final long BYTES = (long) COUNT * Float.BYTES;
  private static final VectorMask<Float> EVEN =
      VectorMask.fromLong(Lanes.FLOATS, 0x5555555555555555L);

  private VectorPlanePool() {}

  static void forward(
      PlanePool p, MemorySegment from, MemorySegment to, int fromPlane, int toPlane) {
    boolean pairs = p.in().group() == 1 && p.kernel() == 2 && p.stride() == 2;
    boolean lanes = p.in().group() % COUNT == 0 && p.numbers() == PlaneNumbers.FLOATS;
    boolean counts = p.numbers() != PlaneNumbers.FLOATS;
    if (pairs && p.numbers() == PlaneNumbers.BYTES) {
      VectorBytePool.forward(p, from, to, fromPlane, toPlane);
      return;
    }
    if (!pairs && !lanes) {
      ScalarPlanePool.forward(p, from, to, fromPlane, toPlane);
      return;
    }
    Planes in = p.in();
    Planes out = p.out();
    long bytes = p.numbers().bytes();
    long inMap = in.mapFloats() * bytes;
    long outMap = out.mapFloats() * bytes;
    for (int plane = fromPlane; plane < toPlane; plane++) {
      long read = PlaneNeurons.firstOf(in, plane) * bytes;
      long at = PlaneNeurons.firstOf(out, plane) * bytes;
      long end = at + out.stack() * outMap;
      if (counts && VectorCountPool.oneMap(p)) {
        VectorCountPool.map(p, from, read, to, at, out.stack() * out.rows());
        at = end;
      }
      for (; at < end; at += outMap, read += inMap) {
        if (counts) {
          VectorCountPool.map(p, from, read, to, at, out.rows());
        } else if (pairs) {
          pairs(p, from, read, to, at, end);
        } else {
          lanes(p, from, read, to, at);
        }
        if (!counts) {
          p.clearBorder(to, at / bytes);
        }
      }
      p.numbers().clearEnds(out, to, plane);
    }
  }

  /**
   * A vector of sums goes to every row, also where only its first floats belong there: what it
   * spills over is written again, by the next row or as border. That must not be another plane,
   * which another thread may own.
   *
   * @param end the end of the plane
   */
  private static void pairs(
      PlanePool p, MemorySegment from, long read, MemorySegment to, long at, long end) {
    long inPitch = (long) p.in().pitch() * Float.BYTES;
    long outPitch = (long) p.out().pitch() * Float.BYTES;
    int columns = p.out().columns();
    int rows = p.out().rows();
    for (int y = 0; y < rows; y++) {
      for (int x = 0; x < columns; x += COUNT / 2) {
        long place = at + (long) x * Float.BYTES;
        boolean whole = place + BYTES <= end;
        int used = whole ? COUNT : Math.min(COUNT / 2, columns - x);
        if (p.average()) {
          averages(from, read + 2L * x * Float.BYTES, inPitch, to, place, used);
        } else {
          maxima(from, read + 2L * x * Float.BYTES, inPitch, to, place, used);
        }
      }
      read += 2 * inPitch;
      at += outPitch;
    }
  }

  private static void averages(
      MemorySegment from, long first, long pitch, MemorySegment to, long place, int used) {
    FloatVector left =
        FloatVector.fromMemorySegment(Lanes.FLOATS, from, first, Lanes.ORDER)
            .add(FloatVector.fromMemorySegment(Lanes.FLOATS, from, first + pitch, Lanes.ORDER));
    FloatVector right =
        FloatVector.fromMemorySegment(Lanes.FLOATS, from, first + Float.BYTES, Lanes.ORDER)
            .add(
                FloatVector.fromMemorySegment(
                    Lanes.FLOATS, from, first + pitch + Float.BYTES, Lanes.ORDER));
    FloatVector every = left.add(right).mul(0.25f).compress(EVEN);
    if (used == COUNT) {
      every.intoMemorySegment(to, place, Lanes.ORDER);
    } else {
      every.intoMemorySegment(to, place, Lanes.ORDER, Lanes.FLOATS.indexInRange(0, used));
    }
  }

  private static void maxima(
      MemorySegment from, long first, long pitch, MemorySegment to, long place, int used) {
    FloatVector left =
        FloatVector.fromMemorySegment(Lanes.FLOATS, from, first, Lanes.ORDER)
            .max(FloatVector.fromMemorySegment(Lanes.FLOATS, from, first + pitch, Lanes.ORDER));
    FloatVector right =
        FloatVector.fromMemorySegment(Lanes.FLOATS, from, first + Float.BYTES, Lanes.ORDER)
            .max(
                FloatVector.fromMemorySegment(
                    Lanes.FLOATS, from, first + pitch + Float.BYTES, Lanes.ORDER));
    left.max(right)
        .compress(EVEN)
        .intoMemorySegment(to, place, Lanes.ORDER, Lanes.FLOATS.indexInRange(0, used));
  }

  private static void lanes(PlanePool p, MemorySegment from, long read, MemorySegment to, long at) {
    long pixel = (long) p.in().group() * Float.BYTES;
    long inPitch = (long) p.in().pitch() * Float.BYTES;
    int kernel = p.kernel();
    FloatVector none =
        FloatVector.broadcast(Lanes.FLOATS, p.average() ? 0 : Float.NEGATIVE_INFINITY);
    for (int y = 0; y < p.out().rows(); y++) {
      for (int k = 0; k < p.out().columns() * p.out().group(); k += COUNT) {
        int x = k / p.out().group() * p.stride();
        long window = read + x * pixel + (long) (k % p.out().group()) * Float.BYTES;
        FloatVector result = none;
        for (int kx = 0; kx < kernel; kx++) {
          FloatVector column = none;
          for (int ky = 0; ky < kernel; ky++) {
            FloatVector value =
                FloatVector.fromMemorySegment(
                    Lanes.FLOATS, from, window + ky * inPitch + kx * pixel, Lanes.ORDER);
            column = p.average() ? column.add(value) : column.max(value);
          }
          result = p.average() ? result.add(column) : result.max(column);
        }
        FloatVector pooled = p.average() ? result.div((float) kernel * kernel) : result;
        pooled.intoMemorySegment(to, at + (long) k * Float.BYTES, Lanes.ORDER);
      }
      read += p.stride() * inPitch;
      at += (long) p.out().pitch() * Float.BYTES;
    }
  }

  static float sum(MemorySegment planes, long from, int count) {
    FloatVector a = FloatVector.zero(Lanes.FLOATS);
    FloatVector b = a;
    long at = from * Float.BYTES;
    int pairs = count / (2 * COUNT);
    for (int k = 0; k < pairs; k++) {
      a = a.add(FloatVector.fromMemorySegment(Lanes.FLOATS, planes, at, Lanes.ORDER));
      b = b.add(FloatVector.fromMemorySegment(Lanes.FLOATS, planes, at + BYTES, Lanes.ORDER));
      at += 2 * BYTES;
    }
    int done = pairs * 2 * COUNT;
    return a.add(b).reduceLanes(VectorOperators.ADD)
        + ScalarPlanePool.sum(planes, from + done, count - done);
  }
}
