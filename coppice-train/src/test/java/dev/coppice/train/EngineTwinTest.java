package dev.coppice.train;

import static dev.coppice.train.Close.assertClose;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.graph.Charge;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Notation;
import dev.coppice.graph.Op;
import dev.coppice.graph.Reset;
import dev.coppice.graph.Surrogate;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import dev.coppice.kernels.Kernels;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Neurons in kernels, alone and with the batch norm before them, against neurons as library
 * operations: a training step with everything measured, for every neuron.
 */
class EngineTwinTest {
  private static final int STEPS = 4;
  private static final int BATCH = 3;
  private static final Set<String> NEURONS = Set.of("neuron1", "neuron2", "neuron3");
  private static final List<Surrogate> SURROGATES =
      List.of(
          new Surrogate.ATan(2),
          new Surrogate.Sigmoid(4),
          new Surrogate.Tanh(3),
          new Surrogate.Triangle(1),
          new Surrogate.Rectangle(1));

  private static List<Op.Neuron> neurons() {
    List<Op.Neuron> neurons = new ArrayList<>();
    for (Charge charge :
        List.of(
            new Charge.Decay(0.25f),
            new Charge.TimeConstant(2, true),
            new Charge.TimeConstant(4f / 3, false),
            new Charge.Integrate())) {
      for (Reset reset : List.of(new Reset.Hard(0), new Reset.Hard(-0.2f), new Reset.Soft())) {
        for (boolean detach : new boolean[] {true, false}) {
          for (Surrogate surrogate : SURROGATES) {
            neurons.add(new Op.Neuron(charge, 0.3f, detach, reset, detach, surrogate));
          }
        }
      }
    }
    return neurons;
  }

  /** Probes a neuron layer each in another way; which way goes to which layer changes. */
  private static Map<String, CriticalityProbe> criticality(int shift) {
    Map<String, CriticalityProbe> probes = new HashMap<>();
    int i = shift;
    for (String name : List.of("neuron1", "neuron2", "neuron3")) {
      probes.put(
          name,
          new CriticalityProbe(
              SURROGATES.get(i % SURROGATES.size()),
              0.4f,
              i % 2 == 0,
              i % 3 == 0 ? CriticalityProbe.Pooling.MEAN : CriticalityProbe.Pooling.MAX));
      i++;
    }
    return probes;
  }

  private static Engine.StepResult step(
      Graph graph, float[] input, int shift, Engine.Options options, NeuronPath path) {
    Set<String> trained =
        Set.copyOf(Weights.expected(graph).keySet().stream().filter(Weights::isTrainable).toList());
    Probes probes =
        new Probes(criticality(shift), Set.of("conv2", "fc1"), trained, NEURONS, NEURONS, NEURONS);
    try (Engine engine = new Engine(graph, Small.weights(graph, 5), Small.PLAIN, options, path)) {
      return engine.train(input, Small.labels(BATCH), Small.settings(STEPS), 0.1, 1, probes);
    }
  }

  private static void check(Op.Neuron neuron, int shift) {
    Graph graph = Small.chain(neuron);
    float[] images = Small.images(BATCH);
    float[] input = shift % 2 == 0 ? images : Small.repeat(images, STEPS);
    Engine.StepResult operations = step(graph, input, shift, Small.ONE_THREAD, NeuronPath.LIBRARY);
    for (NeuronPath path : List.of(NeuronPath.KERNELS, NeuronPath.FUSED)) {
      Engine.StepResult kernels = step(graph, input, shift, Small.ONE_THREAD, path);
      assertSame(kernels.measured(), operations.measured());
      Engine.StepResult scalar =
          step(graph, input, shift, new Engine.Options("cpu", 1, Kernels.scalar()), path);
      assertBitsEqual(scalar.measured().criticality(), kernels.measured().criticality());
      assertBitsEqual(scalar.measured().potentials(), kernels.measured().potentials());
      assertBitsEqual(scalar.measured().gradients(), kernels.measured().gradients());
    }
  }

  @Test
  void selectionsStandBetweenFusedLayers() {
    Graph graph = Small.selecting();
    float[] images = Small.images(BATCH);
    Set<String> trained =
        Set.copyOf(Weights.expected(graph).keySet().stream().filter(Weights::isTrainable).toList());
    Set<String> neurons = Set.of("neuron1", "neuron2");
    Probes probes = new Probes(Map.of(), Set.of(), trained, neurons, neurons, Set.of());
    Map<NeuronPath, Probes.Measured> measured = new EnumMap<>(NeuronPath.class);
    for (NeuronPath path : NeuronPath.values()) {
      try (Engine engine =
          new Engine(graph, Small.weights(graph, 5), Small.PLAIN, Small.ONE_THREAD, path)) {
        measured.put(
            path,
            engine
                .train(images, Small.labels(BATCH), Small.settings(STEPS), 0.1, 1, probes)
                .measured());
      }
    }
    Probes.Measured expected = Objects.requireNonNull(measured.get(NeuronPath.LIBRARY));
    assertThat(expected.outputs().get("neuron1")).contains(0, 1);
    measured.forEach(
        (path, found) -> {
          assertClose(found.potentials(), expected.potentials(), 1e-5);
          assertClose(found.outputs(), expected.outputs(), 0);
          assertClose(found.gradients(), expected.gradients(), 1e-4);
        });
  }

