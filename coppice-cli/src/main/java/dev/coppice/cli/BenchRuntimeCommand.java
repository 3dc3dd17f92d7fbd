package dev.coppice.cli;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.coppice.data.DataSet;
import dev.coppice.data.Normalization;
import dev.coppice.graph.Compression;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Model;
import dev.coppice.graph.ModelInput;
import dev.coppice.graph.Quantization;
import dev.coppice.graph.Shape;
import dev.coppice.graph.SpikeDensities;
import dev.coppice.graph.Weights;
import dev.coppice.kernels.Kernels;
import dev.coppice.train.Engine;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Measures how fast networks answer. */
@Command(
    name = "runtime",
    description =
        "Measures how fast the runtime answers images, and what memory that takes: of a model, or of"
            + " pruned networks (default: vgg16) that are made to fire as trained ones do.")
final class BenchRuntimeCommand implements Callable<Integer> {
  private static final int MAX_RUNS = 1_000_000;
  private static final int MAX_IMAGES = 10_000;
  private static final int MAX_BATCH = 10_000;
  private static final int CALIBRATION_IMAGES = 16;
  private static final int CLASSES = 10;
  private static final int TIME_STEPS = 4;

  /** What PyTorch needs until its runs take the same time. */
  private static final int PEER_WARMUP = 10;

  @Spec private CommandSpec spec = CommandSpec.create();
  @Mixin private final GlobalOptions global = new GlobalOptions();
  @Mixin private final NetworkOptions network = new NetworkOptions();
  @Mixin private final DataOptions data = new DataOptions();
  @Mixin private final PeerOptions peer = new PeerOptions();

  @Parameters(
      arity = "0..1",
      paramLabel = "FILE",
      description = "a model file, which is run as it is")
  private @Nullable Path file;

  @Option(
      names = "--sparsity",
      paramLabel = "X",
      split = ",",
      description =
          "the shares of weights that are zero, a row each (default: 0,0.9,0.95,0.98,0.99)")
  private @Nullable List<Double> sparsities;

  @Option(
      names = "--batch",
      paramLabel = "N",
      split = ",",
      description = "images in a run, a row each (default: 1)")
  private @Nullable List<Integer> batches;

  @Option(
      names = "--input",
      paramLabel = "HxWxC",
      converter = InputShape.class,
      description = "the shape of an image, for --net (default: 32x32x3, or that of the data)")
  private Shape.@Nullable Map input;

  @Option(
      names = "--firing-rate",
      paramLabel = "X",
      description =
          "spikes per neuron and time step in all layers (default: by layer, as measured on a"
              + " trained VGG-16)")
  private @Nullable Double firingRate;

  @Option(
      names = "--images",
      paramLabel = "N",
      description = "different images that are answered in turn (default: ${DEFAULT-VALUE})")
  private int imageCount = 64;

  @Option(
      names = "--warmup",
      paramLabel = "N",
      description = "runs that are not counted (default: ${DEFAULT-VALUE})")
  private int warmup = 200;

  @Option(
      names = "--runs",
      paramLabel = "N",
      description = "runs that are counted (default: ${DEFAULT-VALUE})")
  private int runs = 500;

  @Option(
      names = "--peer-runs",
      paramLabel = "N",
      description = "the peer's runs that are counted (default: ${DEFAULT-VALUE})")
  private int peerRuns = 50;

  @Option(
      names = "--int8",
      description =
          "quantise the weights to 8 bits first, as export --int8 does; a peer gets the same values"
              + " as floats")
  private boolean int8;

  @Option(
      names = "--explain",
      description = "show how every layer was computed, and its time in the last run")
  private boolean explain;

  /** A network to measure, and images as it reads them. */
  private record Subject(String name, Model model, BenchImages images) {}

  @Override
  public Integer call() throws IOException {
    JsonOutput.check(global.json);
    BenchSettings.check("--images", imageCount, MAX_IMAGES);
    BenchSettings.check("--warmup", warmup, MAX_RUNS);
    BenchSettings.check("--runs", runs, MAX_RUNS);
    BenchSettings.check("--peer-runs", peerRuns, MAX_RUNS);
    List<Integer> sizes = Objects.requireNonNullElse(batches, List.of(1));
    sizes.forEach(size -> BenchSettings.check("--batch", size, MAX_BATCH));
    if (!global.device.equals("cpu")) {
      throw new UsageException("the runtime runs on --device cpu only, not " + global.device);
    }
    Engine.Options options = global.engine();
    PeerScript script = peer.script("run", global.device);
    List<RuntimeRow> rows = new ArrayList<>();
    if (file != null) {
      measure(given(file), sizes, options.threads(), script, rows);
    } else {
      WantedRates rates =
          firingRate == null ? WantedRates.TRAINED : new WantedRates(new double[] {firingRate});
      List<Double> wanted =
          Objects.requireNonNullElse(sparsities, List.of(0.0, 0.9, 0.95, 0.98, 0.99));
      for (double sparsity : wanted) {
        if (!(sparsity >= 0 && sparsity < 1)) {
          throw new UsageException(
              "--sparsity must be at least 0 and less than 1, not " + sparsity);
        }
      }
      DataSet set = data.data == null && data.dataDir == null ? null : loaded();
      Graph graph = graph(set);
      for (double sparsity : wanted) {
        say("making " + name() + " with sparsity " + sparsity);
        measure(made(graph, set, sparsity, rates, options), sizes, options.threads(), script, rows);
      }
    }
    if (rows.stream().anyMatch(RuntimeRow::disturbed)) {
      say(BenchResult.DISTURBED);
    }
    print(rows);
    JsonOutput.write(global.json, json(rows));
    return 0;
  }

