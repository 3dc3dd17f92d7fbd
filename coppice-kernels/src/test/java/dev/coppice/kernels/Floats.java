package dev.coppice.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.SplittableRandom;

/** Arrays of floats in native memory, for tests. */
final class Floats {
  private Floats() {}

  static MemorySegment of(float... values) {
    MemorySegment segment = zeros(values.length);
    MemorySegment.copy(values, 0, segment, ValueLayout.JAVA_FLOAT, 0, values.length);
    return segment;
  }

  /** Returns weights by so many rows. */
  static WeightRows rows(int rows, float... weights) {
    int width = weights.length / rows;
    return visitor -> {
      for (int row = 0; row < rows; row++) {
        visitor.row(row, Arrays.copyOfRange(weights, row * width, (row + 1) * width));
      }
    };
  }

  static MemorySegment zeros(int count) {
    return Arena.ofAuto().allocate((long) count * Float.BYTES, Float.BYTES);
  }

  /** Normal numbers of the given spread around 0. */
  static float[] random(long seed, int count, double spread) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian(0, spread);
    }
    return values;
  }

  static float[] array(MemorySegment segment) {
    return segment.toArray(ValueLayout.JAVA_FLOAT);
  }

  /** The bits of the numbers, all NaNs being one. */
  static int[] bits(float[] values) {
    int[] bits = new int[values.length];
    for (int i = 0; i < values.length; i++) {
      bits[i] = Float.floatToIntBits(values[i]);
    }
    return bits;
  }
}
