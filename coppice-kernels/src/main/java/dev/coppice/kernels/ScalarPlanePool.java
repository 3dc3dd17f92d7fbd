package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** {@link PlanePool} as plain loops. */
final class ScalarPlanePool {
  private ScalarPlanePool() {}

  static void forward(
      PlanePool p, MemorySegment from, MemorySegment to, int fromPlane, int toPlane) {
    Planes in = p.in();
    Planes out = p.out();
    for (int plane = fromPlane; plane < toPlane; plane++) {
      for (int map = 0; map < out.stack(); map++) {
        long read = PlaneNeurons.firstOf(in, plane) + (long) map * in.mapFloats();
        long at = PlaneNeurons.firstOf(out, plane) + (long) map * out.mapFloats();
        for (int y = 0; y < out.rows(); y++) {
          row(
              p,
              from,
              read + (long) y * p.stride() * in.pitch(),
              to,
              at + (long) y * out.pitch(),
              0);
        }
        p.clearBorder(to, at);
      }
      p.numbers().clearEnds(out, to, plane);
    }
  }

  /** A row of the output, from one of its elements on; places are counted in elements. */
  static void row(
      PlanePool p, MemorySegment from, long read, MemorySegment to, long at, int first) {
    int group = p.in().group();
    for (int k = first; k < p.out().columns() * group; k++) {
      long window = read + (long) (k / group) * p.stride() * group + k % group;
      float result = p.average() ? 0 : Float.NEGATIVE_INFINITY;
      for (int kx = 0; kx < p.kernel(); kx++) {
        float column = p.average() ? 0 : Float.NEGATIVE_INFINITY;
        for (int ky = 0; ky < p.kernel(); ky++) {
          float value =
              p.numbers().get(from, window + (long) ky * p.in().pitch() + (long) kx * group);
          column = p.average() ? column + value : Math.max(column, value);
        }
        result = p.average() ? result + column : Math.max(result, column);
      }
      boolean divided = p.average() && p.numbers() == PlaneNumbers.FLOATS;
      p.numbers().set(to, at + k, divided ? result / (p.kernel() * p.kernel()) : result);
    }
  }

  static float sum(MemorySegment planes, long from, int count) {
    float sum = 0;
    for (int k = 0; k < count; k++) {
      sum += planes.getAtIndex(ValueLayout.JAVA_FLOAT, from + k);
    }
    return sum;
  }
}
