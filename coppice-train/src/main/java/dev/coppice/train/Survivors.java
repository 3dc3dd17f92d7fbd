package dev.coppice.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The values of a flat array that are not masked, for an optimizer that is to see no others: what
 * is masked is zero, and stays so, in the values, their gradients and what the optimizer remembers.
 */
final class Survivors {
  /** The part of the values up to which it pays to take them out and put them back. */
  private static final double FEW = 0.5;

  private final int[] indices;

  private Survivors(int[] indices) {
    this.indices = indices;
  }

  /** Returns whether so few values survive a mask that the optimizer had better see only them. */
  static boolean pay(float[] mask) {
    return IntStream.range(0, mask.length).filter(k -> mask[k] != 0).count() <= FEW * mask.length;
  }

  static Survivors of(float[] mask) {
    return new Survivors(IntStream.range(0, mask.length).filter(k -> mask[k] != 0).toArray());
  }

  int count() {
    return indices.length;
  }

  /**
   * Copies the survivors of a piece of the flat array.
   *
   * @param offset where the piece begins
   * @param target of all survivors
   * @param from the first survivor that is not before the piece
   * @return the first that lies behind it
   */
  int copy(NDArray piece, int offset, float[] target, int from) {
    MemorySegment source = Memory.of(piece);
    int end = offset + Math.toIntExact(piece.size());
    int at = from;
    for (; at < indices.length && indices[at] < end; at++) {
      target[at] = source.getAtIndex(ValueLayout.JAVA_FLOAT, indices[at] - offset);
    }
    return at;
  }

  /**
   * Has an optimizer update the survivors of flat arrays in place.
   *
   * @param gradient of the survivors, overwritten; its manager owns what is made on the way
   */
  void update(
      Optimizer optimizer,
      NDArray values,
      NDArray gradient,
      List<NDArray> state,
      double rate,
      long step) {
    NDArray moved = of(values, gradient.getManager());
    List<NDArray> memory = state.stream().map(array -> of(array, gradient.getManager())).toList();
    optimizer.update(moved, gradient, memory, rate, step);
    write(moved, values);
    for (int i = 0; i < memory.size(); i++) {
      write(memory.get(i), state.get(i));
    }
  }

  private NDArray of(NDArray flat, NDManager manager) {
    float[] survivors = new float[indices.length];
    int _ = copy(flat, 0, survivors, 0);
    return Memory.upload(manager, survivors, new Shape(survivors.length));
  }

  private void write(NDArray survivors, NDArray flat) {
    MemorySegment source = Memory.of(survivors);
    MemorySegment target = Memory.of(flat);
    for (int k = 0; k < indices.length; k++) {
      float value = source.getAtIndex(ValueLayout.JAVA_FLOAT, k);
      target.setAtIndex(ValueLayout.JAVA_FLOAT, indices[k], value);
    }
  }
}
