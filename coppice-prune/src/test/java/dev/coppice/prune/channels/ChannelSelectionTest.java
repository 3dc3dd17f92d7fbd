package dev.coppice.prune.channels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.coppice.prune.Ties;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class ChannelSelectionTest {
  private static final List<ChannelGroup> TEN = List.of(group("a", 4), group("b", 6));
  private static final Map<String, float[]> ONE_TO_TEN =
      Map.of("a", new float[] {1, 2, 3, 4}, "b", new float[] {5, 6, 7, 8, 9, 10});
  private static final Map<String, float[]> TEN_TO_ONE =
      Map.of("a", new float[] {10, 9, 8, 7}, "b", new float[] {6, 5, 4, 3, 2, 1});

  private static ChannelGroup group(String name, int channels) {
    return new ChannelGroup(name, channels, List.of(), List.of());
  }

  private static ChannelSelection of(double percent, double growth, Ties ties) {
    return ChannelSelection.of(TEN, ONE_TO_TEN, TEN_TO_ONE, percent, growth, ties, 1);
  }

  @Test
  void theReferenceMustExceedItsThresholdAndExactTiesMeetTheCount() {
    ChannelSelection reference = of(0.3, 0, Ties.REFERENCE);
    assertThat(reference.threshold()).isEqualTo(4);
    assertThat(reference.keep().get("a")).containsOnly(false);
    assertThat(reference.keep().get("b")).containsOnly(true);
    ChannelSelection exact = of(0.3, 0, Ties.EXACT);
    assertThat(exact.keep().get("a")).containsExactly(false, false, false, true);
    assertThat(exact.keep().get("b")).containsOnly(true);
    assertThat(exact.kept()).isEqualTo(7);
    assertThat(exact.regrown()).isZero();
  }

  @Test
  void theHighestSecondScoresComeBack() {
    ChannelSelection selection = of(0.6, 0.5, Ties.EXACT);
    assertThat(selection.channels()).isEqualTo(10);
    assertThat(selection.grow()).isEqualTo(2);
    assertThat(selection.regrown()).isEqualTo(2);
    assertThat(selection.first().get("a")).containsOnly(false);
    assertThat(selection.first().get("b")).containsExactly(false, false, false, false, true, true);
    assertThat(selection.keep().get("a")).containsExactly(true, true, false, false);
    assertThat(selection.keep().get("b")).isEqualTo(selection.first().get("b"));
  }

  @Test
  void aGrowthOfOneKeepsNoneByTheFirstScore() {
    for (Ties ties : Ties.values()) {
      ChannelSelection selection = of(0.6, 1, ties);
      assertThat(selection.threshold()).isEqualTo(Float.POSITIVE_INFINITY);
      assertThat(selection.regrown()).isEqualTo(4);
      assertThat(selection.keep().get("a")).containsOnly(true);
      assertThat(selection.keep().get("b")).containsOnly(false);
    }
  }

  @Test
  void theReferenceBringsBackAllOfTheScoreThatIsReached() {
    Map<String, float[]> equal = Map.of("a", new float[4], "b", new float[6]);
    ChannelSelection selection =
        ChannelSelection.of(TEN, ONE_TO_TEN, equal, 0.6, 0.25, Ties.REFERENCE, 1);
    assertThat(selection.grow()).isEqualTo(1);
    assertThat(selection.kept()).isEqualTo(10);
  }

  @Test
  void tiesAreBrokenByTheOtherScore() {
    Map<String, float[]> equal = Map.of("a", new float[4], "b", new float[6]);
    ChannelSelection pruned = ChannelSelection.of(TEN, equal, TEN_TO_ONE, 0.8, 0, Ties.EXACT, 1);
    assertThat(pruned.keep().get("a")).containsExactly(true, true, false, false);
    ChannelSelection regrown = ChannelSelection.of(TEN, ONE_TO_TEN, equal, 0.8, 0.5, Ties.EXACT, 1);
    assertThat(regrown.keep().get("b")).containsExactly(false, false, false, false, true, true);
  }

  @Test
  void sharesOutOfTheirRangeAreRefused() {
    for (double percent : new double[] {0, 1, -0.1, 1.1, Double.NaN}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> of(percent, 0, Ties.EXACT))
          .withMessage(
              "the share of channels to prune must lie strictly between 0 and 1, not be "
                  + percent);
    }
    for (double growth : new double[] {-0.1, 1.1, Double.NaN}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> of(0.5, growth, Ties.EXACT))
          .withMessage("the share of channels to regrow must lie in [0, 1], not be " + growth);
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ChannelSelection.of(TEN, Map.of(), TEN_TO_ONE, 0.5, 0, Ties.EXACT, 1))
        .withMessage("expected 4 scores for the channels of a");
  }

  /** Few values, so that there are ties everywhere. */
  @Property(tries = 300)
  void exactlyTheCountStaysAndNoneLeftOutScoresHigher(
      @ForAll @IntRange(min = 1, max = 5) int count,
      @ForAll @DoubleRange(min = 0.01, max = 0.99) double percent,
      @ForAll @DoubleRange(max = 1) double growth,
      @ForAll long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    List<ChannelGroup> groups = new ArrayList<>();
    Map<String, float[]> first = new LinkedHashMap<>();
    Map<String, float[]> second = new LinkedHashMap<>();
    for (int g = 0; g < count; g++) {
      groups.add(group("g" + g, 1 + random.nextInt(12)));
      first.put("g" + g, few(random, groups.getLast().channels()));
      second.put("g" + g, few(random, groups.getLast().channels()));
    }
    ChannelSelection selection =
        ChannelSelection.of(groups, first, second, percent, growth, Ties.EXACT, seed);
    int n = selection.channels();
    int left = n - (int) Math.floor(n * percent);
    assertThat(selection.kept()).isEqualTo(left);
    assertThat(selection.grow()).isEqualTo((int) Math.floor(left * growth));
    assertThat(selection.regrown()).isEqualTo(selection.grow());
    float lowestKept = Float.POSITIVE_INFINITY;
    float highestNotKept = Float.NEGATIVE_INFINITY;
    float lowestTaken = Float.POSITIVE_INFINITY;
    float highestLeft = Float.NEGATIVE_INFINITY;
    for (String name : selection.keep().sequencedKeySet()) {
      boolean[] keep = selection.keep().getOrDefault(name, new boolean[0]);
      boolean[] byFirst = selection.first().getOrDefault(name, new boolean[0]);
      for (int i = 0; i < keep.length; i++) {
        assertThat(keep[i] || !byFirst[i]).isTrue();
        float value = value(first, name, i);
        float other = value(second, name, i);
        if (byFirst[i]) {
          lowestKept = Math.min(lowestKept, value);
          continue;
        }
        highestNotKept = Math.max(highestNotKept, value);
        if (keep[i]) {
          lowestTaken = Math.min(lowestTaken, other);
        } else {
          highestLeft = Math.max(highestLeft, other);
        }
      }
    }
    assertThat(highestNotKept).isLessThanOrEqualTo(lowestKept);
    assertThat(highestLeft).isLessThanOrEqualTo(lowestTaken);
    ChannelSelection again =
        ChannelSelection.of(groups, first, second, percent, growth, Ties.EXACT, seed);
    again.keep().forEach((name, keep) -> assertThat(selection.keep().get(name)).isEqualTo(keep));
  }

  private static float value(Map<String, float[]> scores, String name, int channel) {
    return scores.getOrDefault(name, new float[0])[channel];
  }

  private static float[] few(SplittableRandom random, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = random.nextInt(4);
    }
    return values;
  }

  /** Without regrowth the second score matters for ties alone. */
  @Property(tries = 200)
  void aGrowthOfZeroIsPruningByTheFirstScoreAlone(
      @ForAll @IntRange(min = 2, max = 40) int channels,
      @ForAll @DoubleRange(min = 0.01, max = 0.99) double percent,
      @ForAll long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    List<ChannelGroup> groups = List.of(group("g", channels));
    float[] magnitudes = new float[channels];
    for (int i = 0; i < channels; i++) {
      magnitudes[i] = random.nextFloat();
    }
    Map<String, float[]> first = Map.of("g", magnitudes);
    Map<String, float[]> second = Map.of("g", few(random, channels));
    for (Ties ties : Ties.values()) {
      ChannelSelection selection =
          ChannelSelection.of(groups, first, second, percent, 0, ties, seed);
      float[] sorted = magnitudes.clone();
      Arrays.sort(sorted);
      float edge = sorted[(int) Math.floor(channels * percent)];
      boolean[] expected = new boolean[channels];
      for (int i = 0; i < channels; i++) {
        expected[i] = ties == Ties.EXACT ? magnitudes[i] >= edge : magnitudes[i] > edge;
      }
      assertThat(selection.keep().get("g")).isEqualTo(expected);
      assertThat(selection.threshold()).isEqualTo(edge);
    }
  }
}
