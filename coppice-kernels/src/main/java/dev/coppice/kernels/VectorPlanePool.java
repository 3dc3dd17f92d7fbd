package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;

/**
 * {@link PlanePool} with the Vector API, where that helps: windows of 2×2, two apart, of planes of
 * single images, of which sums of columns are taken apart into even and odd ones; and any windows
 * of planes whose groups fill vectors.
 */
final class VectorPlanePool {
  private static final int COUNT = Lanes.COUNT;
  private static final long BYTES = (long) COUNT * Float.BYTES;
  private static final FloatVector EVEN = FloatVector.zero(Lanes.FLOATS).addIndex(2);

  private VectorPlanePool() {}

  static void forward(
      PlanePool p, MemorySegment from, MemorySegment to, int fromPlane, int toPlane) {
    boolean pairs = p.in().group() == 1 && p.kernel() == 2 && p.stride() == 2;
    boolean lanes = p.in().group() % COUNT == 0;
    if (!pairs && !lanes) {
      ScalarPlanePool.forward(p, from, to, fromPlane, toPlane);
      return;
    }
    Planes in = p.in();
    Planes out = p.out();
    for (int plane = fromPlane; plane < toPlane; plane++) {
      for (int map = 0; map < out.stack(); map++) {
        long read = PlaneNeurons.planeBytes(in, plane) + (long) map * in.mapFloats() * Float.BYTES;
        long at = PlaneNeurons.planeBytes(out, plane) + (long) map * out.mapFloats() * Float.BYTES;
        if (pairs) {
          pairs(p, from, read, to, at);
        } else {
          lanes(p, from, read, to, at);
        }
        p.clearBorder(to, at);
      }
      PlaneNeurons.clearEnds(out, to, plane);
    }
  }

  private static void pairs(PlanePool p, MemorySegment from, long read, MemorySegment to, long at) {
    long inPitch = (long) p.in().pitch() * Float.BYTES;
    int columns = p.out().columns();
    // Two vectors are read where fewer pixels may be left: below the last row there must be room.
    boolean room = (p.in().border() + 1) * p.in().pitch() + Planes.LANES >= 2 * COUNT;
    int whole = room ? columns : columns / COUNT * COUNT;
    for (int y = 0; y < p.out().rows(); y++) {
      for (int x = 0; x < whole; x += COUNT) {
        long first = read + 2L * x * Float.BYTES;
        FloatVector a = load(from, first);
        FloatVector b = load(from, first + BYTES);
        FloatVector c = load(from, first + inPitch);
        FloatVector d = load(from, first + inPitch + BYTES);
        FloatVector left = p.average() ? a.add(c) : a.max(c);
        FloatVector right = p.average() ? b.add(d) : b.max(d);
        FloatVector even = EVEN.selectFrom(left, right);
        FloatVector odd = EVEN.add(1).selectFrom(left, right);
        FloatVector pooled = p.average() ? even.add(odd).mul(0.25f) : even.max(odd);
        long place = at + (long) x * Float.BYTES;
        if (columns - x >= COUNT) {
          pooled.intoMemorySegment(to, place, ByteOrder.nativeOrder());
        } else {
          pooled.intoMemorySegment(
              to, place, ByteOrder.nativeOrder(), Lanes.FLOATS.indexInRange(x, columns));
        }
      }
      if (whole < columns) {
        ScalarPlanePool.row(p, from, read / Float.BYTES, to, at / Float.BYTES, whole);
      }
      read += 2 * inPitch;
      at += (long) p.out().pitch() * Float.BYTES;
    }
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
            FloatVector value = load(from, window + ky * inPitch + kx * pixel);
            column = p.average() ? column.add(value) : column.max(value);
          }
          result = p.average() ? result.add(column) : result.max(column);
        }
        FloatVector pooled = p.average() ? result.div((float) kernel * kernel) : result;
        pooled.intoMemorySegment(to, at + (long) k * Float.BYTES, ByteOrder.nativeOrder());
      }
      read += p.stride() * inPitch;
      at += (long) p.out().pitch() * Float.BYTES;
    }
  }

  private static FloatVector load(MemorySegment segment, long at) {
    return FloatVector.fromMemorySegment(Lanes.FLOATS, segment, at, ByteOrder.nativeOrder());
  }
}
