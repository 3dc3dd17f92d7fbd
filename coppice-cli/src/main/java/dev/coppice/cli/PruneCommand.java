package dev.coppice.cli;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import dev.coppice.data.DataSet;
import dev.coppice.graph.Compression;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Model;
import dev.coppice.graph.Weights;
import dev.coppice.prune.EmergentPruning;
import dev.coppice.prune.Method;
import dev.coppice.prune.NeuronGates;
import dev.coppice.prune.PrunableLayers;
import dev.coppice.prune.PruningIteration;
import dev.coppice.prune.PruningMethod;
import dev.coppice.prune.channels.ChannelPruning;
import dev.coppice.prune.channels.KeptChannels;
import dev.coppice.train.Engine;
import dev.coppice.train.Seeds;
import dev.coppice.train.TrainingSettings;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;

/** {@code coppice prune}. */
@Command(
    name = "prune",
    description =
        "Prunes and regrows connections while a network is trained, from scratch or from a model;"
            + " or, with --structured, whole channels of a trained network, which leaves a smaller"
            + " one.",
    sortOptions = false)
final class PruneCommand implements Callable<Integer> {
  private static final Gson GSON = new Gson();

  /** Options of pruning connections that say how channels are scored, too. */
  private static final Set<String> SHARED =
      Set.of("--sparsity", "--ties", "--score", "--surrogate-score", "--pooling");

  @Spec private CommandSpec spec = CommandSpec.create();

  @Option(
      names = "--from",
      paramLabel = "MODEL",
      description = "begin with the network and weights of a model file (default: new weights)")
  private @Nullable Path from;

  @Mixin private PruningOptions pruning = new PruningOptions();
  @Mixin private ChannelOptions channels = new ChannelOptions();
  @Mixin private DataOptions data = new DataOptions();
  @Mixin private NetworkOptions network = new NetworkOptions();
  @Mixin private TrainingOptions training = new TrainingOptions();
  @Mixin private RunOptions run = new RunOptions();
  @Mixin private ConvolutionOptions convolutions = new ConvolutionOptions();
  @Mixin private GlobalOptions global = new GlobalOptions();

  /** The network to begin with. */
  private record Start(Graph graph, Weights weights, Map<String, String> metadata, DataSet images) {
    /** Returns it with a gate behind its neurons. */
    Start gated() {
      Model gated = NeuronGates.into(new Model(graph, weights, metadata));
      return new Start(gated.graph(), gated.weights(), metadata, images);
    }
  }

  @Override
  public Integer call() throws IOException {
    JsonOutput.check(global.json);
    Model model = null;
    Provenance.Stored stored = Provenance.Stored.NONE;
    if (from != null) {
      from = from.toAbsolutePath().normalize();
      model = Provenance.load(from);
      stored = Provenance.read(model.metadata(), from.toString());
      adopt(stored);
    }
    data.resolve();
    DataDefaults defaults = DataDefaults.of(data.name());
    if (model == null) {
      network.resolve(defaults);
    } else if (network.timeSteps == null) {
      network.timeSteps = defaults.timeSteps();
    }
    checkKind();
    JsonObject result =
        channels.structured
            ? structured(defaults, model, stored)
            : unstructured(defaults, model, stored);
    JsonOutput.write(global.json, result);
    return 0;
  }

  /** Refuses options of the other kind of pruning. */
  private void checkKind() {
    ParseResult given = spec.commandLine().getParseResult();
    Class<?> other = channels.structured ? PruningOptions.class : ChannelOptions.class;
    for (CommandSpec mixin : spec.mixins().values()) {
      if (other.isInstance(mixin.userObject())) {
        for (OptionSpec option : mixin.options()) {
          String name = option.longestName();
          if (given.hasMatchedOption(name) && !(channels.structured && SHARED.contains(name))) {
            throw new UsageException(
                name
                    + (channels.structured ? " does not go with" : " goes with")
                    + " --structured"
                    + (channels.structured ? "" : " only"));
          }
        }
      }
    }
  }

