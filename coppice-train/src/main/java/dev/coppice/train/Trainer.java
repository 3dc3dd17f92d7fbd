package dev.coppice.train;

import dev.coppice.data.Batch;
import dev.coppice.data.Batches;
import dev.coppice.data.DataSet;
import dev.coppice.graph.Graph;
import dev.coppice.graph.GraphException;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Trains a network on a data set, with checkpoints from which a killed run goes on and ends with
 * the same weights as one that was never stopped (on the same machine, with the same threads).
 */
public final class Trainer {
  private final Engine engine;
  private final DataSet data;
  private final TrainingSettings settings;
  private final TrainingMethod method;
  private final @Nullable Checkpoints checkpoints;
  private volatile boolean stopRequested;

  /**
   * Where checkpoints go.
   *
   * @param directory holds nothing else
   * @param everySteps optimizer steps between checkpoints; one is also made after every epoch and
   *     when a run is stopped
   * @param fingerprint of the run's whole configuration; a checkpoint with another one is refused
   * @param metadata for the model in each checkpoint
   */
  public record Checkpoints(
      Path directory, int everySteps, String fingerprint, Map<String, String> metadata) {
    /** Throws {@link IllegalArgumentException} if checkpoints would be less than a step apart. */
    public Checkpoints {
      metadata = Map.copyOf(metadata);
      if (everySteps < 1) {
        throw new IllegalArgumentException(
            "checkpoints must be at least a step apart, not " + everySteps);
      }
    }
  }

  /**
   * How a run ended.
   *
   * @param completed false if it was stopped and can be resumed
   * @param steps optimizer steps done
   * @param seconds of training, without evaluations
   * @param imagesPerSecond in training, over the whole run
   * @param csv the lines of metrics.csv, those of before a resume included
   * @param last the last epoch's metrics, null if no epoch ended in this call
   */
  public record Outcome(
      boolean completed,
      long steps,
      double seconds,
      double imagesPerSecond,
      List<String> csv,
      @Nullable EpochMetrics last) {}

  /** Makes a trainer without checkpoints. */
  public Trainer(Engine engine, DataSet data, TrainingSettings settings, TrainingMethod method) {
    this(engine, data, settings, method, null);
  }

  /** Makes a trainer. */
  public Trainer(
      Engine engine,
      DataSet data,
      TrainingSettings settings,
      TrainingMethod method,
      @Nullable Checkpoints checkpoints) {
    this.engine = engine;
    this.data = data;
    this.settings = settings;
    this.method = method;
    this.checkpoints = checkpoints;
  }

  /** Asks the run to stop after the step under way; may be called by any thread. */
  public void requestStop() {
    stopRequested = true;
  }

  /** Returns the optimizer steps of the whole run, as far as they are known before it begins. */
  public long totalSteps() {
    return steps(course(0).total());
  }

  private TrainingMethod.Course course(int epoch) {
    return method.course(epoch, settings.epochs());
  }

  private long steps(int epochs) {
    return (long) epochs * settings.stepsPerEpoch(data.train().size());
  }

  /**
   * Trains from the engine's weights to the end, or from the newest checkpoint that is not damaged
   * if {@code resume}.
   *
   * @throws IOException if a checkpoint cannot be written, or those to resume from are all damaged
   *     or of another configuration
   * @throws NonFiniteException if training diverges; the last checkpoint is kept
   */
  public Outcome run(TrainingListener listener, boolean resume) throws IOException {
    Progress progress = resume ? resume(listener) : begin();
    int perEpoch = settings.stepsPerEpoch(data.train().size());
    EpochMetrics last = null;
    while (progress.epoch < course(progress.epoch).total()) {
      long start = System.nanoTime();
      double before = progress.epochSeconds;
      try (Batches batches = batches(progress)) {
        while (batches.hasNext()) {
          Batch batch = batches.next();
          double loss = step(batch, progress);
          progress.epochSeconds = before + (System.nanoTime() - start) / 1e9;
          listener.onStep(progress.step, steps(course(progress.epoch).total()), loss);
          boolean stop = stopRequested;
          if (stop || checkpointDue(progress, perEpoch)) {
            save(progress);
          }
          if (stop) {
            progress.seconds += progress.epochSeconds;
            return outcome(progress, last, false);
          }
        }
      }
      last = endEpoch(progress);
      listener.onEpoch(last);
      save(progress);
    }
    return outcome(progress, last, true);
  }

  private boolean checkpointDue(Progress progress, int perEpoch) {
    return checkpoints != null
        && progress.batch < perEpoch
        && progress.step % checkpoints.everySteps() == 0;
  }

  private Outcome outcome(Progress progress, @Nullable EpochMetrics last, boolean completed) {
    long perEpoch = data.train().size();
    long images =
        progress.epoch * perEpoch
            + Math.min((long) progress.batch * settings.batchSize(), perEpoch);
    return new Outcome(
        completed,
        progress.step,
        progress.seconds,
        progress.seconds > 0 ? images / progress.seconds : 0,
        List.copyOf(progress.history),
        last);
  }

  /** What changes from step to step. */
  private static final class Progress {
    private long step;
    private int epoch;
    private int batch;
    private double lossSum;
    private long correct;
    private double epochSeconds;
    private double seconds;
    private final List<String> history = new ArrayList<>();
  }

  private Batches batches(Progress progress) {
    return Batches.of(
        data.train(),
        settings.normalization(data),
        settings.augmentation(),
        settings.batchSize(),
        Seeds.DATA.at(settings.seed(), 0),
        progress.epoch,
        progress.batch,
        true,
        false);
  }

