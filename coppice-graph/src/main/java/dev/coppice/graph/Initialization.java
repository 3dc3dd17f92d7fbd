package dev.coppice.graph;

/**
 * How the weights of convolutions and linear layers start. {@code fan_in} is the number of weights
 * of one output, {@code fan_out} of a convolution {@code out·k·k}. Batch norms always start with
 * their initial scale, bias 0, mean 0 and variance 1.
 */
public enum Initialization {
  /**
   * Convolutions normal with variance {@code 2/fan_out}, linear layers normal with deviation 0.01,
   * biases 0 (He et al., arXiv 1502.01852, as used for VGG in arXiv 2311.16141).
   */
  KAIMING_NORMAL_FAN_OUT,

  /** Convolutions and linear layers normal with variance {@code 2/fan_in}, biases 0. */
  KAIMING_NORMAL_FAN_IN,

  /** Weights and biases uniform in {@code ±1/√fan_in}: PyTorch's default. */
  UNIFORM_FAN_IN
}
