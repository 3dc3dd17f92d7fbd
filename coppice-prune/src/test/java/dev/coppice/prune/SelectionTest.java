package dev.coppice.prune;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class SelectionTest {
  private static final float[] SCORES = {3, 1, 2, 2, 2, 0};
  private static final float[] SECOND = {0, 0, 5, 7, 6, 9};

  private static boolean[] best(boolean[] candidates, int count, long seed) {
    boolean[] chosen = new boolean[SCORES.length];
    Selection.best(SCORES, SECOND, candidates, count, seed, chosen);
    return chosen;
  }

  private static boolean[] all() {
    return new boolean[] {true, true, true, true, true, true};
  }

  @Test
  void theThresholdIsTheScoreOfItsRank() {
    assertThat(Selection.threshold(SCORES, all(), 0)).isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(Selection.threshold(SCORES, all(), 1)).isEqualTo(3);
    assertThat(Selection.threshold(SCORES, all(), 3)).isEqualTo(2);
    assertThat(Selection.threshold(SCORES, all(), 6)).isZero();
    boolean[] few = {false, true, true, false, false, true};
    assertThat(Selection.threshold(SCORES, few, 2)).isEqualTo(1);
  }

  @Test
  void tiesAreBrokenByTheSecondScore() {
    assertThat(best(all(), 2, 1)).containsExactly(true, false, false, true, false, false);
    assertThat(best(all(), 3, 1)).containsExactly(true, false, false, true, true, false);
    assertThat(best(all(), 0, 1)).containsOnly(false);
    assertThat(best(all(), 6, 1)).containsOnly(true);
  }

  @Test
  void theLastTieIsBrokenByTheSeed() {
    float[] equal = new float[64];
    boolean[] candidates = new boolean[64];
    java.util.Arrays.fill(candidates, true);
    boolean[] first = new boolean[64];
    boolean[] again = new boolean[64];
    boolean[] other = new boolean[64];
    Selection.best(equal, equal, candidates, 32, 1, first);
    Selection.best(equal, equal, candidates, 32, 1, again);
    Selection.best(equal, equal, candidates, 32, 2, other);
    assertThat(again).isEqualTo(first);
    assertThat(other).isNotEqualTo(first);
  }

  /** Few values, so that almost everything is a tie. */
  @Property(tries = 200)
  void asManyAreChosenAsAskedAndFewerAreAPartOfMore(
      @ForAll @IntRange(min = 1, max = 60) int size, @ForAll long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] scores = new float[size];
    float[] second = new float[size];
    boolean[] candidates = new boolean[size];
    int available = 0;
    for (int i = 0; i < size; i++) {
      scores[i] = random.nextInt(3);
      second[i] = random.nextInt(2);
      candidates[i] = random.nextInt(4) > 0;
      available += candidates[i] ? 1 : 0;
    }
    boolean[] fewer = new boolean[size];
    for (int count = 0; count <= available; count++) {
      boolean[] chosen = new boolean[size];
      float lowest = Selection.best(scores, second, candidates, count, seed, chosen);
      int ones = 0;
      for (int i = 0; i < size; i++) {
        ones += chosen[i] ? 1 : 0;
        assertThat(candidates[i] || !chosen[i]).isTrue();
        assertThat(chosen[i] || !fewer[i]).as("%d of %d", i, count).isTrue();
        if (candidates[i] && scores[i] != lowest) {
          assertThat(chosen[i]).isEqualTo(scores[i] > lowest);
        }
      }
      assertThat(ones).isEqualTo(count);
      fewer = chosen;
    }
  }

  /** Where both selections of a pruning step meet the same ties they must agree. */
  @Property(tries = 200)
  void leavingCandidatesOutChangesNothingAmongTheOthers(
      @ForAll @IntRange(min = 1, max = 60) int size, @ForAll long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] equal = new float[size];
    boolean[] all = new boolean[size];
    boolean[] some = new boolean[size];
    for (int i = 0; i < size; i++) {
      all[i] = true;
      some[i] = random.nextBoolean();
    }
    boolean[] chosen = new boolean[size];
    Selection.best(equal, equal, all, size / 2, seed, chosen);
    int count = 0;
    for (int i = 0; i < size; i++) {
      chosen[i] &= some[i];
      count += chosen[i] ? 1 : 0;
    }
    boolean[] among = new boolean[size];
    Selection.best(equal, equal, some, count, seed, among);
    assertThat(among).isEqualTo(chosen);
  }
}