  /** Returns the learning rate of the step of an epoch that follows so many others. */
  private double rate(int epoch, long step) {
    TrainingMethod.Course course = course(epoch);
    long from = steps(course.from());
    double warmUp = settings.warmUpEpochs() * settings.stepsPerEpoch(data.train().size());
    return settings.learningRate()
        * settings.schedule().factor(step - from, steps(course.to()) - from, Math.round(warmUp));
  }

  private double step(Batch batch, Progress progress) {
    long step = progress.step + 1;
    float[] input = settings.input(batch, Seeds.ENCODING.at(settings.seed(), step));
    Engine.StepResult result =
        engine.train(
            input,
            batch.labels(),
            settings.step(),
            rate(progress.epoch, progress.step),
            Seeds.DROPOUT.at(settings.seed(), step),
            method.probes(step),
            gradients -> method.beforeUpdate(step, engine, gradients));
    method.afterStep(step, engine, result);
    progress.step = step;
    progress.batch++;
    progress.lossSum += result.loss() * batch.size();
    progress.correct += result.correct();
    return result.loss();
  }

  private EpochMetrics endEpoch(Progress progress) {
    int images = data.train().size();
    boolean due =
        (progress.epoch + 1) % settings.evaluateEvery() == 0
            || progress.epoch + 1 == course(progress.epoch).total();
    Evaluation test = due ? Evaluation.of(engine, data.test(), data, settings) : null;
    EpochMetrics metrics =
        new EpochMetrics(
            progress.epoch + 1,
            progress.step,
            progress.lossSum / images,
            progress.correct / (double) images,
            rate(progress.epoch, progress.step - 1),
            sparsity(engine.graph(), engine.weights()),
            progress.epochSeconds,
            images / progress.epochSeconds,
            ProcessMemory.peakMegabytes(),
            test);
    progress.history.add(metrics.csv());
    progress.seconds += progress.epochSeconds;
    progress.epoch++;
    progress.batch = 0;
    progress.lossSum = 0;
    progress.correct = 0;
    progress.epochSeconds = 0;
    return metrics;
  }

  /** Returns the share of zeros among the weights of convolutions and linear layers. */
  public static double sparsity(Graph graph, Weights weights) {
    long zeros = 0;
    long all = 0;
    for (String name : Weights.expected(graph).keySet()) {
      Tensor tensor = weights.get(name);
      if (tensor.shape().length > 1) {
        zeros += tensor.size() - tensor.countNonZero();
        all += tensor.size();
      }
    }
    return all == 0 ? 0 : zeros / (double) all;
  }

  private Progress begin() {
    method.begin(engine);
    return new Progress();
  }

  private void save(Progress progress) throws IOException {
    if (checkpoints == null) {
      return;
    }
    Weights weights = engine.weights();
    try {
      weights.check(engine.graph());
    } catch (GraphException e) {
      // The update of the last step may overflow though its loss and gradients did not.
      throw new NonFiniteException("after step " + progress.step + ", " + e.getMessage());
    }
    new Checkpoint(
            checkpoints.fingerprint(),
            progress.step,
            progress.epoch,
            progress.batch,
            progress.lossSum,
            progress.correct,
            progress.epochSeconds,
            progress.seconds,
            progress.history,
            weights,
            engine.updates(),
            engine.optimizerState(),
            method.state())
        .save(checkpoints.directory(), engine.graph(), checkpoints.metadata());
  }

  private Progress resume(TrainingListener listener) throws IOException {
    if (checkpoints == null) {
      throw new IOException("there is nothing to resume from: the run has no checkpoints");
    }
    List<Path> newestFirst = Checkpoint.list(checkpoints.directory()).reversed();
    for (Path path : newestFirst) {
      try {
        Checkpoint checkpoint = Checkpoint.read(path);
        if (checkpoint.fingerprint().equals(checkpoints.fingerprint())) {
          return restore(checkpoint, path);
        }
      } catch (IOException e) {
        if (path.equals(newestFirst.getLast())) {
          throw e;
        }
        listener.onDamagedCheckpoint(path, e);
        continue;
      }
      throw new IOException(
          "the checkpoint in "
              + checkpoints.directory()
              + " was made with other settings; resume with those of its config.yaml");
    }
    return begin();
  }

  private Progress restore(Checkpoint checkpoint, Path path) throws IOException {
    int perEpoch = settings.stepsPerEpoch(data.train().size());
    if (checkpoint.batch() < 0
        || checkpoint.batch() > perEpoch
        || checkpoint.epoch() < 0
        || checkpoint.step() != (long) checkpoint.epoch() * perEpoch + checkpoint.batch()) {
      throw damaged(path, "its step, epoch and batch do not belong together", null);
    }
    try {
      engine.restore(checkpoint.weights(), checkpoint.optimizer(), checkpoint.updates());
      method.restore(checkpoint.method(), engine);
    } catch (RuntimeException e) {
      throw damaged(path, e.getMessage(), e);
    }
    Progress progress = new Progress();
    progress.step = checkpoint.step();
    progress.epoch = checkpoint.epoch();
    progress.batch = checkpoint.batch();
    progress.lossSum = checkpoint.lossSum();
    progress.correct = checkpoint.correct();
    progress.epochSeconds = checkpoint.epochSeconds();
    progress.seconds = checkpoint.seconds();
    progress.history.addAll(checkpoint.history());
    return progress;
  }

  private static IOException damaged(
      Path path, @Nullable String problem, @Nullable Throwable cause) {
    return new IOException("the checkpoint " + path + " is damaged: " + problem, cause);
  }
}
