package dev.coppice.runtime;

/**
 * A convolution or a linear layer. {@link LayerChoice} picks among these by the layer's shape and
 * its weights.
 */
sealed interface SynapseStep extends Step permits DenseLayer, SpikeDrivenLayer, SpikeColumnsLayer {
  /** Returns the number of the layer. */
  int index();
}
