package dev.coppice.kernels;

/**
 * What a thread needs to compute between planes by plain loops. It is kept from call to call, so
 * that calls allocate nothing once it has grown.
 */
final class PlaneScratch {
  private static final ThreadLocal<PlaneScratch> OF_THREAD =
      ThreadLocal.withInitial(PlaneScratch::new);

  private final float[][] arrays = new float[5][0];
  private short[] shorts = new short[0];
  private int[] ints = new int[0];
  private long[] longs = new long[0];

  private PlaneScratch() {}

  static PlaneScratch get() {
    return OF_THREAD.get();
  }

  /** Returns an array of at least that size, by number, with stale numbers. */
  float[] floats(int number, int size) {
    if (arrays[number].length < size) {
      arrays[number] = new float[size];
    }
    return arrays[number];
  }

  /** Returns an array of at least that size, with stale numbers. */
  short[] shorts(int size) {
    if (shorts.length < size) {
      shorts = new short[size];
    }
    return shorts;
  }

  /** Returns an array of at least that size, with stale numbers. */
  long[] longs(int size) {
    if (longs.length < size) {
      longs = new long[size];
    }
    return longs;
  }

  /** Returns an array of at least that size, with stale numbers. */
  int[] ints(int size) {
    if (ints.length < size) {
      ints = new int[size];
    }
    return ints;
  }
}
