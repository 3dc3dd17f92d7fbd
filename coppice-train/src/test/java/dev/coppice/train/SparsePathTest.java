package dev.coppice.train;

import static dev.coppice.train.Close.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import dev.coppice.graph.Graph;
import dev.coppice.graph.Node;
import dev.coppice.graph.Notation;
import dev.coppice.graph.Op;
import dev.coppice.graph.Shape;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import dev.coppice.graph.zoo.ResNet19;
import dev.coppice.kernels.Kernels;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Convolutions by surviving weights against those with all weights: a step must be the same. */
class SparsePathTest {
  private static final Optimizer SGD = new Optimizer.Sgd(0.9f, false, 1e-4f);

  private static Engine.Options options(ConvolutionPath path, Kernels kernels) {
    return new Engine.Options("cpu", 2, kernels, path);
  }

  /** Masks that leave about a part of the weights of convolutions and linear layers. */
  private static Map<String, Tensor> masks(Graph graph, double density, long seed) {
    RandomGenerator random = new SplittableRandom(seed);
    Map<String, Tensor> masks = new HashMap<>();
    Weights.expected(graph)
        .forEach(
            (name, shape) -> {
              if (shape.length > 1) {
                int size = 1;
                for (int dimension : shape) {
                  size *= dimension;
                }
                float[] mask = new float[size];
                for (int i = 0; i < size; i++) {
                  mask[i] = random.nextDouble() < density ? 1 : 0;
                }
                masks.put(name, new Tensor(shape, mask));
              }
            });
    return masks;
  }

  private record Run(Probes.Measured measured, double loss, Weights weights, float[] logits) {}

  private static Run run(
      Graph graph,
      ConvolutionPath path,
      Kernels kernels,
      Map<String, Tensor> masks,
      Probes probes,
      int steps,
      int batch,
      boolean constant) {
    Shape.Map image = (Shape.Map) graph.shape(graph.input().name());
    float[] images = Small.normal(17, batch * image.size(), 1.5);
    float[] input = constant ? images : Small.repeat(images, steps);
    int[] labels = Small.labels(batch);
    try (Engine engine = new Engine(graph, Small.weights(graph, 5), SGD, options(path, kernels))) {
      soil(engine, input, labels, steps);
      engine.mask(masks);
      Engine.StepResult result =
          engine.train(input, labels, Small.settings(steps), 0.05, 1, probes);
      float[] logits = engine.logits(input, batch, steps);
      return new Run(result.measured(), result.loss(), engine.weights(), logits);
    }
  }

  /** Leaves numbers that are none in all memory of maps, for those to show who read it. */
  private static void soil(Engine engine, float[] input, int[] labels, int steps) {
    Weights before = engine.weights();
    float[] noNumbers = new float[input.length];
    Arrays.fill(noNumbers, Float.NaN);
    assertThatExceptionOfType(NonFiniteException.class)
        .isThrownBy(
            () -> engine.train(noNumbers, labels, Small.settings(steps), 0.05, 1, Probes.NONE));
    engine.restore(before, engine.optimizerState(), 0);
  }

  private static void same(Graph graph, double density, int steps, int batch, boolean constant) {
    Set<String> neurons = new HashSet<>();
    graph.nodes().stream()
        .filter(node -> node.op() instanceof Op.Neuron)
        .forEach(node -> neurons.add(node.name()));
    same(graph, masks(graph, density, 3), Probes.outputs(neurons), steps, batch, constant);
  }

  private static void same(
      Graph graph,
      Map<String, Tensor> masks,
      Probes probes,
      int steps,
      int batch,
      boolean constant) {
    Run dense =
        run(graph, ConvolutionPath.DENSE, Kernels.best(), masks, probes, steps, batch, constant);
    for (Kernels kernels : List.of(Kernels.best(), Kernels.scalar())) {
      Run sparse =
          run(graph, ConvolutionPath.SPARSE, kernels, masks, probes, steps, batch, constant);
      assertClose(sparse.measured().outputs(), dense.measured().outputs(), 0);
      assertThat(sparse.loss()).isCloseTo(dense.loss(), within(1e-5));
      assertClose(sparse.weights(), dense.weights(), 1e-4);
      assertClose("logits", sparse.logits(), dense.logits(), 1e-3);
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.02, 0.1, 0.5, 1})
  void chainsGiveTheSameAtEveryDensity(double density) {
    Graph graph = Notation.parse("6C3-8C3-P2-8C3-P2-5C3-FC3", new Shape.Map(8, 8, 2), Small.NEURON);
    same(graph, density, 3, 4, true);
    same(graph, density, 1, 16, false);
  }

