package dev.coppice.cli;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import dev.coppice.data.DataSet;
import dev.coppice.graph.Compression;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Model;
import dev.coppice.graph.Weights;
import dev.coppice.prune.Method;
import dev.coppice.prune.Pruning;
import dev.coppice.prune.PruningIteration;
import dev.coppice.prune.PruningSettings;
import dev.coppice.train.Engine;
import dev.coppice.train.EpochMetrics;
import dev.coppice.train.Evaluation;
import dev.coppice.train.Seeds;
import dev.coppice.train.Trainer;
import dev.coppice.train.TrainingListener;
import dev.coppice.train.TrainingMethod;
import dev.coppice.train.TrainingSettings;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code coppice quickstart}. */
@Command(
    name = "quickstart",
    description =
        "Trains a network on handwritten digits, then again while 95 %% of its connections go, by"
            + " magnitude alone and with regrowth by criticality.",
    sortOptions = false)
final class QuickstartCommand implements Callable<Integer> {
  private static final double SPARSITY = 0.95;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Option(
      names = "--run",
      paramLabel = "DIR",
      description = "where the models and the report go (default: runs/quickstart-TIME)")
  private @Nullable Path run;

  @Option(
      names = "--epochs",
      paramLabel = "N",
      description = "passes over the training images, for each of the three (default: 24)")
  private @Nullable Integer epochs;

  @Mixin private GlobalOptions global = new GlobalOptions();

  /**
   * A network that has been trained.
   *
   * @param records null for the dense one
   * @param run for the report
   * @param seconds of training and evaluation
   */
  private record Trained(
      String name,
      Evaluation test,
      ModelSummary summary,
      Path file,
      long bytes,
      @Nullable PruningRecords records,
      ComparedRun run,
      double seconds) {}

  @Override
  public Integer call() throws IOException {
    long begin = System.nanoTime();
    JsonOutput.check(global.json);
    DataDefaults defaults = DataDefaults.of("digits");
    NetworkOptions network = new NetworkOptions();
    network.resolve(defaults);
    TrainingOptions training = new TrainingOptions();
    training.epochs = epochs;
    training.evaluateEvery = Integer.MAX_VALUE;
    training.resolve(defaults);
    TrainingSettings settings = training.settings(defaults.timeSteps(), global.seed);
    if (global.threads == null) {
      // Threads that wait for each other cost more than they gain on a network of this size.
      global.threads = 1;
    }
    Engine.Options options = global.engine();
    DataSet images = new DataOptions().load();
    Graph graph = network.graph(images);
    Weights initial =
        Weights.initialize(graph, Seeds.INITIALIZATION.at(global.seed, 0), training.init);
    RunDirectory directory =
        RunDirectory.create(run, "quickstart", false, Configuration.yaml(spec));
    PrintWriter err = spec.commandLine().getErr();
    err.printf(
        Locale.ROOT,
        "quickstart: %d training and %d test images of handwritten digits, network %s, T = %d%n",
        images.train().size(),
        images.test().size(),
        network.net,
        settings.timeSteps());

    Setting setting = new Setting(graph, initial, images, settings, options, directory);
    Trained dense = train(setting, "dense", null);
    Trained magnitude = train(setting, "magnitude", Method.MAGNITUDE);
    Trained criticality = train(setting, "criticality", Method.CRITICALITY);
    double seconds = (System.nanoTime() - begin) / 1e9;
    JsonObject result = json(dense, magnitude, criticality, seconds);
    directory.writeJson("result.json", result);
    report(List.of(dense, magnitude, criticality), directory);
    print(List.of(dense, magnitude, criticality), seconds);
    JsonOutput.write(global.json, result);
    return 0;
  }

  private void report(List<Trained> all, RunDirectory directory) {
    JsonObject options = new Gson().toJsonTree(Configuration.values(spec)).getAsJsonObject();
    List<ComparedRun> runs = all.stream().map(Trained::run).toList();
    HtmlReport.write(
        directory.report(),
        () -> ComparisonReport.of(new Comparison(options, runs, List.of())),
        problem -> spec.commandLine().getErr().println("quickstart: " + problem));
  }

  /** What the three runs have in common. */
  private record Setting(
      Graph graph,
      Weights initial,
      DataSet images,
      TrainingSettings settings,
      Engine.Options options,
      RunDirectory directory) {}

  private Trained train(Setting setting, String name, @Nullable Method way) throws IOException {
    long begin = System.nanoTime();
    Pruning pruning = way == null ? null : pruning(setting, way);
    try (Engine engine =
            new Engine(
                setting.graph(),
                setting.initial(),
                setting.settings().optimizer(),
                setting.options());
        EventFile events = EventFile.open(setting.directory().resolve("events").resolve(name));
        Progress progress = new Progress(name, spec.commandLine().getErr())) {
      Trainer trainer =
          new Trainer(
              engine,
              setting.images(),
              setting.settings(),
              pruning == null ? TrainingMethod.NONE : pruning);
      Trainer.Outcome outcome =
          trainer.run(watcher(progress, setting.settings(), engine, events, pruning), false);
      EpochMetrics last = Objects.requireNonNull(outcome.last());
      Evaluation test = Objects.requireNonNull(last.test());
      Weights weights = engine.weights();
      ModelSummary summary = ModelSummary.of(setting.graph(), weights);
      Path file = setting.directory().resolve(name + ".safetensors");
      JsonObject provenance =
          Provenance.of(
              "quickstart",
              setting.images(),
              setting.images().normalization(),
              Map.of(
                  "data",
                  "digits",
                  "T",
                  setting.settings().timeSteps(),
                  "encoder",
                  "direct",
                  "seed",
                  global.seed,
                  "method",
                  name,
                  "epochs",
                  setting.settings().epochs()),
              setting.options());
      provenance.addProperty("accuracy", test.accuracy());
      try {
        new Model(setting.graph(), weights, Map.of(Provenance.KEY, provenance.toString()))
            .save(file, pruning == null ? Compression.DENSE : Compression.SPARSE);
      } catch (IOException e) {
        throw new RunFailedException("the model could not be saved: " + Failure.describe(e), e);
      }
      return new Trained(
          name,
          test,
          summary,
          file,
          Files.size(file),
          pruning == null ? null : new PruningRecords(pruning.history()),
          compared(name, outcome, test, summary, history(pruning), provenance, setting),
          (System.nanoTime() - begin) / 1e9);
    }
  }

