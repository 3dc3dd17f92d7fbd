package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/** {@link IntegerConvolution} as plain loops over 32-bit sums. */
final class ScalarIntegerConvolution {
  private static final int BLOCK = 512;

  private ScalarIntegerConvolution() {}

  static void forward(
      IntegerConvolution c,
      MemorySegment counts,
      MemorySegment sums,
      int fromGroup,
      int toGroup,
      int fromRow,
      int toRow) {
    PlaneScratch scratch = PlaneScratch.get();
    short[] input = scratch.shorts(BLOCK);
    int[] row = scratch.ints(BLOCK);
    int size = c.cut().size();
    for (int group = fromGroup; group < toGroup; group++) {
      for (int piece = 0; piece < c.cut().count(); piece++) {
        for (int first = 0; first < size; first += BLOCK) {
          int count = Math.min(BLOCK, size - first);
          long from = c.inputBytes(group, piece) + (long) first * Short.BYTES;
          for (int o = fromRow; o < toRow; o++) {
            Arrays.fill(row, 0, count, 0);
            int end = c.segments[c.rows[o + 1]];
            for (int j = c.segments[c.rows[o]]; j < end; j++) {
              MemorySegment.copy(
                  counts, ValueLayout.JAVA_SHORT, from + c.offsets[j], input, 0, count);
              if (c.patterns()) {
                lookUp(input, c.numbers, j * IntegerConvolution.PATTERNS, row, count);
              } else {
                multiply(input, c.numbers[j], row, count);
              }
            }
            long to = c.outputBytes(group, o, piece) + (long) first * Float.BYTES;
            for (int k = 0; k < count; k++) {
              sums.set(ValueLayout.JAVA_FLOAT, to + (long) k * Float.BYTES, row[k]);
            }
          }
        }
      }
    }
  }

  private static void multiply(short[] input, short weight, int[] sums, int count) {
    for (int k = 0; k < count; k++) {
      sums[k] += input[k] * weight;
    }
  }

  private static void lookUp(short[] input, short[] numbers, int table, int[] sums, int count) {
    for (int k = 0; k < count; k++) {
      sums[k] += numbers[table + input[k]];
    }
  }

  static void packPatterns(
      Planes counts,
      Planes patterns,
      MemorySegment from,
      MemorySegment to,
      int fromPlane,
      int toPlane) {
    for (int plane = fromPlane; plane < toPlane; plane++) {
      long read = IntegerConvolution.firstCount(counts, plane);
      int side = IntegerConvolution.side(counts, plane);
      long write = PlaneNeurons.firstOf(patterns, plane);
      for (int k = 0; k < patterns.planeFloats(); k++) {
        int pattern = 0;
        for (int channel = 0; channel < side; channel++) {
          long at = read + (long) channel * counts.planeFloats() + k;
          pattern |= from.getAtIndex(ValueLayout.JAVA_SHORT, at) << channel;
        }
        to.setAtIndex(ValueLayout.JAVA_SHORT, write + k, (short) pattern);
      }
      PlaneNumbers.COUNTS.clearEnds(patterns, to, plane);
    }
  }

  static int sum(MemorySegment counts, long from, int count) {
    int sum = 0;
    for (int k = 0; k < count; k++) {
      sum += counts.getAtIndex(ValueLayout.JAVA_SHORT, from + k);
    }
    return sum;
  }
}
