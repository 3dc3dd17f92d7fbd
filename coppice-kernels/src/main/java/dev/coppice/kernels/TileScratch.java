package dev.coppice.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * What a thread needs to compute an {@link InputGradient}. It is kept from call to call: making it
 * anew would take longer than filling it.
 */
final class TileScratch {
  private static final ThreadLocal<TileScratch> OF_THREAD =
      ThreadLocal.withInitial(TileScratch::new);

  /** A tile after the transform of its columns, {@link Lanes#COUNT} channels of it. */
  final float[] columns = new float[InputGradient.FREQUENCIES * 16];

  private float[] transformed = new float[0];
  private float[] mixed = new float[0];
  private MemorySegment patch = MemorySegment.NULL;

  private TileScratch() {}

  static TileScratch get() {
    return OF_THREAD.get();
  }

  /** Returns room for a block of transformed tiles {@code [36, 24, O]}, with stale numbers. */
  float[] transformed(InputGradient g) {
    int size = InputGradient.FREQUENCIES * g.transformedStride();
    if (transformed.length < size) {
      transformed = new float[size];
    }
    return transformed;
  }

  /** Returns room for a block of mixed tiles {@code [36, 24, I]}, with stale numbers. */
  float[] mixed(InputGradient g) {
    int size = InputGradient.FREQUENCIES * g.mixedStride();
    if (mixed.length < size) {
      mixed = new float[size];
    }
    return mixed;
  }

  /** Returns a patch of zeros {@code [6, 6, O]}. */
  MemorySegment patch(InputGradient g) {
    long size = (long) InputGradient.FREQUENCIES * g.out() * Float.BYTES;
    if (patch.byteSize() < size) {
      patch = Arena.ofAuto().allocate(size, Float.BYTES * 16);
    }
    return patch.asSlice(0, size).fill((byte) 0);
  }

  /** Copies what lies inside the map of the patch whose corner is given, zeros elsewhere. */
  MemorySegment patch(InputGradient g, MemorySegment gradOut, long image, int top, int left) {
    MemorySegment copy = patch(g);
    long pixel = (long) g.out() * Float.BYTES;
    int first = Math.max(0, left);
    int end = Math.min(g.outWidth(), left + InputGradient.PATCH);
    for (int y = Math.max(0, top); y < Math.min(g.outHeight(), top + InputGradient.PATCH); y++) {
      MemorySegment.copy(
          gradOut,
          ((image * g.outHeight() + y) * g.outWidth() + first) * pixel,
          copy,
          ((y - top) * (long) InputGradient.PATCH + first - left) * pixel,
          Math.max(0, end - first) * pixel);
    }
    return copy;
  }
}
