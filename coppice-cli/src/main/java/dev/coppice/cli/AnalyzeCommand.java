package dev.coppice.cli;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import dev.coppice.analysis.ActivityRecording;
import dev.coppice.analysis.FeatureConsistency;
import dev.coppice.analysis.MeasurementProgress;
import dev.coppice.analysis.NetworkMeasurement;
import dev.coppice.analysis.Stimulus;
import dev.coppice.data.DataSet;
import dev.coppice.data.Encoder;
import dev.coppice.data.Images;
import dev.coppice.graph.AtomicFile;
import dev.coppice.graph.Model;
import dev.coppice.train.Engine;
import dev.coppice.train.Optimizer;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code coppice analyze}. */
@Command(
    name = "analyze",
    description =
        "Shows why a network works, or how two differ: criticality, firing rates, entropy and"
            + " consistency of features, importance of channels, branching parameter and"
            + " avalanches, as tables, CSV files and pictures.",
    sortOptions = false)
final class AnalyzeCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();

  @Parameters(
      arity = "0..1",
      paramLabel = "MODEL",
      description = "a model file, such as runs/…/model.safetensors")
  private @Nullable Path model;

  private Path file = Path.of("model.safetensors");

  @Option(
      names = "--runs",
      paramLabel = "DIR",
      split = ",",
      description =
          "instead of a model, the folders of runs, such as with and without regrowth: their curves"
              + " of accuracy and loss, and the survival of connections")
  private List<Path> runs = List.of();

  @Option(
      names = "--compare",
      paramLabel = "MODEL",
      description = "another model of the same data, such as the one before pruning")
  private @Nullable Path other;

  @Option(
      names = "--output",
      paramLabel = "DIR",
      description = "where tables and pictures go (default: analysis, beside the model)")
  private @Nullable Path output;

  @Option(
      names = "--only",
      paramLabel = "NAME",
      split = ",",
      description =
          "criticality, rates, entropy, consistency, importance, branching, avalanches (default:"
              + " all; importance only with --compare)")
  private List<Analysis> only = List.of();

  @Option(
      names = "--samples",
      paramLabel = "N",
      description = "at most so many training images, and as many test images (default: 1000)")
  private int samples = 1000;

  @Option(
      names = "--T",
      paramLabel = "N",
      description = "time steps (default: those of the training)")
  private @Nullable Integer timeSteps;

  @Option(
      names = "--encoder",
      paramLabel = "NAME",
      description = "direct, rate, latency or latency-log (default: that of the training)")
  private @Nullable String encoder;

  @Option(
      names = "--trials",
      paramLabel = "N",
      description = "test images of the long runs for branching and avalanches (default: 10)")
  private int trials = 10;

  @Option(
      names = "--steps",
      paramLabel = "N",
      description = "time steps of a long run (default: 1000)")
  private int steps = 1000;

  @Option(
      names = "--discard",
      paramLabel = "N",
      description = "time steps at the start of a long run to leave out (default: 100)")
  private int discard = 100;

  @Option(
      names = "--drive",
      paramLabel = "NAME",
      description = "the encoder of the long runs: rate or direct (default: rate)")
  private String drive = "rate";

  @Option(
      names = "--replicates",
      paramLabel = "N",
      description = "bootstrap samples for the goodness of power laws (default: 100)")
  private int replicates = 100;

  @Mixin private DataOptions data = new DataOptions();
  @Mixin private GlobalOptions global = new GlobalOptions();

  @Override
  public Integer call() throws IOException {
    JsonOutput.check(global.json);
    if (!runs.isEmpty()) {
      return compareRuns();
    }
    if (model == null) {
      throw new UsageException("expected a model file, or the folders of runs by --runs DIR,DIR");
    }
    file = model;
    return analyze();
  }

  private int compareRuns() throws IOException {
    if (model != null) {
      throw new UsageException("--runs does not go with a model");
    }
    if (!only.isEmpty()) {
      throw new UsageException("--only is for the analyses of a model, not for --runs");
    }
    List<RunRecords> records = new ArrayList<>();
    for (Path run : runs) {
      records.add(RunRecords.of(run, run.toString()));
    }
    Path folder = folder(runs.getFirst().resolve("analysis"));
    JsonObject json = new JsonObject();
    json.add("runs", new Gson().toJsonTree(runs.stream().map(Path::toString).toList()));
    json.addProperty("output", folder.toString());
    show(new RunFindings(records).all(), folder, json);
    return 0;
  }

  private int analyze() throws IOException {
    positive("--samples", samples);
    positive("--trials", trials);
    positive("--replicates", replicates);
    if (discard < 0 || steps - discard < 20) {
      throw new UsageException(
          "--steps must exceed --discard by at least 20, but they are "
              + steps
              + " and "
              + discard);
    }
    Set<Analysis> wanted = only.isEmpty() ? EnumSet.allOf(Analysis.class) : EnumSet.copyOf(only);
    if (other == null) {
      if (only.contains(Analysis.IMPORTANCE)) {
        throw new UsageException("--only importance needs another model by --compare");
      }
      wanted.remove(Analysis.IMPORTANCE);
    }
    Model first = Provenance.load(file);
    Model second = other == null ? null : Provenance.load(other);
    if (second != null && only.isEmpty() && OriginalScales.of(first, second).isEmpty()) {
      wanted.remove(Analysis.IMPORTANCE);
    }
    Provenance.Stored stored = Provenance.read(first.metadata(), file.toString());
    complete(stored);
    Path folder = folder(file.toAbsolutePath().resolveSibling("analysis"));
    PrintWriter err = spec.commandLine().getErr();
    DataSet images = data.load();
    List<AnalyzedModel> models = new ArrayList<>();
    try (Progress progress = new Progress("analyze", err)) {
      models.add(
          measure("model", first, stored.normalized(first.graph(), images), wanted, progress));
      if (second != null && other != null) {
        Provenance.Stored its = Provenance.read(second.metadata(), other.toString());
        models.add(
            measure("other", second, its.normalized(second.graph(), images), wanted, progress));
      }
    }
    Findings findings = new Findings(models, replicates, global.seed);
    JsonObject json = new JsonObject();
    json.addProperty("model", file.toString());
    if (other != null) {
      json.addProperty("other", other.toString());
    }
    json.addProperty("data", images.name());
    json.addProperty("output", folder.toString());
    show(wanted.stream().map(findings::of).toList(), folder, json);
    return 0;
  }

  /** Prints and writes what was found. */
  private void show(List<Finding> found, Path folder, JsonObject json) throws IOException {
    String noPicture = "";
    for (Finding finding : found) {
      finding.print(spec.commandLine().getOut());
      write(folder.resolve(finding.name() + ".csv"), finding.table().csv());
      if (!finding.details().isEmpty()) {
        write(folder.resolve(finding.name() + "-details.csv"), finding.detailTable().csv());
      }
      String problem = Picture.write(folder, finding.name(), finding.plot().svg(), Picture::render);
      noPicture = problem.isEmpty() ? noPicture : problem;
      json.add(finding.name(), finding.table().json());
    }
    if (!noPicture.isEmpty()) {
      spec.commandLine().getErr().println("analyze: " + noPicture);
    }
    spec.commandLine().getOut().println("tables and pictures: " + folder);
    JsonOutput.write(global.json, json);
  }

  private static void positive(String option, int value) {
    if (value < 1) {
      throw new UsageException(option + " must be positive, not " + value);
    }
  }

  /** Fills in from the model what the command line does not say. */
  private void complete(Provenance.Stored stored) {
    if (data.data == null) {
      if (stored.data() == null) {
        throw new UsageException(
            file + " does not say what data it was trained on; name some by --data");
      }
      data.data = stored.data();
      data.dataDir = data.dataDir == null ? stored.dataDir() : data.dataDir;
      data.imageSize = data.imageSize == null ? stored.imageSize() : data.imageSize;
    }
    timeSteps = timeSteps == null ? stored.timeSteps() : timeSteps;
    if (timeSteps == null) {
      throw new UsageException(file + " does not say its time steps; give them by --T");
    }
    encoder = Objects.requireNonNullElse(encoder == null ? stored.encoder() : encoder, "direct");
  }

  private Path folder(Path usual) {
    Path folder = output == null ? usual : output;
    try {
      Files.createDirectories(folder);
      Files.delete(Files.createTempFile(folder, ".coppice-", ".tmp"));
      return folder;
    } catch (IOException e) {
      throw new UsageException("cannot write to " + folder + ": " + Failure.describe(e), e);
    }
  }

  private AnalyzedModel measure(
      String name, Model model, DataSet images, Set<Analysis> wanted, Progress progress) {
    Encoder shown = Encoder.of(Objects.requireNonNull(encoder));
    Stimulus stimulus =
        new Stimulus(shown, images.normalization(), Objects.requireNonNull(timeSteps), global.seed);
    Stimulus longer = new Stimulus(Encoder.of(drive), images.normalization(), steps, global.seed);
    FeatureConsistency consistency =
        new FeatureConsistency(
            images.train().classes().size(), NetworkMeasurement.features(model.graph()));
    NetworkMeasurement measurement = new NetworkMeasurement(0, List.of());
    ActivityRecording recording = new ActivityRecording(List.of(), List.of());
    Optimizer none = new Optimizer.Sgd(0, false, 0);
    try (Engine engine = new Engine(model.graph(), model.weights(), none, global.engine())) {
      if (wanted.contains(Analysis.CRITICALITY)
          || wanted.contains(Analysis.RATES)
          || wanted.contains(Analysis.ENTROPY)
          || wanted.contains(Analysis.CONSISTENCY)) {
        Images seen = some(images.train(), samples);
        measurement =
            NetworkMeasurement.of(
                engine,
                seen,
                stimulus,
                consistency::addTraining,
                told(name + ", training images", progress));
      }
      if (wanted.contains(Analysis.CONSISTENCY)) {
        Images unseen = some(images.test(), samples);
        NetworkMeasurement _ =
            NetworkMeasurement.of(
                engine,
                unseen,
                stimulus,
                consistency::addTest,
                told(name + ", test images", progress));
      }
      if (wanted.contains(Analysis.BRANCHING) || wanted.contains(Analysis.AVALANCHES)) {
        recording =
            ActivityRecording.of(
                engine,
                some(images.test(), trials),
                longer,
                discard,
                told(name + ", long runs", progress));
      }
    }
    return new AnalyzedModel(
        name, model, measurement, consistency, recording, images.train().classes());
  }

  private static Images some(Images images, int count) {
    return count < images.size() ? images.subset(count) : images;
  }

  private static MeasurementProgress told(String what, Progress progress) {
    return (done, of) -> {
      if (done == of) {
        progress.line(what + ": " + done + " measured");
      }
    };
  }

  private static void write(Path file, String text) throws IOException {
    AtomicFile.write(file, out -> out.write(text.getBytes(StandardCharsets.UTF_8)));
  }
}
