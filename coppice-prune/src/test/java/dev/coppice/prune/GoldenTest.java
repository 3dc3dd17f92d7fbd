package dev.coppice.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.abort;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Op;
import dev.coppice.graph.Safetensors;
import dev.coppice.graph.Shape;
import dev.coppice.graph.Surrogate;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import dev.coppice.kernels.Kernels;
import dev.coppice.prune.channels.ChannelGroup;
import dev.coppice.prune.channels.ChannelScore;
import dev.coppice.prune.channels.ChannelSelection;
import dev.coppice.train.CriticalityProbe;
import dev.coppice.train.Engine;
import dev.coppice.train.LossFunction;
import dev.coppice.train.Optimizer;
import dev.coppice.train.Probes;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Reproduces data of the reference implementations: every file of the folder {@code
 * -Dcoppice.golden=DIR}, or of the test resources.
 */
class GoldenTest {
  @TestFactory
  Stream<DynamicTest> files() throws IOException, URISyntaxException {
    List<Path> files;
    try (Stream<Path> all = Files.list(folder())) {
      files = all.filter(path -> path.toString().endsWith(".safetensors")).sorted().toList();
    }
    assertThat(files).as("golden files in %s", folder()).isNotEmpty();
    return files.stream()
        .map(
            file -> DynamicTest.dynamicTest(String.valueOf(file.getFileName()), () -> check(file)));
  }

  private static Path folder() throws URISyntaxException {
    String given = System.getProperty("coppice.golden", "");
    return given.isEmpty()
        ? Path.of(GoldenTest.class.getResource("/golden").toURI())
        : Path.of(given);
  }

  private static void check(Path file) throws IOException {
    Safetensors.Content golden = Safetensors.read(file);
    String kind = golden.metadata().getOrDefault("kind", "none");
    switch (kind) {
      case "neuron" -> neurons(golden);
      case "network" -> network(golden);
      case "unstructured" -> unstructured(golden);
      case "structured" -> structured(golden);
      default -> abort("files of kind " + kind + " are not of the procedures U and S");
    }
  }

  // Neurons: a network of nothing but the neuron, by the kernels.

  private static void neurons(Safetensors.Content golden) {
    Tensor x = golden.get("x").tensor();
    int steps = x.shape()[0];
    int batch = x.shape()[1];
    int units = x.shape()[2];
    JsonObject cases = JsonParser.parseString(golden.metadata().get("cases")).getAsJsonObject();
    assertThat(cases.keySet()).isNotEmpty();
    for (String name : cases.keySet()) {
      for (Kernels kernels : List.of(Kernels.scalar(), Kernels.best())) {
        NeuronRun run =
            NeuronRun.of(
                GoldenNeurons.parse(name),
                kernels,
                x.data(),
                golden.get("g").floats(),
                steps,
                batch * units);
        String label = name + " with " + kernels.describe();
        assertThat(run.spikes()).as(label + " s").isEqualTo(golden.get(name + ".s").floats());
        assertClose(run.potentials(), golden.get(name + ".h").floats(), 1e-6, label + " h");
        assertClose(run.gradient(), golden.get(name + ".gx").floats(), 1e-5, label + " gx");
      }
    }
  }

  // Networks: three optimizer steps of the engine.