  private static void assertSame(Probes.Measured kernels, Probes.Measured operations) {
    for (String name : NEURONS) {
      float[] spikes = Objects.requireNonNull(kernels.outputs().get(name));
      assertThat(spikes).as(name).isEqualTo(operations.outputs().get(name));
    }
    assertThat(kernels.outputs().get("neuron1")).containsOnly(0, 1);
    assertThat(kernels.outputs().get("neuron2")).containsOnly(0, 1);
    assertClose(kernels.potentials(), operations.potentials(), 1e-5);
    assertClose(kernels.criticality(), operations.criticality(), 1e-5);
    assertClose(kernels.presynaptic(), operations.presynaptic(), 1e-5);
    assertClose(kernels.magnitudes(), operations.magnitudes(), 1e-5);
    assertClose(kernels.gradients(), operations.gradients(), 1e-4);
  }

  private static void assertBitsEqual(Map<String, float[]> actual, Map<String, float[]> expected) {
    assertThat(actual.keySet()).isEqualTo(expected.keySet());
    expected.forEach((name, values) -> assertThat(actual.get(name)).as(name).isEqualTo(values));
  }

  @TestFactory
  Stream<DynamicTest> neuronsGiveTheSameInKernelsAndAsOperations() {
    List<DynamicTest> tests = new ArrayList<>();
    for (Op.Neuron neuron : neurons()) {
      int shift = tests.size();
      tests.add(DynamicTest.dynamicTest(neuron.toString(), () -> check(neuron, shift)));
    }
    return tests.stream();
  }

  /** Few spikes before a convolution, which the kernels may then run by the spikes there are. */
  @Test
  void convolutionsOfFewSpikesGiveTheSame() {
    Graph graph = Small.residual();
    fewSpikes(
        graph,
        Small.weights(graph, 5).with("bn0.bias", Tensor.of(-1.5f, -0.8f, -0.5f, -1f)),
        "neuron0");
  }

  /** Channels and maps that suit the kernel of the input's gradient. */
  @Test
  void wideConvolutionsOfFewSpikesGiveTheSame() {
    Graph graph = Notation.parse("16C3-32C3-16C3-P2-FC3", Small.IMAGE, Small.NEURON);
    Weights weights = Small.weights(graph, 6);
    float[] bias = new float[32];
    Arrays.fill(bias, -1);
    fewSpikes(
        graph,
        weights
            .with("bn1.bias", Tensor.of(Arrays.copyOf(bias, 16)))
            .with("bn2.bias", Tensor.of(bias)),
        "neuron1");
  }

  private static String last(Graph graph) {
    return graph.nodes().getLast().name();
  }

  private static void fewSpikes(Graph graph, Weights weights, String first) {
    Probes probes =
        new Probes(
            Map.of(),
            Set.of(),
            Set.copyOf(
                Weights.expected(graph).keySet().stream().filter(Weights::isTrainable).toList()),
            Set.of(first, "conv2", last(graph)),
            Set.of(),
            Set.of());
    Map<NeuronPath, Probes.Measured> found = new EnumMap<>(NeuronPath.class);
    for (NeuronPath path : NeuronPath.values()) {
      try (Engine engine = new Engine(graph, weights, Small.PLAIN, Small.ONE_THREAD, path)) {
        found.put(
            path,
            engine
                .train(
                    Small.images(BATCH), Small.labels(BATCH), Small.settings(STEPS), 0.1, 1, probes)
                .measured());
      }
    }
    Probes.Measured operations = Objects.requireNonNull(found.get(NeuronPath.LIBRARY));
    double rate = 0;
    float[] spikes = Objects.requireNonNull(operations.outputs().get(first));
    for (float spike : spikes) {
      rate += spike / spikes.length;
    }
    assertThat(rate).isBetween(0.01, 0.25);
    for (Probes.Measured measured : found.values()) {
      assertClose(measured.outputs(), operations.outputs(), 1e-5);
      assertClose(measured.gradients(), operations.gradients(), 1e-4);
    }
  }

  /** A linear layer and a map of one pixel, in a batch of one image. */
  private static Graph single(boolean map) {
    Graph.Builder builder = Graph.builder(Small.IMAGE);
    if (map) {
      builder.add("first", new Op.Conv2d(2, 4, 6, 1, 0, 1, true));
    } else {
      builder
          .add("flatten", new Op.Flatten())
          .add("first", new Op.Linear(Small.IMAGE.size(), 4, true));
    }
    builder.add("bn", Op.BatchNorm.of(4)).add("neuron", Small.NEURON);
    if (map) {
      builder.add("flatten", new Op.Flatten());
    }
    return builder.add("last", new Op.Linear(4, Small.CLASSES, true)).build();
  }

  /** One value per channel: its variance is 0, without Bessel's correction, which is 1/0. */
  @Test
  void aBatchNormOfASingleValueStaysFinite() {
    for (boolean map : new boolean[] {false, true}) {
      Graph graph = single(map);
      Weights weights = Small.weights(graph, 5);
      float[] variance = weights.get("bn.running_var").data().clone();
      for (int k = 0; k < variance.length; k++) {
        variance[k] *= 1 - Op.BatchNorm.of(4).momentum();
      }
      for (int steps : new int[] {1, STEPS}) {
        Map<NeuronPath, Weights> after = new EnumMap<>(NeuronPath.class);
        for (NeuronPath path : NeuronPath.values()) {
          try (Engine engine = new Engine(graph, weights, Small.PLAIN, Small.ONE_THREAD, path)) {
            engine.train(
                Small.images(1), Small.labels(1), Small.settings(steps), 0.1, 1, Probes.NONE);
            after.put(path, engine.weights());
          }
        }
        Weights fused = Objects.requireNonNull(after.get(NeuronPath.FUSED));
        assertClose("variance", fused.get("bn.running_var").data(), variance, 1e-6);
        after.values().forEach(trained -> assertClose(trained, fused, 1e-5));
      }
    }
  }
}
