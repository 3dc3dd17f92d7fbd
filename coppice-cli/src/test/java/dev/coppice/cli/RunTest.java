package dev.coppice.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Initialization;
import dev.coppice.graph.Model;
import dev.coppice.graph.Op;
import dev.coppice.graph.Shape;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import dev.coppice.prune.Method;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The commands end to end on small parts of real data. */
final class RunTest {
  /**
   * The folder that the system property coppice.data names, or ../shared/data of the repository.
   */
  private static final Path SHARED =
      Path.of(System.getProperty("coppice.data", "../../shared/data"));

  @TempDir private Path folder = Path.of("");

  private static Invocation succeed(String... args) {
    Invocation invocation = Invocation.of(args);
    assertThat(invocation.err()).doesNotContain("coppice: ");
    assertThat(invocation.status()).isEqualTo(0);
    return invocation;
  }

  private String path(String name) {
    return folder.resolve(name).toString();
  }

  private static JsonObject json(Path file) throws IOException {
    return JsonParser.parseString(Files.readString(file)).getAsJsonObject();
  }

  /** Returns the event file of a run as text: the names of its curves are in it. */
  private String events(String run) throws IOException {
    try (Stream<Path> files = Files.list(folder.resolve(run).resolve("events"))) {
      Path only = files.findFirst().orElseThrow();
      return Files.readString(only, StandardCharsets.ISO_8859_1);
    }
  }

  private List<String> small(String command, String run) {
    return new ArrayList<>(
        List.of(
            command,
            "--run",
            path(run),
            "--net",
            "8C3-P4-FC10",
            "--train-samples",
            "200",
            "--test-samples",
            "100",
            "--T",
            "2",
            "--epochs",
            "3",
            "--threads",
            "1"));
  }

  private static Invocation succeed(List<String> args) {
    return succeed(args.toArray(String[]::new));
  }

  @Test
  void trainingIsRepeatedByItsConfigurationAndEvaluatedFromItsModelAlone() throws IOException {
    List<String> args = small("train", "a");
    args.addAll(List.of("--json", path("a.json"), "--flip", "--batch", "16"));
    Invocation first = succeed(args);
    assertThat(first.out()).contains("accuracy", "model: ");
    assertThat(first.err()).contains("epoch 3/3");
    JsonObject result = json(folder.resolve("a.json"));
    assertThat(result.get("accuracy").getAsDouble()).isBetween(0.3, 1.0);
    assertThat(result.get("steps").getAsLong()).isEqualTo(39);
    assertThat(Path.of(result.get("model").getAsString())).isRegularFile();
    assertThat(folder.resolve("a/metrics.csv")).content().hasLineCount(4);
    assertThat(folder.resolve("a/config.yaml")).content().contains("flip: true", "seed: 1");
    assertThat(events("a")).contains("loss/train", "accuracy/test", "firing_rate/neuron1");
    assertThat(folder.resolve("a/report.html")).content().contains("Training on digits");

    succeed("train", "--config", path("a/config.yaml"), "--run", path("b"));
    assertThat(folder.resolve("b/model.safetensors"))
        .hasSameBinaryContentAs(folder.resolve("a/model.safetensors"));
    succeed("train", "--config", path("a/config.yaml"), "--run", path("c"), "--no-flip");
    assertThat(folder.resolve("c/config.yaml")).content().contains("flip: false");

    succeed("evaluate", path("a/model.safetensors"), "--json", path("e.json"));
    JsonObject evaluation = json(folder.resolve("e.json"));
    assertThat(evaluation.get("samples").getAsInt()).isEqualTo(100);
    assertThat(evaluation.get("accuracy").getAsDouble())
        .isCloseTo(result.get("accuracy").getAsDouble(), within(1e-9));
    assertThat(evaluation.get("density").getAsDouble()).isEqualTo(1.0);
    assertThat(evaluation.get("sopsPerImage").getAsDouble()).isPositive();
    assertThat(evaluation.getAsJsonObject("firingRate").keySet()).containsExactly("neuron1");
    assertThat(
            evaluation.getAsJsonObject("neurobench").getAsJsonObject("SynapticOperations").keySet())
        .containsExactly("Effective_ACs", "Effective_MACs", "Dense");
  }

