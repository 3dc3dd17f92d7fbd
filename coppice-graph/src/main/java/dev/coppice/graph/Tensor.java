package dev.coppice.graph;

import java.util.Arrays;

/**
 * A dense array of floats, the last dimension running fastest. The arrays are not copied: whoever
 * changes {@code data} changes the tensor.
 */
public record Tensor(int[] shape, float[] data) {
  /** Throws {@link IllegalArgumentException} if the shape does not fit the data. */
  public Tensor {
    long size = 1;
    boolean fits = true;
    for (int dimension : shape) {
      fits &= dimension >= 0 && (dimension == 0 || size <= Integer.MAX_VALUE / dimension);
      size *= dimension;
    }
    if (!fits || size != data.length) {
      throw new IllegalArgumentException(
          "shape " + Arrays.toString(shape) + " does not fit " + data.length + " values");
    }
  }

  /** Returns a vector. */
  public static Tensor of(float... data) {
    return new Tensor(new int[] {data.length}, data);
  }

  /** Returns the number of elements. */
  public int size() {
    return data.length;
  }

  /** Returns the number of elements that are not zero. */
  public int countNonZero() {
    int count = 0;
    for (float value : data) {
      if (value != 0) {
        count++;
      }
    }
    return count;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Tensor tensor
        && Arrays.equals(shape, tensor.shape)
        && Arrays.equals(data, tensor.data);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(shape) + Arrays.hashCode(data);
  }

  @Override
  public String toString() {
    return "Tensor" + Arrays.toString(shape);
  }
}
