package dev.coppice.cli;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.coppice.data.DataSet;
import dev.coppice.data.Images;
import dev.coppice.graph.Compression;
import dev.coppice.graph.Model;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import dev.coppice.prune.channels.ChannelPruning;
import dev.coppice.train.Engine;
import dev.coppice.train.Evaluation;
import dev.coppice.train.Operations;
import dev.coppice.train.Probes;
import dev.coppice.train.Trainer;
import dev.coppice.train.TrainingMethod;
import dev.coppice.train.TrainingSettings;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A run that removes channels: training, then rounds of scores, pruning, regrowth, surgery and
 * fine-tuning. Every training is a {@link TrainingRun} in a folder of its own inside the run's, and
 * a stage whose result is there is not run again.
 *
 * @param start the network before the first stage
 * @param pretraining null for none
 * @param scoreSamples training images that scores are measured on, null for all
 */
record StructuredRun(
    RunDirectory directory,
    String identity,
    Model start,
    DataSet data,
    @Nullable TrainingSettings pretraining,
    TrainingSettings fineTuning,
    ChannelPruning.Settings settings,
    ChannelGoal goal,
    @Nullable Integer scoreSamples,
    Engine.Options options,
    int checkpointInterval,
    JsonObject provenance) {

  private static final Gson GSON = new Gson();

  /** The stage before the first round. */
  private static final String PRETRAINING = "pretrain";

  /** The file that says what a round removed. */
  private static final String CHANNELS = "channels.json";

  /** The network of a round before its fine-tuning. */
  private static final String SHRUNK = "shrunk.safetensors";

  /** Images on which the synaptic operations of candidates are counted. */
  private static final int BUDGET_IMAGES = 256;

  /**
   * What a round removed, as its file holds it.
   *
   * @param density the weights of convolutions and linear layers that are left, as a share of those
   *     of the network before the first round
   * @param sops synaptic operations that the scores took, forward and back
   * @param seconds that it took
   */
  record Removal(
      int regrown,
      Map<String, ChannelPruning.Width> widths,
      List<String> notes,
      double density,
      double sops,
      double seconds) {
    /** Reads the file of a round. */
    static Removal read(Path stage) throws IOException {
      return GSON.fromJson(Files.readString(stage.resolve(CHANNELS)), Removal.class);
    }
  }

  /**
   * Runs the stages that are left.
   *
   * @return the result, also in result.json
   * @throws RunFailedException if a file cannot be written on the way
   */
  JsonObject execute(PrintWriter err) throws IOException {
    Optional<JsonObject> saved = directory.result();
    if (saved.isPresent()) {
      err.println("prune: the run in " + directory.path() + " is complete");
      return saved.get();
    }
    List<JsonObject> trainings = new ArrayList<>();
    Model dense = start;
    if (pretraining != null) {
      dense = train(PRETRAINING, start, pretraining, trainings, err);
    }
    Model model = dense;
    List<Removal> removals = new ArrayList<>();
    for (int round = 1; round <= goal.rounds(); round++) {
      String name = round(round);
      RunDirectory stage = directory.stage(name);
      if (!Files.exists(stage.resolve(CHANNELS))) {
        remove(stage, model, round, err);
      }
      removals.add(Removal.read(stage.path()));
      model = train(name, Provenance.load(stage.resolve(SHRUNK)), fineTuning, trainings, err);
    }
    JsonObject result = finish(dense, model, removals, trainings);
    report(result, err);
    return result;
  }

  /** Writes report.html; the run has its result without it. */
  private void report(JsonObject result, PrintWriter err) {
    HtmlReport.write(
        directory.report(),
        () -> {
          List<RunRecords> stages = new ArrayList<>();
          for (Path stage : stages(directory.path())) {
            stages.add(RunRecords.of(stage, stage.getFileName().toString()));
          }
          return new RunCharts(stages, result)
              .report(
                  "Pruning of channels on " + data.name(),
                  Files.readString(directory.resolve(Configuration.FILE)));
        },
        problem -> err.println("prune: " + problem));
  }

  /** Returns the folders of a run's trainings, in their order; there may be none. */
  static List<Path> stages(Path run) {
    List<Path> stages = new ArrayList<>();
    if (hasMetrics(run.resolve(PRETRAINING))) {
      stages.add(run.resolve(PRETRAINING));
    }
    for (int round = 1; hasMetrics(run.resolve(round(round))); round++) {
      stages.add(run.resolve(round(round)));
    }
    return stages;
  }

  private static boolean hasMetrics(Path stage) {
    return Files.exists(stage.resolve(MetricsFile.NAME));
  }

  /**
   * Returns the share of the weights of convolutions and linear layers that a stage was left with.
   */
  static double density(Path stage) throws IOException {
    return Files.exists(stage.resolve(CHANNELS)) ? Removal.read(stage).density() : 1;
  }

  private static String round(int number) {
    return "round-" + number;
  }

  private Model train(
      String name,
      Model from,
      TrainingSettings training,
      List<JsonObject> trainings,
      PrintWriter err)
      throws IOException {
    RunDirectory stage = directory.stage(name);
    if (stage.result().isEmpty()) {
      TrainingRun run =
          new TrainingRun(
              stage,
              "prune",
              identity + name,
              from.graph(),
              from.weights(),
              from.metadata(),
              data,
              training,
              TrainingMethod.NONE,
              options,
              checkpointInterval,
              Compression.DENSE,
              provenance);
      err.println("prune: " + name);
      run.execute(stage.hasCheckpoint(), err, (_, _) -> {});
    }
    trainings.add(stage.result().orElseThrow());
    return Provenance.load(stage.model());
  }

  private void remove(RunDirectory stage, Model model, int round, PrintWriter err)
      throws IOException {
    long began = System.nanoTime();
    Images images =
        scoreSamples == null || scoreSamples >= data.train().size()
            ? data.train()
            : data.train().subset(scoreSamples);
    ChannelPruning.Result result;
    double sops;
    try (Engine engine = engine(model);
        Progress progress = new Progress("scores", err)) {
      ChannelPruning pruning =
          ChannelPruning.score(model, settings, engine, images, data, fineTuning, progress::images);
      result = goal.prune(pruning, round, start, this::sops);
      sops = scoring(model) * images.size();
    }
    result.notes().forEach(note -> err.println("prune: " + note));
    save(result.model(), stage.resolve(SHRUNK));
    Removal removal =
        new Removal(
            result.regrown(),
            result.widths(),
            result.notes(),
            Weights.countConnections(result.model().graph())
                / (double) Weights.countConnections(start.graph()),
            sops,
            (System.nanoTime() - began) / 1e9);
    stage.writeJson(CHANNELS, GSON.toJsonTree(removal));
  }

  /** Returns the synaptic operations by which the scores of an image are measured. */
  private double scoring(Model model) {
    Probes probes = settings.probes(model.graph());
    if (probes.equals(Probes.NONE)) {
      return 0;
    }
    Operations operations = operations(model);
    double forward = operations.synaptic();
    return probes.gradients().isEmpty() ? forward : forward + 2 * operations.surviving();
  }

  private double sops(Model model) {
    return operations(model).synaptic();
  }

  private Operations operations(Model model) {
    Images images = data.train().subset(Math.min(BUDGET_IMAGES, data.train().size()));
    try (Engine engine = engine(model)) {
      return Evaluation.of(engine, images, data, fineTuning).operations();
    }
  }

  private Engine engine(Model model) {
    return new Engine(model.graph(), model.weights(), fineTuning.optimizer(), options);
  }

  /** Evaluates twice and takes the second, faster time: the first one warms up. */
  private Evaluation evaluate(Model model) {
    try (Engine engine = engine(model)) {
      Evaluation.of(engine, data.test(), data, fineTuning);
      return Evaluation.of(engine, data.test(), data, fineTuning);
    }
  }

  private JsonObject finish(
      Model dense, Model model, List<Removal> removals, List<JsonObject> trainings)
      throws IOException {
    JsonObject result = new JsonObject();
    describe(model, result);
    JsonObject before = new JsonObject();
    describe(dense, before);
    result.add("before", before);
    double density =
        removals.getLast().density() * (1 - Trainer.sparsity(model.graph(), model.weights()));
    result.addProperty("sparsity", 1 - density);
    result.addProperty("density", density);
    result.add("densityByLayer", GSON.toJsonTree(densityByLayer(model)));
    result.addProperty("regrown", removals.stream().mapToInt(Removal::regrown).sum());
    result.add("widths", GSON.toJsonTree(widths(removals)));
    JsonArray notes = new JsonArray();
    removals.forEach(removal -> removal.notes().forEach(notes::add));
    result.add("notes", notes);
    Cost cost =
        trainings.stream()
            .map(training -> Cost.read(training.getAsJsonObject("cost")))
            .reduce(Cost::plus)
            .orElseThrow();
    result.addProperty("epochs", cost.epochs());
    result.addProperty("steps", cost.steps());
    result.addProperty(
        "sops", cost.operations() + removals.stream().mapToDouble(Removal::sops).sum());
    result.addProperty(
        "seconds", cost.seconds() + removals.stream().mapToDouble(Removal::seconds).sum());
    result.add("cost", cost.json());
    result.addProperty("seed", fineTuning.seed());
    JsonObject described = provenance.deepCopy();
    described.add("accuracy", result.get("accuracy"));
    save(
        new Model(model.graph(), model.weights(), Provenance.with(model.metadata(), described)),
        directory.model());
    result.addProperty("modelBytes", Files.size(directory.model()));
    result.addProperty("model", absolute(directory.model()));
    result.addProperty("run", absolute(directory.path()));
    result.add("provenance", provenance);
    directory.writeJson(RunDirectory.RESULT, result);
    return result;
  }

  /** Adds what a network is and what it does on the test images. */
  private void describe(Model model, JsonObject json) {
    Evaluation evaluation = evaluate(model);
    json.addProperty("accuracy", evaluation.accuracy());
    json.addProperty("channels", ChannelPruning.channels(model.graph(), settings.residual()));
    json.addProperty("parameters", Weights.countTrainable(model.graph()));
    json.addProperty("sopsPerImage", evaluation.operations().synaptic());
    json.addProperty("energyNanojoule", evaluation.operations().nanojoules());
    json.addProperty("imagesPerSecond", evaluation.imagesPerSecond());
  }

  /**
   * Returns the weights of each layer that are left, as a share of those of the first network; none
   * of a layer that is gone.
   */
  private Map<String, Double> densityByLayer(Model model) {
    Map<String, Double> densities = new LinkedHashMap<>();
    start
        .weights()
        .asMap()
        .forEach(
            (name, tensor) -> {
              if (tensor.shape().length > 1) {
                Tensor left = model.weights().asMap().get(name);
                densities.put(
                    name.substring(0, name.lastIndexOf('.')),
                    left == null ? 0 : left.countNonZero() / (double) tensor.size());
              }
            });
    return densities;
  }

  private void save(Model model, Path file) {
    try {
      model.save(file, Compression.DENSE);
    } catch (IOException e) {
      throw new RunFailedException(
          "the network could not be saved to "
              + file
              + ": "
              + Failure.describe(e)
              + "; go on with: "
              + directory.resuming("prune"),
          e);
    }
  }

  /** Of each group its width before the first round and after the last. */
  private static Map<String, ChannelPruning.Width> widths(List<Removal> removals) {
    Map<String, ChannelPruning.Width> widths = new LinkedHashMap<>();
    for (Removal removal : removals) {
      removal
          .widths()
          .forEach(
              (name, width) ->
                  widths.merge(
                      name,
                      width,
                      (old, now) -> new ChannelPruning.Width(old.before(), now.after())));
    }
    return widths;
  }

  private static String absolute(Path path) {
    return path.toAbsolutePath().normalize().toString();
  }

  /** Prints a result for people. */
  static void print(JsonObject result, PrintWriter out) {
    JsonObject before = result.getAsJsonObject("before");
    Table table = new Table("result", "before", "after");
    row(table, "accuracy", "%.2f %%", 100, before.get("accuracy"), result.get("accuracy"));
    row(table, "channels", "%,.0f", 1, before.get("channels"), result.get("channels"));
    row(table, "parameters", "%,.0f", 1, before.get("parameters"), result.get("parameters"));
    row(
        table,
        "synaptic operations per image",
        "%,.0f",
        1,
        before.get("sopsPerImage"),
        result.get("sopsPerImage"));
    row(
        table,
        "energy per image",
        "%,.1f nJ",
        1,
        before.get("energyNanojoule"),
        result.get("energyNanojoule"));
    row(
        table,
        "images per second, evaluating",
        "%,.0f",
        1,
        before.get("imagesPerSecond"),
        result.get("imagesPerSecond"));
    table.print(out);
    Table widths = new Table("channels of", "before", "after");
    result
        .getAsJsonObject("widths")
        .entrySet()
        .forEach(
            group -> {
              JsonObject width = group.getValue().getAsJsonObject();
              row(widths, group.getKey(), "%,.0f", 1, width.get("before"), width.get("after"));
            });
    widths.print(out);
    out.printf(Locale.ROOT, "weights gone: %.2f %%%n", 100 * result.get("sparsity").getAsDouble());
    out.println("channels regrown: " + result.get("regrown").getAsInt());
    out.println("model: " + result.get("model").getAsString());
  }

  private static void row(
      Table table,
      String label,
      String format,
      double unit,
      JsonElement before,
      JsonElement after) {
    table.add(
        label,
        String.format(Locale.ROOT, format, unit * before.getAsDouble()),
        String.format(Locale.ROOT, format, unit * after.getAsDouble()));
  }
}
