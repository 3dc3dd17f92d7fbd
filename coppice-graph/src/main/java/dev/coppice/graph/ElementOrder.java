package dev.coppice.graph;

import java.util.Arrays;

/**
 * How the elements of a tensor are put into another order: seen as {@code [rows, second, third]},
 * the last two dimensions change places.
 *
 * @param second the second dimension before, the third afterwards
 * @param third the third dimension before, the second afterwards
 * @param shape the tensor's own afterwards
 */
record ElementOrder(int second, int third, int... shape) {
  /** Returns the order that leaves a tensor as it is. */
  static ElementOrder same(int... shape) {
    int rows = shape.length == 0 ? 1 : shape[0];
    return new ElementOrder(1, rows == 0 ? 0 : product(shape) / rows, shape);
  }

  private static int product(int[] shape) {
    return Arrays.stream(shape).reduce(1, Math::multiplyExact);
  }

  int size() {
    return product(shape);
  }

  /** Returns where the element goes that lies there. */
  int apply(int index) {
    int inRow = index % (second * third);
    return index - inRow + inRow % third * second + inRow / third;
  }

  /** Returns a copy with its elements in this order. */
  Tensor apply(Tensor tensor) {
    float[] from = tensor.data();
    float[] to = new float[from.length];
    for (int start = 0; start < from.length; start += second * third) {
      for (int j = 0; j < second; j++) {
        for (int k = 0; k < third; k++) {
          to[start + k * second + j] = from[start + j * third + k];
        }
      }
    }
    return new Tensor(shape.clone(), to);
  }
}
