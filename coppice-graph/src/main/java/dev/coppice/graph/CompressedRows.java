package dev.coppice.graph;

import java.nio.ByteBuffer;
import java.util.Map;
import java.util.SequencedMap;

/**
 * A tensor seen as a matrix {@code [first dimension, the rest]}, of which only the values that are
 * not zero are stored, row by row: {@code NAME.rows} counts the values before each row (and the
 * total), {@code NAME.columns} ascend within a row.
 */
record CompressedRows(
    String name,
    int width,
    long[] rows,
    Safetensors.Array columns,
    StoredValues type,
    Safetensors.Array values)
    implements Survivors {
  /** Above this share of non-zero values the compressed form saves little or nothing. */
  static final double MAX_DENSITY = 0.45;

  private static final String ROWS = ".rows";
  private static final String COLUMNS = ".columns";
  private static final String VALUES = ".values";

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
   * Takes the three arrays out of {@code arrays} and returns what they hold.
   *
   * @param height of the matrix
   * @param size of the tensor
   * @param type of the values
   * @throws GraphException if they do not fit the tensor or each other
   */
  static Survivors read(
      String name, int height, int size, StoredValues type, Map<String, Safetensors.Array> arrays) {
    long[] rows = StoredValues.vector(name + ROWS, arrays, Safetensors.Type.I32).longs();
    Safetensors.Array columns =
        StoredValues.vector(name + COLUMNS, arrays, Safetensors.Type.U16, Safetensors.Type.I32);
    Safetensors.Array values = StoredValues.vector(name + VALUES, arrays, type.type());
    if (rows.length - 1 != height || rows[0] != 0 || rows[height] != values.size()) {
      throw new GraphException(
          name + ROWS + ": must count from 0 to " + values.size() + " over " + height + " rows");
    }
    if (columns.size() != values.size()) {
      throw new GraphException(
          name + ": has " + columns.size() + " columns for " + values.size() + " values");
    }
    for (int row = 0; row < height; row++) {
      if (rows[row + 1] < rows[row] || rows[row + 1] > values.size()) {
        throw new GraphException(name + ROWS + ": entry " + (row + 1) + " is out of order");
      }
    }
    Survivors survivors = new CompressedRows(name, size / height, rows, columns, type, values);
    Cursor at = survivors.cursor();
    while (at.next()) {}
    return survivors;
  }

  @Override
  public Cursor cursor() {
    return new RowCursor();
  }

  /** Column by column and row by row. */
  private final class RowCursor implements Cursor {
    private final ByteBuffer vector = values.buffer();
    private final ByteBuffer indices = columns.buffer();
    private int index = -1;
    private int row;
    private int column = -1;

    @Override
    public boolean next() {
      if (index + 1 == values.size()) {
        return false;
      }
      index++;
      for (; rows[row + 1] <= index; row++) {
        column = -1;
      }
      int after = column;
      column =
          columns.type() == Safetensors.Type.U16
              ? indices.getShort(index * Short.BYTES) & 0xffff
              : indices.getInt(index * Integer.BYTES);
      if (column <= after || column >= width) {
        throw new GraphException(
            name + COLUMNS + ": entry " + index + " is out of order or not below " + width);
      }
      return true;
    }

    @Override
    public int position() {
      return row * width + column;
    }

    @Override
    public float value() {
      return type.at(vector, index);
    }
  }
}
