package dev.coppice.train;

import dev.coppice.data.Augmentation;
import dev.coppice.data.Batch;
import dev.coppice.data.DataSet;
import dev.coppice.data.Encoder;
import dev.coppice.data.Normalization;

/**
 * How a network is trained.
 *
 * @param timeSteps T
 * @param batchSize samples per optimizer step; the last batch of an epoch may be smaller
 * @param epochs passes over the training set
 * @param optimizer the update rule
 * @param learningRate the base rate
 * @param schedule the rate over the run, per optimizer step
 * @param warmUpEpochs linear warm-up at the start of the run
 * @param loss the loss
 * @param labelSmoothing ε in [0, 1)
 * @param clipNorm the largest norm of the gradient, or 0 for no bound
 * @param scaleL1 λ of the L1 penalty on the scales of batch norms, or 0
 * @param encoder how images become input currents or spikes
 * @param augmentation how training images are varied
 * @param evaluateEvery epochs between evaluations on the test set; the last epoch always is
 * @param seed the source of all randomness
 */
public record TrainingSettings(
    int timeSteps,
    int batchSize,
    int epochs,
    Optimizer optimizer,
    double learningRate,
    LearningRate schedule,
    double warmUpEpochs,
    LossFunction loss,
    float labelSmoothing,
    float clipNorm,
    float scaleL1,
    Encoder encoder,
    Augmentation augmentation,
    int evaluateEvery,
    long seed) {

  /** Throws {@link IllegalArgumentException} for a value out of its range. */
  public TrainingSettings {
    require(timeSteps >= 1, "the number of time steps T must be at least 1, not " + timeSteps);
    require(
        timeSteps <= 10_000, "the number of time steps T must be at most 10000, not " + timeSteps);
    require(batchSize >= 1, "the batch size must be at least 1, not " + batchSize);
    require(epochs >= 0, "the number of epochs must not be negative: " + epochs);
    require(
        learningRate >= 0 && learningRate < Double.POSITIVE_INFINITY,
        "the learning rate must be finite and not negative, not " + learningRate);
    require(
        warmUpEpochs >= 0 && warmUpEpochs <= epochs,
        "warm-up must lie between 0 and the number of epochs, not " + warmUpEpochs);
    require(
        labelSmoothing >= 0 && labelSmoothing < 1,
        "label smoothing must lie in [0, 1), not " + labelSmoothing);
    require(
        clipNorm >= 0 && clipNorm < Float.POSITIVE_INFINITY,
        "the gradient's bound must be finite and not negative, not " + clipNorm);
    require(
        scaleL1 >= 0 && scaleL1 < Float.POSITIVE_INFINITY,
        "the L1 penalty on scales must be finite and not negative, not " + scaleL1);
    require(evaluateEvery >= 1, "evaluations must be at least an epoch apart: " + evaluateEvery);
  }

  private static void require(boolean condition, String message) {
    if (!condition) {
      throw new IllegalArgumentException(message);
    }
  }

  /** Returns a builder with the defaults. */
  public static Builder builder() {
    return new Builder();
  }

  /** Returns a builder that starts from these settings. */
  public Builder toBuilder() {
    Builder builder = new Builder();
    builder.timeSteps = timeSteps;
    builder.batchSize = batchSize;
    builder.epochs = epochs;
    builder.optimizer = optimizer;
    builder.learningRate = learningRate;
    builder.schedule = schedule;
    builder.warmUpEpochs = warmUpEpochs;
    builder.loss = loss;
    builder.labelSmoothing = labelSmoothing;
    builder.clipNorm = clipNorm;
    builder.scaleL1 = scaleL1;
    builder.encoder = encoder;
    builder.augmentation = augmentation;
    builder.evaluateEvery = evaluateEvery;
    builder.seed = seed;
    return builder;
  }

  /** Returns what the network reads for a batch, as {@link Engine} wants it. */
  public float[] input(Batch batch, long encodingSeed) {
    return encoder.isStatic()
        ? batch.pixels()
        : encoder.encode(batch.pixels(), batch.size(), timeSteps, encodingSeed);
  }

  /** Returns how pixels are scaled for the encoder: spikes are drawn from pixels in 0..1. */
  public Normalization normalization(DataSet data) {
    return encoder.isStatic() ? data.normalization() : Normalization.NONE;
  }

  Engine.StepSettings step() {
    return new Engine.StepSettings(timeSteps, loss, labelSmoothing, clipNorm, scaleL1);
  }

  /** Returns the optimizer steps of an epoch over so many images. */
  public int stepsPerEpoch(int images) {
    return Math.ceilDiv(images, batchSize);
  }

  /** Collects settings; what is not set keeps its default. */
  public static final class Builder {
    private int timeSteps = 4;
    private int batchSize = 32;
    private int epochs = 24;
    private Optimizer optimizer = new Optimizer.Sgd(0.9f, false, 5e-4f);
    private double learningRate = 0.1;
    private LearningRate schedule = new LearningRate.Cosine();
    private double warmUpEpochs;
    private LossFunction loss = new LossFunction.MeanLogits();
    private float labelSmoothing;
    private float clipNorm;
    private float scaleL1;
    private Encoder encoder = new Encoder.Direct();
    private Augmentation augmentation = Augmentation.NONE;
    private int evaluateEvery = 1;
    private long seed = 1;

    private Builder() {}

    /** Sets T. */
    public Builder timeSteps(int value) {
      timeSteps = value;
      return this;
    }

    /** Sets the samples per optimizer step. */
    public Builder batchSize(int value) {
      batchSize = value;
      return this;
    }

    /** Sets the passes over the training set. */
    public Builder epochs(int value) {
      epochs = value;
      return this;
    }

    /** Sets the update rule. */
    public Builder optimizer(Optimizer value) {
      optimizer = value;
      return this;
    }

    /** Sets the base learning rate. */
    public Builder learningRate(double value) {
      learningRate = value;
      return this;
    }

    /** Sets the schedule of the learning rate. */
    public Builder schedule(LearningRate value) {
      schedule = value;
      return this;
    }

    /** Sets the epochs of linear warm-up. */
    public Builder warmUpEpochs(double value) {
      warmUpEpochs = value;
      return this;
    }

    /** Sets the loss. */
    public Builder loss(LossFunction value) {
      loss = value;
      return this;
    }

    /** Sets ε of label smoothing. */
    public Builder labelSmoothing(float value) {
      labelSmoothing = value;
      return this;
    }

    /** Sets the bound of the gradient's norm, 0 for none. */
    public Builder clipNorm(float value) {
      clipNorm = value;
      return this;
    }

    /** Sets λ of the L1 penalty on the scales of batch norms, 0 for none. */
    public Builder scaleL1(float value) {
      scaleL1 = value;
      return this;
    }

    /** Sets the encoder. */
    public Builder encoder(Encoder value) {
      encoder = value;
      return this;
    }

    /** Sets the augmentation. */
    public Builder augmentation(Augmentation value) {
      augmentation = value;
      return this;
    }

    /** Sets the epochs between evaluations. */
    public Builder evaluateEvery(int value) {
      evaluateEvery = value;
      return this;
    }

    /** Sets the seed. */
    public Builder seed(long value) {
      seed = value;
      return this;
    }

    /**
     * Returns the settings.
     *
     * @throws IllegalArgumentException for a value out of its range
     */
    public TrainingSettings build() {
      return new TrainingSettings(
          timeSteps,
          batchSize,
          epochs,
          optimizer,
          learningRate,
          schedule,
          warmUpEpochs,
          loss,
          labelSmoothing,
          clipNorm,
          scaleL1,
          encoder,
          augmentation,
          evaluateEvery,
          seed);
    }
  }
}
