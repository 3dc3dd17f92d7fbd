package dev.coppice.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import org.junit.jupiter.api.Test;

class PruningStepTest {
  /** What an iteration works on. */
  private record Case(PrunableLayers layers, float[] weights, boolean[] alive, float[] scores) {
    PruningStep.Result run(Scope scope, double sparsity, double ratio, long seed) {
      return new PruningStep(scope, Ties.EXACT)
          .run(layers, weights, alive, scores, sparsity, ratio, seed);
    }

    /** Whether a weight may be kept although larger ones of other layers are not. */
    boolean guarded(Scope scope, PrunableLayers.Layer layer, int i) {
      float magnitude = Math.abs(weights[i]);
      return scope == Scope.Budget.GLOBAL
          && IntStream.range(layer.offset(), layer.end())
              .allMatch(k -> Math.abs(weights[k]) <= magnitude);
    }

    /** The layers that compete, one list for each competition. */
    List<List<PrunableLayers.Layer>> groups(Scope scope) {
      return scope == Scope.Budget.GLOBAL
          ? List.of(layers.layers())
          : layers.layers().stream().map(List::of).toList();
    }
  }

  /** Random layers; half of the time weights and scores have few values and many ties. */
  private static Case random(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    PrunableLayers layers = Layers.random(random);
    boolean coarse = random.nextBoolean();
    float[] weights = new float[layers.size()];
    boolean[] alive = new boolean[layers.size()];
    float[] scores = new float[layers.size()];
    for (int i = 0; i < weights.length; i++) {
      alive[i] = random.nextInt(3) > 0;
      float weight = (float) random.nextGaussian();
      weights[i] = !alive[i] ? 0 : coarse ? Math.round(weight) : weight;
      scores[i] = coarse ? random.nextInt(3) : random.nextInt(1 << 20);
    }
    return new Case(layers, weights, alive, scores);
  }

  @Property(tries = 400)
  void exactlyTheTargetIsMet(
      @ForAll long seed,
      @ForAll @DoubleRange(max = 0.99) double sparsity,
      @ForAll @DoubleRange(max = 1) double ratio) {
    Case given = random(seed);
    int keep = (int) Math.floor(given.layers().size() * (1 - sparsity));
    for (Scope.Budget scope : Scope.Budget.values()) {
      PruningStep.Result result = given.run(scope, sparsity, ratio, seed);
      assertThat(result.kept()).as("%s", scope).isEqualTo(keep);
      int grown = 0;
      for (int i = 0; i < given.weights().length; i++) {
        grown += result.mask()[i] && !result.byMagnitude()[i] ? 1 : 0;
        assertThat(result.mask()[i] || !result.byMagnitude()[i]).isTrue();
      }
      assertThat(grown).as("%s", scope).isEqualTo(result.grow());
      assertThat(result.regrown()).isLessThanOrEqualTo(result.grow());
      assertThat(result.survived()).isLessThanOrEqualTo(result.regrown());
      assertThat(result.survivalPercent()).isBetween(0.0, 100.0);
      int[] budgets = scope.budgets(given.layers().layers(), keep);
      List<List<PrunableLayers.Layer>> groups = given.groups(scope);
      for (int g = 0; g < budgets.length; g++) {
        int ones = 0;
        for (PrunableLayers.Layer layer : groups.get(g)) {
          for (int i = layer.offset(); i < layer.end(); i++) {
            ones += result.mask()[i] ? 1 : 0;
          }
        }
        assertThat(ones).as("group %d of %s", g, scope).isEqualTo(budgets[g]);
      }
    }
  }