  @Test
  void batchesOfEverySizeGiveTheSame() {
    Graph graph = Notation.parse("4C3-6C3-P2-4C5-FC3", new Shape.Map(7, 5, 2), Small.NEURON);
    for (int batch : new int[] {1, 2, 17, 20, 32}) {
      same(graph, 0.3, 2, batch, batch % 2 == 0);
    }
  }

  /** Shortcuts, strides, biases, groups, selections and layers that only the library computes. */
  @Test
  void graphsOfAllKindsGiveTheSame() {
    for (Graph graph :
        List.of(Small.residual(), Small.chain(Small.NEURON), Small.selecting(), strided())) {
      same(graph, 0.4, 3, 3, true);
      same(graph, 0.4, 2, 4, false);
      // Groups of images that fill vectors: spikes are bits.
      same(graph, 0.4, 2, 16, true);
      same(graph, 0.4, 2, 32, false);
    }
  }

  /** Sums in planes: of real values, constant ones among them, and with shortcuts. */
  @Test
  void streamsOfSumsGiveTheSame() {
    Shape.Map image = new Shape.Map(8, 8, 2);
    Graph net = ResNet19.preActivation(image, Small.CLASSES, Small.NEURON, 0.0625);
    for (double density : new double[] {0.05, 0.5}) {
      same(net, density, 3, 4, true);
      same(net, density, 2, 3, false);
      same(net, density, 2, 16, true);
    }
  }

  /** A sum of three, two of which come from the same neurons, and one term is what it is of. */
  @Test
  void sumsOfTheSameGiveTheSame() {
    Graph graph =
        Graph.builder(new Shape.Map(8, 8, 2))
            .add("conv1", Op.Conv2d.same(2, 4, 3, 1))
            .add("bn1", Op.BatchNorm.of(4))
            .add("neuron1", Small.NEURON)
            .add("conv2", Op.Conv2d.same(4, 4, 3, 1))
            .add("bn2", Op.BatchNorm.of(4))
            .add("neuron2", Small.NEURON)
            .add("pool1", new Op.AvgPool(2, 2))
            .add("pool2", new Op.AvgPool(2, 2), "neuron2")
            .add("pool3", new Op.AvgPool(2, 2), "conv1")
            .add("add1", new Op.Add(), "pool1", "pool3", "pool2")
            .add("conv3", Op.Conv2d.same(4, 4, 3, 1))
            .add("bn3", Op.BatchNorm.of(4))
            .add("neuron3", Small.NEURON)
            .add("gap", new Op.GlobalAvgPool())
            .add("fc", new Op.Linear(4, Small.CLASSES, true))
            .build();
    same(graph, 0.4, 3, 4, true);
    same(graph, 0.4, 2, 4, false);
    same(graph, 0.4, 2, 16, true);
    same(graph, 0.4, 2, 16, false);
  }

  /** Masks without every other channel of convolutions, all that reads it included. */
  private static Map<String, Tensor> withoutChannels(Graph graph, double density) {
    Map<String, Tensor> masks = masks(graph, density, 3);
    for (Node node : graph.nodes()) {
      Tensor own = masks.get(node.name() + ".weight");
      if (own == null) {
        continue;
      }
      int rows = own.shape()[0];
      int row = own.size() / rows;
      boolean last = node.op() instanceof Op.Linear;
      boolean cut = convolution(graph, node.inputs().getFirst()) != null;
      int channels = graph.shape(node.inputs().getFirst()).channels();
      for (int k = 0; k < own.size(); k++) {
        if ((!last && k / row % 2 == 1) || (cut && k % channels % 2 == 1)) {
          own.data()[k] = 0;
        }
      }
    }
    return masks;
  }

  /** Returns the convolution whose channels a node passes on, or null. */
  private static @Nullable Node convolution(Graph graph, String name) {
    Node node = graph.node(name);
    return switch (node.op()) {
      case Op.Conv2d _ -> node;
      case Op.Input _, Op.Add _, Op.Linear _ -> null;
      default -> convolution(graph, node.inputs().getFirst());
    };
  }

  /** Channels that nobody reads are left out, whatever numbers their memory holds. */
  @Test
  void channelsWithoutWeightsMakeNoDifference() {
    Shape.Map image = new Shape.Map(8, 8, 2);
    for (Graph graph :
        List.of(
            Notation.parse("6C3-8C3-P2-8C3-P2-6C3-FC3", image, Small.NEURON),
            Small.residual(),
            Small.selecting(),
            strided(),
            ResNet19.preActivation(image, Small.CLASSES, Small.NEURON, 0.0625))) {
      for (double density : new double[] {0, 0.3, 1}) {
        Map<String, Tensor> masks = withoutChannels(graph, density);
        same(graph, masks, Probes.NONE, 3, 3, true);
        same(graph, masks, Probes.NONE, 2, 16, false);
        same(graph, masks, Probes.NONE, 2, 32, true);
      }
    }
  }

