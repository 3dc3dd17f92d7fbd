package dev.coppice.train;

import dev.coppice.graph.Surrogate;

/**
 * What to measure of a neuron layer in a forward pass: per sample and channel, {@code pool over the
 * map of mean over time of f(h − threshold)}, with f a surrogate's derivative or the surrogate
 * itself (arXiv 2311.16141; the mean over the batch is left to the reader).
 *
 * @param surrogate the function
 * @param threshold subtracted from the membrane potential before reset
 * @param derivative whether f is the derivative (the paper) or the function (its published
 *     weight-pruning code); the function is not clamped
 * @param pooling how the positions of a map become one value
 */
public record CriticalityProbe(
    Surrogate surrogate, float threshold, boolean derivative, Pooling pooling) {
  /** How a map's positions are pooled. */
  public enum Pooling {
    /** By the most critical position. */
    MAX,
    /** By the mean. */
    MEAN
  }
}
