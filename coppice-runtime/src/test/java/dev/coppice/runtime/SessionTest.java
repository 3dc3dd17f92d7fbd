package dev.coppice.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import com.sun.management.ThreadMXBean;
import dev.coppice.graph.Graph;
import dev.coppice.graph.GraphException;
import dev.coppice.graph.Model;
import dev.coppice.graph.ModelInput;
import dev.coppice.graph.Op;
import dev.coppice.graph.Quantization;
import dev.coppice.graph.Shape;
import dev.coppice.kernels.Kernels;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What users of a session may rely on. */
class SessionTest {
  private static final int STEPS = 4;
  private static final SpikingRuntime.Options OPTIONS =
      SpikingRuntime.Options.DEFAULT.withTimeSteps(STEPS);

  static List<Graph> networks() {
    List<Graph> networks = new ArrayList<>(Networks.small());
    networks.add(Networks.zoo("vgg11"));
    networks.add(Networks.zoo("resnet19"));
    networks.add(Networks.zoo("resnet19-post"));
    return networks;
  }

  @ParameterizedTest
  @MethodSource("networks")
  void aStreamOfTheSameFrameIsTheImage(Graph graph) {
    Model model = Networks.model(graph, 3, 0.5);
    float[] image = Networks.images(graph, 1);
    try (Session session = SpikingRuntime.of(model, OPTIONS).session()) {
      Inference whole = session.run(image);
      for (int repetition = 0; repetition < 2; repetition++) {
        long spikes = 0;
        List<Float> logits = new ArrayList<>();
        float[] mean = {};
        for (int t = 0; t < STEPS; t++) {
          Inference step = session.step(image);
          spikes += step.spikes();
          mean = step.logits();
          for (float logit : step.stepLogits()) {
            logits.add(logit);
          }
          // An image in between does not disturb the stream.
          assertThat(session.run(image).logits()).containsExactly(whole.logits());
        }
        List<Float> expected = new ArrayList<>();
        for (float logit : whole.stepLogits()) {
          expected.add(logit);
        }
        assertThat(logits).isEqualTo(expected);
        assertThat(mean).containsExactly(whole.logits());
        assertThat(spikes).isEqualTo(whole.spikes());
        session.reset();
      }
    }
  }

  @Test
  void aStreamWithoutResetGoesOn() {
    Model model = Networks.model(Networks.chain(Networks.NEURON), 3, 0);
    float[] image = Networks.images(model.graph(), 1);
    try (Session session = SpikingRuntime.of(model, OPTIONS).session()) {
      Inference first = session.step(image);
      Inference second = session.step(image);
      assertThat(second.stepLogits()).isNotEqualTo(first.stepLogits());
      session.reset();
      assertThat(session.step(image).stepLogits()).containsExactly(first.stepLogits());
    }
  }

  @ParameterizedTest
  @MethodSource("networks")
  void threadsAndScalarKernelsGiveTheSameBits(Graph graph) {
    Model model = Networks.model(graph, 3, 0.5);
    float[] images = Networks.images(graph, 3);
    BatchInference one = run(SpikingRuntime.of(model, OPTIONS), images);
    BatchInference three = run(SpikingRuntime.of(model, OPTIONS.withThreads(3)), images);
    BatchInference together = run(SpikingRuntime.of(model, OPTIONS.withBatch(8)), images);
    BatchInference scalar = run(SpikingRuntime.of(model, OPTIONS, Kernels.scalar()), images);
    for (BatchInference other : List.of(three, together, scalar)) {
      assertThat(other.stepLogits()).containsExactly(one.stepLogits());
      assertThat(other.logits()).containsExactly(one.logits());
      assertThat(other.predicted()).containsExactly(one.predicted());
      assertThat(other.layers()).isEqualTo(one.layers());
    }
  }