  @Property(tries = 400)
  void regrowthTakesTheHighestScoresAndMagnitudeTheLargestWeights(
      @ForAll long seed,
      @ForAll @DoubleRange(max = 0.99) double sparsity,
      @ForAll @DoubleRange(max = 1) double ratio) {
    Case given = random(seed);
    for (Scope.Budget scope : Scope.Budget.values()) {
      PruningStep.Result result = given.run(scope, sparsity, ratio, seed);
      for (List<PrunableLayers.Layer> group : given.groups(scope)) {
        float lowestTaken = Float.POSITIVE_INFINITY;
        float highestLeft = Float.NEGATIVE_INFINITY;
        float smallestKept = Float.POSITIVE_INFINITY;
        float largestPruned = 0;
        for (PrunableLayers.Layer layer : group) {
          for (int i = layer.offset(); i < layer.end(); i++) {
            boolean taken = result.mask()[i];
            float magnitude = Math.abs(given.weights()[i]);
            if (layer.classifier()) {
              assertThat(result.byMagnitude()[i]).as("classifier").isEqualTo(taken);
            } else if (result.byMagnitude()[i]) {
              smallestKept =
                  given.guarded(scope, layer, i) ? smallestKept : Math.min(smallestKept, magnitude);
            } else {
              largestPruned = Math.max(largestPruned, magnitude);
              lowestTaken = taken ? Math.min(lowestTaken, given.scores()[i]) : lowestTaken;
              highestLeft = taken ? highestLeft : Math.max(highestLeft, given.scores()[i]);
            }
          }
        }
        assertThat(lowestTaken).isGreaterThanOrEqualTo(highestLeft);
        assertThat(smallestKept).isGreaterThanOrEqualTo(largestPruned);
      }
    }
  }

  @Property(tries = 300)
  void withoutRegrowthItIsMagnitudePruning(
      @ForAll long seed, @ForAll @DoubleRange(max = 0.99) double sparsity) {
    Case given = random(seed);
    for (Scope.Budget scope : Scope.Budget.values()) {
      PruningStep.Result result = given.run(scope, sparsity, 0, seed);
      assertThat(result.mask()).isEqualTo(result.byMagnitude());
      assertThat(result.grow()).isZero();
      assertThat(result.regrown()).isZero();
      assertThat(result.survivalPercent()).isZero();
      for (List<PrunableLayers.Layer> group : given.groups(scope)) {
        float smallestKept = Float.POSITIVE_INFINITY;
        float largestPruned = 0;
        for (PrunableLayers.Layer layer : group) {
          for (int i = layer.offset(); i < layer.end(); i++) {
            float magnitude = Math.abs(given.weights()[i]);
            if (result.mask()[i]) {
              smallestKept =
                  given.guarded(scope, layer, i) ? smallestKept : Math.min(smallestKept, magnitude);
            } else {
              largestPruned = Math.max(largestPruned, magnitude);
            }
          }
        }
        assertThat(smallestKept).isGreaterThanOrEqualTo(largestPruned);
      }
    }
  }

  @Property(tries = 100)
  void theSameSeedGivesTheSameMask(@ForAll long seed) {
    assertThat(random(seed).run(Scope.Budget.GLOBAL, 0.6, 0.3, seed).mask())
        .isEqualTo(random(seed).run(Scope.Budget.GLOBAL, 0.6, 0.3, seed).mask());
  }

  @Test
  void aLivingWeightOfZeroIsKeptBeforeADeadOne() {
    PrunableLayers layers = Layers.of(new int[] {2, 4}, new int[] {1, 1});
    float[] weights = {0, 0, 0, 0, 0, 0, 0, 1};
    boolean[] alive = {false, true, false, true, false, false, true, true};
    PruningStep.Result result =
        new Case(layers, Arrays.copyOf(weights, 9), Arrays.copyOf(alive, 9), new float[9])
            .run(Scope.Budget.GLOBAL, 5 / 9.0, 0, 1);
    assertThat(result.mask())
        .containsExactly(false, true, false, true, false, false, true, true, false);
  }