  /** Strided convolutions of odd maps behind neurons that others read too, and a pool of a pool. */
  private static Graph strided() {
    return Graph.builder(new Shape.Map(9, 11, 2))
        .add("conv1", Op.Conv2d.same(2, 4, 3, 1))
        .add("bn1", Op.BatchNorm.of(4))
        .add("neuron1", Small.NEURON)
        .add("conv2", new Op.Conv2d(4, 6, 3, 2, 1, 1, false))
        .add("bn2", Op.BatchNorm.of(6))
        .add("neuron2", Small.NEURON)
        .add("conv3", new Op.Conv2d(6, 6, 3, 1, 1, 1, false))
        .add("bn3", Op.BatchNorm.of(6))
        .add("neuron3", Small.NEURON)
        .add("add", new Op.Add(), "neuron3", "neuron2")
        .add("conv4", new Op.Conv2d(6, 5, 2, 1, 0, 1, false))
        .add("pool1", new Op.AvgPool(2, 2))
        .add("bn4", Op.BatchNorm.of(5))
        .add("neuron4", Small.NEURON)
        .add("pool2", new Op.AvgPool(2, 2))
        .add("flatten", new Op.Flatten())
        .add("fc", new Op.Linear(5, Small.CLASSES, true))
        .build();
  }

  /** What is measured of a neuron layer, and dense gradients, whichever way the rest runs. */
  @Test
  void probesMeasureTheSame() {
    Graph graph = Notation.parse("6C3-8C3-P2-5C3-FC3", new Shape.Map(8, 8, 2), Small.NEURON);
    Set<String> neurons = Set.of("neuron2");
    Probes probes =
        new Probes(
            Map.of(
                "neuron1",
                new CriticalityProbe(
                    Small.NEURON.surrogate(), 0.4f, true, CriticalityProbe.Pooling.MAX)),
            Set.of("conv2", "conv3"),
            Set.of("conv2.weight"),
            neurons,
            neurons,
            neurons);
    Map<ConvolutionPath, Probes.Measured> found = new HashMap<>();
    float[] images = Small.normal(17, 4 * 128, 1.5);
    for (ConvolutionPath path : ConvolutionPath.values()) {
      try (Engine engine =
          new Engine(graph, Small.weights(graph, 5), SGD, options(path, Kernels.best()))) {
        engine.mask(masks(graph, 0.1, 3));
        found.put(
            path,
            engine.train(images, Small.labels(4), Small.settings(3), 0.05, 1, probes).measured());
      }
    }
    Probes.Measured dense = Objects.requireNonNull(found.get(ConvolutionPath.DENSE));
    found
        .values()
        .forEach(
            measured -> {
              assertClose(measured.outputs(), dense.outputs(), 0);
              assertClose(measured.potentials(), dense.potentials(), 1e-4);
              assertClose(measured.magnitudes(), dense.magnitudes(), 1e-4);
              assertClose(measured.criticality(), dense.criticality(), 1e-4);
              assertClose(measured.presynaptic(), dense.presynaptic(), 1e-4);
              assertClose(measured.gradients(), dense.gradients(), 1e-4);
            });
    assertThat(dense.gradients().get("conv2.weight")).isNotNull();
  }

  /** The structure follows the mask, and pruned weights stay where they are. */
  @Test
  void masksMayChange() {
    Graph graph = Notation.parse("6C3-8C3-P2-5C3-FC3", new Shape.Map(8, 8, 2), Small.NEURON);
    float[] images = Small.normal(17, 4 * 128, 1.5);
    Map<ConvolutionPath, Weights> found = new HashMap<>();
    for (ConvolutionPath path : ConvolutionPath.values()) {
      try (Engine engine =
          new Engine(graph, Small.weights(graph, 5), SGD, options(path, Kernels.best()))) {
        for (int step = 0; step < 6; step++) {
          if (step % 2 == 1) {
            engine.mask(masks(graph, 0.5 / step, step));
          }
          engine.train(images, Small.labels(4), Small.settings(3), 0.05, step, Probes.NONE);
        }
        found.put(path, engine.weights());
      }
    }
    Weights dense = Objects.requireNonNull(found.get(ConvolutionPath.DENSE));
    found.values().forEach(weights -> assertClose(weights, dense, 1e-3));
  }

