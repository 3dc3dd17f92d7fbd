package dev.coppice.graph;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A tensor that stays compressed as a file stored it. Whoever wants it gets it anew from there, in
 * full or, so that there is never more of it than that, row by row.
 */
final class PackedTensor implements StoredTensor {
  private final ElementOrder order;
  private final Survivors survivors;
  private final float @Nullable [] scales;
  private final int countNonZero;

  /**
   * Goes through the survivors once.
   *
   * @param order from the file's order of elements to that in memory
   * @param survivors in the file's order
   * @param scales of the rows, if survivors are whole numbers times these
   */
  PackedTensor(ElementOrder order, Survivors survivors, float @Nullable [] scales) {
    this.order = order;
    this.survivors = survivors;
    this.scales = scales;
    int[] count = {0};
    forEachRow((_, values) -> count[0] += Tensor.of(values).countNonZero());
    this.countNonZero = count[0];
  }

  @Override
  public int[] shape() {
    return order.shape();
  }

  @Override
  public int countNonZero() {
    return countNonZero;
  }

  @Override
  public Tensor tensor() {
    float[] data = new float[order.size()];
    forEachRow(
        (row, values) -> System.arraycopy(values, 0, data, row * values.length, values.length));
    return new Tensor(order.shape().clone(), data);
  }

  @Override
  public void forEachRow(RowVisitor visitor) {
    int rows = order.shape()[0];
    float[] values = new float[order.size() / rows];
    Survivors.Cursor at = survivors.cursor();
    boolean more = at.next();
    for (int row = 0; row < rows; row++) {
      Arrays.fill(values, 0);
      int first = row * values.length;
      float scale = scales == null ? 1 : scales[row];
      for (; more && at.position() - first < values.length; more = at.next()) {
        values[order.apply(at.position()) - first] = at.value() * scale;
      }
      visitor.row(row, values);
    }
  }
}
