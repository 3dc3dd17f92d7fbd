package dev.coppice.prune;

import java.util.Arrays;
import java.util.Comparator;
import java.util.SplittableRandom;

/** Picks the highest of some scores. */
public final class Selection {
  private Selection() {}

  /**
   * Returns the value of rank {@code count} (1 for the highest) among the candidates, or positive
   * infinity if {@code count} is 0: nothing exceeds it.
   */
  static float threshold(float[] scores, boolean[] candidates, int count) {
    if (count == 0) {
      return Float.POSITIVE_INFINITY;
    }
    float[] values = new float[scores.length];
    int n = 0;
    for (int i = 0; i < scores.length; i++) {
      if (candidates[i]) {
        values[n++] = scores[i];
      }
    }
    Arrays.sort(values, 0, n);
    return values[n - count];
  }

  /**
   * Sets the candidates in {@code chosen} that a method keeps for their scores: exactly {@code
   * count}, as {@link #best} does, or with {@link Ties#REFERENCE} those strictly above the value of
   * rank {@code count}.
   *
   * @return that value, or positive infinity for a count of 0
   */
  public static float keep(
      Ties ties,
      float[] scores,
      float[] second,
      boolean[] candidates,
      int count,
      long seed,
      boolean[] chosen) {
    if (ties == Ties.EXACT) {
      return best(scores, second, candidates, count, seed, chosen);
    }
    float threshold = threshold(scores, candidates, count);
    for (int i = 0; i < scores.length; i++) {
      chosen[i] |= candidates[i] && scores[i] > threshold;
    }
    return threshold;
  }

  /**
   * Sets the candidates in {@code chosen} that a method brings back for their scores: exactly
   * {@code count}, as {@link #best} does, or with {@link Ties#REFERENCE} all that reach the value
   * of rank {@code count}.
   */
  public static void regrow(
      Ties ties,
      float[] scores,
      float[] second,
      boolean[] candidates,
      int count,
      long seed,
      boolean[] chosen) {
    if (ties == Ties.EXACT) {
      best(scores, second, candidates, count, seed, chosen);
      return;
    }
    float threshold = threshold(scores, candidates, count);
    for (int i = 0; i < scores.length; i++) {
      chosen[i] |= candidates[i] && scores[i] >= threshold;
    }
  }

  /**
   * Sets exactly {@code count} candidates in {@code chosen}: those of the highest scores; among
   * equals those of the highest {@code second} score, then a seeded random choice. A seed ranks all
   * positions once and for all: choosing fewer, or among fewer candidates, chooses no other ones.
   *
   * @return the lowest score chosen, or positive infinity for none
   */
  static float best(
      float[] scores,
      float[] second,
      boolean[] candidates,
      int count,
      long seed,
      boolean[] chosen) {
    float threshold = threshold(scores, candidates, count);
    int above = 0;
    int equal = 0;
    for (int i = 0; i < scores.length; i++) {
      if (candidates[i]) {
        if (scores[i] > threshold) {
          chosen[i] = true;
          above++;
        } else if (scores[i] == threshold) {
          equal++;
        }
      }
    }
    if (above == count) {
      return threshold;
    }
    Tie[] ties = new Tie[equal];
    SplittableRandom random = new SplittableRandom(seed);
    int n = 0;
    for (int i = 0; i < scores.length; i++) {
      long draw = random.nextLong();
      if (candidates[i] && scores[i] == threshold) {
        ties[n++] = new Tie(i, second[i], draw);
      }
    }
    Arrays.sort(
        ties, Comparator.comparingDouble(Tie::second).reversed().thenComparingLong(Tie::draw));
    for (int i = 0; i < count - above; i++) {
      chosen[ties[i].index()] = true;
    }
    return threshold;
  }

  /**
   * Sets up to {@code count} candidates of a few in {@code chosen}, those that come first in the
   * order of {@link #best}.
   *
   * @param from the first of the few
   * @param to the position after the last
   * @param draws what the seed's generator gives for them
   */
  static void bestOf(
      int from,
      int to,
      float[] scores,
      float[] second,
      boolean[] candidates,
      int count,
      long[] draws,
      boolean[] chosen) {
    for (int i = from; i < to; i++) {
      int before = 0;
      for (int j = from; j < to; j++) {
        boolean first =
            scores[j] != scores[i]
                ? scores[j] > scores[i]
                : second[j] != second[i]
                    ? second[j] > second[i]
                    : draws[j - from] < draws[i - from];
        before += candidates[j] && first ? 1 : 0;
      }
      chosen[i] |= candidates[i] && before < count;
    }
  }

  private record Tie(int index, float second, long draw) {}
}