  private String name() {
    return network.net == null ? "vgg16" : network.net;
  }

  private int timeSteps(@Nullable Integer stored) {
    int steps = Objects.requireNonNullElse(network.timeSteps, stored == null ? TIME_STEPS : stored);
    BenchSettings.check("--T", steps, ModelInput.MAX_TIME_STEPS);
    return steps;
  }

  private DataSet loaded() throws IOException {
    data.data = Objects.requireNonNullElse(data.data, "cifar10");
    DataSet set = data.load();
    if (imageCount > set.test().size()) {
      throw new UsageException(
          "--images " + imageCount + ": there are " + set.test().size() + " test images");
    }
    return set;
  }

  /** Returns a model of the user's with the images that it is asked for. */
  private Subject given(Path path) throws IOException {
    String option =
        sparsities != null
            ? "--sparsity"
            : firingRate != null ? "--firing-rate" : input != null ? "--input" : network.given();
    if (option != null) {
      throw new UsageException(option + " does not go with a model, which is run as it is");
    }
    Model model = Provenance.load(path);
    Graph graph = model.graph();
    String encoder = ModelInput.of(model.metadata()).encoder();
    if (encoder != null && !encoder.equals("direct")) {
      throw new UsageException(
          path + ": was trained with the encoder " + encoder + "; only direct can be measured");
    }
    if (!(graph.shape(graph.input().name()) instanceof Shape.Map shape)) {
      throw new UsageException(path + ": reads vectors, not images");
    }
    if (data.data == null && data.dataDir == null) {
      return new Subject(
          path.toString(), model, BenchImages.smooth(shape, imageCount, global.seed + 1));
    }
    DataSet set = Provenance.Stored.NONE.normalized(graph, loaded());
    return new Subject(path.toString(), model, BenchImages.of(set.test().subset(imageCount)));
  }

  private Graph graph(@Nullable DataSet set) {
    if (set == null) {
      Shape.Map shape = Objects.requireNonNullElse(input, new Shape.Map(32, 32, 3));
      return network.graph(name(), shape, CLASSES);
    }
    if (input != null) {
      throw new UsageException("--input does not go with --data, which has its own shape");
    }
    return network.graph(name(), set.train().shape(), set.train().classes().size());
  }

  /** Returns a network that is pruned and calibrated. */
  private Subject made(
      Graph graph,
      @Nullable DataSet set,
      double sparsity,
      WantedRates rates,
      Engine.Options options) {
    Shape.Map shape = (Shape.Map) graph.shape(graph.input().name());
    BenchImages calibrating =
        set == null
            ? BenchImages.smooth(shape, CALIBRATION_IMAGES, global.seed)
            : BenchImages.of(set.train().subset(Math.min(CALIBRATION_IMAGES, set.train().size())));
    BenchImages measured =
        set == null
            ? BenchImages.smooth(shape, imageCount, global.seed + 1)
            : BenchImages.of(set.test().subset(imageCount));
    // Random images lie around this grey.
    Normalization normalization =
        set == null
            ? new Normalization(new float[] {0.5f}, new float[] {0.25f})
            : set.normalization();
    int steps = timeSteps(null);
    Weights weights =
        Calibration.calibrated(
            graph,
            Calibration.pruned(graph, sparsity, global.seed),
            calibrating.normalized(normalization.mean(), normalization.std()),
            calibrating.count(),
            steps,
            rates,
            options);
    Model model = new Model(graph, weights, metadata(steps, normalization));
    // As export does it: the runtime chooses its kernels by them.
    return new Subject(name(), SpikeDensities.add(model, rates.byLayer(graph)), measured);
  }

  private static Map<String, String> metadata(int steps, Normalization normalization) {
    Gson gson = new Gson();
    JsonObject options = new JsonObject();
    options.addProperty("T", steps);
    JsonObject scales = new JsonObject();
    scales.add("mean", gson.toJsonTree(normalization.mean()));
    scales.add("std", gson.toJsonTree(normalization.std()));
    JsonObject described = new JsonObject();
    described.addProperty("command", "bench runtime");
    described.add("options", options);
    described.add("data", scales);
    return Map.of(ModelInput.KEY, described.toString());
  }

