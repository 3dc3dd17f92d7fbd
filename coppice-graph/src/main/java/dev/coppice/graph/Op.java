package dev.coppice.graph;

/**
 * What a node computes, on activations {@code [T·B, H, W, C]} or {@code [T·B, N]}: time-major, then
 * batch, channels last. Only {@link Neuron} looks across time steps.
 */
public sealed interface Op {
  /** The network's input: one sample at one time step. */
  record Input(Shape shape) implements Op {}

  /**
   * A square convolution. Weights {@code NAME.weight} are {@code [out, kernel, kernel, in/groups]}
   * in memory, {@code NAME.bias} is {@code [out]}.
   */
  record Conv2d(
      int inChannels,
      int outChannels,
      int kernel,
      int stride,
      int padding,
      int groups,
      boolean bias)
      implements Op {}

  /**
   * A fully connected layer; {@code NAME.weight} is {@code [out, in]}, {@code NAME.bias} {@code
   * [out]}.
   */
  record Linear(int inFeatures, int outFeatures, boolean bias) implements Op {}

  /**
   * Batch normalisation over T, B, H and W: biased variance to normalise, unbiased for the running
   * estimate. Tensors {@code NAME.weight}, {@code .bias}, {@code .running_mean}, {@code
   * .running_var} are {@code [channels]}.
   *
   * @param initialScale the value that {@code weight} starts from
   */
  record BatchNorm(int channels, float eps, float momentum, float initialScale) implements Op {}

  /**
   * A spiking neuron for every element, with its state at rest (0, or the reset potential of a hard
   * reset) before the first step of a sequence.
   *
   * @param strict whether it fires at {@code h > threshold} rather than {@code h >= threshold}
   * @param detachReset whether the gradient through the reset is cut
   */
  record Neuron(
      Charge charge,
      float threshold,
      boolean strict,
      Reset reset,
      boolean detachReset,
      Surrogate surrogate)
      implements Op {

    /**
     * Returns the neuron of the weight-pruning experiments of arXiv 2311.16141: decay 0.25,
     * threshold 0.5, hard reset with gradient, tanh surrogate of temperature 3.
     */
    public static Neuron decay() {
      return new Neuron(
          new Charge.Decay(0.25f), 0.5f, true, new Reset.Hard(0), false, new Surrogate.Tanh(3));
    }

    /**
     * Returns a leaky integrate-and-fire neuron with a decayed input, threshold 1, hard reset to 0
     * and an ATan surrogate with α = 2; {@code tau} 4/3 is that of the channel-pruning experiments
     * of arXiv 2311.16141.
     */
    public static Neuron lif(float tau) {
      return new Neuron(
          new Charge.TimeConstant(tau, true),
          1,
          false,
          new Reset.Hard(0),
          false,
          new Surrogate.ATan(2));
    }

    /** Returns an integrate-and-fire neuron with threshold 1, hard reset and ATan surrogate. */
    public static Neuron integrateAndFire() {
      return new Neuron(
          new Charge.Integrate(), 1, false, new Reset.Hard(0), false, new Surrogate.ATan(2));
    }
  }

  /** Average pooling over square windows without padding. */
  record AvgPool(int kernel, int stride) implements Op {}

  /** Maximum pooling over square windows without padding. */
  record MaxPool(int kernel, int stride) implements Op {}

  /** The mean over H and W: a map becomes a vector. */
  record GlobalAvgPool() implements Op {}

  /** A map becomes a vector, in the order H, W, C. */
  record Flatten() implements Op {}

  /** The sum of two or more inputs of equal shape. */
  record Add() implements Op {}

  /**
   * Sets elements to zero at the given rate in training, one draw for all time steps of a sample.
   */
  record Dropout(float rate) implements Op {}
}
