package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/** {@link ByteConvolution} as plain loops over 32-bit sums. */
final class ScalarByteConvolution {
  private ScalarByteConvolution() {}

  static void forward(
      ByteConvolution c,
      MemorySegment counts,
      MemorySegment sums,
      int fromImage,
      int toImage,
      int fromRow,
      int toRow) {
    int size = c.cut.size();
    int[] totals = PlaneScratch.get().ints(size);
    for (int image = fromImage; image < toImage; image++) {
      for (int row = fromRow; row < toRow; row++) {
        for (int piece = 0; piece < c.cut.count(); piece++) {
          Arrays.fill(totals, 0, size, 0);
          for (int segment = c.rows[row]; segment < c.rows[row + 1]; segment++) {
            add(c, 2 * segment, 1, counts, c.cut.input(image, piece), totals, size);
            add(c, 2 * segment + 1, -1, counts, c.cut.input(image, piece), totals, size);
          }
          long to = c.cut.output(image, row, piece);
          for (int k = 0; k < size; k++) {
            sums.setAtIndex(ValueLayout.JAVA_FLOAT, to + k, totals[k]);
          }
        }
      }
    }
  }

  /** Adds up the entries of a list. */
  private static void add(
      ByteConvolution c,
      int list,
      int sign,
      MemorySegment counts,
      long from,
      int[] totals,
      int size) {
    for (int j = c.lists[list]; j < c.lists[list + 1]; j++) {
      int weight = sign * (c.selects ? c.weights[j] & 0xFF : (short) c.weights[j]);
      for (int k = 0; k < size; k++) {
        totals[k] -= weight * counts.get(ValueLayout.JAVA_BYTE, from + c.offsets[j] + k);
      }
    }
  }

  static int sum(MemorySegment counts, long from, int count) {
    int sum = 0;
    for (int k = 0; k < count; k++) {
      sum -= counts.get(ValueLayout.JAVA_BYTE, from + k);
    }
    return sum;
  }
}