  private static void network(Safetensors.Content golden) {
    Map<String, String> metadata = golden.metadata();
    int steps = Integer.parseInt(metadata.get("T"));
    Tensor input = golden.get("input").tensor();
    int[] in = input.shape();
    Op.Neuron neuron = GoldenNeurons.parse(text(golden, "neuron"));
    int hidden1 = golden.get("step0.conv1.weight").shape()[0];
    int hidden2 = golden.get("step0.conv2.weight").shape()[0];
    int[] fc = golden.get("step0.fc.weight").shape();
    Graph graph =
        Graph.builder(new Shape.Map(in[2], in[3], in[1]))
            .add("conv1", new Op.Conv2d(in[1], hidden1, 3, 1, 1, 1, false))
            .add("bn1", new Op.BatchNorm(hidden1, 1e-5f, 0.1f, 1))
            .add("neuron1", neuron)
            .add("pool1", new Op.AvgPool(2, 2))
            .add("conv2", new Op.Conv2d(hidden1, hidden2, 3, 1, 1, 1, false))
            .add("bn2", new Op.BatchNorm(hidden2, 1e-5f, 0.1f, 1))
            .add("neuron2", neuron)
            .add("flatten", new Op.Flatten())
            .add("fc", new Op.Linear(fc[1], fc[0], true))
            .build();
    float[] images = channelsLast(input);
    int[] labels = new int[in[0]];
    long[] label = golden.get("label").longs();
    for (int i = 0; i < labels.length; i++) {
      labels[i] = Math.toIntExact(label[i]);
    }
    Probes probes =
        new Probes(
            Map.of(),
            Set.of(),
            Set.copyOf(Weights.expected(graph).keySet()),
            Set.of("neuron1", "neuron2", "fc"),
            Set.of("neuron2"),
            Set.of());
    Weights start = step(graph, golden, 0);
    try (Engine engine =
        new Engine(graph, start, new Optimizer.Sgd(0.9f, false, 1e-4f), Engine.Options.cpu())) {
      Engine.StepSettings settings =
          new Engine.StepSettings(steps, new LossFunction.MeanLogits(), 0, 0, 0);
      for (int k = 1; k <= Integer.parseInt(metadata.get("steps")); k++) {
        Engine.StepResult result = engine.train(images, labels, settings, 0.1, k, probes);
        Probes.Measured measured = result.measured();
        String at = "step" + k + ".";
        assertRelative(
            timeMean(found(measured.outputs(), "fc"), steps),
            golden.get(at + "logits").floats(),
            at);
        assertRelative(new float[] {(float) result.loss()}, golden.get(at + "loss").floats(), at);
        assertThat(found(measured.outputs(), "neuron1"))
            .as(at + "spikes1")
            .isEqualTo(channelsLast(golden.get(at + "spikes1").tensor()));
        assertThat(found(measured.outputs(), "neuron2"))
            .as(at + "spikes2")
            .isEqualTo(channelsLast(golden.get(at + "spikes2").tensor()));
        assertRelative(
            found(measured.potentials(), "neuron2"),
            channelsLast(golden.get(at + "membrane2").tensor()),
            at + "membrane2");
        Weights after = step(graph, golden, k);
        Map<String, Tensor> gradients = new LinkedHashMap<>();
        for (String name : Weights.expected(graph).keySet()) {
          assertRelative(engine.tensor(name).data(), after.get(name).data(), at + name);
          gradients.put(
              name,
              Weights.isTrainable(name)
                  ? golden.get(at + "grad." + name).tensor()
                  : after.get(name));
        }
        Weights expected = Weights.fromPyTorch(graph, gradients);
        measured
            .gradients()
            .forEach(
                (name, g) -> assertRelative(g, expected.get(name).data(), at + "grad." + name));
        assertThat(measured.gradients()).hasSize(8);
      }
      assertRelative(
          timeMean(engine.logits(images, labels.length, steps), steps),
          golden.get("eval.logits").floats(),
          "eval.logits");
    }
  }