  private JsonObject structured(
      DataDefaults defaults, @Nullable Model model, Provenance.Stored stored) throws IOException {
    int epochs = training.epochs == null ? defaults.epochs() : training.epochs;
    channels.resolve(epochs, model != null, training, pruning.sparsity);
    training.resolve(defaults);
    TrainingSettings settings =
        training.settings(Objects.requireNonNull(network.timeSteps), global.seed);
    Engine.Options engine = convolutions.engine(global);
    Start start = start(model, stored);
    ChannelPruning.Settings pruned =
        channels.settings(pruning.probe(start.graph()), pruning, global.seed);
    ChannelGoal goal = channels.goal(pruning.sparsity);
    ChannelPruning.check(start.graph(), pruned);
    Path resumed = run.resumed();
    if (resumed != null) {
      var _ = Configuration.checkSame(resumed, spec, Set.of());
    }
    StructuredRun structured =
        new StructuredRun(
            run.directory(spec),
            Configuration.identity(spec),
            new Model(start.graph(), start.weights(), start.metadata()),
            start.images(),
            channels.pretraining(settings),
            settings.toBuilder().scaleL1(0).build(),
            pruned,
            goal,
            channels.scoreSamples,
            engine,
            run.checkpointInterval,
            Provenance.of(
                "prune",
                start.images(),
                start.images().normalization(),
                Configuration.values(spec),
                engine));
    JsonObject result = structured.execute(spec.commandLine().getErr());
    StructuredRun.print(result, spec.commandLine().getOut());
    return result;
  }

  private JsonObject unstructured(
      DataDefaults defaults, @Nullable Model model, Provenance.Stored stored) throws IOException {
    if (pruning.method == Method.GRADR && training.optimizer == null) {
      training.optimizer = TrainingOptions.Rule.ADAM;
    }
    training.resolve(defaults);
    TrainingSettings settings =
        training.settings(Objects.requireNonNull(network.timeSteps), global.seed);
    Engine.Options engine = convolutions.engine(global);
    Start start =
        pruning.method == Method.UPR ? start(model, stored).gated() : start(model, stored);
    int perEpoch = settings.stepsPerEpoch(start.images().train().size());
    pruning.resolve(settings.epochs(), perEpoch);
    double goal = pruning.goal(start.graph(), settings.epochs(), perEpoch);
    checkSparsity(start, goal);
    boolean searching = pruning.method.kind() == Method.Kind.HIDDEN && pruning.strength == null;
    // What is wrong with the options must be told before a folder is made.
    var _ = method(start, settings, pruning.strength, _ -> {});
    RunDirectory directory = run.directory(spec);
    JsonObject provenance =
        Provenance.of(
            "prune",
            start.images(),
            start.images().normalization(),
            Configuration.values(spec),
            engine);
    Runs runs =
        (stage, identity, training, strength) -> {
          PruningWatcher watcher =
              new PruningWatcher(
                  stage,
                  pruning.records(start.graph(), training.epochs(), perEpoch),
                  spec.commandLine().getErr());
          PruningMethod method = method(start, training, strength, watcher);
          watcher.watch(method);
          TrainingRun run =
              new TrainingRun(
                  stage,
                  "prune",
                  identity,
                  start.graph(),
                  start.weights(),
                  start.metadata(),
                  start.images(),
                  training,
                  method,
                  engine,
                  this.run.checkpointInterval,
                  Compression.SPARSE,
                  provenance);
          return new Runs.Run(run, method);
        };
    String identity = Configuration.identity(spec);
    List<Searched> searched =
        searching ? search(runs, directory, identity, settings, perEpoch, goal) : List.of();
    Double strength =
        searched.isEmpty() ? pruning.strength : Double.valueOf(searched.getFirst().strength());
    Runs.Run last = runs.make(directory, identity, settings, strength);
    JsonObject result =
        last.training()
            .execute(
                run.resumed() != null,
                spec.commandLine().getErr(),
                (json, cost) -> {
                  PruningRecords all = new PruningRecords(last.method().history());
                  all.write(directory);
                  json.addProperty("method", EnumName.of(pruning.method));
                  json.addProperty("targetSparsity", goal);
                  if (strength != null) {
                    json.addProperty("strength", strength);
                  }
                  if (searching) {
                    Searched.addTo(json, searched);
                  }
                  json.addProperty("regrown", all.regrown());
                  json.addProperty("survivalPercent", all.survivalPercent());
                  json.add("iterations", GSON.toJsonTree(all.iterations()));
                });
    RunReport.print(result, spec.commandLine().getOut());
    return result;
  }

  private PruningMethod method(
      Start start,
      TrainingSettings settings,
      @Nullable Double strength,
      Consumer<PruningIteration> listener) {
    return pruning.method(
        start.graph(),
        settings,
        settings.stepsPerEpoch(start.images().train().size()),
        strength == null ? 0 : strength,
        listener);
  }

  /** Makes runs of the method. */
  private interface Runs {
    /** A run to come and its method. */
    record Run(TrainingRun training, PruningMethod method) {}

