package dev.coppice.cli;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import dev.coppice.data.DataSet;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code coppice compare}. */
@Command(
    name = "compare",
    description =
        "Compares methods of pruning on equal terms: each at each sparsity with each seed, in a"
            + " process of its own, beside the dense network.",
    sortOptions = false)
final class CompareCommand implements Callable<Integer> {
  private static final List<Double> SPARSITIES = List.of(0.9, 0.95, 0.98);

  /** By how much the default accuracies to reach are below that of the dense network. */
  private static final double[] BELOW_DENSE = {0.01, 0.02, 0.05};

  /** Keys of the options that say what is compared. */
  private static final Set<String> EXTENDABLE = Set.of(MethodVariants.KEY, "sparsity", "seeds");

  private static final String OWN = "own";
  private static final String EPOCHS = "epochs=";

  @Spec private CommandSpec spec = CommandSpec.create();

  @Option(
      names = "--methods",
      paramLabel = "METHOD,…",
      converter = MethodVariants.Converter.class,
      description =
          "methods of prune, or channel methods of prune --structured, with options of their own and"
              + " a name if need be, such as"
              + " magnitude,criticality[ratio=0.5],mean=criticality[pooling=mean,window=10]"
              + " (default: magnitude,criticality)")
  private MethodVariants methods = MethodVariants.parse("magnitude,criticality");

  @Option(
      names = "--sparsity",
      split = ",",
      paramLabel = "X",
      description = "the shares of zeros at the end, in [0, 1) (default: 0.9,0.95,0.98)")
  private List<Double> sparsities = SPARSITIES;

  @Option(
      names = "--seeds",
      paramLabel = "N",
      description = "how many seeds, from that of --seed on (default: 5)")
  private int seeds = 5;

  @Option(
      names = "--budget",
      paramLabel = "BUDGET",
      description =
          "epochs=N: the same for all; or own: methods may have epochs of their own (default: that"
              + " of --epochs, for all)")
  private @Nullable String budget;

  @Option(
      names = "--accuracy",
      split = ",",
      paramLabel = "X",
      description =
          "accuracies whose cost is told, in (0, 1] (default: the mean of the dense network less"
              + " 0.01, 0.02 and 0.05)")
  private List<Double> accuracies = List.of();

  @Option(
      names = "--jobs",
      paramLabel = "N",
      description =
          "runs at a time (default: the processors over --threads, or fewer if memory is short)")
  private @Nullable Integer jobs;

  @Mixin private DataOptions data = new DataOptions();
  @Mixin private NetworkOptions network = new NetworkOptions();
  @Mixin private TrainingOptions training = new TrainingOptions();
  @Mixin private RunOptions run = new RunOptions();
  @Mixin private GlobalOptions global = new GlobalOptions();

  @Override
  public Integer call() throws IOException {
    JsonOutput.check(global.json);
    data.resolve();
    global.threads = global.threads == null ? Integer.valueOf(1) : global.threads;
    takeBudget();
    checkRanges();
    ComparisonPlan plan = plan();
    var _ = plan.jobs(Path.of(""));
    Path resumed = resumed();
    if (resumed != null) {
      checkExtends(resumed);
    }
    // What suits the data is filled in by every run for itself, as its method needs it.
    String configuration = Configuration.yaml(spec);
    JsonObject options = new Gson().toJsonTree(Configuration.values(spec)).getAsJsonObject();
    checkTraining();
    RunDirectory directory =
        resumed != null
            ? new RunDirectory(resumed)
            : RunDirectory.create(run.run, spec.name(), run.force, configuration);
    Comparison comparison;
    try (ComparisonLock _ = ComparisonLock.take(directory.path())) {
      if (resumed != null) {
        directory.writeText(Configuration.FILE, configuration);
      }
      comparison = compare(plan.jobs(directory.path()), directory, options);
      ComparisonFiles.write(comparison, directory);
    }
    PrintWriter out = spec.commandLine().getOut();
    ComparisonTables.print(comparison, out);
    out.println("comparison: " + directory.path());
    JsonOutput.write(global.json, ComparisonFiles.json(comparison));
    int failed = comparison.runs().size() - Comparison.finished(comparison.runs()).size();
    if (failed > 0) {
      throw new RunFailedException(
          failed
              + " of "
              + comparison.runs().size()
              + " runs failed; try them again with: "
              + directory.resuming(spec.name()));
    }
    return 0;
  }

  private void takeBudget() {
    if (budget == null || budget.equals(OWN)) {
      return;
    }
    if (!budget.startsWith(EPOCHS)) {
      throw new UsageException("--budget must be epochs=N or own, not " + budget);
    }
    try {
      int epochs = Integer.parseInt(budget.substring(EPOCHS.length()));
      if (training.epochs != null && training.epochs != epochs) {
        throw new UsageException(
            "--budget "
                + budget
                + " and --epochs "
                + training.epochs
                + " differ; give one of them");
      }
      training.epochs = epochs;
    } catch (NumberFormatException e) {
      throw new UsageException("--budget " + budget + ": expected a whole number of epochs", e);
    }
  }

  private void checkRanges() {
    for (double sparsity : sparsities) {
      if (!(sparsity >= 0 && sparsity < 1)) {
        throw new UsageException("--sparsity must be at least 0 and less than 1, not " + sparsity);
      }
    }
    if (new HashSet<>(sparsities).size() < sparsities.size()) {
      throw new UsageException("--sparsity has a value twice");
    }
    for (double accuracy : accuracies) {
      if (!(accuracy > 0 && accuracy <= 1)) {
        throw new UsageException("--accuracy must be above 0 and at most 1, not " + accuracy);
      }
    }
    atLeastOne("--seeds", seeds);
    atLeastOne("--threads", Objects.requireNonNull(global.threads));
    atLeastOne("--checkpoint-interval", run.checkpointInterval);
    if (jobs != null) {
      atLeastOne("--jobs", jobs);
    }
  }

