package dev.coppice.graph;

import java.util.List;

/**
 * What a node computes, on activations {@code [T·B, H, W, C]} or {@code [T·B, N]}: time-major, then
 * batch, channels last. Only {@link Neuron} looks across time steps.
 */
public sealed interface Op {
  /** The greatest kernel, stride or padding. */
  int MAX_WINDOW = 1024;

  /** The network's input: one sample at one time step. */
  record Input(Shape shape) implements Op {}

  /**
   * A square convolution. Weights {@code NAME.weight} are {@code [out, kernel, kernel, in/groups]}
   * in memory, {@code NAME.bias} is {@code [out]}. The output has {@code (size + 2·padding −
   * kernel) / stride + 1} rows and columns, rounded down.
   */
  record Conv2d(
      int inChannels,
      int outChannels,
      int kernel,
      int stride,
      int padding,
      int groups,
      boolean bias)
      implements Op {
    /**
     * Throws {@link GraphException} if a size is not positive or too large, or the groups do not
     * divide the channels.
     */
    public Conv2d {
      Check.between("the input channels of a convolution", inChannels, 1, Integer.MAX_VALUE);
      Check.between("the output channels of a convolution", outChannels, 1, Integer.MAX_VALUE);
      Check.between("the kernel of a convolution", kernel, 1, MAX_WINDOW);
      Check.between("the stride of a convolution", stride, 1, MAX_WINDOW);
      Check.between("the padding of a convolution", padding, 0, MAX_WINDOW);
      if (groups < 1 || inChannels % groups != 0 || outChannels % groups != 0) {
        throw new GraphException(
            "the groups of a convolution must divide its channels "
                + inChannels
                + " and "
                + outChannels
                + ", not be "
                + groups);
      }
      long columns = (long) kernel * kernel * (inChannels / groups);
      if (columns > Integer.MAX_VALUE || columns * outChannels > Integer.MAX_VALUE) {
        throw new GraphException(
            "a convolution with " + outChannels + "x" + columns + " weights is too large");
      }
    }

    /**
     * Returns a convolution without bias or groups that keeps the size of the map at stride 1.
     *
     * @param kernel an odd number
     */
    public static Conv2d same(int inChannels, int outChannels, int kernel, int stride) {
      return new Conv2d(inChannels, outChannels, kernel, stride, kernel / 2, 1, false);
    }
  }

  /**
   * A fully connected layer; {@code NAME.weight} is {@code [out, in]}, {@code NAME.bias} {@code
   * [out]}.
   */
  record Linear(int inFeatures, int outFeatures, boolean bias) implements Op {
    /** Throws {@link GraphException} if a size is not positive or too large. */
    public Linear {
      Check.between("the inputs of a linear layer", inFeatures, 1, Integer.MAX_VALUE);
      Check.between("the outputs of a linear layer", outFeatures, 1, Integer.MAX_VALUE);
      if ((long) inFeatures * outFeatures > Integer.MAX_VALUE) {
        throw new GraphException(
            "a linear layer with " + outFeatures + "x" + inFeatures + " weights is too large");
      }
    }
  }

  /**
   * Batch normalisation over T, B, H and W: biased variance to normalise, unbiased for the running
   * estimate. Tensors {@code NAME.weight}, {@code .bias}, {@code .running_mean}, {@code
   * .running_var} are {@code [channels]}.
   *
   * @param initialScale the value that {@code weight} starts from
   */
  record BatchNorm(int channels, float eps, float momentum, float initialScale) implements Op {
    /**
     * Throws {@link GraphException} unless channels and eps are positive, the momentum lies in [0,
     * 1] and the scale is finite.
     */
    public BatchNorm {
      Check.between("the channels of a batch norm", channels, 1, Integer.MAX_VALUE);
      Check.positive("the eps of a batch norm", eps);
      if (!(momentum >= 0 && momentum <= 1)) {
        throw new GraphException(
            "the momentum of a batch norm must lie in [0, 1], not " + momentum);
      }
      Check.finite("the initial scale of a batch norm", initialScale);
    }

    /** Returns one with eps 1e-5, momentum 0.1 and scale 1. */
    public static BatchNorm of(int channels) {
      return new BatchNorm(channels, 1e-5f, 0.1f, 1);
    }
  }

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
    /** Throws {@link GraphException} unless the threshold is positive and finite. */
    public Neuron {
      Check.positive("the threshold of a neuron", threshold);
    }

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
  record AvgPool(int kernel, int stride) implements Op {
    /** Throws {@link GraphException} if a size is not positive or too large. */
    public AvgPool {
      Check.between("the window of an average pooling", kernel, 1, MAX_WINDOW);
      Check.between("the stride of an average pooling", stride, 1, MAX_WINDOW);
    }
  }

  /** Maximum pooling over square windows without padding. */
  record MaxPool(int kernel, int stride) implements Op {
    /** Throws {@link GraphException} if a size is not positive or too large. */
    public MaxPool {
      Check.between("the window of a maximum pooling", kernel, 1, MAX_WINDOW);
      Check.between("the stride of a maximum pooling", stride, 1, MAX_WINDOW);
    }
  }

  /** The mean over H and W: a map becomes a vector. */
  record GlobalAvgPool() implements Op {}

  /** A map becomes a vector, in the order H, W, C. */
  record Flatten() implements Op {}

  /** The sum of two or more inputs of equal shape. */
  record Add() implements Op {}

  /**
   * Sets elements to zero at the given rate in training, one draw for all time steps of a sample.
   */
  record Dropout(float rate) implements Op {
    /** Throws {@link GraphException} unless {@code 0 <= rate < 1}. */
    public Dropout {
      if (!(rate >= 0 && rate < 1)) {
        throw new GraphException("a dropout rate must lie in [0, 1), not " + rate);
      }
    }
  }

  /**
   * A factor for every value, the same at all time steps and for all samples: 1 lets a neuron's
   * spikes through, 0 silences it. Tensor {@code NAME.gate}, flat in the order H, W, C everywhere,
   * in files too; no optimizer changes it.
   */
  record Gate() implements Op {}

  /**
   * The channels of these indices, in this order: of a map {@code [H, W, channels]}, of a vector
   * {@code [channels]}. What is left of a flattened map is in the order H, W, C everywhere, in
   * files too.
   */
  record Select(List<Integer> channels) implements Op {
    /**
     * Copies the list. Throws {@link GraphException} unless it is not empty and strictly increasing
     * from at least 0.
     */
    public Select {
      channels = List.copyOf(channels);
      if (channels.isEmpty()) {
        throw new GraphException("a selection needs at least one channel");
      }
      int last = -1;
      for (int channel : channels) {
        if (channel <= last) {
          throw new GraphException(
              "the channels of a selection must increase from at least 0, not "
                  + (last < 0 ? "start with " + channel : "go from " + last + " to " + channel));
        }
        last = channel;
      }
    }
  }
}
