package dev.coppice.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The values of a flat array that are not masked, for an optimizer that is to see no others: what
 * is masked is zero, and stays so, in the values, their gradients and what the optimizer remembers.
 * They are taken out of the flat arrays once, for to go through all of those takes longer than to
 * update what survives: the flat values follow with every update, the optimizer's state when asked.
 */
final class Survivors implements AutoCloseable {
  /** The part of the values up to which it pays to take them out and put them back. */
  private static final double FEW = 0.5;

  private final int[] indices;
  private final NDArray all;
  private final List<NDArray> allState;
  private final NDArray values;
  private final List<NDArray> state = new ArrayList<>();

  /**
   * Takes survivors out of flat arrays.
   *
   * @param mask zero where values are masked
   */
  Survivors(float[] mask, NDArray values, List<NDArray> state) {
    indices = IntStream.range(0, mask.length).filter(k -> mask[k] != 0).toArray();
    this.all = values;
    this.allState = List.copyOf(state);
    Shape shape = new Shape(indices.length);
    this.values = values.getManager().create(shape);
    readValues();
    state.forEach(_ -> this.state.add(values.getManager().create(shape)));
    readState();
  }

  /** Returns whether so few values survive a mask that the optimizer had better see only them. */
  static boolean pay(float[] mask) {
    return IntStream.range(0, mask.length).filter(k -> mask[k] != 0).count() <= FEW * mask.length;
  }

  int count() {
    return indices.length;
  }

  /**
   * Copies the survivors of a piece of the flat array.
   *
   * @param piece its numbers, or those of its survivors alone
   * @param offset where the piece begins
   * @param size of the piece in the flat array
   * @param target of all survivors
   * @param from the first survivor that is not before the piece
   * @return the first that lies behind it
   */
  int copy(NDArray piece, int offset, int size, float[] target, int from) {
    int end = Arrays.binarySearch(indices, from, indices.length, offset + size);
    int behind = end < 0 ? -end - 1 : end;
    MemorySegment source = Memory.of(piece);
    if (piece.size() < size) {
      MemorySegment.copy(source, ValueLayout.JAVA_FLOAT, 0, target, from, behind - from);
      return behind;
    }
    for (int at = from; at < behind; at++) {
      target[at] = source.getAtIndex(ValueLayout.JAVA_FLOAT, indices[at] - offset);
    }
    return behind;
  }

  /**
   * Has an optimizer update the survivors.
   *
   * @param gradient of the survivors, overwritten
   */
  void update(Optimizer optimizer, NDArray gradient, double rate, long step) {
    optimizer.update(values, gradient, state, rate, step);
    write(values, all);
  }

  /** Takes the values from the flat array, which has changed. */
  void readValues() {
    read(all, values);
  }

  /** Takes the optimizer's state from the flat arrays, which have changed. */
  void readState() {
    for (int i = 0; i < state.size(); i++) {
      read(allState.get(i), state.get(i));
    }
  }

  /** Writes the optimizer's state to the flat arrays. */
  void writeState() {
    for (int i = 0; i < state.size(); i++) {
      write(state.get(i), allState.get(i));
    }
  }

  private void read(NDArray flat, NDArray survivors) {
    MemorySegment source = Memory.of(flat);
    MemorySegment target = Memory.of(survivors);
    for (int k = 0; k < indices.length; k++) {
      float value = source.getAtIndex(ValueLayout.JAVA_FLOAT, indices[k]);
      target.setAtIndex(ValueLayout.JAVA_FLOAT, k, value);
    }
  }

  private void write(NDArray survivors, NDArray flat) {
    MemorySegment source = Memory.of(survivors);
    MemorySegment target = Memory.of(flat);
    for (int k = 0; k < indices.length; k++) {
      float value = source.getAtIndex(ValueLayout.JAVA_FLOAT, k);
      target.setAtIndex(ValueLayout.JAVA_FLOAT, indices[k], value);
    }
  }

  @Override
  public void close() {
    values.close();
    state.forEach(NDArray::close);
  }
}
