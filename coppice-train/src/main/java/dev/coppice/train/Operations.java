package dev.coppice.train;

import java.util.List;

/**
 * Synaptic operations of a network, per image, in the terms of NeuroBench (arXiv 2304.04640): only
 * weights and inputs that are not zero count, taps on the padding never do.
 *
 * @param layers by convolution and linear layer, in the order of the graph
 */
public record Operations(List<Layer> layers) {
  /** Picojoules of a 32-bit accumulate in 45 nm (Horowitz, ISSCC 2014). */
  public static final double PICOJOULE_PER_AC = 0.9;

  /** Picojoules of a 32-bit multiply-accumulate in 45 nm (Horowitz, ISSCC 2014). */
  public static final double PICOJOULE_PER_MAC = 4.6;

  /** Copies the layers. */
  public Operations {
    layers = List.copyOf(layers);
  }

  /**
   * One layer, over all T time steps of one image.
   *
   * @param dense operations with every weight and every input
   * @param surviving operations with the weights that are not zero and every input
   * @param effectiveAcs accumulates: a weight that is not zero meets a spike
   * @param effectiveMacs multiply-accumulates: a weight that is not zero meets another value
   */
  public record Layer(
      String node, double dense, double surviving, double effectiveAcs, double effectiveMacs) {}

  /** Returns the accumulates of all layers. */
  public double effectiveAcs() {
    return layers.stream().mapToDouble(Layer::effectiveAcs).sum();
  }

  /** Returns the multiply-accumulates of all layers. */
  public double effectiveMacs() {
    return layers.stream().mapToDouble(Layer::effectiveMacs).sum();
  }

  /** Returns the operations with every weight and every input. */
  public double dense() {
    return layers.stream().mapToDouble(Layer::dense).sum();
  }

  /** Returns the operations with the weights that are not zero and every input. */
  public double surviving() {
    return layers.stream().mapToDouble(Layer::surviving).sum();
  }

  /** Returns all effective operations. */
  public double synaptic() {
    return effectiveAcs() + effectiveMacs();
  }

  /** Returns the energy estimate in nanojoules: arithmetic only, no memory, no leakage. */
  public double nanojoules() {
    return (PICOJOULE_PER_AC * effectiveAcs() + PICOJOULE_PER_MAC * effectiveMacs()) / 1000;
  }
}
