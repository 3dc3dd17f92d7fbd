package dev.coppice.cli;

import dev.coppice.data.Augmentation;
import dev.coppice.data.Encoder;
import dev.coppice.graph.Initialization;
import dev.coppice.train.LearningRate;
import dev.coppice.train.LossFunction;
import dev.coppice.train.Optimizer;
import dev.coppice.train.TrainingSettings;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options about training. */
final class TrainingOptions {
  @Option(
      names = "--epochs",
      paramLabel = "N",
      description = "passes over the training images (default: what suits the data)")
  @Nullable Integer epochs;

  @Option(
      names = "--batch",
      paramLabel = "N",
      description = "images per optimizer step (default: what suits the data)")
  @Nullable Integer batch;

  @Option(
      names = "--lr",
      paramLabel = "X",
      description = "the base learning rate (default: 0.1 for sgd, else 0.001)")
  @Nullable Double learningRate;

  @Option(
      names = "--schedule",
      paramLabel = "NAME",
      description = "of the learning rate: cosine, step or constant (default: cosine)")
  Schedule schedule = Schedule.COSINE;

  @Option(
      names = "--milestones",
      split = ",",
      paramLabel = "X",
      description = "where step lowers the rate, as parts of the run (default: 0.5,0.75)")
  List<Float> milestones = List.of(0.5f, 0.75f);

  @Option(
      names = "--step-factor",
      paramLabel = "X",
      description = "by how much step lowers the rate (default: 0.1)")
  float stepFactor = 0.1f;

  @Option(
      names = "--warm-up",
      paramLabel = "EPOCHS",
      description = "raise the rate from zero at the start (default: 0)")
  double warmUp;

  @Option(
      names = "--optimizer",
      paramLabel = "NAME",
      description = "sgd, adam or adamw (default: sgd; adam for the pruning method gradr)")
  @Nullable Rule optimizer;

  @Option(names = "--momentum", paramLabel = "X", description = "of sgd (default: 0.9)")
  float momentum = 0.9f;

  @Option(
      names = "--nesterov",
      negatable = true,
      fallbackValue = "true",
      description = "Nesterov momentum of sgd (default: no)")
  boolean nesterov;

  @Option(
      names = "--weight-decay",
      paramLabel = "X",
      description = "(default: 0.0005 for sgd, 0 for adam, 0.01 for adamw)")
  @Nullable Float weightDecay;

  @Option(
      names = "--loss",
      paramLabel = "NAME",
      description =
          "cross entropy of the mean logits, its mean per time step, or tet: mean, per-step, tet"
              + " (default: mean)")
  Loss loss = Loss.MEAN;

  @Option(
      names = "--tet-lambda",
      paramLabel = "X",
      description = "the weight of tet's second term (default: 0.05)")
  float tetLambda = 0.05f;

  @Option(
      names = "--tet-phi",
      paramLabel = "X",
      description = "what tet draws the logits to (default: 1)")
  float tetPhi = 1;

  @Option(names = "--label-smoothing", paramLabel = "X", description = "in [0, 1) (default: 0)")
  float labelSmoothing;

  @Option(
      names = "--clip-norm",
      paramLabel = "X",
      description = "the largest norm of the gradient, 0 for any (default: 0)")
  float clipNorm;

  @Option(
      names = "--sparsity-l1",
      paramLabel = "X",
      description =
          "an L1 penalty that makes scales of batch norms small (default: 0; 0.0001 before channels"
              + " are pruned)")
  @Nullable Float scaleL1;

  @Option(
      names = "--encoder",
      paramLabel = "NAME",
      description = "direct, rate, latency or latency-log (default: direct)")
  @Nullable String encoder;

  @Option(
      names = "--crop",
      paramLabel = "PIXELS",
      description = "random crops after so much padding (default: 4 for colour images, else 0)")
  @Nullable Integer crop;

  @Option(
      names = "--flip",
      negatable = true,
      fallbackValue = "true",
      description = "mirror images at random (default: colour images only)")
  @Nullable Boolean flip;

  @Option(
      names = "--cutout",
      paramLabel = "PIXELS",
      description = "blank a random square of this side (default: 0)")
  int cutout;

  @Option(
      names = "--init",
      paramLabel = "NAME",
      description =
          "kaiming-normal-fan-out, kaiming-normal-fan-in or uniform-fan-in"
              + " (default: kaiming-normal-fan-out)")
  Initialization init = Initialization.KAIMING_NORMAL_FAN_OUT;

