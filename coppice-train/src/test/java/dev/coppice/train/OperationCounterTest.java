package dev.coppice.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.coppice.data.DataSet;
import dev.coppice.data.Encoder;
import dev.coppice.data.Images;
import dev.coppice.graph.Charge;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Op;
import dev.coppice.graph.Reset;
import dev.coppice.graph.Shape;
import dev.coppice.graph.Surrogate;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OperationCounterTest {
  private static final int STEPS = 3;
  private static final int BATCH = 4;

  /** Returns random weights of which every third is pruned. */
  private static Weights pruned(Graph graph) {
    Map<String, Tensor> tensors = new HashMap<>(Small.weights(graph, 1).asMap());
    tensors.replaceAll(
        (name, tensor) -> {
          float[] data = tensor.data().clone();
          for (int i = 0; tensor.shape().length > 1 && i < data.length; i += 3) {
            data[i] = 0;
          }
          return new Tensor(tensor.shape(), data);
        });
    return Weights.of(tensors);
  }

  private static Operations count(
      Graph graph, Weights weights, float[] input, int batch, int steps, boolean spikingInput) {
    OperationCounter counter = new OperationCounter(graph, steps, spikingInput);
    try (Engine engine = Small.engine(graph, weights, Small.PLAIN)) {
      engine.evaluate(input, batch, steps, counter);
      counter.addSamples(batch);
      return counter.operations(engine.weights());
    }
  }

  /** Looks at every weight at every place for every sample at every step. */
  private static double bruteForce(Graph graph, String node, Tensor weight, float[] x) {
    String source = graph.node(node).inputs().getFirst();
    int samples = x.length / graph.shape(source).size();
    return switch (graph.node(node).op()) {
      case Op.Linear linear -> {
        long count = 0;
        for (int n = 0; n < samples; n++) {
          for (int o = 0; o < linear.outFeatures(); o++) {
            for (int i = 0; i < linear.inFeatures(); i++) {
              boolean active = x[n * linear.inFeatures() + i] != 0;
              count += active && weight.data()[o * linear.inFeatures() + i] != 0 ? 1 : 0;
            }
          }
        }
        yield count;
      }
      case Op.Conv2d conv ->
          convolution(
              conv,
              (Shape.Map) graph.shape(source),
              (Shape.Map) graph.shape(node),
              weight.data(),
              x,
              samples);
      default -> throw new IllegalArgumentException(node);
    };
  }

  private static long convolution(
      Op.Conv2d conv, Shape.Map in, Shape.Map out, float[] weight, float[] x, int samples) {
    int perGroup = conv.inChannels() / conv.groups();
    long count = 0;
    for (int n = 0; n < samples; n++) {
      for (int row = 0; row < out.height(); row++) {
        for (int column = 0; column < out.width(); column++) {
          for (int o = 0; o < conv.outChannels(); o++) {
            int group = o / (conv.outChannels() / conv.groups());
            for (int tap = 0; tap < conv.kernel() * conv.kernel() * perGroup; tap++) {
              int c = tap % perGroup;
              int i = row * conv.stride() - conv.padding() + tap / perGroup / conv.kernel();
              int j = column * conv.stride() - conv.padding() + tap / perGroup % conv.kernel();
              if (i < 0 || i >= in.height() || j < 0 || j >= in.width()) {
                continue;
              }
              int at =
                  ((n * in.height() + i) * in.width() + j) * in.channels() + group * perGroup + c;
              int w = o * conv.kernel() * conv.kernel() * perGroup + tap;
              count += x[at] != 0 && weight[w] != 0 ? 1 : 0;
            }
          }
        }
      }
    }
    return count;
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void everyOperationIsCountedOnce(boolean constant) {
    Graph graph = Small.chain(Small.NEURON);
    Weights weights = pruned(graph);
    float[] images = Small.images(BATCH);
    for (int i = 0; i < images.length; i += 4) {
      images[i] = 0;
    }
    float[] sequence = Small.repeat(images, STEPS);
    float[] input = constant ? images : sequence;
    Map<String, String> sources = Map.of("conv2", "pool1", "fc1", "pool2", "fc2", "neuron3");
    Probes outputs =
        new Probes(Map.of(), Set.of(), Set.of(), Set.copyOf(sources.values()), Set.of(), Set.of());
    Map<String, float[]> inputs = new HashMap<>(Map.of("conv1", sequence));
    try (Engine engine = Small.engine(graph, weights, Small.PLAIN)) {
      Probes.Measured measured = engine.measure(input, BATCH, STEPS, outputs);
      sources.forEach(
          (node, source) ->
              inputs.put(node, Objects.requireNonNull(measured.outputs().get(source))));
    }
    Operations operations = count(graph, weights, input, BATCH, STEPS, false);
    assertThat(operations.layers()).hasSize(4);
    for (Operations.Layer layer : operations.layers()) {
      Tensor weight = weights.get(layer.node() + ".weight");
      float[] x = Objects.requireNonNull(inputs.get(layer.node()));
      double effective = bruteForce(graph, layer.node(), weight, x) / BATCH;
      // An average of spikes is no spike; the greatest of some is one.
      boolean spikes = layer.node().startsWith("fc");
      assertThat(effective).as(layer.node()).isPositive();
      assertThat(layer.effectiveAcs()).as(layer.node()).isEqualTo(spikes ? effective : 0);
      assertThat(layer.effectiveMacs()).as(layer.node()).isEqualTo(spikes ? 0 : effective);
      float[] ones = new float[x.length];
      Arrays.fill(ones, 1);
      float[] full = new float[weight.size()];
      Arrays.fill(full, 1);
      assertThat(layer.dense())
          .as(layer.node())
          .isEqualTo(
              bruteForce(graph, layer.node(), new Tensor(weight.shape(), full), ones) / BATCH);
    }
    assertThat(operations.effectiveAcs())
        .isEqualTo(operations.synaptic() - operations.effectiveMacs());
    assertThat(operations.nanojoules())
        .isCloseTo(
            0.9e-3 * operations.effectiveAcs() + 4.6e-3 * operations.effectiveMacs(), within(1e-9));
  }

  private static Weights filled(Graph graph, float value) {
    Map<String, Tensor> tensors = new HashMap<>();
    Weights.expected(graph)
        .forEach(
            (name, shape) -> {
              float[] data = new float[Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
              Arrays.fill(data, value);
              tensors.put(name, new Tensor(shape, data));
            });
    return Weights.of(tensors);
  }

  private static float[] ones(int count) {
    float[] ones = new float[count];
    Arrays.fill(ones, 1);
    return ones;
  }

  private static Graph one(Shape input, Op op) {
    return Graph.builder(input).add("layer", op).build();
  }

  @Test
  void zeroWeightsAndZeroInputsAreNoOperations() {
    Graph graph = one(new Shape.Vector(3), new Op.Linear(3, 3, false));
    Weights weights =
        Weights.of(
            Map.of(
                "layer.weight",
                new Tensor(
                    new int[] {3, 3},
                    new float[] {1.3f, 0, -3.2f, 0, 1.2f, -5.1f, -1.1f, 2.7f, 0})));
    Operations operations = count(graph, weights, new float[] {0, 1.3f, -1}, 1, 1, false);
    assertThat(operations.effectiveMacs()).isEqualTo(4);
    assertThat(operations.dense()).isEqualTo(9);
  }

  @Test
  void tapsOnThePaddingAreNoOperations() {
    Graph graph = one(new Shape.Map(3, 3, 1), Op.Conv2d.same(1, 1, 3, 1));
    Operations operations = count(graph, filled(graph, 1), ones(9), 1, 1, false);
    assertThat(operations.effectiveMacs()).isEqualTo(49);
    assertThat(operations.dense()).isEqualTo(49);
  }

  /** 784-256-10 at T = 4, the image again at each step and a tenth of the neurons firing. */
  @Test
  void operationsAndEnergyOfAPerceptron() {
    Op.Neuron neuron =
        new Op.Neuron(
            new Charge.Decay(0), 0.5f, false, new Reset.Hard(0), true, new Surrogate.ATan(2));
    Graph graph =
        Graph.builder(new Shape.Vector(784))
            .add("fc1", new Op.Linear(784, 256, true))
            .add("neuron", neuron)
            .add("fc2", new Op.Linear(256, 10, false))
            .build();
    // With biases a sample's spikes are chosen here: 10 samples, 256 firing once each.
    Weights weights = filled(graph, 1e-9f).with("fc1.bias", Tensor.of(new float[256]));
    float[] bias = new float[256];
    for (int i = 0; i < 256; i++) {
      bias[i] = i < 128 ? 1 : 0;
    }
    Operations half =
        count(graph, weights.with("fc1.bias", Tensor.of(bias)), ones(784), 1, 4, false);
    assertThat(half.effectiveMacs()).isEqualTo(802_816);
    assertThat(half.effectiveAcs()).isEqualTo(4 * 128 * 10);
    Operations tenth =
        new Operations(
            List.of(
                new Operations.Layer("fc1", 802_816, 802_816, 0, 802_816),
                new Operations.Layer("fc2", 10_240, 10_240, 1024, 0)));
    assertThat(tenth.nanojoules() * 1000).isCloseTo(3_693_875.2, within(1e-3));
  }

  @Test
  void denseInputsAreMultiplied() {
    Graph graph =
        Graph.builder(new Shape.Vector(20))
            .add("fc1", new Op.Linear(20, 25, false))
            .add("fc2", new Op.Linear(25, 25, false))
            .build();
    assertThat(count(graph, filled(graph, 1), ones(20), 1, 1, false).effectiveMacs())
        .isEqualTo(1125);
  }

  @Test
  void spikesAreAccumulated() {
    Graph graph = one(new Shape.Vector(20), new Op.Linear(20, 5, false));
    Operations operations = count(graph, filled(graph, 1), ones(10 * 2 * 20), 2, 10, true);
    assertThat(operations.effectiveAcs()).isEqualTo(1000);
    assertThat(operations.effectiveMacs()).isZero();
  }

  @Test
  void aConvolutionWithoutPadding() {
    Graph graph = one(new Shape.Map(12, 12, 1), new Op.Conv2d(1, 1, 3, 1, 0, 1, false));
    assertThat(count(graph, filled(graph, 1), ones(144), 1, 1, true).effectiveAcs()).isEqualTo(900);
  }

  @Test
  void energyOfPublishedCounts() {
    double[][] rows = {{.10, .14, .734}, {.50, 2.75, 13.10}, {1.69, .20, 2.441}, {0, 1.82, 8.372}};
    for (double[] row : rows) {
      Operations operations =
          new Operations(List.of(new Operations.Layer("all", 0, 0, row[0] * 1e9, row[1] * 1e9)));
      assertThat(operations.nanojoules() * 1e-6).isCloseTo(row[2], within(1e-9));
    }
  }

  @Test
  void anEvaluationAddsUpItsBatches() {
    Graph graph = Small.chain(Small.NEURON);
    DataSet data = Small.data(3, 130);
    TrainingSettings settings = TrainingSettings.builder().timeSteps(STEPS).build();
    try (Engine engine = Small.engine(graph)) {
      Evaluation all = Evaluation.of(engine, data.test(), data, settings);
      double correct = 0;
      double loss = 0;
      double synaptic = 0;
      Map<String, Double> rates = new HashMap<>();
      for (int i = 0; i < 130; i++) {
        Images single = data.test().select(new int[] {i});
        Evaluation one = Evaluation.of(engine, single, data, settings);
        correct += one.accuracy();
        loss += one.loss() / 130;
        synaptic += one.operations().synaptic() / 130;
        one.firingRates().forEach((name, rate) -> rates.merge(name, rate / 130, Double::sum));
      }
      assertThat(all.samples()).isEqualTo(130);
      assertThat(all.accuracy()).isCloseTo(correct / 130, within(1e-9));
      assertThat(all.loss()).isCloseTo(loss, within(1e-4));
      assertThat(all.operations().synaptic()).isCloseTo(synaptic, within(1e-6));
      assertThat(all.firingRates().keySet()).containsExactly("neuron1", "neuron2", "neuron3");
      all.firingRates()
          .forEach((name, rate) -> assertThat(rate).isCloseTo(rates.get(name), within(1e-9)));
    }
  }

  @Test
  void theSpikesOfAnEncoderAreAccumulated() {
    Graph graph = Small.chain(Small.NEURON);
    DataSet data = Small.data(3, 9);
    try (Engine engine = Small.engine(graph)) {
      for (Encoder encoder : List.of(new Encoder.PoissonRate(), new Encoder.Direct())) {
        TrainingSettings settings =
            TrainingSettings.builder().timeSteps(STEPS).encoder(encoder).build();
        Operations.Layer first =
            Evaluation.of(engine, data.test(), data, settings).operations().layers().getFirst();
        assertThat(first.effectiveAcs() > 0).isEqualTo(!encoder.isStatic());
        assertThat(first.effectiveMacs() > 0).isEqualTo(encoder.isStatic());
      }
    }
  }

  @Test
  void selectedSpikesAreAccumulated() {
    Graph graph = Small.selecting();
    Operations operations =
        count(graph, Small.weights(graph, 1), Small.images(BATCH), BATCH, STEPS, false);
    for (Operations.Layer layer : operations.layers()) {
      boolean spikes = !layer.node().equals("stem");
      assertThat(layer.effectiveAcs() > 0).as(layer.node()).isEqualTo(spikes);
      assertThat(layer.effectiveMacs() > 0).as(layer.node()).isEqualTo(!spikes);
    }
  }
}
