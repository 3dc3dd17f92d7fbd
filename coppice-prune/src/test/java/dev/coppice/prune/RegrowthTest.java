package dev.coppice.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.coppice.graph.Graph;
import dev.coppice.graph.Op;
import dev.coppice.graph.Shape;
import dev.coppice.train.CriticalityProbe;
import dev.coppice.train.Probes;
import java.util.List;
import java.util.Map;
import java.util.Set;
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

  private static float[] scores(Graph graph, float[] neurons, CriticalityProbe.Pooling pooling) {
    PrunableLayers layers = PrunableLayers.of(graph, Set.of());
    Regrowth.Criticality rule =
        new Regrowth.Criticality(
            new CriticalityProbe(PLAIN.probe().surrogate(), 0.5f, true, pooling),
            false,
            Regrowth.Criticality.Choice.RANKED);
    Probes.Measured measured = Probes.Measured.of(Map.of("neuron", neurons), Map.of(), Map.of());
    return rule.scores(layers, new float[layers.size()], measured, 1);
  }

  /** Two channels on 1×2 positions, flattened: elements are of channels 0, 1, 0, 1. */
  @Test
  void neuronsBehindAFlattenedMapBelongToTheirChannel() {
    Graph graph =
        Graph.builder(new Shape.Map(1, 2, 1))
            .add("conv", new Op.Conv2d(1, 2, 1, 1, 0, 1, false))
            .add("flatten", new Op.Flatten())
            .add("neuron", Op.Neuron.decay())
            .add("fc", new Op.Linear(4, 1, false))
            .build();
    float[] neurons = {1, 2, 5, 3};
    assertThat(scores(graph, neurons, CriticalityProbe.Pooling.MAX))
        .containsExactly(5, 3, 0, 0, 0, 0);
    assertThat(scores(graph, neurons, CriticalityProbe.Pooling.MEAN))
        .containsExactly(3, 2.5f, 0, 0, 0, 0);
  }

  @Test
  void neuronsBehindASelectionBelongToTheChannelsSelected() {
    Graph graph =
        Graph.builder(new Shape.Map(1, 1, 1))
            .add("conv", new Op.Conv2d(1, 4, 1, 1, 0, 1, false))
            .add("select", new Op.Select(List.of(1, 3)))
            .add("neuron", Op.Neuron.decay())
            .add("gap", new Op.GlobalAvgPool())
            .add("fc", new Op.Linear(2, 1, false))
            .build();
    PrunableLayers layers = PrunableLayers.of(graph, Set.of());
    assertThat(layers.layers()).map(PrunableLayers.Layer::classifier).containsExactly(false, true);
    assertThat(scores(graph, new float[] {2, 7}, CriticalityProbe.Pooling.MAX))
        .containsExactly(0, 2, 0, 7, 0, 0);
  }

  @Test
  void whatWasNotMeasuredIsNamed() {
    assertThatIllegalStateException()
        .isThrownBy(() -> scores(PLAIN, Probes.Measured.of(Map.of(), Map.of(), Map.of()), 1))
        .withMessage("nothing was measured for n0");
  }
}
