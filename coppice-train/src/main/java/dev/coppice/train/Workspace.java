package dev.coppice.train;

/** Room for numbers that live during one call of an executor: all executors share it. */
final class Workspace {
  private float[] floats = new float[0];

  /** Returns at least so many floats, with stale numbers. */
  float[] floats(int count) {
    if (floats.length < count) {
      floats = new float[count];
    }
    return floats;
  }
}