  @Option(
      names = "--evaluate-every",
      paramLabel = "EPOCHS",
      description = "how often to look at the test images (default: 1)")
  int evaluateEvery = 1;

  /** How the learning rate changes over a run. */
  enum Schedule {
    /** Half a cosine. */
    COSINE,
    /** Lower at every milestone. */
    STEP,
    /** Not at all. */
    CONSTANT
  }

  /** The update rules. */
  enum Rule {
    /** Stochastic gradient descent. */
    SGD,
    /** With weight decay in the gradient. */
    ADAM,
    /** With weight decay apart from it. */
    ADAMW
  }

  /** The losses. */
  enum Loss {
    /** Of the logits' mean over time. */
    MEAN,
    /** The mean of every time step's. */
    PER_STEP,
    /** Temporal efficient training. */
    TET
  }

  /** Fills in what suits the data set where nothing was given. */
  void resolve(DataDefaults defaults) {
    epochs = epochs == null ? Integer.valueOf(defaults.epochs()) : epochs;
    batch = batch == null ? Integer.valueOf(defaults.batch()) : batch;
    optimizer = optimizer == null ? Rule.SGD : optimizer;
    if (learningRate == null) {
      learningRate = optimizer == Rule.SGD ? defaults.learningRate() : 1e-3;
    }
    if (weightDecay == null) {
      weightDecay =
          switch (optimizer) {
            case SGD -> 5e-4f;
            case ADAM -> 0f;
            case ADAMW -> 0.01f;
          };
    }
    crop = crop == null ? Integer.valueOf(defaults.padding()) : crop;
    flip = flip == null ? Boolean.valueOf(defaults.flip()) : flip;
    encoder = encoder == null ? "direct" : encoder;
    scaleL1 = scaleL1 == null ? Float.valueOf(0) : scaleL1;
  }

  /**
   * Returns the settings, after {@link #resolve}.
   *
   * @throws IllegalArgumentException for a value out of its range
   */
  TrainingSettings settings(int timeSteps, long seed) {
    if (epochs == null
        || batch == null
        || optimizer == null
        || learningRate == null
        || weightDecay == null
        || crop == null
        || flip == null
        || scaleL1 == null
        || encoder == null) {
      throw new IllegalStateException("the options are not resolved");
    }
    if (!(weightDecay >= 0 && weightDecay < Float.POSITIVE_INFINITY)) {
      throw new UsageException("--weight-decay must be finite and not negative: " + weightDecay);
    }
    if (!(momentum >= 0 && momentum < 1)) {
      throw new UsageException("--momentum must lie in [0, 1), not " + momentum);
    }
    if (epochs < 1) {
      throw new UsageException("--epochs must be at least 1, not " + epochs);
    }
    if (!Float.isFinite(tetPhi)) {
      throw new UsageException("--tet-phi must be finite, not " + tetPhi);
    }
    if (!(stepFactor > 0 && stepFactor <= 1)) {
      throw new UsageException("--step-factor must lie in (0, 1], not " + stepFactor);
    }
    for (float milestone : milestones) {
      if (!(milestone > 0 && milestone < 1)) {
        throw new UsageException("--milestones must lie in (0, 1), not " + milestone);
      }
    }
    return TrainingSettings.builder()
        .timeSteps(timeSteps)
        .batchSize(batch)
        .epochs(epochs)
        .optimizer(
            switch (optimizer) {
              case SGD -> new Optimizer.Sgd(momentum, nesterov, weightDecay);
              case ADAM -> new Optimizer.Adam(0.9f, 0.999f, 1e-8f, weightDecay);
              case ADAMW -> new Optimizer.AdamW(0.9f, 0.999f, 1e-8f, weightDecay);
            })
        .learningRate(learningRate)
        .schedule(
            switch (schedule) {
              case COSINE -> new LearningRate.Cosine();
              case STEP -> new LearningRate.Step(stepFactor, milestones);
              case CONSTANT -> new LearningRate.Constant();
            })
        .warmUpEpochs(warmUp)
        .loss(
            switch (loss) {
              case MEAN -> new LossFunction.MeanLogits();
              case PER_STEP -> new LossFunction.PerStep();
              case TET -> new LossFunction.Tet(tetLambda, tetPhi);
            })
        .labelSmoothing(labelSmoothing)
        .clipNorm(clipNorm)
        .scaleL1(scaleL1)
        .encoder(Encoder.of(encoder))
        .augmentation(new Augmentation(crop, flip, cutout))
        .evaluateEvery(evaluateEvery)
        .seed(seed)
        .build();
  }
}
