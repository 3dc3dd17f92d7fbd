package dev.coppice.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.coppice.graph.Graph;
import dev.coppice.graph.Model;
import dev.coppice.graph.Op;
import dev.coppice.graph.Quantization;
import dev.coppice.graph.zoo.Zoo;
import dev.coppice.kernels.Kernels;
import dev.coppice.train.Engine;
import dev.coppice.train.Optimizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The runtime answers as the training engine does. */
class ParityTest {
  private static final double TOLERANCE = 1e-4;
  private static final int BATCH = 3;

  /** Returns the engine's logits {@code [T, B, K]}. */
  private static float[] expected(Model model, float[] images, int batch, int steps) {
    Engine.Options options = new Engine.Options("cpu", 1, Kernels.best());
    try (Engine engine =
        new Engine(model.graph(), model.weights(), new Optimizer.Sgd(0, false, 0), options)) {
      return engine.logits(images, batch, steps);
    }
  }

  private static void assertParity(Model model, int steps, String description) {
    float[] images = Networks.images(model.graph(), BATCH);
    float[] expected = expected(model, images, BATCH, steps);
    var options = new SpikingRuntime.Options(steps, 1, 2);
    SpikingRuntime network = SpikingRuntime.of(model, options);
    int outputs = network.outputs();
    try (Session session = network.session()) {
      BatchInference batch = session.run(images, BATCH);
      assertClose(batch.stepLogits(), expected, description);
      int size = images.length / BATCH;
      for (int b = 0; b < BATCH; b++) {
        float[] image = Arrays.copyOfRange(images, b * size, (b + 1) * size);
        Inference alone = session.run(image);
        float[] mean = mean(expected, b, outputs, steps);
        assertClose(alone.logits(), mean, description + ", image " + b);
        assertThat(alone.logits())
            .containsExactly(Arrays.copyOfRange(batch.logits(), b * outputs, (b + 1) * outputs));
        assertThat(alone.predicted()).isEqualTo(largest(mean)).isEqualTo(batch.predicted()[b]);
        assertThat(session.classify(image)).isEqualTo(alone.predicted());
      }
    }
  }

  private static float[] mean(float[] logits, int image, int outputs, int steps) {
    float[] mean = new float[outputs];
    for (int k = 0; k < outputs; k++) {
      double sum = 0;
      for (int t = 0; t < steps; t++) {
        sum += logits[(t * BATCH + image) * outputs + k];
      }
      mean[k] = (float) (sum / steps);
    }
    return mean;
  }

  private static int largest(float[] values) {
    int best = 0;
    for (int k = 1; k < values.length; k++) {
      best = values[k] > values[best] ? k : best;
    }
    return best;
  }

  private static void assertClose(float[] actual, float[] expected, String description) {
    assertThat(actual).as(description).hasSameSizeAs(expected);
    for (int i = 0; i < expected.length; i++) {
      assertThat((double) actual[i])
          .as("%s, element %d", description, i)
          .isCloseTo(expected[i], within(TOLERANCE));
    }
  }

  static Stream<Arguments> zoo() {
    List<Arguments> cases = new ArrayList<>();
    for (String name : Zoo.names()) {
      for (double sparsity : new double[] {0, 0.5, 0.9, 0.95, 0.98, 0.99}) {
        cases.add(Arguments.of(name, sparsity));
      }
    }
    return cases.stream();
  }

  @ParameterizedTest
  @MethodSource("zoo")
  void networksOfTheZooDenseAndPruned(String name, double sparsity) {
    Model model = Networks.model(Networks.zoo(name), 4, sparsity);
    assertParity(model, 4, name + " at " + sparsity);
  }

  /** In whole numbers, which the engine rounds. */
  @ParameterizedTest
  @MethodSource("zoo")
  void quantisedNetworksOfTheZoo(String name, double sparsity) {
    Model model = Quantization.int8(Networks.model(Networks.zoo(name), 4, sparsity));
    assertParity(model, 4, name + " in int8 at " + sparsity);
  }

  @ParameterizedTest
  @MethodSource("neurons")
  void everyQuantisedNeuronAndReset(Op.Neuron neuron) {
    Model model = Quantization.int8(Networks.model(Networks.chain(neuron), 1, 0.3));
    assertParity(model, 5, neuron + " in int8");
  }

  static List<String> zooNames() {
    return Zoo.names();
  }

  @ParameterizedTest
  @MethodSource("zooNames")
  void anyNumberOfTimeSteps(String name) {
    Model model = Networks.model(Networks.zoo(name), 5, 0.9);
    for (int steps = 1; steps <= 8; steps++) {
      assertParity(model, steps, name + " over " + steps + " steps");
      assertParity(Quantization.int8(model), steps, name + " in int8, over " + steps + " steps");
    }
  }

  static List<Op.Neuron> neurons() {
    return Networks.neurons();
  }

  @ParameterizedTest
  @MethodSource("neurons")
  void everyNeuronAndReset(Op.Neuron neuron) {
    assertParity(Networks.model(Networks.chain(neuron), 1, 0.3), 5, neuron.toString());
  }

  static List<Graph> small() {
    return Networks.small();
  }

  @ParameterizedTest
  @MethodSource("small")
  void everyKindOfNode(Graph graph) {
    for (int steps : new int[] {1, 3}) {
      Model model = Networks.model(graph, 2, 0);
      assertParity(model, steps, graph + " over " + steps + " steps");
      assertParity(Quantization.int8(model), steps, graph + " in int8, over " + steps + " steps");
    }
  }

  /** Otherwise equality would say little. */
  @ParameterizedTest
  @MethodSource("zoo")
  void theNetworksAreNotSilent(String name, double sparsity) {
    Model model = Networks.model(Networks.zoo(name), 4, sparsity);
    SpikingRuntime network =
        SpikingRuntime.of(model, SpikingRuntime.Options.DEFAULT.withTimeSteps(4));
    try (Session session = network.session()) {
      Inference inference = session.run(Networks.images(model.graph(), 1));
      assertThat(inference.layers())
          .filteredOn(layer -> layer.node().contains("neuron"))
          .allSatisfy(layer -> assertThat(layer.spikes()).as(layer.node()).isPositive());
    }
  }
}