  /** Adds a row for each batch. */
  private void measure(
      Subject subject,
      List<Integer> sizes,
      int threads,
      @Nullable PeerScript script,
      List<RuntimeRow> rows)
      throws IOException {
    Model model = int8 ? Quantization.int8(subject.model()) : subject.model();
    ModelInput scales = ModelInput.of(model.metadata());
    int steps = timeSteps(scales.timeSteps());
    Path folder = Files.createTempDirectory("coppice-bench");
    Path dense = folder.resolve("dense.safetensors");
    Path deployed = folder.resolve("deployed.safetensors");
    Path images = folder.resolve("images.safetensors");
    try {
      Weights floats = Weights.of(model.weights().asMap());
      new Model(model.graph(), floats, model.metadata()).save(dense, Compression.DENSE);
      deploy(model, deployed);
      subject.images().write(images, scales.mean(), scales.std());
      say("measuring the memory of coppice");
      ResidentMemory resident = ResidentMemory.of(deployed, images, steps, threads, warmup + runs);
      ModelSummary summary = ModelSummary.of(model.graph(), model.weights());
      for (int size : sizes) {
        RuntimeWork work =
            new RuntimeWork(
                deployed.toString(), images.toString(), steps, threads, size, warmup, runs);
        List<RuntimeMeasurement.Figures> figures = new ArrayList<>();
        say("measuring coppice, batch " + size);
        figures.add(measure(work));
        JsonObject other = null;
        if (script != null) {
          say("measuring " + peer.peer + ", batch " + size);
          other = script.run(arguments(dense, work), peer.settings, spec.commandLine().getErr());
          say("measuring coppice again");
          figures.add(measure(work));
        }
        rows.add(
            new RuntimeRow(
                subject.name(),
                model.graph(),
                summary,
                work,
                subject.images().count(),
                figures,
                Files.size(deployed),
                resident,
                other));
      }
    } finally {
      for (Path made : List.of(dense, deployed, images, folder)) {
        Files.deleteIfExists(made);
      }
    }
  }

  /** Writes the file that is loaded and whose size is reported: the smallest form there is. */
  private static void deploy(Model model, Path path) throws IOException {
    model.save(path, Compression.COMPACT);
  }

  private static RuntimeMeasurement.Figures measure(RuntimeWork work) throws IOException {
    return MeasuringProcess.run(RuntimeMeasurement.class, work, RuntimeMeasurement.Figures.class);
  }

  private List<String> arguments(Path model, RuntimeWork work) {
    List<String> arguments = new ArrayList<>(List.of("--model", model.toString()));
    arguments.addAll(List.of("--images", work.images()));
    arguments.addAll(List.of("--T", Integer.toString(work.timeSteps())));
    arguments.addAll(List.of("--batch", Integer.toString(work.batch())));
    arguments.addAll(List.of("--threads", Integer.toString(work.threads())));
    arguments.addAll(List.of("--warmup", Integer.toString(PEER_WARMUP)));
    arguments.addAll(List.of("--runs", Integer.toString(peerRuns)));
    return arguments;
  }

  private void say(String progress) {
    PrintWriter err = spec.commandLine().getErr();
    err.println(progress);
    err.flush();
  }

  private void print(List<RuntimeRow> rows) {
    PrintWriter out = spec.commandLine().getOut();
    Table table = new Table(RuntimeRow.columns(peer.peer != null).toArray(String[]::new));
    rows.forEach(row -> table.add(row.cells().toArray(String[]::new)));
    table.print(out);
    out.println("kernels: " + rows.getFirst().runs().getFirst().kernels());
    if (explain) {
      for (RuntimeRow row : rows) {
        out.println();
        out.println(String.join(", ", row.cells().subList(0, 2)) + ", batch " + row.work().batch());
        row.explanation().print(out);
      }
    }
  }

  private JsonObject json(List<RuntimeRow> rows) {
    JsonArray array = new JsonArray();
    rows.forEach(row -> array.add(row.json()));
    JsonObject settings = new JsonObject();
    settings.addProperty("images", imageCount);
    settings.addProperty("data", data.data == null ? "random smooth images" : data.data);
    settings.addProperty("int8", int8);
    settings.addProperty("warmup", warmup);
    settings.addProperty("runs", runs);
    if (peer.peer != null) {
      settings.addProperty("peerWarmup", PEER_WARMUP);
      settings.addProperty("peerRuns", peerRuns);
    }
    settings.addProperty("seed", global.seed);
    if (file == null) {
      settings.addProperty("width", Objects.requireNonNullElse(network.width, 1.0));
      settings.addProperty(
          "input",
          rows.getFirst().graph().shape(rows.getFirst().graph().input().name()).toString());
      settings.add(
          "firingRates",
          new Gson()
              .toJsonTree(
                  firingRate == null ? WantedRates.TRAINED.rates() : new double[] {firingRate}));
    }
    JsonObject versions = new JsonObject();
    versions.addProperty("coppice", Version.number());
    versions.addProperty("java", Runtime.version().toString());
    JsonObject result = new JsonObject();
    result.add("rows", array);
    result.add("settings", settings);
    result.addProperty("kernels", Kernels.best().describe());
    result.add("versions", versions);
    return result;
  }
}
