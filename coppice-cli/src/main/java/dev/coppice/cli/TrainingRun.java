package dev.coppice.cli;

import com.google.gson.JsonObject;
import dev.coppice.data.DataSet;
import dev.coppice.graph.Compression;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Model;
import dev.coppice.graph.Weights;
import dev.coppice.prune.PruningIteration;
import dev.coppice.prune.PruningMethod;
import dev.coppice.train.Engine;
import dev.coppice.train.EpochMetrics;
import dev.coppice.train.Evaluation;
import dev.coppice.train.Trainer;
import dev.coppice.train.TrainingListener;
import dev.coppice.train.TrainingMethod;
import dev.coppice.train.TrainingSettings;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A training run in its folder, from the first step or the newest checkpoint to the saved model.
 *
 * @param identity of the configuration: what must be the same to resume
 * @param initial the weights before the first step
 * @param metadata what the model is to say of itself besides where it comes from
 */
record TrainingRun(
    RunDirectory directory,
    String command,
    String identity,
    Graph graph,
    Weights initial,
    Map<String, String> metadata,
    DataSet data,
    TrainingSettings settings,
    TrainingMethod method,
    Engine.Options options,
    int checkpointInterval,
    Compression compression,
    JsonObject provenance) {

  /** Adds what only the command knows to the result of a run that has ended. */
  interface Extras {
    void addTo(JsonObject result, Cost cost) throws IOException;
  }

  /** Thrown when the process was asked to end and the run has stopped with a checkpoint. */
  static final class Stopped extends RuntimeException {
    private static final long serialVersionUID = 1;

    Stopped(String message) {
      super(message);
    }
  }

  /**
   * Trains, evaluates and saves the model; a run that is complete is left as it is.
   *
   * @param resume whether to go on from the newest checkpoint
   * @return the result, also in result.json
   * @throws RunFailedException if a file cannot be written on the way
   * @throws dev.coppice.train.NonFiniteException if training diverges
   */
  JsonObject execute(boolean resume, PrintWriter err, Extras extras) throws IOException {
    directory.removeDrafts();
    Trainer.Checkpoints checkpoints =
        new Trainer.Checkpoints(
            directory.checkpoints(),
            checkpointInterval,
            fingerprint(),
            Map.of(Provenance.KEY, provenance.toString()));
    try (Engine engine = new Engine(graph, initial, settings.optimizer(), options)) {
      Trainer trainer = new Trainer(engine, data, settings, method, checkpoints);
      try (Interruption _ = new Interruption(trainer::requestStop);
          Watcher watcher = new Watcher(engine, err)) {
        Trainer.Outcome outcome = train(trainer, watcher, resume);
        if (!outcome.completed()) {
          String message = "stopped after step " + outcome.steps() + "; go on with: " + resuming();
          watcher.progress.line(message);
          throw new Stopped(message);
        }
        Optional<JsonObject> saved = watcher.begun ? Optional.empty() : directory.result();
        if (saved.isPresent()) {
          watcher.progress.line("the run in " + directory.path() + " is complete");
          return saved.get();
        }
        return finish(engine, outcome, watcher, extras);
      }
    }
  }

  private String resuming() {
    return directory.resuming(command);
  }

  private Trainer.Outcome train(Trainer trainer, Watcher watcher, boolean resume)
      throws IOException {
    try {
      return trainer.run(watcher, resume);
    } catch (IOException | UncheckedIOException e) {
      IOException cause = e instanceof UncheckedIOException wrapped ? wrapped.getCause() : null;
      IOException failure = cause != null ? cause : (IOException) e;
      if (!watcher.begun) {
        throw failure;
      }
      throw new RunFailedException(
          "the run stopped, for it could not be saved: "
              + Failure.describe(failure)
              + "; the last good checkpoint is kept, go on with: "
              + resuming(),
          failure);
    }
  }

  private JsonObject finish(
      Engine engine, Trainer.Outcome outcome, Watcher watcher, Extras extras) {
    EpochMetrics last = outcome.last();
    Evaluation test =
        last != null && last.test() != null
            ? last.test()
            : Evaluation.of(engine, data.test(), data, settings);
    Weights weights = engine.weights();
    ModelSummary summary = ModelSummary.of(graph, weights);
    Cost cost =
        Cost.of(
            RunRecords.Epoch.parse(outcome.csv()),
            data.train().size(),
            test.operations().dense(),
            method instanceof PruningMethod pruning
                ? pruning.denseGradientSteps() / (double) outcome.steps()
                : 0,
            outcome.seconds());
    JsonObject result = new JsonObject();
    summary.addEvaluation(result, graph, test);
    summary.addTo(result);
    result.addProperty("epochs", cost.epochs());
    result.addProperty("steps", outcome.steps());
    result.addProperty("sops", cost.operations());
    result.addProperty("seconds", outcome.seconds());
    result.addProperty("imagesPerSecond", outcome.imagesPerSecond());
    result.addProperty("peakMegabytes", dev.coppice.train.ProcessMemory.peakMegabytes());
    result.addProperty("seed", settings.seed());
    try {
      watcher.metrics.write(outcome.csv());
      extras.addTo(result, cost);
      save(weights, test, summary);
      result.addProperty("modelBytes", Files.size(directory.model()));
    } catch (IOException e) {
      throw new RunFailedException(
          "training has ended, but its result could not be saved: "
              + Failure.describe(e)
              + "; save it with: "
              + resuming(),
          e);
    }
    result.addProperty("model", directory.model().toAbsolutePath().normalize().toString());
    result.addProperty("run", directory.path().toAbsolutePath().normalize().toString());
    result.add("cost", cost.json());
    result.add("provenance", provenance);
    directory.writeJson(RunDirectory.RESULT, result);
    report(result, outcome.csv(), watcher);
    return result;
  }

  /** Writes report.html; the run has its result without it. */
  private void report(JsonObject result, List<String> metrics, Watcher watcher) {
    RunRecords records = new RunRecords("run", RunRecords.Epoch.parse(metrics), history());
    HtmlReport.write(
        directory.report(),
        () ->
            new RunCharts(List.of(records), result)
                .report(
                    (method instanceof PruningMethod ? "Pruning on " : "Training on ")
                        + data.name(),
                    Files.readString(directory.resolve(Configuration.FILE))),
        watcher.progress::line);
  }

  private List<PruningIteration> history() {
    return method instanceof PruningMethod pruning ? pruning.history() : List.of();
  }

  private void save(Weights weights, Evaluation test, ModelSummary summary) throws IOException {
    JsonObject described = provenance.deepCopy();
    described.addProperty("accuracy", test.accuracy());
    described.addProperty("sparsity", summary.sparsity());
    new Model(graph, weights, Provenance.with(metadata, described))
        .save(directory.model(), compression);
  }

  /** Tells whether a checkpoint was made by a run that this one would go on with. */
  private String fingerprint() {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(identity.getBytes(StandardCharsets.UTF_8));
      digest.update(provenance.get("data").toString().getBytes(StandardCharsets.UTF_8));
      digest.update(graph.toJson().getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }

  /** Shows progress and keeps metrics.csv and the events. */
  private final class Watcher implements TrainingListener, AutoCloseable {
    private final Engine engine;
    private final Progress progress;
    private final MetricsFile metrics;
    private @Nullable EventFile events;
    private boolean begun;

    Watcher(Engine engine, PrintWriter err) throws IOException {
      this.engine = engine;
      metrics = new MetricsFile(directory);
      progress = new Progress(command, err);
    }

    @Override
    public void onStep(long step, long totalSteps, double loss) {
      begun = true;
      progress.step(step, totalSteps, loss);
    }

    @Override
    public void onEpoch(EpochMetrics epoch) {
      progress.epoch(epoch, method.course(epoch.epoch() - 1, settings.epochs()).total());
      try {
        metrics.add(epoch);
        if (events == null) {
          events = EventFile.open(directory.resolve("events"));
        }
        events.epoch(epoch, engine.weights(), history());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public void onDamagedCheckpoint(Path checkpoint, IOException problem) {
      progress.line(
          "goes on from the checkpoint before "
              + checkpoint.getFileName()
              + ", which cannot be used: "
              + Failure.describe(problem));
    }

    @Override
    public void close() throws IOException {
      progress.close();
      if (events != null) {
        events.close();
      }
    }
  }
}