  private static Weights step(Graph graph, Safetensors.Content golden, int k) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (String name : Weights.expected(graph).keySet()) {
      tensors.put(name, golden.get("step" + k + "." + name).tensor());
    }
    return Weights.fromPyTorch(graph, tensors);
  }

  // Procedure U: scores from potentials, masks from weights and scores.

  private static void unstructured(Safetensors.Content golden) {
    Map<String, String> metadata = golden.metadata();
    int iterations = Integer.parseInt(metadata.get("iterations"));
    double goal = Double.parseDouble(metadata.get("finalSparsity"));
    double ratio = Double.parseDouble(metadata.get("regenerationRatio"));
    JsonArray rows = JsonParser.parseString(metadata.get("rows")).getAsJsonArray();
    List<PrunableLayers.Layer> list = new ArrayList<>();
    int offset = 0;
    JsonArray names = JsonParser.parseString(metadata.get("maskedLayers")).getAsJsonArray();
    for (int i = 0; i < names.size(); i++) {
      String node = names.get(i).getAsString().replaceFirst("\\.weight$", "");
      int[] shape = golden.get("it1.before." + node + ".weight").shape();
      String neuron = i < names.size() - 1 ? Integer.toString(i) : null;
      int[] channels = neuron == null ? null : IntStream.range(0, shape[0]).toArray();
      list.add(new PrunableLayers.Layer(node, offset, shape, neuron, channels));
      offset += list.getLast().size();
    }
    PrunableLayers layers = PrunableLayers.of(list);
    Regrowth.Criticality regrowth =
        new Regrowth.Criticality(
            new CriticalityProbe(new Surrogate.Tanh(3), 0.5f, false, CriticalityProbe.Pooling.MAX),
            false,
            Regrowth.Criticality.Choice.RANKED);
    PruningStep procedure = new PruningStep(Scope.Budget.GLOBAL, Ties.REFERENCE);
    boolean[] alive = new boolean[layers.size()];
    java.util.Arrays.fill(alive, true);
    for (int k = 1; k <= iterations; k++) {
      String at = "it" + k + ".";
      Map<String, float[]> scores = new LinkedHashMap<>();
      for (int i = 0; i < names.size() - 1; i++) {
        Tensor potentials = golden.get(at + "membrane." + i).tensor();
        for (Kernels kernels : List.of(Kernels.scalar(), Kernels.best())) {
          float[] score =
              NeuronRun.score(
                  regrowth.probe(),
                  kernels,
                  channelsLast(potentials),
                  potentials.shape()[0],
                  potentials.shape()[1],
                  potentials.shape()[2]);
          assertClose(score, golden.get(at + "score." + i).floats(), 1e-6, at + "score." + i);
          scores.put(Integer.toString(i), score);
        }
      }
      String prefix = at;
      float[] weights = layers.gather(name -> golden.get(prefix + "before." + name).tensor());
      PruningStep.Result result =
          procedure.run(
              layers,
              weights,
              alive,
              regrowth.scores(layers, weights, Probes.Measured.of(scores, Map.of(), Map.of()), k),
              SparsitySchedule.CUBIC.target(k, iterations, 0, goal),
              ratio,
              k);
      float[] expected = layers.gather(name -> golden.get(prefix + "mask." + name).tensor());
      for (int i = 0; i < expected.length; i++) {
        assertThat(result.mask()[i]).as(at + "mask[" + i + "]").isEqualTo(expected[i] != 0);
      }
      JsonObject row = rows.get(k - 1).getAsJsonObject();
      assertThat(result.kept()).isEqualTo(row.get("kept").getAsInt());
      assertThat(result.grow()).isEqualTo(row.get("regrown").getAsInt());
      assertThat(result.survivalPercent())
          .isCloseTo(row.get("survivalPercent").getAsDouble(), within(1e-9));
      alive = result.mask();
    }
  }

  // Procedure S: scores from potentials of several mini-batches, masks of channels from both.

  private static void structured(Safetensors.Content golden) {
    double percent = Double.parseDouble(text(golden, "percent"));
    double growth = Double.parseDouble(text(golden, "growthRate"));
    List<ChannelGroup> groups = new ArrayList<>();
    Map<String, Tensor> scales = new LinkedHashMap<>();
    for (int i = 0; golden.arrays().containsKey("gamma." + i); i++) {
      Tensor scale = golden.get("gamma." + i).tensor();
      groups.add(new ChannelGroup("conv" + i, scale.size(), List.of("bn" + i), List.of("n" + i)));
      scales.put("bn" + i + ".weight", scale);
    }
    assertThat(groups).isNotEmpty();
    Weights weights = Weights.of(scales);
    ChannelScore.Criticality criticality =
        new ChannelScore.Criticality(Regrowth.Criticality.paper(1).probe());
    for (Kernels kernels : List.of(Kernels.scalar(), Kernels.best())) {
      MeasurementWindow window = new MeasurementWindow();
      for (int b = 0; b < Integer.parseInt(text(golden, "batches")); b++) {
        window.add(batchCriticality(golden, "batch" + b, groups.size(), criticality, kernels));
      }
      Map<String, float[]> scores = criticality.scores(groups, weights, window.mean(), 0);
      for (int i = 0; i < groups.size(); i++) {
        float[] expected = golden.get("score." + i).floats();
        assertClose(found(scores, "conv" + i), expected, 1e-6, "score." + i);
      }
      Map<String, float[]> magnitudes =
          new ChannelScore.Scale().scores(groups, weights, window.mean(), 0);
      ChannelSelection selection =
          ChannelSelection.of(groups, magnitudes, scores, percent, growth, Ties.REFERENCE, 0);
      for (int i = 0; i < groups.size(); i++) {
        assertThat(selection.first().get("conv" + i))
            .as("magnitudeMask." + i)
            .isEqualTo(ones(golden, "magnitudeMask." + i));
        assertThat(selection.keep().get("conv" + i))
            .as("mask." + i)
            .isEqualTo(ones(golden, "mask." + i));
      }
      assertThat(selection.channels()).isEqualTo(Integer.parseInt(text(golden, "total")));
      assertThat(selection.kept()).isEqualTo(Integer.parseInt(text(golden, "kept")));
      assertThat(selection.regrown()).isEqualTo(Integer.parseInt(text(golden, "regrown")));
      assertThat((double) selection.threshold())
          .isEqualTo(Double.parseDouble(text(golden, "threshold")));
    }
  }

  private static Probes.Measured batchCriticality(
      Safetensors.Content golden,
      String batch,
      int layers,
      ChannelScore.Criticality criticality,
      Kernels kernels) {
    int steps = Integer.parseInt(text(golden, "T"));
    Map<String, float[]> scores = new LinkedHashMap<>();
    for (int i = 0; i < layers; i++) {
      Tensor first = golden.get(batch + ".t0.membrane." + i).tensor();
      float[] potentials = new float[steps * first.size()];
      for (int t = 0; t < steps; t++) {
        Tensor step = golden.get(batch + ".t" + t + ".membrane." + i).tensor();
        System.arraycopy(channelsLast(step), 0, potentials, t * first.size(), first.size());
      }
      scores.put(
          "n" + i,
          NeuronRun.score(
              criticality.probe(), kernels, potentials, steps, first.shape()[0], first.shape()[1]));
    }
    return Probes.Measured.of(scores, Map.of(), Map.of());
  }

  private static boolean[] ones(Safetensors.Content golden, String name) {
    float[] values = golden.get(name).floats();
    boolean[] ones = new boolean[values.length];
    for (int i = 0; i < values.length; i++) {
      ones[i] = values[i] != 0;
    }
    return ones;
  }

  private static String text(Safetensors.Content golden, String key) {
    return Objects.requireNonNull(golden.metadata().get(key), key);
  }

  private static float[] found(Map<String, float[]> measured, String node) {
    return Objects.requireNonNull(measured.get(node), node);
  }

  /** Turns {@code [.., C, H, W]} into {@code [.., H, W, C]}, flat. */
  private static float[] channelsLast(Tensor tensor) {
    int[] shape = tensor.shape();
    int w = shape[shape.length - 1];
    int h = shape[shape.length - 2];
    int c = shape[shape.length - 3];
    float[] data = tensor.data();
    float[] result = new float[data.length];
    for (int n = 0; n < data.length / (c * h * w); n++) {
      for (int k = 0; k < c; k++) {
        for (int p = 0; p < h * w; p++) {
          result[(n * h * w + p) * c + k] = data[(n * c + k) * h * w + p];
        }
      }
    }
    return result;
  }

  private static float[] timeMean(float[] logits, int steps) {
    int size = logits.length / steps;
    float[] mean = new float[size];
    for (int i = 0; i < logits.length; i++) {
      mean[i % size] += logits[i] / steps;
    }
    return mean;
  }

  private static void assertClose(float[] actual, float[] expected, double bound, String what) {
    assertThat(actual).as(what).hasSameSizeAs(expected);
    for (int i = 0; i < expected.length; i++) {
      assertThat((double) actual[i]).as(what + "[" + i + "]").isCloseTo(expected[i], within(bound));
    }
  }

  /** Within 1e-4 of the largest value. */
  private static void assertRelative(float[] actual, float[] expected, String what) {
    double scale = 1e-6;
    for (float value : expected) {
      scale = Math.max(scale, Math.abs(value));
    }
    assertClose(actual, expected, 1e-4 * scale, what);
  }
}
