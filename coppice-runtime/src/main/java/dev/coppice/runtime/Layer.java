package dev.coppice.runtime;

import dev.coppice.graph.GraphException;
import dev.coppice.graph.Op;
import dev.coppice.graph.Shape;
import dev.coppice.kernels.DenseConvolution;
import dev.coppice.kernels.SpikeConvolution;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A convolution or a linear layer as the network describes it; a linear layer is a convolution of a
 * map of one pixel.
 *
 * @param weights {@code [O, k, k, I/groups]}
 * @param sampleOperations operations of a sample at a time step, with every weight and every input
 */
record Layer(String node, Shape.Map in, Op.Conv2d conv, float[] weights, long sampleOperations) {

  /** Returns what share of the weights is not zero. */
  double density() {
    long count = 0;
    for (float weight : weights) {
      if (weight != 0) {
        count++;
      }
    }
    return count / (double) weights.length;
  }

  /** Returns the share of weights for people. */
  String explainDensity() {
    return String.format(Locale.ROOT, "%.1f %% of the weights are not zero", 100 * density());
  }

  /**
   * Returns the shape for spike-driven kernels, or null if they do not compute it. A linear layer
   * that reads a flattened square map is a convolution whose kernel is as large as the map.
   */
  @Nullable SpikeConvolution forSpikes(Value.Spikes spikes) {
    int kernel = conv.kernel();
    if (in.height() == 1 && in.width() == 1 && spikes.pixels() > 1) {
      if (spikes.height() != spikes.width()) {
        return null;
      }
      kernel = spikes.height();
    }
    if (conv.groups() > 1
        || conv.padding() >= kernel
        || !SpikeConvolution.fits(
            spikes.height(),
            spikes.width(),
            spikes.channels(),
            conv.outChannels(),
            kernel,
            spikes.levels())) {
      return null;
    }
    return new SpikeConvolution(
        spikes.height(),
        spikes.width(),
        spikes.channels(),
        conv.outChannels(),
        kernel,
        conv.stride(),
        conv.padding(),
        spikes.levels());
  }

  /** Returns the weights for the spike-driven kernels. */
  MemorySegment pack(SpikeConvolution shape) {
    MemorySegment packed = shape.allocateWeights(Arena.ofAuto());
    try (Arena arena = Arena.ofConfined()) {
      shape.packWeights(
          arena.allocateFrom(ValueLayout.JAVA_FLOAT, weights), packed, 0, conv.outChannels());
    }
    return packed;
  }

  /**
   * Returns the shape for dense kernels.
   *
   * @throws GraphException if it is too large for them
   */
  DenseConvolution dense() {
    try {
      return new DenseConvolution(
          in.height(),
          in.width(),
          in.channels(),
          conv.outChannels(),
          conv.kernel(),
          conv.stride(),
          conv.padding(),
          conv.groups());
    } catch (IllegalArgumentException e) {
      throw new GraphException(node + ": " + e.getMessage(), e);
    }
  }

  /** Returns the weights for the dense kernels. */
  MemorySegment pack(DenseConvolution shape) {
    MemorySegment packed = shape.allocateWeights(Arena.ofAuto());
    shape.packWeights(weights, packed);
    return packed;
  }
}
