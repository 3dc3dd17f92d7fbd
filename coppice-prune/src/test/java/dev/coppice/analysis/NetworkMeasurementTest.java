package dev.coppice.analysis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.coppice.data.DataSet;
import dev.coppice.data.DataSets;
import dev.coppice.data.Encoder;
import dev.coppice.data.Images;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Initialization;
import dev.coppice.graph.Notation;
import dev.coppice.graph.Op;
import dev.coppice.graph.Shape;
import dev.coppice.graph.Weights;
import dev.coppice.train.Engine;
import dev.coppice.train.Evaluation;
import dev.coppice.train.Optimizer;
import dev.coppice.train.TrainingSettings;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class NetworkMeasurementTest {
  private static final Optimizer NONE = new Optimizer.Sgd(0, false, 0);
  private static final Graph GRAPH =
      Notation.parse("4C3-P2-6C3-FC10", new Shape.Map(8, 8, 1), Op.Neuron.decay());

  private static Engine engine() {
    Weights weights = Weights.initialize(GRAPH, 1, Initialization.KAIMING_NORMAL_FAN_OUT);
    return new Engine(GRAPH, weights, NONE, Engine.Options.cpu());
  }

  private static DataSet digits() throws IOException {
    return DataSets.load("digits", null, OptionalInt.empty());
  }

  @Test
  void ratesAreThoseOfAnEvaluationAndFeaturesAddUp() throws IOException {
    DataSet data = digits();
    Images images = data.train().subset(150);
    List<Integer> progress = new ArrayList<>();
    double[] features = new double[1];
    try (Engine engine = engine()) {
      TrainingSettings settings = TrainingSettings.builder().timeSteps(4).build();
      Evaluation evaluation = Evaluation.of(engine, images, data, settings);

      NetworkMeasurement found =
          NetworkMeasurement.of(
              engine,
              images,
              new Stimulus(new Encoder.Direct(), data.normalization(), 4, 1),
              (label, feature) -> features[0] += Arrays.stream(feature).sum(),
              (samples, of) -> progress.add(samples));

      assertThat(found.samples()).isEqualTo(150);
      assertThat(progress).isSorted().endsWith(150);
      assertThat(found.layers())
          .extracting(NetworkMeasurement.Layer::node)
          .containsExactlyElementsOf(evaluation.firingRates().keySet());
      List<Double> rates = List.copyOf(evaluation.firingRates().values());
      for (int i = 0; i < 2; i++) {
        assertThat(FiringRates.of(found.layers().get(i).spikes()).mean())
            .isCloseTo(rates.get(i), within(1e-9));
      }
      double last = rates.getLast();
      assertThat(features[0]).isCloseTo(last * 4 * 150 * 6 * 16, within(0.5));
      assertThat(found.layers().get(0).criticality()).hasSize(4);
      for (float score : found.layers().get(1).criticality()) {
        assertThat(score).isBetween(0f, 1f);
      }
      assertThat(NetworkMeasurement.features(GRAPH)).isEqualTo(6);
    }
  }

  @Test
  void criticalityDoesNotDependOnHowSamplesAreCut() throws IOException {
    DataSet data = digits();
    Images images = data.train().subset(130);
    Stimulus stimulus = new Stimulus(new Encoder.Direct(), data.normalization(), 3, 1);
    try (Engine engine = engine()) {
      NetworkMeasurement whole =
          NetworkMeasurement.of(engine, images, stimulus, (l, f) -> {}, (s, of) -> {});
      double[] sums = new double[4];
      for (int i = 0; i < 130; i++) {
        NetworkMeasurement one =
            NetworkMeasurement.of(
                engine, images.select(new int[] {i}), stimulus, (l, f) -> {}, (s, of) -> {});
        for (int c = 0; c < 4; c++) {
          sums[c] += one.layers().getFirst().criticality()[c] / 130.0;
        }
      }
      for (int c = 0; c < 4; c++) {
        assertThat((double) whole.layers().getFirst().criticality()[c])
            .isCloseTo(sums[c], within(1e-5));
      }
    }
  }

  @Test
  void aRecordingHoldsTheSpikesOfEveryStep() throws IOException {
    DataSet data = digits();
    Images images = data.test().subset(10);
    Stimulus stimulus = new Stimulus(new Encoder.PoissonRate(), data.normalization(), 60, 1);
    try (Engine engine = engine()) {
      ActivityRecording whole =
          ActivityRecording.of(engine, images, stimulus, 0, (samples, of) -> {});
      ActivityRecording later =
          ActivityRecording.of(engine, images, stimulus, 20, (samples, of) -> {});

      assertThat(whole.layers()).containsExactly("neuron1", "neuron2");
      assertThat(whole.trials()).hasSize(10);
      assertThat(whole.network().getFirst()).hasSize(60);
      assertThat(later.of("neuron2").get(3))
          .containsExactly(Arrays.copyOfRange(whole.of("neuron2").get(3), 20, 60));
      long[] sum = whole.network().get(5);
      for (int t = 0; t < 60; t++) {
        assertThat(sum[t]).isEqualTo(whole.trials().get(5)[0][t] + whole.trials().get(5)[1][t]);
      }
      assertThat(Arrays.stream(sum).sum()).isPositive();
      assertThatThrownBy(() -> whole.of("neuron9")).hasMessageContaining("neuron9");
      assertThatThrownBy(() -> ActivityRecording.of(engine, images, stimulus, 60, (s, of) -> {}))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("59");
    }
  }
}