  private static final Graph CHAIN =
      Notation.parse("6C3-8C3-P2-5C3-FC3", new Shape.Map(8, 8, 2), Small.NEURON);

  private static Engine masked(long seed) {
    Engine engine =
        new Engine(
            CHAIN,
            Small.weights(CHAIN, seed),
            SGD,
            options(ConvolutionPath.SPARSE, Kernels.best()));
    engine.mask(masks(CHAIN, 0.2, 3));
    return engine;
  }

  private static void step(Engine engine, int number) {
    float[] images = Small.normal(number, 4 * 128, 1.5);
    engine.train(images, Small.labels(4), Small.settings(3), 0.05, number, Probes.NONE);
  }

  /** Gradients of surviving weights alone look like any others. */
  @Test
  void methodsSeeAndReplaceTheSameGradients() {
    String name = "conv2.weight";
    Map<String, Tensor> masks = masks(CHAIN, 0.2, 3);
    float[] mask = Objects.requireNonNull(masks.get(name)).data();
    Map<ConvolutionPath, float[]> seen = new HashMap<>();
    Map<ConvolutionPath, Weights> found = new HashMap<>();
    for (ConvolutionPath path : ConvolutionPath.values()) {
      try (Engine engine =
          new Engine(CHAIN, Small.weights(CHAIN, 5), SGD, options(path, Kernels.best()))) {
        engine.mask(masks);
        engine.train(
            Small.normal(17, 4 * 128, 1.5),
            Small.labels(4),
            Small.settings(3),
            0.05,
            1,
            Probes.NONE,
            gradients -> {
              float[] gradient = gradients.of(name);
              float[] twice = new float[gradient.length];
              for (int k = 0; k < twice.length; k++) {
                gradient[k] *= mask[k];
                twice[k] = 2 * gradient[k];
              }
              seen.put(path, gradient);
              gradients.replace(name, twice);
              return true;
            });
        found.put(path, engine.weights());
      }
    }
    float[] dense = Objects.requireNonNull(seen.get(ConvolutionPath.DENSE));
    seen.values().forEach(gradient -> assertClose(name, gradient, dense, 1e-4));
    Weights updated = Objects.requireNonNull(found.get(ConvolutionPath.DENSE));
    found.values().forEach(weights -> assertClose(weights, updated, 1e-4));
  }

  @Test
  void aMaskedRunGoesOnFromACheckpoint() {
    try (Engine straight = masked(5);
        Engine resumed = masked(6)) {
      step(straight, 1);
      step(straight, 2);
      // What is restored must win over steps of its own.
      step(resumed, 7);
      resumed.restore(straight.weights(), straight.optimizerState(), straight.updates());
      step(straight, 3);
      step(resumed, 3);
      assertThat(resumed.weights()).isEqualTo(straight.weights());
      assertThat(resumed.optimizerState()).isEqualTo(straight.optimizerState());
    }
  }

  @Test
  void aMaskedRunBeginsAnewWhereItIsRewound() {
    try (Engine fresh = masked(5);
        Engine rewound = masked(5)) {
      Weights first = rewound.weights();
      step(rewound, 1);
      rewound.rewind(first);
      step(fresh, 2);
      step(rewound, 2);
      rewound
          .weights()
          .asMap()
          .forEach(
              (name, tensor) -> {
                if (Weights.isTrainable(name)) {
                  assertThat(tensor).as(name).isEqualTo(fresh.tensor(name));
                }
              });
    }
  }

  @Test
  void nothingPilesUpOverTenThousandSteps() {
    Graph graph = Notation.parse("4C3-4C3-P2-4C3-FC3", new Shape.Map(6, 6, 2), Small.NEURON);
    float[] images = Small.normal(17, 4 * 72, 1.5);
    float[] odd = Small.normal(17, 3 * 72, 1.5);
    try (Engine engine =
        new Engine(
            graph, Small.weights(graph, 5), SGD, options(ConvolutionPath.SPARSE, Kernels.best()))) {
      int arrays = 0;
      long planes = 0;
      for (int step = 0; step < 10_000; step++) {
        if (step % 100 == 0) {
          engine.mask(masks(graph, 0.3, step));
        }
        int batch = step % 10 == 9 ? 3 : 4;
        engine.train(
            batch == 3 ? odd : images,
            Small.labels(batch),
            Small.settings(2),
            0.001,
            step,
            Probes.NONE);
        if (step == 20) {
          arrays = engine.liveArrays();
          planes = engine.mapBytes();
        }
      }
      assertThat(engine.liveArrays()).isEqualTo(arrays);
      assertThat(engine.mapBytes()).isEqualTo(planes);
    }
  }
}
