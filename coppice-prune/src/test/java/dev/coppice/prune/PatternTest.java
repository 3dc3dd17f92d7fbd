package dev.coppice.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PatternTest {
  /** A group of a pattern as positions, and how many of them it keeps. */
  private record Group(List<Integer> positions, int least) {}

  private static List<Group> groups(PrunableLayers layers, Scope.Pattern pattern) {
    List<Group> groups = new ArrayList<>();
    for (PrunableLayers.Layer layer : layers.layers()) {
      int inputs = layer.shape()[layer.shape().length - 1];
      List<Integer> open = new ArrayList<>();
      for (int i = layer.offset(); i < layer.end(); i++) {
        open.add(i);
        int input = (i - layer.offset()) % inputs;
        if (open.size() == pattern.m() || input == inputs - 1) {
          double share = open.size() * pattern.n() / (double) pattern.m();
          groups.add(new Group(List.copyOf(open), (int) Math.ceil(share)));
          open.clear();
        }
      }
    }
    return groups;
  }

  private static int alive(Group group, boolean[] mask) {
    return (int) group.positions().stream().filter(i -> mask[i]).count();
  }

  private record Case(
      PrunableLayers layers,
      Scope.Pattern pattern,
      float[] weights,
      boolean[] alive,
      float[] scores) {
    PruningStep.Result run(double sparsity, double ratio, long seed) {
      return new PruningStep(pattern, Ties.EXACT)
          .run(layers, weights, alive, scores, sparsity, ratio, seed);
    }

    /** Returns how many weights the pattern keeps at the end. */
    int least() {
      return groups(layers, pattern).stream().mapToInt(Group::least).sum();
    }
  }

  /** Rows shorter and longer than a group; if coarse, weights and scores have many ties. */
  private static Case random(long seed, boolean coarse) {
    SplittableRandom random = new SplittableRandom(seed);
    int[][] shapes = new int[1 + random.nextInt(3)][];
    for (int i = 0; i < shapes.length; i++) {
      int out = 1 + random.nextInt(4);
      int in = 1 + random.nextInt(11);
      shapes[i] = random.nextBoolean() ? new int[] {out, in} : new int[] {out, 3, 3, in};
    }
    PrunableLayers layers = Layers.of(shapes);
    int m = 2 + random.nextInt(5);
    float[] weights = new float[layers.size()];
    boolean[] alive = new boolean[layers.size()];
    float[] scores = new float[layers.size()];
    for (int i = 0; i < weights.length; i++) {
      alive[i] = !coarse || random.nextInt(5) > 0;
      float weight = (float) random.nextGaussian();
      weights[i] = !alive[i] ? 0 : coarse ? Math.round(weight) : weight;
      scores[i] = coarse ? random.nextInt(3) : (float) random.nextDouble();
    }
    return new Case(
        layers, new Scope.Pattern(1 + random.nextInt(m - 1), m), weights, alive, scores);
  }

  @Property(tries = 500)
  void everyGroupKeepsItsNumberAndAtTheEndNoMore(
      @ForAll long seed,
      @ForAll boolean coarse,
      @ForAll @DoubleRange(max = 0.99) double sparsity,
      @ForAll @DoubleRange(max = 1) double ratio) {
    Case given = random(seed, coarse);
    PruningStep.Result during = given.run(sparsity, ratio, seed);
    int target = (int) Math.floor(given.layers().size() * (1 - sparsity));
    assertThat(during.kept()).isEqualTo(Math.max(target, given.least())).isEqualTo(during.keep());
    PruningStep.Result end = given.run(0.9999, ratio, seed);
    for (Group group : groups(given.layers(), given.pattern())) {
      assertThat(alive(group, during.mask())).isGreaterThanOrEqualTo(group.least());
      assertThat(alive(group, end.mask())).isEqualTo(group.least());
    }
    for (PruningStep.Result result : List.of(during, end)) {
      int grown = 0;
      for (int i = 0; i < result.mask().length; i++) {
        grown += result.mask()[i] && !result.byMagnitude()[i] ? 1 : 0;
      }
      assertThat(grown).isEqualTo(result.grow());
    }
  }

  /**
   * What a weight at a time does: a place of its group, else one that all groups share, or none.
   */
  private static final class OneByOne {
    private final List<Group> groups;
    private final int[] own;
    private final int[] groupOf;
    private int shared;
    private final boolean[] mask;

    OneByOne(Case given, int keep) {
      groups = groups(given.layers(), given.pattern());
      own = groups.stream().mapToInt(Group::least).toArray();
      groupOf = new int[given.layers().size()];
      for (int g = 0; g < groups.size(); g++) {
        for (int position : groups.get(g).positions()) {
          groupOf[position] = g;
        }
      }
      shared = keep - IntStream.of(own).sum();
      mask = new boolean[groupOf.length];
    }

    void fill(List<Integer> candidates, float[] scores, int count) {
      int left = count;
      for (int i :
          candidates.stream()
              .sorted(Comparator.comparingDouble(i -> -Math.abs(scores[i])))
              .toList()) {
        boolean hasOwn = own[groupOf[i]] > 0;
        if (left > 0 && !mask[i] && (hasOwn || shared > 0)) {
          own[groupOf[i]] -= hasOwn ? 1 : 0;
          shared -= hasOwn ? 0 : 1;
          mask[i] = true;
          left--;
        }
      }
    }
  }

  @Property(tries = 500)
  void itIsWhatFillingPlacesOneByOneGives(
      @ForAll long seed,
      @ForAll @DoubleRange(max = 0.99) double sparsity,
      @ForAll @DoubleRange(max = 1) double ratio) {
    Case given = random(seed, false);
    PruningStep.Result result = given.run(sparsity, ratio, seed);

    PrunableLayers.Layer classifier = given.layers().layers().getLast();
    List<Integer> all = IntStream.range(0, given.layers().size()).boxed().toList();
    OneByOne plain = new OneByOne(given, result.keep());
    plain.fill(all, given.weights(), result.keep());
    List<Integer> fixed =
        all.stream().filter(i -> i >= classifier.offset() && plain.mask[i]).toList();
    List<Integer> others = all.stream().filter(i -> i < classifier.offset()).toList();
    OneByOne expected = new OneByOne(given, result.keep());
    expected.fill(fixed, given.weights(), fixed.size());
    int open = result.keep() - fixed.size();
    int grow = (int) Math.floor(open * ratio);
    expected.fill(others, given.weights(), open - grow);
    assertThat(result.byMagnitude()).isEqualTo(expected.mask);
    expected.fill(others, given.scores(), grow);
    assertThat(result.mask()).isEqualTo(expected.mask);
    assertThat(result.grow()).isEqualTo(grow);
  }

  /** Two taps of a kernel whose five input channels make a group of four and one of one. */
  @Test
  void groupsFollowTheInputChannelsOfATap() {
    PrunableLayers layers = Layers.of(new int[] {1, 1, 2, 5});
    float[] weights = {4, 3, 2, 1, .5f, 1, -2, 3, -4, 0};
    Case given = new Case(layers, new Scope.Pattern(2, 4), weights, new boolean[10], new float[10]);
    assertThat(given.run(0.99, 0, 1).mask())
        .containsExactly(true, true, false, false, true, false, false, true, true, true);
    // Two more places are shared: 2 and -2 are the largest of what is left.
    PruningStep.Result before = given.run(0.2, 0, 1);
    assertThat(before.mask())
        .containsExactly(true, true, true, false, true, false, true, true, true, true);
    assertThat(before.threshold()).isZero();
  }

  @Test
  void theGoalFollowsFromThePattern() {
    PruningSettings settings =
        PruningSettings.builder().scope(new Scope.Pattern(2, 4)).sparsity(0.9).build();
    assertThat(settings.goal(Layers.of(new int[] {8, 3, 3, 16}, new int[] {10, 8}))).isEqualTo(0.5);
    // Of the three channels of a colour image two stay.
    assertThat(settings.goal(Layers.of(new int[] {8, 3, 3, 3}))).isEqualTo(1 - 2 / 3.0);
    assertThat(PruningSettings.builder().sparsity(0.9).build().goal(Layers.of(new int[] {2, 2})))
        .isEqualTo(0.9);
  }

  @ParameterizedTest
  @CsvSource({"0, 4", "4, 4", "5, 4", "-1, 2", "1, 65", "2, -4"})
  void patternsOutOfTheirRangeAreRefused(int n, int m) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Scope.Pattern(n, m))
        .withMessage("a pattern N:M needs 1 ≤ N < M ≤ 64, not " + n + ":" + m);
  }

  @Test
  void theTiesOfTheReferenceAreRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                PruningSettings.builder()
                    .scope(new Scope.Pattern(2, 4))
                    .ties(Ties.REFERENCE)
                    .build())
        .withMessage("the pattern 2:4 needs exact ties: those of the reference miss it");
  }

  /** What stays of a group is as many as the pattern says, none worse than one that goes. */
  @Property(tries = 100)
  void theBestOfEveryGroupStay(@ForAll long seed) {
    Case given = random(seed, seed % 2 == 0);
    boolean[] best = given.pattern().best(given.layers(), given.scores(), seed);
    for (Group group : groups(given.layers(), given.pattern())) {
      assertThat(alive(group, best)).isEqualTo(group.least());
      double worst =
          group.positions().stream()
              .filter(i -> best[i])
              .mapToDouble(i -> given.scores()[i])
              .min()
              .orElseThrow();
      assertThat(group.positions()).noneMatch(i -> !best[i] && given.scores()[i] > worst);
    }
  }
}
