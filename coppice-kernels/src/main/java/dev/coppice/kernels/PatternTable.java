package dev.coppice.kernels;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * The sums of some weights for every pattern of the spikes of their channels, less the smallest of
 * them, so that a byte holds each. They come in pairs whose sums still fit into a byte: so two
 * look-ups are added up before they are taken apart to larger numbers.
 *
 * @param place where the pattern is read
 * @param weights of the channels of the pattern, zero where another table has them
 */
record PatternTable(int place, short[] weights) {
  /** Numbers of a table. */
  static final int SIZE = 1 << IntegerConvolution.TOGETHER;

  private static final int LARGEST = (1 << Byte.SIZE) - 1;

  /** Returns tables of the weights of a place. */
  static List<PatternTable> of(int place, short[] weights) {
    List<PatternTable> tables = new ArrayList<>();
    short[] some = new short[weights.length];
    int range = 0;
    for (int k = 0; k < weights.length; k++) {
      int size = Math.abs(weights[k]);
      if (range + size > LARGEST) {
        tables.add(new PatternTable(place, some));
        some = new short[weights.length];
        range = 0;
      }
      some[k] = weights[k];
      range += size;
    }
    tables.add(new PatternTable(place, some));
    return tables;
  }

  /** Returns tables two by two, completed by some of zeros. */
  static List<PatternTable> pairs(List<PatternTable> tables) {
    List<PatternTable> sorted = new ArrayList<>(tables);
    sorted.sort(Comparator.comparingInt(PatternTable::range));
    List<PatternTable> pairs = new ArrayList<>();
    int smallest = 0;
    for (int largest = sorted.size() - 1; largest >= smallest; largest--) {
      PatternTable table = sorted.get(largest);
      pairs.add(table);
      boolean pair = smallest < largest && table.range() + sorted.get(smallest).range() <= LARGEST;
      pairs.add(pair ? sorted.get(smallest++) : new PatternTable(table.place, new short[0]));
    }
    return pairs;
  }

  private int range() {
    int range = 0;
    for (short weight : weights) {
      range += Math.abs(weight);
    }
    return range;
  }

  /** Returns the smallest sum; a number is a sum less that. */
  int smallest() {
    int sum = 0;
    for (short weight : weights) {
      sum += Math.min(0, weight);
    }
    return sum;
  }

  /** Writes the numbers of all patterns. */
  void write(byte[] numbers, int at) {
    Arrays.fill(numbers, at, at + SIZE, (byte) -smallest());
    for (int pattern = 0; pattern < SIZE; pattern++) {
      for (int k = 0; k < weights.length; k++) {
        numbers[at + pattern] += (byte) ((pattern >>> k & 1) * weights[k]);
      }
    }
  }
}