  private static void atLeastOne(String option, int value) {
    if (value < 1) {
      throw new UsageException(option + " must be at least 1, not " + value);
    }
  }

  private ComparisonPlan plan() {
    Set<String> shared = new HashSet<>(Set.of("threads", "device", "checkpoint-interval"));
    for (Class<?> options :
        List.of(DataOptions.class, NetworkOptions.class, TrainingOptions.class)) {
      shared.addAll(keys(options));
    }
    Set<String> reserved = new HashSet<>();
    for (Class<?> options :
        List.of(DataOptions.class, NetworkOptions.class, RunOptions.class, GlobalOptions.class)) {
      reserved.addAll(keys(options));
    }
    if (!OWN.equals(budget)) {
      reserved.addAll(Set.of("epochs", "batch", "pretrain-epochs"));
    }
    return new ComparisonPlan(
        methods.all(),
        sparsities,
        LongStream.range(0, seeds).mapToObj(i -> global.seed + i).toList(),
        ComparisonPlan.arguments(spec, shared),
        training.epochs == null ? DataDefaults.of(data.name()).epochs() : training.epochs,
        reserved);
  }

  private List<String> keys(Class<?> mixin) {
    return spec.mixins().values().stream()
        .filter(candidate -> mixin.isInstance(candidate.userObject()))
        .flatMap(found -> found.options().stream())
        .map(Configuration::key)
        .toList();
  }

  /** Finds out what would let every run fail. */
  private void checkTraining() throws IOException {
    DataDefaults defaults = DataDefaults.of(data.name());
    network.resolve(defaults);
    training.resolve(defaults);
    var _ = training.settings(Objects.requireNonNull(network.timeSteps), global.seed);
    var _ = global.engine();
    DataSet images = data.load();
    var _ = network.graph(images, Objects.requireNonNull(training.batch));
  }

  /** Returns the folder of a comparison to go on with: that of {@code --run} may be one. */
  private @Nullable Path resumed() {
    Path resumed = run.resumed();
    return resumed == null
            && !run.force
            && run.run != null
            && Files.isRegularFile(run.run.resolve(Configuration.FILE))
        ? run.run
        : resumed;
  }

  /** Methods, sparsities and seeds can be added to a comparison, not taken away. */
  private void checkExtends(Path resumed) throws IOException {
    Map<String, String> before = Configuration.checkSame(resumed, spec, EXTENDABLE);
    for (MethodVariant method : MethodVariants.parse(begun(before, MethodVariants.KEY)).all()) {
      checkStays(resumed, methods.all().contains(method), "the method " + method);
    }
    for (String sparsity : begun(before, "sparsity").split(",", -1)) {
      checkStays(
          resumed, sparsities.contains(Double.valueOf(sparsity)), "the sparsity " + sparsity);
    }
    String count = begun(before, "seeds");
    checkStays(resumed, seeds >= Integer.parseInt(count), count + " seeds");
  }

  private static String begun(Map<String, String> before, String key) {
    String value = before.get(key);
    if (value == null) {
      throw new UsageException(Configuration.FILE + " of the comparison does not say its " + key);
    }
    return value;
  }

  private static void checkStays(Path resumed, boolean stays, String what) {
    if (!stays) {
      throw new UsageException(
          "cannot resume "
              + resumed
              + ": it was begun with "
              + what
              + "; a comparison can be extended, but what it has must stay");
    }
  }

  private Comparison compare(List<ComparisonJob> all, RunDirectory directory, JsonObject options)
      throws IOException {
    int most = jobs == null ? slots(all.size()) : Math.min(jobs, all.size());
    PrintWriter err = spec.commandLine().getErr();
    JobQueue queue = new JobQueue(all, most, jobs == null);
    try (Interruption _ = new Interruption(queue::stop)) {
      boolean completed;
      try (JobProgress progress = new JobProgress(most, err)) {
        completed = queue.run(progress);
      }
      Map<Cell, ComparedRun.Outcome> outcomes = queue.outcomes();
      if (!completed) {
        String message =
            "stopped with "
                + outcomes.size()
                + " of "
                + all.size()
                + " runs ended; go on with: "
                + directory.resuming(spec.name());
        err.println("compare: " + message);
        err.flush();
        throw new TrainingRun.Stopped(message);
      }
      List<ComparedRun> runs =
          all.stream()
              .map(job -> job.with(Objects.requireNonNull(outcomes.get(job.cell()))))
              .toList();
      return new Comparison(options, runs, accuracies(runs));
    }
  }

  private int slots(int all) {
    int processors = Runtime.getRuntime().availableProcessors();
    return Math.clamp(processors / Objects.requireNonNull(global.threads), 1, all);
  }

  private List<Double> accuracies(List<ComparedRun> runs) {
    if (!accuracies.isEmpty()) {
      return accuracies;
    }
    List<ComparedRun> dense = runs.stream().filter(one -> one.cell().isDense()).toList();
    Optional<Double> mean =
        Comparison.finished(dense).stream()
            .map(ComparedRun.Finished::accuracy)
            .reduce(Double::sum)
            .map(sum -> sum / Comparison.finished(dense).size());
    List<Double> wanted = new ArrayList<>();
    for (double below : BELOW_DENSE) {
      mean.ifPresent(accuracy -> wanted.add(accuracy - below));
    }
    return wanted;
  }
}