  /** Without the Vector API weights in eight bits are computed with as floats. */
  @Tag("quantised")
  @ParameterizedTest
  @MethodSource("networks")
  void scalarKernelsAnswerQuantisedNetworksAlike(Graph graph) {
    Model model = Quantization.int8(Networks.model(graph, 3, 0.5));
    float[] images = Networks.images(graph, 3);
    BatchInference best = run(SpikingRuntime.of(model, OPTIONS), images);
    BatchInference scalar = run(SpikingRuntime.of(model, OPTIONS, Kernels.scalar()), images);
    assertThat(scalar.logits()).containsExactly(best.logits(), within(1e-4f));
    assertThat(scalar.layers()).isEqualTo(best.layers());
  }

  private static BatchInference run(SpikingRuntime network, float[] images) {
    try (Session session = network.session()) {
      return session.run(images, 3);
    }
  }

  @Test
  void sessionsOfSeveralThreadsDoNotDisturbEachOther() throws Exception {
    Model model = Networks.model(Networks.zoo("vgg11"), 3, 0.9);
    SpikingRuntime network = SpikingRuntime.of(model, OPTIONS);
    int size = network.inputShape().size();
    float[] images = Networks.images(model.graph(), 6);
    BatchInference expected;
    try (Session session = network.session()) {
      expected = session.run(images, 6);
    }
    try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
      List<Future<Boolean>> results = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        int first = i;
        Callable<Boolean> work =
            () -> {
              try (Session session = network.session()) {
                for (int k = first; k < first + 12; k++) {
                  int b = k % 6;
                  float[] image = Arrays.copyOfRange(images, b * size, (b + 1) * size);
                  float[] own = Arrays.copyOfRange(expected.logits(), b * 10, (b + 1) * 10);
                  assertThat(session.run(image).logits()).containsExactly(own);
                }
                return true;
              }
            };
        results.add(threads.submit(work));
      }
      for (Future<Boolean> result : results) {
        assertThat(result.get()).isTrue();
      }
    }
  }

  @Test
  void batchesAreClassifiedAsTheyAreRun() {
    Graph graph = Networks.classifier();
    Model model = Networks.model(graph, 3, 0);
    float[] images = Networks.images(graph, 9);
    for (int batch : new int[] {1, 4, 9}) {
      try (Session session = SpikingRuntime.of(model, OPTIONS.withBatch(batch)).session()) {
        assertThat(session.classify(images, 9)).containsExactly(session.run(images, 9).predicted());
        assertThatIllegalArgumentException().isThrownBy(() -> session.classify(images, 8));
      }
    }
  }

  @Test
  void afterWarmUpNothingIsAllocated() {
    for (Graph graph : List.of(Networks.chain(Networks.NEURON), Networks.zoo("resnet19-post"))) {
      Model model = Networks.model(graph, 3, 0.5);
      for (Kernels kernels : List.of(Kernels.scalar(), Kernels.best())) {
        assertNothingIsAllocated(model, kernels);
        assertNothingIsAllocated(Quantization.int8(model), kernels);
      }
    }
  }

  private static void assertNothingIsAllocated(Model model, Kernels kernels) {
    try (Session session = SpikingRuntime.of(model, OPTIONS, kernels).session()) {
      float[] image = Networks.images(model.graph(), 1);
      // Vectors are objects until the compiler has seen to it.
      long allocated = Long.MAX_VALUE;
      for (int i = 0; i < 5000 && allocated > 0; i++) {
        allocated = allocatedByTenRuns(session, image);
      }
      assertThat(allocated).as(kernels.describe()).isZero();
    }
  }

  private static long allocatedByTenRuns(Session session, float[] image) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    for (int i = 0; i < 10; i++) {
      session.classify(image);
    }
    return threads.getCurrentThreadAllocatedBytes() - before;
  }

  @Test
  void operationsAreTheTapsThatSpikesMeet() {
    Graph graph = Networks.classifier();
    Model model = Networks.model(graph, 3, 0);
    try (Session session = SpikingRuntime.of(model, OPTIONS).session()) {
      Inference inference = session.run(Networks.images(graph, 1));
      // A classifier alone is computed once, whatever T is.
      assertThat(inference.operations()).isEqualTo((long) Networks.IMAGE.size() * 5);
    }
    Graph chain = Networks.chain(Networks.NEURON);
    try (Session session = SpikingRuntime.of(Networks.model(chain, 3, 0), OPTIONS).session()) {
      Inference inference = session.run(Networks.images(chain, 1));
      long last =
          inference.layers().stream()
              .filter(layer -> layer.node().equals("neuron4"))
              .mapToLong(LayerActivity::spikes)
              .sum();
      assertThat(last).isPositive();
      assertThat(inference.layers().getLast())
          .isEqualTo(new LayerActivity("fc2", 0, last * Networks.CLASSES));
    }
  }

  @Test
  void theModelsNormalisationAndTimeStepsAreApplied(@TempDir Path folder) throws Exception {
    Graph graph = Networks.residual();
    Model plain = Networks.model(graph, 3, 0);
    Model told =
        new Model(
            graph,
            plain.weights(),
            Map.of(
                ModelInput.KEY,
                """
                {"options":{"T":4,"encoder":"direct"},
                 "data":{"mean":[0.5,0.25],"std":[2,0.5],"classes":["a","b","c","d","e"]}}
                """));
    Path file = folder.resolve("model.safetensors");
    told.save(file);
    float[] image = Networks.images(graph, 1);
    float[] normalized = image.clone();
    for (int i = 0; i < image.length; i += 2) {
      normalized[i] = (image[i] - 0.5f) / 2;
      normalized[i + 1] = (image[i + 1] - 0.25f) / 0.5f;
    }
    SpikingRuntime network = SpikingRuntime.load(file);
    assertThat(network.timeSteps()).isEqualTo(4);
    assertThat(network.classes()).containsExactly("a", "b", "c", "d", "e");
    try (Session session = network.session();
        Session other = SpikingRuntime.of(plain, OPTIONS).session()) {
      assertThat(session.run(image).logits()).containsExactly(other.run(normalized).logits());
    }
  }

  private static List<String> plan(Graph graph, double sparsity, Map<String, String> metadata) {
    Model model = Networks.model(graph, 3, sparsity);
    Model told = new Model(graph, model.weights(), metadata);
    try (Session session = SpikingRuntime.of(told, OPTIONS).session()) {
      session.run(Networks.images(graph, 1));
      assertThat(session.explain()).allSatisfy(step -> assertThat(step.nanoseconds()).isPositive());
      return session.explain().stream().map(step -> step.node() + ": " + step.kernel()).toList();
    }
  }

  @Test
  void thePlanIsExplained() {
    assertThat(plan(Networks.chain(Networks.NEURON), 0, Map.of()))
        .containsExactly(
            "conv1: dense: 100.0 % of the weights are left, its input is not taken as spikes, once for all"
                + " time steps",
            "neuron1: neurons, input constant in time",
            "pool1: average of bits",
            "conv2: bits to floats",
            "conv2: dense: 100.0 % of the weights are left, its input is not taken as spikes",
            "neuron2: neurons",
            "conv3: spike-driven: 100.0 % of the weights and 10.0 % spikes",
            "neuron3: neurons",
            "pool2: maximum of bits",
            "fc1: spike-driven: 100.0 % of the weights and 34.4 % spikes",
            "neuron4: neurons",
            "fc2: spike-driven: 100.0 % of the weights and 10.0 % spikes",
            "fc2: scale and shift");
  }

  @Test
  void prunedLayersGoWithoutTheirPrunedWeights() {
    Graph graph =
        Graph.builder(new Shape.Map(16, 16, 3))
            .add("conv1", Op.Conv2d.same(3, 32, 3, 1))
            .add("neuron1", Networks.NEURON)
            .add("conv2", Op.Conv2d.same(32, 32, 3, 1))
            .add("bn2", Op.BatchNorm.of(32))
            .add("neuron2", Networks.NEURON)
            .add("pool2", new Op.AvgPool(2, 2))
            .add("conv3", Op.Conv2d.same(32, 64, 3, 1))
            .add("neuron3", Networks.NEURON)
            .add("flatten", new Op.Flatten())
            .add("fc", new Op.Linear(4096, 5, true))
            .build();
    assertThat(plan(graph, 0.95, Map.of()))
        .containsExactly(
            "conv1: maps to planes",
            "conv1: sparse: 5.8 % of the weights are left, its input is not taken as spikes, once for all"
                + " time steps; neuron1: neurons, input constant in time",
            "conv2: sparse: 5.0 % of the weights and 10.0 % spikes; neuron2: neurons; pool2:"
                + " average",
            "conv3: sparse: 5.0 % of the weights and 40.0 % spikes; neuron3: neurons",
            "flatten: planes to bits",
            "fc: spike-driven, sparse: 5.2 % of the weights and 10.0 % spikes",
            "fc: scale and shift");
    // What was measured of the model counts for more than what is usual.
    assertThat(plan(graph, 0.95, Map.of("coppice.spikes", "{\"neuron2\":0.0001,\"neuron3\":0}")))
        .contains(
            "conv3: spike-driven: 5.0 % of the weights and 0.0 % spikes",
            "fc: spike-driven: 5.2 % of the weights and 0.0 % spikes");
  }

  @Test
  void damagedDensitiesAreNamed() {
    Graph graph = Networks.chain(Networks.NEURON);
    for (String json :
        List.of("[", "[]", "{\"neuron1\":2}", "{\"neuron1\":null}", "{\"neuron1\":\"x\"}")) {
      assertThatExceptionOfType(GraphException.class)
          .isThrownBy(() -> plan(graph, 0, Map.of("coppice.spikes", json)))
          .withMessageStartingWith("the metadata entry coppice.spikes");
    }
  }

  @Test
  void wrongUseIsNamed() {
    Graph graph = Networks.classifier();
    Model model = Networks.model(graph, 3, 0);
    try (Session session = SpikingRuntime.of(model).session()) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> session.run(new float[7]))
          .withMessage("expected an image of 8x8x2, 128 values, found 7");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> session.run(new float[129], 1))
          .withMessage("expected 1 images of 8x8x2, 128 values, found 129");
      assertThatIllegalStateException()
          .isThrownBy(() -> session.run(new float[128]))
          .withMessage("the model does not tell its time steps: give them in the options");
      float[] broken = new float[128];
      broken[5] = Float.NaN;
      assertThatIllegalArgumentException()
          .isThrownBy(() -> session.step(broken))
          .withMessage("value 5 of the input is not finite but NaN");
    }
    Model rate =
        new Model(
            graph,
            model.weights(),
            Map.of(ModelInput.KEY, "{\"options\":{\"T\":4,\"encoder\":\"rate\"}}"));
    try (Session session = SpikingRuntime.of(rate).session()) {
      assertThatIllegalStateException()
          .isThrownBy(() -> session.classify(new float[128]))
          .withMessageContaining("trained with the encoder rate");
      assertThat((double) session.step(new float[128]).logits()[0])
          .isCloseTo(model.weights().get("fc.bias").data()[0], within(1e-6));
    }
    Model otherChannels =
        new Model(
            graph,
            model.weights(),
            Map.of(ModelInput.KEY, "{\"data\":{\"mean\":[0,0,0],\"std\":[1,1,1]}}"));
    assertThatExceptionOfType(GraphException.class)
        .isThrownBy(() -> SpikingRuntime.of(otherChannels))
        .withMessage("the model's input is normalised by 3 channels, but the network reads 2");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                SpikingRuntime.of(model, OPTIONS.withTimeSteps(Integer.MAX_VALUE).withBatch(9))
                    .session());
  }
}
