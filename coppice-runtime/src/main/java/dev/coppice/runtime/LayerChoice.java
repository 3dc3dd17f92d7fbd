package dev.coppice.runtime;

import dev.coppice.kernels.DenseConvolution;
import dev.coppice.kernels.SpikeConvolution;
import org.jspecify.annotations.Nullable;

/**
 * Which kernel computes a convolution or linear layer: the place of the cost model. A kernel for
 * pruned weights joins as another {@link SynapseStep}, chosen by {@link Layer#density}.
 */
final class LayerChoice {
  private LayerChoice() {}

  /** Returns the step for a layer that reads spikes, or null if only the dense kernel does it. */
  static @Nullable SynapseStep ofSpikes(Layer layer, int index, Value.Spikes in, Value.Analog out) {
    SpikeConvolution shape = layer.forSpikes(in);
    if (shape == null) {
      return null;
    }
    return new SpikeDrivenLayer(
        layer.node(),
        index,
        shape,
        layer.pack(shape),
        in,
        out,
        SpikeDrivenLayer.taps(
            shape.height(), shape.outHeight(), shape.kernel(), shape.stride(), shape.padding()),
        SpikeDrivenLayer.taps(
            shape.width(), shape.outWidth(), shape.kernel(), shape.stride(), shape.padding()),
        layer.explainDensity());
  }

  /** Returns the step for a layer that reads any numbers. */
  static SynapseStep ofNumbers(Layer layer, int index, Value.Analog in, Value.Analog out) {
    DenseConvolution shape = layer.dense();
    return new DenseLayer(
        layer.node(),
        index,
        shape,
        layer.pack(shape),
        in,
        out,
        layer.sampleOperations(),
        "its input is not spikes, " + layer.explainDensity());
  }
}
