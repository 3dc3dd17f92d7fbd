package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/** {@link IntegerConvolution} as plain loops over 32-bit sums. */
final class ScalarIntegerConvolution {
  private static final int LANES = FoldedPlanes.LANES;

  private ScalarIntegerConvolution() {}

  static void forward(
      IntegerConvolution c,
      MemorySegment elements,
      MemorySegment sums,
      int fromImage,
      int toImage,
      int fromRow,
      int toRow) {
    FoldedPlanes folded = c.folded;
    PlaneScratch scratch = PlaneScratch.get();
    int size = folded.half() * LANES;
    short[] shorts = scratch.shorts(3 * size);
    int[] totals = scratch.ints(2 * size);
    for (int image = fromImage; image < toImage; image++) {
      long from = folded.inputBytes(image, 0);
      for (int o = fromRow; o < toRow; o++) {
        Arrays.fill(totals, 0, 2 * size, 0);
        for (int segment = c.rows[o]; segment < c.rows[o + 1]; segment++) {
          for (int column = 0; column < folded.columnMoves.count(); column++) {
            int list = segment * folded.columnMoves.count() + column;
            add(c, list, elements, from, shorts, size);
            move(folded.columnMoves, column * LANES, shorts, totals, size);
          }
        }
        write(folded, totals, sums, c.first(image, o));
      }
    }
  }

  /**
   * Adds up the entries of a list.
   *
   * @param shorts written: from {@code size} on the sums, from {@code 2·size} on those of the later
   *     numbers
   */
  private static void add(
      IntegerConvolution c, int list, MemorySegment elements, long from, short[] shorts, int size) {
    boolean patterns = c.folded.reading() == IntegerConvolution.Reading.PATTERNS;
    Arrays.fill(shorts, size, 3 * size, (short) (patterns ? c.constants[list] : 0));
    for (int j = c.lists[list]; j < c.lists[list + 1]; j++) {
      MemorySegment.copy(elements, ValueLayout.JAVA_SHORT, from + c.offsets[j], shorts, 0, size);
      switch (c.folded.reading()) {
        case COUNTS -> multiply(c.numbers[j], shorts, size);
        case SPIKES -> select(c.numbers[j], shorts, size);
        case PATTERNS -> lookUp(c.tables, j * PatternTable.SIZE, shorts, size);
      }
    }
  }

  private static void multiply(short weight, short[] shorts, int size) {
    for (int k = 0; k < size; k++) {
      shorts[size + k] += (short) (first(shorts[k]) * weight);
      shorts[2 * size + k] += (short) (later(shorts[k]) * weight);
    }
  }

  private static void select(short weight, short[] shorts, int size) {
    int sign = weight < 0 ? -1 : 1;
    for (int k = 0; k < size; k++) {
      short product = (short) (shorts[k] & weight);
      shorts[size + k] += (short) (sign * first(product));
      shorts[2 * size + k] += (short) (sign * later(product));
    }
  }

  private static void lookUp(byte[] tables, int table, short[] shorts, int size) {
    for (int k = 0; k < size; k++) {
      shorts[size + k] += (short) (tables[table + first(shorts[k])] & 0xff);
      shorts[2 * size + k] += (short) (tables[table + later(shorts[k])] & 0xff);
    }
  }

  /** Adds the sums of a column to those of the lanes that they belong to. */
  private static void move(LaneMoves moves, int from, short[] shorts, int[] totals, int size) {
    for (int k = 0; k < 2 * size; k++) {
      int lane = k % LANES;
      totals[k] += shorts[size + k - lane + moves.sources[from + lane]] & moves.kept[from + lane];
    }
  }

  private static int first(short element) {
    return element & (1 << FoldedPlanes.FOLD) - 1;
  }

  /** What is folded onto another number. */
  private static int later(short element) {
    return (element & 0xffff) >>> FoldedPlanes.FOLD;
  }

  private static void write(FoldedPlanes folded, int[] totals, MemorySegment sums, long first) {
    for (int vector = 0; vector < folded.vectors(); vector++) {
      for (int span = folded.spans[vector]; span < folded.spans[vector + 1]; span++) {
        int lane = folded.lanes[span];
        for (int k = 0; k < folded.counts[span]; k++) {
          sums.setAtIndex(
              ValueLayout.JAVA_FLOAT, first + folded.targets[span] + k, totals[lane + k]);
        }
      }
    }
  }

  static void fold(
      FoldedPlanes folded,
      MemorySegment counts,
      MemorySegment elements,
      int fromPlane,
      int toPlane) {
    for (int plane = fromPlane; plane < toPlane; plane++) {
      long write = folded.firstBytes(plane) / Short.BYTES;
      int factor = folded.reading().factor();
      for (int copy = 0; copy < folded.copies(); copy++) {
        for (int vector = 0; vector < folded.planeVectors(); vector++) {
          for (int lane = 0; lane < folded.apart(); lane++) {
            int number = number(folded, counts, plane, copy, vector, lane);
            int later = number(folded, counts, plane, copy, vector + folded.half(), lane);
            number = (number + (later << FoldedPlanes.FOLD)) * factor;
            elements.setAtIndex(ValueLayout.JAVA_SHORT, write++, (short) number);
          }
        }
      }
    }
  }

  private static int number(
      FoldedPlanes folded, MemorySegment counts, int plane, int copy, int vector, int at) {
    Planes in = folded.in();
    int lane = folded.rowMoves.sources[copy * LANES + at];
    int unitLanes = LANES / folded.side();
    int step = vector / folded.parts() % folded.stackGroups() * folded.side() + lane / unitLanes;
    int unitRow = vector / folded.parts() / folded.stackGroups();
    int inUnit = folded.firstOf(vector % folded.parts()) + lane % unitLanes;
    int y = folded.maps() ? inUnit / folded.out().pitch() : folded.sourceRow(unitRow);
    int x = folded.maps() ? inUnit % folded.out().pitch() : inUnit;
    if (folded.rowMoves.kept[copy * LANES + at] == 0
        || step >= in.stack()
        || !folded.hasSource(unitRow)
        || y >= in.rows()
        || x < 0
        || x >= in.columns()) {
      return 0;
    }
    int image = plane / folded.planes();
    int first = plane % folded.planes() * folded.together();
    int number = 0;
    for (int channel = 0; channel < folded.together(plane % folded.planes()); channel++) {
      long count = in.at(step, image, first + channel, y, x);
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
