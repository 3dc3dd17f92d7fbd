package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * {@link SparseConvolution} as plain loops. What a weight is multiplied with is copied into an
 * array first: loops over two arrays at one index are those that the compiler turns into vectors.
 */
final class ScalarSparseConvolution {
  private static final int BLOCK = 512;

  private ScalarSparseConvolution() {}

  static void forward(
      SparseConvolution c,
      MemorySegment in,
      MemorySegment out,
      int fromGroup,
      int toGroup,
      int fromRow,
      int toRow) {
    PlaneScratch scratch = PlaneScratch.get();
    float[] input = scratch.floats(0, BLOCK);
    float[] sums = scratch.floats(1, BLOCK);
    int floats = c.cut().size();
    for (int group = fromGroup; group < toGroup; group++) {
      for (int piece = 0; piece < c.cut().count(); piece++) {
        long from = c.inputBytes(group, piece);
        for (int first = 0; first < floats; first += BLOCK) {
          int count = Math.min(BLOCK, floats - first);
          for (int row = fromRow; row < toRow; row++) {
            if (c.narrow()) {
              sumInParts(c, row, in, from + 4L * first, input, sums, scratch, count);
            } else {
              sum(c, row, in, from + 4L * first, input, sums, count);
            }
            MemorySegment.copy(
                sums,
                0,
                out,
                ValueLayout.JAVA_FLOAT,
                c.outputBytes(group, row, piece) + 4L * first,
                count);
          }
        }
      }
      c.clearGaps(out, group, fromRow, toRow);
    }
  }

  private static void sum(
      SparseConvolution c,
      int row,
      MemorySegment in,
      long from,
      float[] input,
      float[] sums,
      int count) {
    Arrays.fill(sums, 0, count, 0);
    for (int j = c.starts[row]; j < c.starts[row + 1]; j++) {
      add(in, from + c.offsets[j], c.values[j], input, sums, count);
    }
  }

  private static void sumInParts(
      SparseConvolution c,
      int row,
      MemorySegment in,
      long from,
      float[] input,
      float[] sums,
      PlaneScratch scratch,
      int count) {
    float[] second = scratch.floats(2, BLOCK);
    float[] third = scratch.floats(3, BLOCK);
    float[] fourth = scratch.floats(4, BLOCK);
    Arrays.fill(sums, 0, count, 0);
    Arrays.fill(second, 0, count, 0);
    Arrays.fill(third, 0, count, 0);
    Arrays.fill(fourth, 0, count, 0);
    int first = c.starts[row];
    for (int j = first; j < c.starts[row + 1]; j++) {
      float[] part =
          switch ((j - first) % 4) {
            case 0 -> sums;
            case 1 -> second;
            case 2 -> third;
            default -> fourth;
          };
      add(in, from + c.offsets[j], c.values[j], input, part, count);
    }
    for (int k = 0; k < count; k++) {
      sums[k] = (sums[k] + second[k]) + (third[k] + fourth[k]);
    }
  }

  private static void add(
      MemorySegment in, long at, float value, float[] input, float[] sums, int count) {
    MemorySegment.copy(in, ValueLayout.JAVA_FLOAT, at, input, 0, count);
    for (int k = 0; k < count; k++) {
      sums[k] = Math.fma(input[k], value, sums[k]);
    }
  }

  static void weightGradient(
      SparseConvolution c,
      MemorySegment in,
      MemorySegment gradOut,
      float[] gradient,
      int groups,
      int fromRow,
      int toRow) {
    int chunk = c.chunk();
    float[] input = new float[chunk];
    float[] grads = new float[chunk];
    float[] sums = new float[SparseConvolution.SUMS];
    int floats = c.gradientFloats();
    for (int group = 0; group < groups; group++) {
      for (int piece = 0; piece < c.cut().count(); piece++) {
        for (int first = 0; first < floats; first += chunk) {
          int count = Math.min(chunk, floats - first);
          for (int row = fromRow; row < toRow; row++) {
            long at = c.outputBytes(group, row, piece) + 4L * first;
            MemorySegment.copy(gradOut, ValueLayout.JAVA_FLOAT, at, grads, 0, count);
            long from = c.inputBytes(group, piece) + 4L * first;
            for (int j = c.starts[row]; j < c.starts[row + 1]; j++) {
              MemorySegment.copy(in, ValueLayout.JAVA_FLOAT, from + c.offsets[j], input, 0, count);
              Arrays.fill(sums, 0);
              for (int k = 0; k < count; k++) {
                int lane = k % SparseConvolution.SUMS;
                sums[lane] = Math.fma(grads[k], input[k], sums[lane]);
              }
              gradient[j] += SparseConvolution.tree(sums, 0);
            }
          }
        }
      }
    }
  }
}
