package dev.coppice.graph;

/** Is shown the rows of a tensor one after the other; see {@link Weights#forEachRow}. */
@FunctionalInterface
public interface RowVisitor {
  /**
   * Looks at a row.
   *
   * @param row its index in the first dimension
   * @param values the elements of the other dimensions, the last running fastest; the array holds
   *     the next row once this has returned
   */
  void row(int row, float[] values);
}
