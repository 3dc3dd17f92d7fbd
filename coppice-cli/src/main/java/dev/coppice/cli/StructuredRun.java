package dev.coppice.cli;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.coppice.data.DataSet;
import dev.coppice.data.Images;
import dev.coppice.graph.Compression;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Model;
import dev.coppice.graph.Weights;
import dev.coppice.prune.channels.ChannelBudget;
import dev.coppice.prune.channels.ChannelGroup;
import dev.coppice.prune.channels.ChannelGroups;
import dev.coppice.prune.channels.ChannelPruning;
import dev.coppice.prune.channels.ChannelSchedule;
import dev.coppice.train.Engine;
import dev.coppice.train.Evaluation;
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
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A run that removes channels: training, then rounds of scores, pruning, regrowth, surgery and
 * fine-tuning. Every training is a {@link TrainingRun} in a folder of its own inside the run's, and
 * a stage whose result is there is not run again.
 *
 * @param start the network before the first stage
 * @param pretraining null for none
 * @param rounds null with a budget
 * @param budget null with rounds
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
    @Nullable ChannelSchedule rounds,
    @Nullable ChannelBudget budget,
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

  /** What a round removed, as its file holds it. */
  private record Removal(
      int regrown, Map<String, ChannelPruning.Width> widths, List<String> notes) {}

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
    JsonObject cost = new JsonObject();
    Model dense = pretraining == null ? start : train(PRETRAINING, start, pretraining, cost, err);
    Model model = dense;
    int before = channels(dense.graph());
    List<Removal> removals = new ArrayList<>();
    int count = rounds == null ? 1 : rounds.rounds();
    for (int round = 1; round <= count; round++) {
      String name = round(round);
      RunDirectory stage = directory.stage(name);
      if (!Files.exists(stage.resolve(CHANNELS))) {
        remove(stage, model, round, before, err);
      }
      Removal removal = GSON.fromJson(Files.readString(stage.resolve(CHANNELS)), Removal.class);
      removals.add(removal);
      model = train(name, Provenance.load(stage.resolve(SHRUNK)), fineTuning, cost, err);
    }
    JsonObject result = finish(dense, model, removals, cost);
    report(result, count, err);
    return result;
  }

  /** Writes report.html; the run has its result without it. */
  private void report(JsonObject result, int count, PrintWriter err) {
    List<String> names = new ArrayList<>(pretraining == null ? List.of() : List.of(PRETRAINING));
    IntStream.rangeClosed(1, count).mapToObj(StructuredRun::round).forEach(names::add);
    HtmlReport.write(
        directory.report(),
        () -> {
          List<RunRecords> stages = new ArrayList<>();
          for (String name : names) {
            stages.add(RunRecords.of(directory.resolve(name), name));
          }
          return new RunCharts(stages, result)
              .report(
                  "Pruning of channels on " + data.name(),
                  Files.readString(directory.resolve(Configuration.FILE)));
        },
        problem -> err.println("prune: " + problem));
  }

  private static String round(int number) {
    return "round-" + number;
  }

  private int channels(Graph graph) {
    return ChannelGroups.of(graph, settings.residual()).stream()
        .mapToInt(ChannelGroup::channels)
        .sum();
  }

  private Model train(
      String name, Model from, TrainingSettings training, JsonObject cost, PrintWriter err)
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
    JsonObject result = stage.result().orElseThrow();
    for (String key : List.of("epochs", "steps")) {
      long so = cost.has(key) ? cost.get(key).getAsLong() : 0;
      cost.addProperty(key, so + result.get(key).getAsLong());
    }
    double seconds = cost.has("seconds") ? cost.get("seconds").getAsDouble() : 0;
    cost.addProperty("seconds", seconds + result.get("seconds").getAsDouble());
    return Provenance.load(stage.model());
  }

  private void remove(RunDirectory stage, Model model, int round, int before, PrintWriter err)
      throws IOException {
    ChannelPruning.Result result;
    Images images =
        scoreSamples == null || scoreSamples >= data.train().size()
            ? data.train()
            : data.train().subset(scoreSamples);
    try (Engine engine = engine(model);
        Progress progress = new Progress("scores", err)) {
      ChannelPruning pruning =
          ChannelPruning.score(model, settings, engine, images, data, fineTuning, progress::images);
      result = choose(pruning, model, round, before);
    }
    result.notes().forEach(note -> err.println("prune: " + note));
    save(result.model(), stage.resolve(SHRUNK));
    stage.writeJson(
        CHANNELS, GSON.toJsonTree(new Removal(result.regrown(), result.widths(), result.notes())));
  }

  private ChannelPruning.Result choose(ChannelPruning pruning, Model model, int round, int before) {
    if (budget != null) {
      return pruning.meet(budget, this::sops);
    }
    double percent = rounds == null ? 0 : rounds.percent(round, before, channels(model.graph()));
    if (percent == 0) {
      return new ChannelPruning.Result(
          model, Map.of(), 0, List.of("round " + round + " has nothing to remove"));
    }
    return pruning.prune(percent);
  }

  private double sops(Model model) {
    Images images = data.train().subset(Math.min(BUDGET_IMAGES, data.train().size()));
    try (Engine engine = engine(model)) {
      return Evaluation.of(engine, images, data, fineTuning).operations().synaptic();
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

  private JsonObject finish(Model dense, Model model, List<Removal> removals, JsonObject cost)
      throws IOException {
    Evaluation before = evaluate(dense);
    Evaluation after = evaluate(model);
    JsonObject result = new JsonObject();
    result.addProperty("accuracy", after.accuracy());
    result.addProperty("accuracyBefore", before.accuracy());
    result.add("channels", pair(channels(dense.graph()), channels(model.graph())));
    result.add(
        "parameters",
        pair(Weights.countTrainable(dense.graph()), Weights.countTrainable(model.graph())));
    result.add("sopsPerImage", pair(before.operations().synaptic(), after.operations().synaptic()));
    result.add(
        "energyNanojoule", pair(before.operations().nanojoules(), after.operations().nanojoules()));
    result.add("imagesPerSecond", pair(before.imagesPerSecond(), after.imagesPerSecond()));
    result.addProperty("regrown", removals.stream().mapToInt(Removal::regrown).sum());
    result.add("widths", GSON.toJsonTree(widths(removals)));
    JsonArray notes = new JsonArray();
    removals.forEach(removal -> removal.notes().forEach(notes::add));
    result.add("notes", notes);
    cost.entrySet().forEach(entry -> result.add(entry.getKey(), entry.getValue()));
    result.addProperty("seed", fineTuning.seed());
    JsonObject described = provenance.deepCopy();
    described.addProperty("accuracy", after.accuracy());
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

  private void save(Model model, Path file) {
    try {
      model.save(file, Compression.DENSE);
    } catch (IOException e) {
      throw new RunFailedException(
          "the network could not be saved to "
              + file
              + ": "
              + Failure.describe(e)
              + "; go on with: coppice prune --resume "
              + directory.run(),
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

  private static JsonObject pair(Number before, Number after) {
    JsonObject json = new JsonObject();
    json.addProperty("before", before);
    json.addProperty("after", after);
    return json;
  }

  private static String absolute(Path path) {
    return path.toAbsolutePath().normalize().toString();
  }

  /** Prints a result for people. */
  static void print(JsonObject result, PrintWriter out) {
    Table table = new Table("result", "before", "after");
    table.add(
        "accuracy",
        format("%.2f %%", 100 * result.get("accuracyBefore").getAsDouble()),
        format("%.2f %%", 100 * result.get("accuracy").getAsDouble()));
    row(table, result, "channels", "channels", "%,.0f");
    row(table, result, "parameters", "parameters", "%,.0f");
    row(table, result, "synaptic operations per image", "sopsPerImage", "%,.0f");
    row(table, result, "energy per image", "energyNanojoule", "%,.1f nJ");
    row(table, result, "images per second, evaluating", "imagesPerSecond", "%,.0f");
    table.print(out);
    Table widths = new Table("channels of", "before", "after");
    JsonObject groups = result.getAsJsonObject("widths");
    for (String group : groups.keySet()) {
      row(widths, groups, group, group, "%,.0f");
    }
    widths.print(out);
    out.println("channels regrown: " + result.get("regrown").getAsInt());
    out.println("model: " + result.get("model").getAsString());
  }

  private static void row(Table table, JsonObject json, String label, String key, String format) {
    JsonObject values = json.getAsJsonObject(key);
    table.add(
        label,
        format(format, values.get("before").getAsDouble()),
        format(format, values.get("after").getAsDouble()));
  }

  private static String format(String format, double value) {
    return String.format(Locale.ROOT, format, value);
  }
}