  /** Sparsity, the names and the account of the cost, for every method. */
  @ParameterizedTest
  @EnumSource(Method.class)
  void everyMethodTellsWhatItCost(Method method) throws IOException {
    List<String> args = small("prune", "m");
    args.addAll(List.of("--method", EnumName.of(method), "--sparsity", "0.6"));
    if (method.kind() == Method.Kind.HIDDEN) {
      args.addAll(List.of("--strength", "0.1"));
    }
    succeed(args);
    JsonObject result = json(folder.resolve("m/result.json"));
    assertThat(result.get("method").getAsString()).isEqualTo(EnumName.of(method));
    assertThat(result.get("targetSparsity").getAsDouble()).isEqualTo(0.6);
    assertThat(result.get("accuracy").getAsDouble()).isBetween(0.0, 1.0);
    assertThat(result.get("sops").getAsDouble()).isPositive();
    assertThat(result.get("seconds").getAsDouble()).isPositive();
    int epochs = result.get("epochs").getAsInt();
    assertThat(result.get("steps").getAsInt()).isEqualTo(7 * epochs);
    switch (method.kind()) {
      case ROUNDS -> assertThat(epochs).isGreaterThan(3);
      case HIDDEN -> assertThat(epochs).isEqualTo(3);
      case PARTS -> {
        assertThat(epochs).isEqualTo(3);
        assertThat(result.get("sparsity").getAsDouble()).isBetween(0.599, 0.7);
      }
    }
    succeed("prune", "--config", path("m/config.yaml"), "--run", path("again"));
    assertThat(folder.resolve("again/model.safetensors"))
        .hasSameBinaryContentAs(folder.resolve("m/model.safetensors"));
  }

  /** The cost of looking for the strength is part of the run's, and its runs are resumed. */
  @Test
  void aStrengthIsSearchedForIfItIsNotGiven() throws IOException {
    List<String> args = small("prune", "m");
    args.addAll(List.of("--method", "stds", "--sparsity", "0.8"));
    succeed(args);
    JsonObject result = json(folder.resolve("m/result.json"));
    int trials = result.getAsJsonArray("search").size();
    assertThat(trials).isBetween(1, 6);
    assertThat(result.get("epochs").getAsInt()).isEqualTo(3 * (trials + 1));
    assertThat(result.get("steps").getAsInt()).isEqualTo(21 * (trials + 1));
    JsonObject best = result.getAsJsonArray("search").get(0).getAsJsonObject();
    assertThat(result.get("strength")).isEqualTo(best.get("strength"));
    assertThat(result.get("sparsity")).isEqualTo(best.get("sparsity"));
    assertThat(succeed("prune", "--resume", path("m")).err()).contains("is complete");
  }

  @Test
  void pruningReachesTheTargetFromScratchAndFromAModel() throws IOException {
    List<String> args = small("prune", "p");
    args.addAll(List.of("--sparsity", "0.8", "--presynaptic", "--json", path("p.json")));
    assertThat(succeed(args).err()).contains("pruning 1/10", "pruning 10/10");
    JsonObject result = json(folder.resolve("p.json"));
    assertThat(result.get("sparsity").getAsDouble()).isBetween(0.799, 0.805);
    assertThat(result.getAsJsonArray("iterations")).hasSize(10);
    assertThat(result.getAsJsonObject("cost").get("forwardSopsDense").getAsDouble()).isPositive();
    assertThat(folder.resolve("p/pruning.csv")).content().hasLineCount(11);
    assertThat(events("p")).contains("sparsity", "sops_per_image");
    succeed("prune", "--config", path("p/config.yaml"), "--run", path("again"));
    assertThat(folder.resolve("again/model.safetensors"))
        .hasSameBinaryContentAs(folder.resolve("p/model.safetensors"));
    assertThat(folder.resolve("p/report.html")).content().contains("Pruning on", "Survival");

    succeed(
        "prune",
        "--from",
        path("p/model.safetensors"),
        "--train-samples",
        "200",
        "--epochs",
        "2",
        "--sparsity",
        "0.9",
        "--method",
        "gradient",
        "--threads",
        "1",
        "--run",
        path("q"));
    JsonObject second = json(folder.resolve("q/result.json"));
    assertThat(second.get("sparsity").getAsDouble()).isBetween(0.899, 0.905);
    assertThat(Model.load(folder.resolve("q/model.safetensors")).graph())
        .isEqualTo(Model.load(folder.resolve("p/model.safetensors")).graph());

    Invocation refused =
        Invocation.of(
            "prune",
            "--from",
            path("q/model.safetensors"),
            "--sparsity",
            "0.5",
            "--run",
            path("r"));
    assertThat(refused.status()).isEqualTo(2);
    assertThat(refused.err()).contains("already sparser");
    assertThat(folder.resolve("r")).doesNotExist();
  }