    Run make(
        RunDirectory directory,
        String identity,
        TrainingSettings training,
        @Nullable Double strength);
  }

  /** A run of the search for a strength. */
  private record Searched(
      double strength, double sparsity, long epochs, long steps, double sops, double seconds) {
    static Searched of(double strength, JsonObject result) {
      return new Searched(
          strength,
          result.get("sparsity").getAsDouble(),
          result.get("epochs").getAsLong(),
          result.get("steps").getAsLong(),
          result.get("sops").getAsDouble(),
          result.get("seconds").getAsDouble());
    }

    /** Adds the search to a result and its cost to the run's. */
    static void addTo(JsonObject json, List<Searched> all) {
      json.add("search", GSON.toJsonTree(all));
      add(json, "epochs", all.stream().mapToLong(Searched::epochs).sum());
      add(json, "steps", all.stream().mapToLong(Searched::steps).sum());
      add(json, "sops", all.stream().mapToDouble(Searched::sops).sum());
      add(json, "seconds", all.stream().mapToDouble(Searched::seconds).sum());
    }

    private static void add(JsonObject json, String name, Number more) {
      if (more instanceof Long whole) {
        json.addProperty(name, json.get(name).getAsLong() + whole);
      } else {
        json.addProperty(name, json.get(name).getAsDouble() + more.doubleValue());
      }
    }
  }

  /** Returns the runs of a search, that of the best strength first. */
  private List<Searched> search(
      Runs runs,
      RunDirectory directory,
      String identity,
      TrainingSettings settings,
      int perEpoch,
      double goal)
      throws IOException {
    double rates = settings.learningRate() * settings.epochs() * perEpoch;
    EmergentPruning.Strengths range = EmergentPruning.strengths(pruning.method, rates);
    Map<Double, Searched> results = new HashMap<>();
    List<StrengthSearch.Tried> tried =
        new StrengthSearch(range.low(), range.high(), goal)
            .run(
                (number, strength) -> {
                  String name = "search-" + number;
                  RunDirectory stage = directory.stage(name);
                  spec.commandLine()
                      .getErr()
                      .printf(Locale.ROOT, "prune: %s: strength %.4g%n", name, strength);
                  Runs.Run trial = runs.make(stage, identity + name, settings, strength);
                  JsonObject result =
                      stage.result().isPresent()
                          ? stage.result().get()
                          : trial
                              .training()
                              .execute(
                                  stage.hasCheckpoint(), spec.commandLine().getErr(), (_, _) -> {});
                  Searched one = Searched.of(strength, result);
                  results.put(strength, one);
                  return one.sparsity();
                });
    return tried.stream().map(one -> Objects.requireNonNull(results.get(one.strength()))).toList();
  }

  /** Takes from a model what is not given otherwise. */
  private void adopt(Provenance.Stored stored) {
    if (network.given() != null) {
      throw new UsageException(network.given() + " cannot be given with --from: the model has it");
    }
    if (data.data == null) {
      data.data = stored.data();
      data.dataDir = data.dataDir == null ? stored.dataDir() : data.dataDir;
      data.imageSize = data.imageSize == null ? stored.imageSize() : data.imageSize;
    }
    network.timeSteps = network.timeSteps == null ? stored.timeSteps() : network.timeSteps;
    training.encoder = training.encoder == null ? stored.encoder() : training.encoder;
  }

  private Start start(@Nullable Model model, Provenance.Stored stored) throws IOException {
    DataSet images = data.load();
    if (model == null) {
      Graph graph = network.graph(images, Objects.requireNonNull(training.batch));
      return new Start(
          graph,
          Weights.initialize(graph, Seeds.INITIALIZATION.at(global.seed, 0), training.init),
          Map.of(),
          images);
    }
    KeptChannels _ = KeptChannels.of(model);
    return new Start(
        model.graph(), model.weights(), model.metadata(), stored.normalized(model.graph(), images));
  }

  /** Refuses a network that is sparser than it is to become. */
  private void checkSparsity(Start start, double goal) {
    PrunableLayers layers = PrunableLayers.of(start.graph(), Set.copyOf(pruning.exclude));
    float[] weights = layers.gather(start.weights()::get);
    int zeros = 0;
    for (float weight : weights) {
      zeros += weight == 0 ? 1 : 0;
    }
    double sparsity = zeros / (double) weights.length;
    if (sparsity > goal) {
      throw new UsageException(
          String.format(
              Locale.ROOT,
              "the network is already sparser (%.4f) than the target sparsity %.4f",
              sparsity,
              goal));
    }
  }
}
