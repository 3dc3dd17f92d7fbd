package dev.coppice.runtime;

import java.util.List;

/**
 * The answer for one image, or for one time step of a stream.
 *
 * @param predicted the class: where {@code logits} are largest, the first of equals
 * @param logits the mean of the outputs over the time steps {@code [K]}; of a stream, over those
 *     since the last reset
 * @param stepLogits the outputs of every time step of this call {@code [T, K]}
 * @param layers what the layers did in this call, in the order of the network
 */
public record Inference(
    int predicted, float[] logits, float[] stepLogits, List<LayerActivity> layers) {
  /** Copies the list. */
  public Inference {
    layers = List.copyOf(layers);
  }

  /** Returns the spikes of all layers. */
  public long spikes() {
    return layers.stream().mapToLong(LayerActivity::spikes).sum();
  }

  /** Returns the synaptic operations of all layers. */
  public long operations() {
    return layers.stream().mapToLong(LayerActivity::operations).sum();
  }
}
