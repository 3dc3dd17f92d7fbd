package dev.coppice.prune.channels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.coppice.data.DataSet;
import dev.coppice.data.Images;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Initialization;
import dev.coppice.graph.Op;
import dev.coppice.graph.Shape;
import dev.coppice.graph.Surrogate;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import dev.coppice.kernels.Kernels;
import dev.coppice.train.CriticalityProbe;
import dev.coppice.train.Engine;
import dev.coppice.train.Optimizer;
import dev.coppice.train.Probes;
import dev.coppice.train.Trainer;
import dev.coppice.train.TrainingListener;
import dev.coppice.train.TrainingMethod;
import dev.coppice.train.TrainingSettings;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class ChannelScoreTest {
  private static final CriticalityProbe PROBE =
      new CriticalityProbe(new Surrogate.ATan(2), 1, true, CriticalityProbe.Pooling.MAX);
  private static final List<ChannelGroup> GROUPS =
      List.of(
          new ChannelGroup("one", 2, List.of("bn1"), List.of("n1")),
          new ChannelGroup("two", 2, List.of("bn2", "bn3"), List.of("n2", "n3")));
  private static final Weights WEIGHTS =
      Weights.of(
          Map.of(
              "bn1.weight", Tensor.of(-3, 1),
              "bn2.weight", Tensor.of(2, 0),
              "bn3.weight", Tensor.of(-4, 0.5f)));
  private static final Probes.Measured MEASURED =
      new Probes.Measured(
          Map.of("n1", new float[] {0.5f, 1}, "n2", new float[] {0, 0.25f}),
          Map.of(),
          Map.of(
              "bn1.weight",
              new float[] {-0.5f, 0.25f},
              "bn2.weight",
              new float[] {1, 0},
              "bn3.weight",
              new float[] {-2, 4}),
          Map.of(),
          Map.of(),
          Map.of("n1", new float[] {7, 8}, "n2", new float[] {1, 2}, "n3", new float[] {3, 6}));

  private static void assertScores(ChannelScore score, float[] one, float[] two) {
    Map<String, float[]> scores = score.scores(GROUPS, WEIGHTS, MEASURED, 1);
    assertThat(scores.keySet()).containsExactly("one", "two");
    assertThat(scores.get("one")).isEqualTo(one);
    assertThat(scores.get("two")).isEqualTo(two);
  }

  @Test
  void aGroupScoresByTheMeanOfItsMembers() {
    assertScores(new ChannelScore.Scale(), new float[] {3, 1}, new float[] {3, 0.25f});
    assertScores(new ChannelScore.Gradient(), new float[] {0.5f, 0.25f}, new float[] {1.5f, 2});
    assertScores(new ChannelScore.Activity(), new float[] {7, 8}, new float[] {2, 4});
    assertScores(
        new ChannelScore.Criticality(PROBE), new float[] {0.5f, 1}, new float[] {0, 0.25f});
  }

  /** Ranks of scales: 4, 2, 4 and 1 of 4; of criticality: 3, 4, 1 and 2. */
  @Test
  void bothAtOnceAreTheProductOfTheirRanks() {
    assertScores(
        new ChannelScore.Combined(PROBE),
        new float[] {12 / 16f, 8 / 16f},
        new float[] {4 / 16f, 2 / 16f});
  }

  @Test
  void chanceIsSeeded() {
    ChannelScore random = new ChannelScore.Random();
    float[] once = random.scores(GROUPS, WEIGHTS, MEASURED, 1).get("two");
    assertThat(random.scores(GROUPS, WEIGHTS, MEASURED, 1).get("two")).isEqualTo(once);
    assertThat(random.scores(GROUPS, WEIGHTS, MEASURED, 2).get("two")).isNotEqualTo(once);
  }

  @Test
  void aGroupThatCannotBeScoredIsNamed() {
    List<ChannelGroup> bare = List.of(new ChannelGroup("conv7", 2, List.of(), List.of("n9")));
    for (ChannelScore score :
        List.of(
            new ChannelScore.Scale(),
            new ChannelScore.Gradient(),
            new ChannelScore.Combined(PROBE))) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> score.scores(bare, WEIGHTS, MEASURED, 1))
          .withMessage("the channels of conv7 have no batch norm, whose scale scores them");
    }
    for (ChannelScore score :
        List.of(new ChannelScore.Criticality(PROBE), new ChannelScore.Activity())) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> score.scores(bare, WEIGHTS, MEASURED, 1))
          .withMessage("the channels of conv7 have no neuron measured, which scores them");
    }
  }

  /** In its second group one of two neurons is behind a batch norm, in its third none is. */
  private static final Graph GRAPH =
      Graph.builder(new Shape.Map(4, 4, 1))
          .add("conv1", Op.Conv2d.same(1, 3, 3, 1))
          .add("bn1", Op.BatchNorm.of(3))
          .add("pool1", new Op.AvgPool(2, 2))
          .add("n1", Op.Neuron.lif(2))
          .add("conv2", Op.Conv2d.same(3, 2, 3, 1))
          .add("n2", Op.Neuron.lif(2))
          .add("bn3", Op.BatchNorm.of(2), "conv2")
          .add("n3", Op.Neuron.lif(2))
          .add("add", new Op.Add(), "n2", "n3")
          .add("flatten", new Op.Flatten())
          .add("fc1", new Op.Linear(8, 5, true))
          .add("n4", Op.Neuron.lif(2))
          .add("fc2", new Op.Linear(5, 2, true))
          .build();

  private static final List<ChannelGroup> OF_GRAPH =
      List.of(
          new ChannelGroup("conv1", 3, List.of("bn1"), List.of("n1")),
          new ChannelGroup("conv2", 2, List.of("bn3"), List.of("n2", "n3")),
          new ChannelGroup("fc1", 5, List.of(), List.of("n4")));

  @Test
  void criticalityIsThatOfNeuronsBehindABatchNormWhereThereAreAny() {
    Map<String, CriticalityProbe> expected = Map.of("n1", PROBE, "n3", PROBE, "n4", PROBE);
    assertThat(new ChannelScore.Criticality(PROBE).probes(GRAPH, OF_GRAPH))
        .isEqualTo(Probes.criticality(expected, Set.of()));
    assertThat(new ChannelScore.Combined(PROBE).probes(GRAPH, OF_GRAPH))
        .isEqualTo(Probes.criticality(expected, Set.of()));
    assertThat(new ChannelScore.Activity().probes(GRAPH, OF_GRAPH))
        .isEqualTo(Probes.magnitudes(Set.of("n1", "n2", "n3", "n4")));
    assertThat(new ChannelScore.Scale().probes(GRAPH, OF_GRAPH)).isEqualTo(Probes.NONE);
    assertThat(new ChannelScore.Gradient().probes(GRAPH, OF_GRAPH).gradients())
        .isEqualTo(scales(OF_GRAPH));
    assertThat(new ChannelScore.Random().probes(GRAPH, OF_GRAPH)).isEqualTo(Probes.NONE);
  }

  private static Images images(int count) {
    byte[] pixels = new byte[count * 16];
    SplittableRandom random = new SplittableRandom(3);
    int[] labels = new int[count];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) random.nextInt(256);
    }
    for (int i = 0; i < count; i++) {
      labels[i] = i % 2;
    }
    return new Images("noise", new Shape.Map(4, 4, 1), List.of("a", "b"), pixels, 255, labels);
  }

  /** Batches of 4, 4 and 2: the last counts as much as the others. */
  @Test
  void aPassAveragesItsMiniBatchesAndTellsHowFarItIs() {
    DataSet data = DataSet.of("noise", images(10), images(2), List.of());
    TrainingSettings settings = TrainingSettings.builder().timeSteps(3).batchSize(4).build();
    Weights weights = Weights.initialize(GRAPH, 1, Initialization.UNIFORM_FAN_IN);
    Probes probes =
        new ChannelScore.Criticality(PROBE)
            .probes(GRAPH, OF_GRAPH)
            .and(new ChannelScore.Activity().probes(GRAPH, OF_GRAPH));
    try (Engine engine = engine(weights)) {
      List<String> progress = new ArrayList<>();
      Probes.Measured measured =
          ChannelMeasurement.of(
              engine,
              data.train(),
              data,
              settings,
              probes,
              (done, total) -> progress.add(done + "/" + total));
      assertThat(progress).containsExactly("4/10", "8/10", "10/10");
      Probes.Measured[] parts = new Probes.Measured[3];
      int[][] batches = {{0, 1, 2, 3}, {4, 5, 6, 7}, {8, 9}};
      for (int b = 0; b < parts.length; b++) {
        parts[b] =
            ChannelMeasurement.of(
                engine,
                data.train().select(batches[b]),
                data,
                settings,
                probes,
                (done, total) -> {});
      }
      for (String neuron : List.of("n1", "n3", "n4")) {
        float[] found = found(measured.criticality(), neuron);
        for (int i = 0; i < found.length; i++) {
          double sum = 0;
          for (Probes.Measured part : parts) {
            sum += found(part.criticality(), neuron)[i];
          }
          assertThat((double) found[i]).isPositive().isCloseTo(sum / 3, within(1e-6));
        }
      }
      assertThat(measured.magnitudes().keySet()).containsExactlyInAnyOrder("n1", "n2", "n3", "n4");
      assertThat(
              ChannelMeasurement.of(
                      engine, data.train(), data, settings, Probes.NONE, (done, total) -> {})
                  .criticality())
          .isEmpty();
      assertThatIllegalArgumentException()
          .isThrownBy(
              () ->
                  ChannelMeasurement.of(
                      engine, data.train().subset(0), data, settings, probes, (done, total) -> {}))
          .withMessage("scores of channels need at least one image, found none");
    }
  }

  private static Engine engine(Weights weights) {
    return new Engine(
        GRAPH,
        weights,
        new Optimizer.Sgd(0, false, 0),
        new Engine.Options("cpu", 1, Kernels.best()));
  }

  private static Set<String> scales(List<ChannelGroup> groups) {
    return groups.stream()
        .flatMap(group -> group.norms().stream())
        .map(norm -> norm + ".weight")
        .collect(Collectors.toSet());
  }

  /** That of a training step: it would move the scale the other way, and nothing else moves. */
  @Test
  void gradientsAreThoseOfTrainingWithoutAnUpdate() throws IOException {
    DataSet data = DataSet.of("noise", images(4), images(2), List.of());
    TrainingSettings settings =
        TrainingSettings.builder().timeSteps(3).batchSize(4).learningRate(1).build();
    Weights weights = Weights.initialize(GRAPH, 1, Initialization.UNIFORM_FAN_IN);
    Set<String> scales = scales(OF_GRAPH);
    try (Engine engine = engine(weights)) {
      Probes probes = new ChannelScore.Gradient().probes(GRAPH, OF_GRAPH);
      Probes.Measured measured =
          ChannelMeasurement.of(engine, data.train(), data, settings, probes, (done, total) -> {});
      assertThat(measured.gradients().keySet()).isEqualTo(scales);
      for (String scale : scales) {
        assertThat(engine.tensor(scale)).as(scale).isEqualTo(weights.get(scale));
      }
      new Trainer(engine, data, settings.toBuilder().epochs(1).build(), TrainingMethod.NONE)
          .run(TrainingListener.NONE, false);
      for (String scale : scales) {
        float[] before = weights.get(scale).data();
        float[] after = engine.tensor(scale).data();
        float[] gradient = found(measured.gradients(), scale);
        for (int i = 0; i < before.length; i++) {
          assertThat((double) before[i] - after[i])
              .as(scale)
              .isCloseTo(gradient[i], within(1e-5 + 1e-3 * Math.abs(gradient[i])));
        }
      }
    }
  }

  private static float[] found(Map<String, float[]> measured, String neuron) {
    return Objects.requireNonNull(measured.get(neuron), neuron);
  }
}
