package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/** {@link IntegerConvolution} as plain loops over 32-bit sums. */
final class ScalarIntegerConvolution {
  private static final int LANES = ShiftedPlanes.LANES;

  private ScalarIntegerConvolution() {}

  static void forward(
      IntegerConvolution c,
      MemorySegment copies,
      MemorySegment sums,
      int fromImage,
      int toImage,
      int fromRow,
      int toRow) {
    ShiftedPlanes shifted = c.shifted;
    PlaneScratch scratch = PlaneScratch.get();
    int size = shifted.half() * LANES;
    short[] input = scratch.shorts(size);
    int[] totals = scratch.ints(2 * size);
    for (int image = fromImage; image < toImage; image++) {
      long from = shifted.inputBytes(image, 0);
      for (int o = fromRow; o < toRow; o++) {
        Arrays.fill(totals, 0, 2 * size, 0);
        int end = c.segments[c.rows[o + 1]];
        for (int j = c.segments[c.rows[o]]; j < end; j++) {
          MemorySegment.copy(copies, ValueLayout.JAVA_SHORT, from + c.offsets[j], input, 0, size);
          switch (shifted.reading()) {
            case COUNTS -> multiply(input, c.numbers[j], totals, size);
            case SPIKES -> select(input, c.numbers[j], totals, size);
            case PATTERNS ->
                lookUp(input, c.numbers, j * IntegerConvolution.PATTERNS, totals, size);
          }
        }
        write(shifted, totals, sums, c.first(image, o));
      }
    }
  }

  private static void multiply(short[] input, short weight, int[] totals, int count) {
    for (int k = 0; k < count; k++) {
      totals[k] += first(input[k]) * weight;
      totals[count + k] += later(input[k]) * weight;
    }
  }

  private static void select(short[] input, short weight, int[] totals, int count) {
    int sign = weight < 0 ? -1 : 1;
    for (int k = 0; k < count; k++) {
      short product = (short) (input[k] & weight);
      totals[k] += sign * first(product);
      totals[count + k] += sign * later(product);
    }
  }

  private static void lookUp(short[] input, short[] numbers, int table, int[] totals, int count) {
    for (int k = 0; k < count; k++) {
      totals[k] += numbers[table + first(input[k])];
      totals[count + k] += numbers[table + later(input[k])];
    }
  }

  private static int first(short element) {
    return element & (1 << ShiftedPlanes.FOLD) - 1;
  }

  /** What is folded onto another number. */
  private static int later(short element) {
    return (element & 0xffff) >>> ShiftedPlanes.FOLD;
  }

  private static void write(ShiftedPlanes shifted, int[] totals, MemorySegment sums, long first) {
    for (int vector = 0; vector < shifted.vectors(); vector++) {
      for (int span = shifted.spans[vector]; span < shifted.spans[vector + 1]; span++) {
        int lane = shifted.lanes[span];
        for (int k = 0; k < shifted.counts[span]; k++) {
          sums.setAtIndex(
              ValueLayout.JAVA_FLOAT, first + shifted.targets[span] + k, totals[lane + k]);
        }
      }
    }
  }

  static void shift(
      ShiftedPlanes shifted,
      MemorySegment counts,
      MemorySegment copies,
      int fromPlane,
      int toPlane) {
    for (int plane = fromPlane; plane < toPlane; plane++) {
      long write = (long) plane * shifted.planeElements();
      int factor = shifted.reading().factor();
      for (int copy = 0; copy < shifted.copies(); copy++) {
        for (int vector = 0; vector < shifted.copyVectors(); vector++) {
          for (int lane = 0; lane < LANES; lane++) {
            int number = number(shifted, counts, plane, copy, vector, lane);
            int later = vector + shifted.half();
            number += number(shifted, counts, plane, copy, later, lane) << ShiftedPlanes.FOLD;
            copies.setAtIndex(ValueLayout.JAVA_SHORT, write++, (short) (number * factor));
          }
        }
      }
    }
  }

  private static int number(
      ShiftedPlanes shifted, MemorySegment counts, int plane, int copy, int vector, int lane) {
    int unitLanes = LANES / shifted.side();
    int part = vector % shifted.parts();
    int step = vector / shifted.parts() % shifted.stackGroups() * shifted.side() + lane / unitLanes;
    int unitRow = vector / shifted.parts() / shifted.stackGroups();
    if (step >= shifted.in().stack()
        || !shifted.hasSource(unitRow)
        || !shifted.holds(copy, part, lane)) {
      return 0;
    }
    int at = part * LANES + lane % unitLanes + shifted.shift(copy);
    int y = shifted.maps() ? at / shifted.out().pitch() : shifted.sourceRow(unitRow);
    int x = shifted.maps() ? at % shifted.out().pitch() : at;
    int image = plane / shifted.planes();
    int first = plane % shifted.planes() * shifted.together();
    int number = 0;
    for (int channel = 0; channel < shifted.together(plane % shifted.planes()); channel++) {
      long count = shifted.in().at(step, image, first + channel, y, x);
      number |= counts.getAtIndex(ValueLayout.JAVA_SHORT, count) << channel;
    }
    return number;
  }

  static int sum(MemorySegment counts, long from, int count) {
    int sum = 0;
    for (int k = 0; k < count; k++) {
      sum += counts.getAtIndex(ValueLayout.JAVA_SHORT, from + k);
    }
    return sum;
  }
}