  private static List<PruningIteration> history(@Nullable Pruning pruning) {
    return pruning == null ? List.of() : pruning.history();
  }

  /** Returns a run as one of a comparison. */
  private ComparedRun compared(
      String name,
      Trainer.Outcome outcome,
      Evaluation test,
      ModelSummary summary,
      List<PruningIteration> history,
      JsonObject provenance,
      Setting setting) {
    List<RunRecords.Epoch> epochs = RunRecords.Epoch.parse(outcome.csv());
    int images = setting.images().train().size();
    Cost cost = Cost.of(epochs, images, test.operations().dense(), 0, outcome.seconds());
    return new ComparedRun(
        new Cell(name, history.isEmpty() ? 0 : SPARSITY, global.seed),
        List.of("quickstart"),
        "",
        new ComparedRun.Finished(
            test.accuracy(),
            summary.sparsity(),
            cost,
            new ComparedRun.Spent(cost.epochs(), cost.steps(), cost.operations(), cost.seconds()),
            test.operations().synaptic(),
            test.operations().nanojoules(),
            summary.density(),
            provenance,
            new RunRecords(name, epochs, history)));
  }

  private Pruning pruning(Setting setting, Method way) {
    PruningOptions options = new PruningOptions();
    options.sparsity = SPARSITY;
    options.method = way;
    TrainingSettings settings = setting.settings();
    int perEpoch = settings.stepsPerEpoch(setting.images().train().size());
    options.resolve(settings.epochs(), perEpoch);
    PruningSettings pruning = options.settings(setting.graph(), settings.epochs(), perEpoch);
    return new Pruning(setting.graph(), pruning, global.seed, _ -> {});
  }

  private static TrainingListener watcher(
      Progress progress,
      TrainingSettings settings,
      Engine engine,
      EventFile events,
      @Nullable Pruning pruning) {
    return new TrainingListener() {
      @Override
      public void onStep(long step, long totalSteps, double loss) {
        progress.step(step, totalSteps, loss);
      }

      @Override
      public void onEpoch(EpochMetrics metrics) {
        if (metrics.epoch() % 6 == 0 || metrics.epoch() == settings.epochs()) {
          progress.epoch(metrics, settings.epochs());
        }
        try {
          events.epoch(metrics, engine.weights(), history(pruning));
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
    };
  }

  private static JsonObject json(
      Trained dense, Trained magnitude, Trained criticality, double seconds) {
    JsonObject result = new JsonObject();
    JsonObject operations = new JsonObject();
    JsonObject energy = new JsonObject();
    for (Trained one : List.of(dense, magnitude, criticality)) {
      JsonObject json = new JsonObject();
      json.addProperty("accuracy", one.test().accuracy());
      one.summary().addTo(json);
      if (one.records() != null) {
        json.addProperty("regrown", one.records().regrown());
        json.addProperty("survivalPercent", one.records().survivalPercent());
      }
      json.addProperty("modelBytes", one.bytes());
      json.addProperty("seconds", one.seconds());
      json.addProperty("model", one.file().toAbsolutePath().normalize().toString());
      result.add(one.name(), json);
      operations.addProperty(one.name(), one.test().operations().synaptic());
      energy.addProperty(one.name(), one.test().operations().nanojoules());
    }
    result.add("sopsPerImage", operations);
    result.add("energyNanojoule", energy);
    result.addProperty("seconds", seconds);
    result.addProperty("model", criticality.file().toAbsolutePath().normalize().toString());
    return result;
  }

  private void print(List<Trained> all, double seconds) {
    PrintWriter out = spec.commandLine().getOut();
    Table table =
        new Table(
            "network",
            "accuracy",
            "sparsity",
            "parameters",
            "file",
            "SOPs/image",
            "energy/image",
            "time");
    for (Trained one : all) {
      table.add(
          one.name(),
          String.format(Locale.ROOT, "%.2f %%", 100 * one.test().accuracy()),
          String.format(Locale.ROOT, "%.2f %%", 100 * one.summary().sparsity()),
          String.format(Locale.ROOT, "%,d", one.summary().nonZero()),
          String.format(Locale.ROOT, "%.1f kB", one.bytes() / 1e3),
          String.format(Locale.ROOT, "%,.0f", one.test().operations().synaptic()),
          String.format(Locale.ROOT, "%.1f nJ", one.test().operations().nanojoules()),
          String.format(Locale.ROOT, "%.1f s", one.seconds()));
    }
    table.print(out);
    out.println();
    Path model = all.getLast().file();
    out.printf(Locale.ROOT, "All in %.0f s. The pruned network is in %s%n", seconds, model);
    out.println("Try next:");
    out.println("  coppice evaluate " + model);
    out.println("  coppice prune --from " + all.getFirst().file() + " --sparsity 0.98 --epochs 12");
    out.println("  coppice prune --method criticality --sparsity 0.98 --seed 2");
  }
}
