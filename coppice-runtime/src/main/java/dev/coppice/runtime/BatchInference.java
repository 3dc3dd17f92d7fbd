package dev.coppice.runtime;

import java.util.List;

/**
 * The answers for several images.
 *
 * @param predicted the class of every image {@code [B]}
 * @param logits the means of the outputs over the time steps {@code [B, K]}
 * @param stepLogits the outputs of every time step {@code [T, B, K]}
 * @param layers what the layers did for all images together, in the order of the network
 */
public record BatchInference(
    int[] predicted, float[] logits, float[] stepLogits, List<LayerActivity> layers) {
  /** Copies the list. */
  public BatchInference {
    layers = List.copyOf(layers);
  }
}