  /** The image's one channel stays; of eight channels 2·2 of 4, of 32 inputs 16. */
  @Test
  void aPatternSaysHowSparseTheNetworkEnds() throws IOException {
    List<String> args = small("prune", "p");
    args.set(args.indexOf("8C3-P4-FC10"), "8C3-8C3-P4-FC10");
    args.addAll(List.of("--scope", "2:4", "--ratio-decay", "constant"));
    assertThat(succeed(args).err()).contains("pruning 10/10");
    JsonObject result = json(folder.resolve("p/result.json"));
    double goal = 1 - (72 + 288 + 160) / (72 + 576 + 320.0);
    assertThat(result.get("targetSparsity").getAsDouble()).isCloseTo(goal, within(1e-12));
    JsonObject last = result.getAsJsonArray("iterations").get(9).getAsJsonObject();
    assertThat(last.get("sparsity").getAsDouble()).isCloseTo(goal, within(1e-12));
    assertThat(last.getAsJsonObject("density").get("conv2").getAsDouble()).isEqualTo(0.5);
    float[] weights =
        Model.load(folder.resolve("p/model.safetensors")).weights().get("conv2.weight").data();
    for (int from = 0; from < weights.length; from += 4) {
      int alive = 0;
      for (int i = from; i < from + 4; i++) {
        alive += weights[i] != 0 ? 1 : 0;
      }
      assertThat(alive).isLessThanOrEqualTo(2);
    }
    succeed("prune", "--config", path("p/config.yaml"), "--run", path("again"));
    assertThat(folder.resolve("again/model.safetensors"))
        .hasSameBinaryContentAs(folder.resolve("p/model.safetensors"));
  }

  /** Such as surgery leaves: odd numbers of channels, a block whose branch is gone, zeros. */
  @Test
  void pruningGoesOnFromASmallerNetwork() throws IOException {
    Graph graph =
        Graph.builder(new Shape.Map(8, 8, 1))
            .add("stem", Op.Conv2d.same(1, 5, 3, 1))
            .add("bn0", Op.BatchNorm.of(5))
            .add("neuron0", Op.Neuron.lif(2))
            .add("conv1", Op.Conv2d.same(5, 3, 3, 1))
            .add("bn1", Op.BatchNorm.of(3))
            .add("neuron1", Op.Neuron.lif(2))
            .add("conv2", Op.Conv2d.same(3, 7, 3, 2))
            .add("short2", new Op.Conv2d(5, 7, 1, 2, 0, 1, false), "neuron0")
            .add("add2", new Op.Add(), "conv2", "short2")
            .add("short3", new Op.Conv2d(7, 9, 1, 1, 0, 1, true), "add2")
            .add("neuron3", Op.Neuron.lif(2))
            .add("gap", new Op.GlobalAvgPool())
            .add("fc", new Op.Linear(9, 10, true))
            .build();
    Weights weights = Weights.initialize(graph, 1, Initialization.KAIMING_NORMAL_FAN_IN);
    float[] some = weights.get("conv1.weight").data().clone();
    Arrays.fill(some, 0, 40, 0);
    weights = weights.with("conv1.weight", new Tensor(new int[] {3, 3, 3, 5}, some));
    new Model(graph, weights, Map.of()).save(folder.resolve("small.safetensors"));
    for (String scope : List.of("erk", "2:4")) {
      String run = "from-" + scope.charAt(0);
      List<String> args = small("prune", run);
      args.subList(args.indexOf("--net"), args.indexOf("--net") + 2).clear();
      args.addAll(List.of("--from", path("small.safetensors"), "--data", "digits"));
      args.addAll(List.of("--scope", scope));
      succeed(args);
      JsonObject result = json(folder.resolve(run + "/result.json"));
      JsonArray iterations = result.getAsJsonArray("iterations");
      assertThat(iterations).hasSize(10);
      assertThat(iterations.get(9).getAsJsonObject().get("sparsity").getAsDouble())
          .isCloseTo(result.get("targetSparsity").getAsDouble(), within(0.002));
      assertThat(Model.load(folder.resolve(run + "/model.safetensors")).graph()).isEqualTo(graph);
    }
  }

  private Map<String, String> files(String run) throws IOException {
    Map<String, String> contents = new TreeMap<>();
    try (Stream<Path> tree = Files.walk(folder.resolve(run))) {
      for (Path file : tree.filter(Files::isRegularFile).toList()) {
        String content = Files.readString(file, StandardCharsets.ISO_8859_1);
        contents.put(file.toString(), Files.getLastModifiedTime(file) + content);
      }
    }
    return contents;
  }

