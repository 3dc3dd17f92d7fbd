package dev.coppice.train;

import static dev.coppice.train.Close.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.coppice.graph.Graph;
import dev.coppice.graph.Op;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import dev.coppice.kernels.Kernels;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What callers may rely on, whatever computes the layers. */
class EngineTest {
  private static final int STEPS = 3;
  private static final int BATCH = 4;
  private static final float[] IMAGES = Small.images(BATCH);
  private static final int[] LABELS = Small.labels(BATCH);
  private static final Optimizer MOMENTUM = new Optimizer.Sgd(0.9f, false, 1e-3f);

  static List<Graph> networks() {
    Graph classifierAlone =
        Graph.builder(Small.IMAGE)
            .add("flatten", new Op.Flatten())
            .add("fc", new Op.Linear(Small.IMAGE.size(), Small.CLASSES, true))
            .build();
    return List.of(Small.chain(Small.NEURON), Small.residual(), Small.selecting(), classifierAlone);
  }

  private static Probes gradients(Graph graph) {
    return Probes.gradients(
        Set.copyOf(
            Weights.expected(graph).keySet().stream().filter(Weights::isTrainable).toList()));
  }

  @ParameterizedTest
  @MethodSource("networks")
  void anImageIsTheSameImageAtEveryStep(Graph graph) {
    try (Engine once = Small.engine(graph);
        Engine repeated = Small.engine(graph)) {
      float[] sequence = Small.repeat(IMAGES, STEPS);
      for (int step = 1; step <= 3; step++) {
        Engine.StepResult one =
            once.train(IMAGES, LABELS, Small.settings(STEPS), 0.05, step, gradients(graph));
        Engine.StepResult all =
            repeated.train(sequence, LABELS, Small.settings(STEPS), 0.05, step, gradients(graph));
        assertThat(one.loss()).isCloseTo(all.loss(), within(1e-5));
        assertThat(one.correct()).isEqualTo(all.correct());
        assertClose(one.measured().gradients(), all.measured().gradients(), 1e-4);
      }
      assertClose(once.weights(), repeated.weights(), 1e-4);
      assertClose(
          "logits",
          once.logits(IMAGES, BATCH, STEPS),
          repeated.logits(sequence, BATCH, STEPS),
          1e-4);
    }
  }

