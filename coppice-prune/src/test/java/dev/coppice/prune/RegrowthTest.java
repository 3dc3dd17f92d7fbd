package dev.coppice.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.coppice.train.Probes;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RegrowthTest {
  /** Two output channels over a window of 1×2 positions of three input channels; a classifier. */
  private static final PrunableLayers LAYERS = Layers.of(new int[] {2, 1, 2, 3}, new int[] {2, 2});

  private static final float[] WEIGHTS = {1, -2, 3, 0, 0, 0, -1, 1, -1, 1, -1, 0, 5, 5, 5, 5};

  private static final Regrowth.Criticality PLAIN = Regrowth.Criticality.paper(0.5f);
  private static final Regrowth.Criticality WITH_RATES =
      new Regrowth.Criticality(PLAIN.probe(), true, Regrowth.Criticality.Choice.RANKED);

  private static float[] scores(Regrowth regrowth, Probes.Measured measured, long seed) {
    float[] scores = regrowth.scores(LAYERS, WEIGHTS, measured, seed);
    assertThat(scores).hasSize(16);
    return scores;
  }

  private static Probes.Measured neurons() {
    return Probes.Measured.of(
        Map.of("n0", new float[] {0.5f, 2}), Map.of("layer0", new float[] {1, 0, 4}), Map.of());
  }

  @Test
  void aConnectionHasTheCriticalityOfItsNeuron() {
    assertThat(scores(PLAIN, neurons(), 1))
        .containsExactly(.5f, .5f, .5f, .5f, .5f, .5f, 2, 2, 2, 2, 2, 2, 0, 0, 0, 0);
  }

  @Test
  void theRateOfTheInputTellsConnectionsApart() {
    assertThat(scores(WITH_RATES, neurons(), 1))
        .containsExactly(.5f, 0, 2, .5f, 0, 2, 2, 0, 8, 2, 0, 8, 0, 0, 0, 0);
  }

  @Test
  void theScoreMayBeWeighedWithTheMagnitude() {
    assertThat(
            scores(
                new Regrowth.Criticality(
                    PLAIN.probe(), false, Regrowth.Criticality.Choice.WEIGHTED),
                neurons(),
                1))
        .containsExactly(.5f, 1, 1.5f, 0, 0, 0, 2, 2, 2, 2, 2, 0, 0, 0, 0, 0);
  }

  /** The first of a draw is a connection of the second neuron four times in five. */
  @Test
  void drawsAreInProportionToTheScore() {
    Regrowth drawn =
        new Regrowth.Criticality(PLAIN.probe(), false, Regrowth.Criticality.Choice.DRAWN);
    int second = 0;
    for (int seed = 0; seed < 2000; seed++) {
      float[] scores = scores(drawn, neurons(), seed);
      int best = 0;
      for (int i = 1; i < 12; i++) {
        best = scores[i] > scores[best] ? i : best;
      }
      second += best >= 6 ? 1 : 0;
    }
    // Five standard deviations of a binomial with 2,000 draws at 0.8.
    assertThat(second).isBetween(1600 - 90, 1600 + 90);
    assertThat(scores(drawn, neurons(), 1)).isEqualTo(scores(drawn, neurons(), 1));
  }

  @Test
  void gradientsScoreByTheirMagnitude() {
    float[] first = {1, -2, 3, -4, 5, -6, 7, -8, 9, -10, 11, -12};
    Probes.Measured measured =
        Probes.Measured.of(
            Map.of(),
            Map.of(),
            Map.of("layer0.weight", first, "layer1.weight", new float[] {-1, 0, 2, 3}));
    assertThat(scores(new Regrowth.Gradient(), measured, 1))
        .containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 1, 0, 2, 3);
  }

  @Test
  void randomScoresAreThoseOfTheSeed() {
    Regrowth random = new Regrowth.Random();
    Probes.Measured nothing = Probes.Measured.of(Map.of(), Map.of(), Map.of());
    assertThat(scores(random, nothing, 1)).isEqualTo(scores(random, nothing, 1));
    assertThat(scores(random, nothing, 2)).isNotEqualTo(scores(random, nothing, 1));
    assertThat(scores(random, nothing, 1)).doesNotHaveDuplicates();
  }

  @Test
  void onlyWhatARuleNeedsIsMeasured() {
    assertThat(new Regrowth.None().probes(LAYERS)).isEqualTo(Probes.NONE);
    assertThat(new Regrowth.Random().probes(LAYERS)).isEqualTo(Probes.NONE);
    Probes plain = PLAIN.probes(LAYERS);
    assertThat(plain.criticality()).containsOnlyKeys("n0");
    assertThat(plain.presynaptic()).isEmpty();
    assertThat(WITH_RATES.probes(LAYERS).presynaptic()).containsExactly("layer0");
    assertThat(new Regrowth.Gradient().probes(LAYERS).gradients())
        .containsExactlyInAnyOrder("layer0.weight", "layer1.weight");
  }

  @Test
  void whatWasNotMeasuredIsNamed() {
    assertThatIllegalStateException()
        .isThrownBy(() -> scores(PLAIN, Probes.Measured.of(Map.of(), Map.of(), Map.of()), 1))
        .withMessage("nothing was measured for n0");
  }
}
