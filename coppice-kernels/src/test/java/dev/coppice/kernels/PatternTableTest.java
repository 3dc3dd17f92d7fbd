package dev.coppice.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class PatternTableTest {
  private static final int PLACES = 200;

  /**
   * Whatever fires, the numbers of a pair fit into a byte, and add up to what weights add up to.
   */
  @Test
  void pairsAddUpToTheWeights() {
    SplittableRandom random = new SplittableRandom(1);
    short[][] weights = new short[PLACES][];
    List<PatternTable> tables = new ArrayList<>();
    for (int place = 0; place < PLACES; place++) {
      weights[place] = new short[random.nextInt(1, IntegerConvolution.TOGETHER + 1)];
      int largest = random.nextInt(1, 129);
      for (int k = 0; k < weights[place].length; k++) {
        weights[place][k] = (short) (random.nextBoolean() ? random.nextInt(-largest, largest) : 0);
      }
      tables.addAll(PatternTable.of(place, weights[place]));
    }
    List<PatternTable> pairs = PatternTable.pairs(tables);
    byte[] numbers = new byte[pairs.size() * PatternTable.SIZE];
    for (int k = 0; k < pairs.size(); k++) {
      pairs.get(k).write(numbers, k * PatternTable.SIZE);
    }
    for (int round = 0; round < 100; round++) {
      int[] patterns = random.ints(PLACES, 0, PatternTable.SIZE).toArray();
      int expected = 0;
      for (int place = 0; place < PLACES; place++) {
        for (int k = 0; k < weights[place].length; k++) {
          expected += (patterns[place] >>> k & 1) * weights[place][k];
        }
      }
      int sum = 0;
      for (int k = 0; k < pairs.size(); k += 2) {
        int pair = 0;
        for (int side = k; side < k + 2; side++) {
          int at = side * PatternTable.SIZE + patterns[pairs.get(side).place()];
          pair += Byte.toUnsignedInt(numbers[at]);
          sum += pairs.get(side).smallest();
        }
        assertThat(pair).isLessThan(1 << Byte.SIZE);
        sum += pair;
      }
      assertThat(sum).isEqualTo(expected);
    }
  }

  /** The largest go with the smallest, so that few are alone. */
  @Test
  void smallTablesNeedNoOthers() {
    List<PatternTable> tables = new ArrayList<>();
    for (short weight = 1; weight <= 100; weight++) {
      tables.addAll(PatternTable.of(weight, new short[] {weight, (short) -weight}));
    }
    assertThat(PatternTable.pairs(tables)).hasSize(100);
  }

  @Test
  void nothingNeedsNothing() {
    assertThat(PatternTable.pairs(List.of())).isEmpty();
  }
}