  @Test
  void aCompleteRunIsLeftAsItIs() throws IOException {
    for (String command : List.of("train", "prune")) {
      Invocation first = succeed(small(command, command));
      Map<String, String> files = files(command);
      Invocation again =
          succeed(command, "--resume", path(command), "--json", path(command + ".json"));
      assertThat(again.errorLines())
          .containsExactly(command + ": the run in " + path(command) + " is complete");
      assertThat(again.out()).isEqualTo(first.out());
      assertThat(files(command)).isEqualTo(files);
      assertThat(folder.resolve(command + ".json"))
          .hasSameTextualContentAs(folder.resolve(command + "/result.json"));
    }
  }

  @Test
  void aRunOfAnotherCommandIsToldFrom() throws IOException {
    succeed(small("train", "a"));
    Invocation.of("prune", "--resume", path("a"))
        .exits(2, "it is a run of train; go on with: coppice train --resume " + path("a"));
  }

  /** Killed after its last checkpoint, before its result was saved. */
  @Test
  void aRunWithoutItsResultGetsIt() throws IOException {
    succeed(small("train", "a"));
    JsonObject whole = json(folder.resolve("a/result.json"));
    byte[] model = Files.readAllBytes(folder.resolve("a/model.safetensors"));
    Files.writeString(folder.resolve("a/result.json"), "{");
    Files.delete(folder.resolve("a/model.safetensors"));
    succeed("train", "--resume", path("a"));
    JsonObject again = json(folder.resolve("a/result.json"));
    whole.remove("peakMegabytes");
    again.remove("peakMegabytes");
    assertThat(again).isEqualTo(whole);
    assertThat(folder.resolve("a/model.safetensors")).hasBinaryContent(model);
  }

  @Test
  void aDamagedCheckpointIsToldAndPassedOver() throws IOException {
    succeed(small("train", "a"));
    byte[] model = Files.readAllBytes(folder.resolve("a/model.safetensors"));
    Files.delete(folder.resolve("a/result.json"));
    Files.delete(folder.resolve("a/checkpoints/step-0000000021/model.safetensors"));
    assertThat(succeed("train", "--resume", path("a")).errorLines().getFirst())
        .startsWith(
            "train: goes on from the checkpoint before step-0000000021, which cannot be used: ")
        .endsWith("model.safetensors: does not exist");
    assertThat(folder.resolve("a/model.safetensors")).hasBinaryContent(model);
    assertThat(folder.resolve("a/metrics.csv")).content().hasLineCount(4);
  }

  @Test
  void theQuickstartLeavesAReportOfItsThreeRuns() throws IOException {
    succeed("quickstart", "--epochs", "1", "--run", path("q"));

    assertThat(folder.resolve("q/report.html"))
        .content()
        .contains("3 runs of Coppice", "\"criticality\"", "Survival of connections");
    for (String run : List.of("dense", "magnitude", "criticality")) {
      assertThat(folder.resolve("q/events").resolve(run)).isNotEmptyDirectory();
    }
  }

  @Test
  void divergenceFailsTheRunAndKeepsTheCheckpoint() {
    List<String> args = small("train", "d");
    args.addAll(List.of("--lr", "1e38", "--batch", "100"));
    Invocation invocation = Invocation.of(args.toArray(String[]::new));
    assertThat(invocation.status()).isEqualTo(1);
    assertThat(invocation.errorLines().getLast())
        .startsWith("coppice: training diverged: ")
        .contains("not finite");
    assertThat(folder.resolve("d/model.safetensors")).doesNotExist();
  }

  @Test
  void fashionMnist() throws IOException {
    assumeThat(SHARED.resolve("fashion-mnist"))
        .as("there is no Fashion-MNIST in " + SHARED + "; set -Dcoppice.data=FOLDER")
        .isDirectory();
    succeed(
        "prune",
        "--data",
        "fashion-mnist",
        "--data-dir",
        SHARED.toString(),
        "--net",
        "8C3-P4-16C3-P7-FC10",
        "--train-samples",
        "1000",
        "--test-samples",
        "200",
        "--T",
        "2",
        "--epochs",
        "4",
        "--batch",
        "16",
        "--sparsity",
        "0.8",
        "--threads",
        "1",
        "--run",
        path("f"));
    JsonObject result = json(folder.resolve("f/result.json"));
    assertThat(result.get("accuracy").getAsDouble()).isBetween(0.3, 1.0);
    assertThat(result.get("sparsity").getAsDouble()).isBetween(0.799, 0.801);
  }
}
