package dev.coppice.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.coppice.graph.Graph;
import dev.coppice.graph.Model;
import dev.coppice.graph.Node;
import dev.coppice.graph.Notation;
import dev.coppice.graph.Op;
import dev.coppice.graph.Shape;
import dev.coppice.graph.Weights;
import dev.coppice.graph.zoo.Zoo;
import dev.coppice.runtime.BatchInference;
import dev.coppice.runtime.LayerActivity;
import dev.coppice.runtime.Session;
import dev.coppice.runtime.SpikingRuntime;
import dev.coppice.train.Engine;
import dev.coppice.train.Trainer;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CalibrationTest {
  private static final int T = 4;
  private static final int COUNT = 8;

  private static Graph graph(String net, Op.Neuron neuron) {
    Shape.Map input = new Shape.Map(32, 32, 3);
    return Zoo.names().contains(net)
        ? Zoo.create(net, input, 10, neuron, 0.125)
        : Notation.parse(net, input, neuron);
  }

  private static Map<String, Double> rates(Graph graph, Weights weights, BenchImages images) {
    Map<String, Double> rates = new LinkedHashMap<>();
    SpikingRuntime runtime =
        SpikingRuntime.of(
            new Model(graph, weights, Map.of()), new SpikingRuntime.Options(T, 1, COUNT));
    try (Session session = runtime.session()) {
      BatchInference answers = session.run(images.pixels(), COUNT);
      for (LayerActivity layer : answers.layers()) {
        if (graph.node(layer.node()).op() instanceof Op.Neuron) {
          double all = (double) graph.shape(layer.node()).size() * T * COUNT;
          rates.put(layer.node(), layer.spikes() / all);
        }
      }
    }
    return rates;
  }

  @ParameterizedTest
  @CsvSource({
    "vgg11, 0, decay",
    "vgg11, 0.9, if",
    "resnet19, 0.5, lif",
    "resnet19-post, 0.5, decay",
    "8C3-P2-16C3-P4-FC20-FC10, 0.8, lif",
  })
  void everyLayerFiresAtItsRateOnTheImagesItWasCalibratedWith(
      String net, double sparsity, String kind) {
    Op.Neuron neuron =
        switch (kind) {
          case "if" -> Op.Neuron.integrateAndFire();
          case "lif" -> Op.Neuron.lif(2);
          default -> Op.Neuron.decay();
        };
    Graph graph = graph(net, neuron);
    BenchImages images = BenchImages.smooth(new Shape.Map(32, 32, 3), COUNT, 5);
    WantedRates wanted = new WantedRates(new double[] {0.1, 0.2, 0.3});
    Weights pruned = Calibration.pruned(graph, sparsity, 3);

    Weights calibrated =
        Calibration.calibrated(
            graph, pruned, images.pixels(), COUNT, T, wanted, Engine.Options.cpu());

    assertThat(Trainer.sparsity(graph, calibrated)).isCloseTo(sparsity, within(1e-3));
    Map<String, Double> rates = rates(graph, calibrated, images);
    int layers = rates.size();
    int layer = 0;
    for (Node node : graph.nodes()) {
      if (node.op() instanceof Op.Neuron) {
        assertThat(rates.get(node.name()))
            .as(node.name())
            .isCloseTo(wanted.of(layer++, layers), within(0.02));
      }
    }
    assertThat(layer).isEqualTo(layers).isPositive();
  }

  @Test
  void ratesOfOtherDepthsAreThoseOfTheSameRelativeDepth() {
    WantedRates rates = new WantedRates(new double[] {0.1, 0.2, 0.3});

    assertThat(rates.of(0, 1)).isEqualTo(0.1);
    assertThat(rates.of(4, 5)).isEqualTo(0.3);
    assertThat(rates.of(2, 5)).isEqualTo(0.2);
    assertThat(WantedRates.TRAINED.of(12, 13)).isEqualTo(0.297);
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 1, -0.1, Double.NaN})
  void refusesRatesThatNoNeuronHas(double rate) {
    assertThatThrownBy(() -> new WantedRates(new double[] {rate}))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining("--firing-rate");
  }

  @Test
  void imagesAreASeedsOwnAndLieInTheirRange() {
    Shape.Map shape = new Shape.Map(5, 7, 2);
    BenchImages images = BenchImages.smooth(shape, 3, 1);

    assertThat(images.count()).isEqualTo(3);
    for (float pixel : images.pixels()) {
      assertThat(pixel).isBetween(0f, 1f);
    }
    assertThat(BenchImages.smooth(shape, 3, 1).pixels()).isEqualTo(images.pixels());
    assertThat(BenchImages.smooth(shape, 3, 2).pixels()).isNotEqualTo(images.pixels());
    assertThat(images.batch(2, 2)).startsWith(images.pixels()[2 * shape.size()]);
    assertThat(images.batch(2, 2)[shape.size()]).isEqualTo(images.pixels()[0]);
    assertThat(images.normalized(new float[] {0.5f}, new float[] {0.25f})[1])
        .isEqualTo((images.pixels()[1] - 0.5f) / 0.25f);
  }
}