  /** Whatever is regrown, a layer has as many as magnitude over all layers leaves it. */
  @Property(tries = 300)
  void withinLayersRegrowthLeavesTheirNumbersAsTheyAre(
      @ForAll long seed,
      @ForAll @DoubleRange(max = 0.99) double sparsity,
      @ForAll @DoubleRange(max = 1) double ratio) {
    Case given = random(seed);
    PruningStep step =
        new PruningStep(
            Scope.Budget.GLOBAL, Ties.EXACT, Renewal.Turnover.OF_KEPT_UPWARDS, true, true);
    PruningStep.Result exchanged =
        step.run(
            given.layers(), given.weights(), given.alive(), given.scores(), sparsity, ratio, seed);
    for (PrunableLayers.Layer layer : given.layers().layers()) {
      int kept = 0;
      int byMagnitude = 0;
      float lowestTaken = Float.POSITIVE_INFINITY;
      float highestLeft = Float.NEGATIVE_INFINITY;
      for (int i = layer.offset(); i < layer.end(); i++) {
        kept += exchanged.mask()[i] ? 1 : 0;
        byMagnitude += exchanged.byMagnitude()[i] ? 1 : 0;
        if (exchanged.mask()[i] && !exchanged.byMagnitude()[i]) {
          lowestTaken = Math.min(lowestTaken, given.scores()[i]);
        } else if (!exchanged.mask()[i]) {
          highestLeft = Math.max(highestLeft, given.scores()[i]);
        }
      }
      assertThat(kept - byMagnitude).isEqualTo((int) Math.ceil(kept * ratio));
      assertThat(lowestTaken).isGreaterThanOrEqualTo(highestLeft);
    }
    assertThat(exchanged.kept())
        .isEqualTo((int) Math.floor(given.layers().size() * (1 - sparsity)));
  }

  /** The other layers' weights are a thousand times as large. */
  @Test
  void noLayerLosesItsLastWeight() {
    PrunableLayers layers = Layers.of(new int[] {2, 4}, new int[] {2, 4}, new int[] {1, 2});
    float[] weights = {1, 2, 3, 4, 5, 6, 7, 8, .1f, .2f, .3f, .4f, 0, .5f, .6f, .7f, 5, 6};
    boolean[] alive = new boolean[18];
    Arrays.fill(alive, true);
    boolean[] mask =
        new PruningStep(Scope.Budget.GLOBAL, Ties.EXACT)
            .run(layers, weights, alive, new float[18], 14 / 18.0, 0, 1)
            .mask();
    assertThat(mask)
        .containsExactly(
            false, false, false, false, false, false, true, true, false, false, false, false, false,
            false, false, true, false, true);
  }

  /** Two neurons with two connections each, and a classifier with two, one of them dead. */
  private static final PrunableLayers HAND = Layers.of(new int[] {2, 2}, new int[] {1, 2});

  private static final float[] HAND_WEIGHTS = {.5f, -.1f, -.4f, .05f, .3f, 0};

  private static PruningStep.Result hand(float firstNeuron, float secondNeuron) {
    boolean[] alive = {true, true, true, true, true, false};
    float[] scores = {firstNeuron, firstNeuron, secondNeuron, secondNeuron, 9, 9};
    return new Case(HAND, HAND_WEIGHTS, alive, scores).run(Scope.Budget.GLOBAL, 0.5, 0.5, 1);
  }

  /** Of three weights to keep one is the classifier's, one is chosen by magnitude, one regrown. */
  @Test
  void regrowthByHand() {
    PruningStep.Result result = hand(3, 2);
    assertThat(result.mask()).containsExactly(true, true, false, false, true, false);
    assertThat(result.threshold()).isEqualTo(.3f);
    assertThat(result.keep()).isEqualTo(3);
    assertThat(result.grow()).isEqualTo(1);
    assertThat(result.regrown()).isEqualTo(1);
    assertThat(result.removed()).isEqualTo(2);
    assertThat(result.survivalPercent()).isCloseTo(50, within(1e-9));
  }

  /** What magnitude alone would have kept is not counted as regrown when a score keeps it. */
  @Test
  void whatMagnitudeKeepsTooIsNotRegrown() {
    PruningStep.Result result = hand(2, 3);
    assertThat(result.mask()).containsExactly(true, false, true, false, true, false);
    assertThat(result.grow()).isEqualTo(1);
    assertThat(result.regrown()).isZero();
    assertThat(result.survivalPercent()).isZero();
  }

  /** In reference mode both connections of a neuron come back at once. */
  @Test
  void referenceTiesBringBackWholeNeurons() {
    boolean[] alive = {true, true, true, true, true, true};
    PruningStep.Result result =
        new PruningStep(Scope.Budget.GLOBAL, Ties.REFERENCE)
            .run(HAND, HAND_WEIGHTS, alive, new float[] {2, 2, 3, 3, 9, 9}, 1 / 3.0, 0.5, 1);
    // The fourth largest is the threshold and does not exceed itself; one is to come back.
    assertThat(result.grow()).isEqualTo(1);
    assertThat(result.mask()).containsExactly(true, false, true, true, true, false);
  }
}
