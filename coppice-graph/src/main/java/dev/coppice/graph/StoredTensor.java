package dev.coppice.graph;

/** A tensor as {@link Weights} hold it. */
sealed interface StoredTensor permits StoredTensor.Full, PackedTensor {
  /** Returns the dimensions, which are not copied. */
  int[] shape();

  int countNonZero();

  /** Returns the tensor in full. */
  Tensor tensor();

  /** Shows the rows of the first dimension in order, one at a time. */
  void forEachRow(RowVisitor visitor);

  /** In full, as others gave it. */
  record Full(Tensor tensor) implements StoredTensor {
    @Override
    public int[] shape() {
      return tensor.shape();
    }

    @Override
    public int countNonZero() {
      return tensor.countNonZero();
    }

    @Override
    public void forEachRow(RowVisitor visitor) {
      int rows = tensor.shape()[0];
      float[] values = new float[rows == 0 ? 0 : tensor.size() / rows];
      for (int row = 0; row < rows; row++) {
        System.arraycopy(tensor.data(), row * values.length, values, 0, values.length);
        visitor.row(row, values);
      }
    }
  }
}