  @ParameterizedTest
  @MethodSource("networks")
  void aSampleAloneIsTheSampleInABatch(Graph graph) {
    try (Engine engine = Small.engine(graph)) {
      float[] together = engine.logits(IMAGES, BATCH, STEPS);
      int size = Small.IMAGE.size();
      for (int b = 0; b < BATCH; b++) {
        float[] alone =
            engine.logits(Arrays.copyOfRange(IMAGES, b * size, (b + 1) * size), 1, STEPS);
        assertClose("sample " + b, alone, ofSample(together, b), 1e-5);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("networks")
  void permutingABatchPermutesTheLogits(Graph graph) {
    int[] order = {2, 0, 3, 1};
    int size = Small.IMAGE.size();
    float[] permuted = new float[IMAGES.length];
    for (int b = 0; b < BATCH; b++) {
      System.arraycopy(IMAGES, order[b] * size, permuted, b * size, size);
    }
    try (Engine engine = Small.engine(graph)) {
      float[] before = engine.logits(IMAGES, BATCH, STEPS);
      float[] after = engine.logits(permuted, BATCH, STEPS);
      assertThat(after).isNotEqualTo(before);
      for (int b = 0; b < BATCH; b++) {
        assertClose("sample " + b, ofSample(after, b), ofSample(before, order[b]), 1e-5);
      }
    }
  }

  /** Returns {@code [T, K]} of {@code [T, B, K]}. */
  private static float[] ofSample(float[] logits, int sample) {
    float[] own = new float[STEPS * Small.CLASSES];
    for (int t = 0; t < STEPS; t++) {
      int from = (t * BATCH + sample) * Small.CLASSES;
      System.arraycopy(logits, from, own, t * Small.CLASSES, Small.CLASSES);
    }
    return own;
  }

  private static Weights trained(Engine.Options options, int steps) {
    Graph graph = Small.chain(Small.NEURON);
    try (Engine engine = new Engine(graph, Small.weights(graph, 1), MOMENTUM, options)) {
      for (int step = 1; step <= steps; step++) {
        engine.train(IMAGES, LABELS, Small.settings(STEPS), 0.05, step, Probes.NONE);
      }
      return engine.weights();
    }
  }

  @Test
  void theSameRunGivesTheSameBits() {
    Weights once = trained(Small.ONE_THREAD, 20);
    assertThat(trained(Small.ONE_THREAD, 20)).isEqualTo(once);
    assertThat(trained(Small.ONE_THREAD, 21)).isNotEqualTo(once);
  }

  @Test
  void scalarKernelsGiveTheSameBits() {
    assertThat(trained(new Engine.Options("cpu", 1, Kernels.scalar()), 20))
        .isEqualTo(trained(Small.ONE_THREAD, 20));
  }

  @Test
  void threadsChangeNoMoreThanRounding() {
    assertClose(
        trained(new Engine.Options("cpu", 2, Kernels.best()), 3),
        trained(Small.ONE_THREAD, 3),
        1e-4);
  }

  @Test
  void trainingLearns() {
    Graph graph = Small.chain(Small.NEURON);
    try (Engine engine = Small.engine(graph, Small.weights(graph, 1), MOMENTUM)) {
      double first = 0;
      double last = 0;
      for (int step = 1; step <= 60; step++) {
        last = engine.train(IMAGES, LABELS, Small.settings(STEPS), 0.05, step, Probes.NONE).loss();
        first = step == 1 ? last : first;
      }
      assertThat(last).isLessThan(first / 2);
    }
  }

  @Test
  void noArraysPileUp() {
    Graph graph = Small.residual();
    Probes everything =
        new Probes(
            Map.of("neuron1", probe()),
            Set.of("conv1"),
            Set.of("conv1.weight"),
            Set.of("conv1"),
            Set.of("neuron1"),
            Set.of("neuron1"));
    Engine.StepSettings settings =
        new Engine.StepSettings(2, new LossFunction.MeanLogits(), 0, 1, 1e-4f);
    Optimizer adam = new Optimizer.Adam(0.9f, 0.999f, 1e-8f, 1e-4f);
    try (Engine engine = Small.engine(graph, Small.weights(graph, 1), adam)) {
      float[] sequence = Small.repeat(IMAGES, 2);
      Map<String, Tensor> mask = Map.of("conv1.weight", ones(engine.tensor("conv1.weight")));
      engine.mask(mask);
      int before = engine.liveArrays();
      for (int step = 1; step <= 1000; step++) {
        float[] input = step % 2 == 0 ? IMAGES : sequence;
        Probes probes = step % 100 == 0 ? everything : Probes.NONE;
        engine.train(input, LABELS, settings, 0.01, step, probes);
        if (step % 100 == 0) {
          engine.logits(input, BATCH, 2);
          engine.measure(input, BATCH, 2, everything);
          engine.weights();
          engine.optimizerState();
          engine.mask(mask);
          assertThat(engine.liveArrays()).as("after step " + step).isEqualTo(before);
        }
      }
    }
  }

  private static CriticalityProbe probe() {
    return new CriticalityProbe(
        new dev.coppice.graph.Surrogate.ATan(2), 0.5f, true, CriticalityProbe.Pooling.MAX);
  }

  private static Tensor ones(Tensor like) {
    float[] ones = new float[like.size()];
    Arrays.fill(ones, 1);
    return new Tensor(like.shape(), ones);
  }

  @Test
  void aLossThatOverflowsNamesTheFirstLayerAndUpdatesNoWeight() {
    Graph graph = Small.chain(Small.NEURON);
    Weights weights = Small.weights(graph, 1);
    float[] huge = weights.get("fc2.bias").data().clone();
    huge[0] = Float.MAX_VALUE;
    huge[1] = -Float.MAX_VALUE;
    Weights broken = weights.with("fc2.bias", Tensor.of(huge));
    float[] scale = weights.get("fc2.weight").data().clone();
    Arrays.fill(scale, Float.MAX_VALUE);
    broken = broken.with("fc2.weight", new Tensor(new int[] {Small.CLASSES, 5}, scale));
    try (Engine engine = Small.engine(graph, broken, MOMENTUM)) {
      Map<String, Tensor> state = engine.optimizerState();
      assertThatThrownBy(
              () -> engine.train(IMAGES, LABELS, Small.settings(STEPS), 0.1, 1, Probes.NONE))
          .isInstanceOf(NonFiniteException.class)
          .hasMessage("the loss is not finite; the first layer to overflow is fc2");
      assertTrainedTensorsEqual(engine, broken);
      assertThat(engine.optimizerState()).isEqualTo(state);
    }
  }

  /** A neuron's spikes are finite whatever its potential: the gradient betrays the layer. */
  @Test
  void anOverflowBeforeANeuronNamesItsLayerToo() {
    Graph graph = Small.chain(Small.NEURON);
    float[] images = IMAGES.clone();
    images[0] = Float.POSITIVE_INFINITY;
    Weights weights = Small.weights(graph, 1);
    try (Engine engine = Small.engine(graph, weights, MOMENTUM)) {
      assertThatThrownBy(
              () -> engine.train(images, LABELS, Small.settings(STEPS), 0.1, 1, Probes.NONE))
          .isInstanceOf(NonFiniteException.class)
          .hasMessage("the gradient is not finite; the first layer to overflow is conv1");
      assertTrainedTensorsEqual(engine, weights);
    }
  }

  private static void assertTrainedTensorsEqual(Engine engine, Weights expected) {
    for (String name : expected.names()) {
      if (Weights.isTrainable(name)) {
        assertThat(engine.tensor(name)).as(name).isEqualTo(expected.get(name));
      }
    }
  }

  @Test
  void theGradientIsClippedToItsBound() {
    Graph graph = Small.chain(Small.NEURON);
    Weights start = Small.weights(graph, 1);
    double free = moved(graph, start, 0);
    assertThat(moved(graph, start, (float) (free / 4))).isCloseTo(free / 4, within(free * 1e-4));
    assertThat(moved(graph, start, (float) (free * 4))).isCloseTo(free, within(free * 1e-6));
  }

  /** How far a step of plain descent at the rate 1 moves the weights: the gradient's norm. */
  private static double moved(Graph graph, Weights start, float clip) {
    return moved(graph, start, clip, 0);
  }

  private static double moved(Graph graph, Weights start, float clip, float scaleL1) {
    try (Engine engine = Small.engine(graph, start, Small.PLAIN)) {
      engine.train(
          IMAGES,
          LABELS,
          new Engine.StepSettings(STEPS, new LossFunction.MeanLogits(), 0, clip, scaleL1),
          1,
          1,
          Probes.NONE);
      double squares = 0;
      for (String name : start.names()) {
        if (Weights.isTrainable(name)) {
          float[] before = start.get(name).data();
          float[] after = engine.tensor(name).data();
          for (int i = 0; i < before.length; i++) {
            squares += Math.pow((double) after[i] - before[i], 2);
          }
        }
      }
      return Math.sqrt(squares);
    }
  }

  /** The penalty joins the gradient of every scale, of no other tensor, and before momentum. */
  @Test
  void thePenaltyOnScalesMovesThemTowardsZero() {
    Graph graph = Small.residual();
    float[] scales = {0.5f, -0.5f, 0, 2};
    Weights start = Small.weights(graph, 1).with("bn0.weight", Tensor.of(scales));
    Weights free = twoSteps(graph, start, 0);
    Weights penalized = twoSteps(graph, start, 0.25f);
    // Plain descent moves by λ in a step; with momentum ½ the second step moves by 1½ λ.
    float[] expected = {-0.25f, 0.25f, 0, -0.25f};
    for (int i = 0; i < scales.length; i++) {
      assertThat(penalized.get("bn0.weight").data()[i] - free.get("bn0.weight").data()[i])
          .as("scale %d", i)
          .isCloseTo(0.1f * (1 + 1.5f) * expected[i], within(1e-6f));
    }
  }

  /** Two steps whose loss has no gradient: the classifier is zero and stays so. */
  private static Weights twoSteps(Graph graph, Weights start, float scaleL1) {
    Tensor classifier = start.get("fc.weight");
    Weights silent =
        start.with("fc.weight", new Tensor(classifier.shape(), new float[classifier.size()]));
    Engine.StepSettings settings =
        new Engine.StepSettings(STEPS, new LossFunction.MeanLogits(), 0, 0, scaleL1);
    try (Engine engine = Small.engine(graph, silent, new Optimizer.Sgd(0.5f, false, 0))) {
      engine.mask(Map.of("fc.weight", silent.get("fc.weight")));
      engine.train(IMAGES, LABELS, settings, 0.1, 1, Probes.NONE);
      engine.train(IMAGES, LABELS, settings, 0.1, 2, Probes.NONE);
      Weights after = engine.weights();
      for (String name : silent.names()) {
        boolean scale = name.startsWith("bn") && name.endsWith(".weight");
        if (Weights.isTrainable(name) && !name.startsWith("fc.") && !(scale && scaleL1 > 0)) {
          assertThat(after.get(name)).as(name).isEqualTo(silent.get(name));
        }
        if (scale && scaleL1 > 0) {
          assertThat(after.get(name)).as(name).isNotEqualTo(silent.get(name));
        }
      }
      return after;
    }
  }

  @Test
  void thePenaltyIsClippedWithTheGradientAndNotMeasured() {
    Graph graph = Small.chain(Small.NEURON);
    Weights start = Small.weights(graph, 1);
    assertThat(moved(graph, start, 0.5f, 100)).isCloseTo(0.5, within(1e-4));
    Probes scale = Probes.gradients(Set.of("bn1.weight"));
    Engine.StepSettings penalized =
        new Engine.StepSettings(STEPS, new LossFunction.MeanLogits(), 0, 0, 100);
    try (Engine plain = Small.engine(graph);
        Engine other = Small.engine(graph)) {
      Engine.StepResult expected =
          plain.train(IMAGES, LABELS, Small.settings(STEPS), 0.1, 1, scale);
      Engine.StepResult found = other.train(IMAGES, LABELS, penalized, 0.1, 1, scale);
      assertThat(found.loss()).isEqualTo(expected.loss());
      assertThat(found.measured().gradients().get("bn1.weight"))
          .isEqualTo(expected.measured().gradients().get("bn1.weight"));
    }
  }

  @Test
  void theInputMustFitTheNetwork() {
    try (Engine engine = Small.engine(Small.chain(Small.NEURON))) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> engine.logits(new float[100], BATCH, STEPS))
          .withMessage(
              "the network reads 6x6x2 values a sample; 100 values are neither 4 samples nor 3"
                  + " time steps of them");
    }
  }

  @Test
  void labelsMustBeClasses() {
    try (Engine engine = Small.engine(Small.chain(Small.NEURON))) {
      assertThatIllegalArgumentException()
          .isThrownBy(
              () ->
                  engine.train(
                      IMAGES, new int[] {0, 1, 2, 3}, Small.settings(1), 0.1, 1, Probes.NONE))
          .withMessage("label 3 is not one of the network's 3 classes");
    }
  }

  @Test
  void optionsAreChecked() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Engine.Options("tpu", 1, Kernels.best()))
        .withMessageContaining("unknown device tpu");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Engine.Options("cpu", 0, Kernels.best()))
        .withMessageContaining("threads must be positive, not 0");
  }

  @Test
  void presynapticActivityIsTheMeanMagnitudeOfTheInput() {
    Graph graph = Small.chain(Small.NEURON);
    Probes probes =
        new Probes(
            Map.of(),
            Set.of("conv1", "conv2", "fc2"),
            Set.of(),
            Set.of("pool1", "neuron3"),
            Set.of(),
            Set.of());
    try (Engine engine = Small.engine(graph)) {
      Probes.Measured measured = engine.measure(IMAGES, BATCH, STEPS, probes);
      assertClose(
          measured.presynaptic(),
          Map.of(
              "conv1", channelMeans(IMAGES, 2),
              "conv2", channelMeans(measured.outputs().get("pool1"), 4),
              "fc2", channelMeans(measured.outputs().get("neuron3"), 5)),
          1e-5);
    }
  }

  @Test
  void theMagnitudeOfPotentialsIsTheMeanOverAllButChannels() {
    Graph graph = Small.chain(Small.NEURON);
    Set<String> neurons = Set.of("neuron1", "neuron2", "neuron3");
    Probes both =
        Probes.magnitudes(neurons)
            .and(new Probes(Map.of(), Set.of(), Set.of(), Set.of(), neurons, Set.of()));
    try (Engine engine = Small.engine(graph)) {
      Probes.Measured measured = engine.measure(IMAGES, BATCH, STEPS, both);
      assertClose(
          measured.magnitudes(),
          Map.of(
              "neuron1", channelMeans(measured.potentials().get("neuron1"), 4),
              "neuron2", channelMeans(measured.potentials().get("neuron2"), 6),
              "neuron3", channelMeans(measured.potentials().get("neuron3"), 5)),
          1e-5);
      Probes.Measured alone =
          engine.measure(IMAGES, BATCH, STEPS, Probes.magnitudes(Set.of("neuron1")));
      assertThat(alone.potentials()).isEmpty();
      assertThat(alone.magnitudes().get("neuron1")).isEqualTo(measured.magnitudes().get("neuron1"));
    }
  }

  @Test
  void probesOfTwoPurposesJoinUnlessTheyDisagree() {
    Probes first = Probes.criticality(Map.of("neuron1", probe()), Set.of("conv1"));
    Probes joined = first.and(Probes.gradients(Set.of("fc1.weight"))).and(first);
    assertThat(joined)
        .isEqualTo(
            new Probes(
                Map.of("neuron1", probe()),
                Set.of("conv1"),
                Set.of("fc1.weight"),
                Set.of(),
                Set.of(),
                Set.of()));
    CriticalityProbe mean =
        new CriticalityProbe(
            probe().surrogate(), probe().threshold(), true, CriticalityProbe.Pooling.MEAN);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> first.and(Probes.criticality(Map.of("neuron1", mean), Set.of())))
        .withMessageContaining("one pass measures the criticality of neuron1 in one way");
  }

  private static float[] channelMeans(float @Nullable [] found, int channels) {
    float[] values = Objects.requireNonNull(found);
    float[] means = new float[channels];
    for (int i = 0; i < values.length; i++) {
      means[i % channels] += Math.abs(values[i]) * channels / values.length;
    }
    return means;
  }
}
