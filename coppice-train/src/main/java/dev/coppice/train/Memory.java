package dev.coppice.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** The native memory of arrays. */
final class Memory {
  private Memory() {}

  /** Returns the memory of a contiguous array on the CPU; of another one, that of a copy. */
  static MemorySegment of(NDArray array) {
    return MemorySegment.ofBuffer(array.toByteBuffer(true));
  }

  /**
   * Returns a new array with these values. On the CPU its memory is libtorch's, freed with the
   * array: the memory of {@code manager.create} would wait for the garbage collector.
   */
  static NDArray upload(NDManager manager, float[] values, Shape shape) {
    if (manager.getDevice().isGpu()) {
      return manager.create(values, shape);
    }
    NDArray array = manager.create(shape, DataType.FLOAT32);
    MemorySegment.copy(values, 0, of(array), ValueLayout.JAVA_FLOAT, 0, values.length);
    return array;
  }

  /** Overwrites an array in place, so that views of it see the new values. */
  static void overwrite(NDArray array, float[] values) {
    try (NDArray source = upload(array.getManager(), values, array.getShape())) {
      array.set(new NDIndex("..."), source);
    }
  }
}
