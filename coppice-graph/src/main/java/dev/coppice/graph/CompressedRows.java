package dev.coppice.graph;

import java.util.Arrays;
import java.util.Map;
import java.util.SequencedMap;

/**
 * A tensor seen as a matrix {@code [first dimension, the rest]}, of which only the values that are
 * not zero are stored, row by row: {@code NAME.rows} counts the values before each row (and the
 * total), {@code NAME.columns} ascend within a row.
 */
final class CompressedRows {
  /** Above this share of non-zero values the compressed form saves little or nothing. */
  static final double MAX_DENSITY = 0.45;

  private static final String ROWS = ".rows";
  private static final String COLUMNS = ".columns";
  private static final String VALUES = ".values";

  private CompressedRows() {}

  static boolean pays(Tensor tensor) {
    return tensor.shape().length > 1 && tensor.countNonZero() < MAX_DENSITY * tensor.size();
  }

  /**
   * Puts the three arrays that stand for the tensor.
   *
   * @param type of the values
   */
  static void write(
      String name,
      Tensor tensor,
      StoredValues type,
      SequencedMap<String, Safetensors.Array> arrays) {
    int height = tensor.shape()[0];
    int width = tensor.size() / height;
    int count = tensor.countNonZero();
    int[] rows = new int[height + 1];
    int[] columns = new int[count];
    float[] values = new float[count];
    int next = 0;
    for (int row = 0; row < height; row++) {
      for (int column = 0; column < width; column++) {
        float value = tensor.data()[row * width + column];
        if (value != 0) {
          columns[next] = column;
          values[next++] = value;
        }
      }
      rows[row + 1] = next;
    }
    arrays.put(name + ROWS, Safetensors.Array.ofInts(rows));
    arrays.put(
        name + COLUMNS,
        width <= 0x10000
            ? Safetensors.Array.ofUnsignedShorts(columns)
            : Safetensors.Array.ofInts(columns));
    arrays.put(name + VALUES, type.array(Tensor.of(values)));
  }

  /**
   * Takes the three arrays out of {@code arrays} and returns the tensor they stand for.
   *
   * @param shape one that is known to be affordable
   * @param type of the values
   * @throws GraphException if they do not fit the shape or each other
   */
  static Tensor read(
      String name, int[] shape, StoredValues type, Map<String, Safetensors.Array> arrays) {
    int height = shape[0];
    long[] rows = StoredValues.vector(name + ROWS, arrays, Safetensors.Type.I32).longs();
    long[] columns =
        StoredValues.vector(name + COLUMNS, arrays, Safetensors.Type.U16, Safetensors.Type.I32)
            .longs();
    float[] values = StoredValues.vector(name + VALUES, arrays, type.type()).floats();
    if (rows.length - 1 != height || rows[0] != 0 || rows[height] != values.length) {
      throw new GraphException(
          name + ROWS + ": must count from 0 to " + values.length + " over " + height + " rows");
    }
    if (columns.length != values.length) {
      throw new GraphException(
          name + ": has " + columns.length + " columns for " + values.length + " values");
    }
    for (int row = 0; row < height; row++) {
      if (rows[row + 1] < rows[row] || rows[row + 1] > values.length) {
        throw new GraphException(name + ROWS + ": entry " + (row + 1) + " is out of order");
      }
    }
    float[] data = new float[Arrays.stream(shape).reduce(1, Math::multiplyExact)];
    int width = data.length / height;
    for (int row = 0; row < height; row++) {
      long previous = -1;
      for (int i = (int) rows[row]; i < rows[row + 1]; i++) {
        if (columns[i] <= previous || columns[i] >= width) {
          throw new GraphException(
              name + COLUMNS + ": entry " + i + " is out of order or not below " + width);
        }
        previous = columns[i];
        data[row * width + (int) previous] = values[i];
      }
    }
    return new Tensor(shape, data);
  }
}
