package dev.coppice.train;

import ai.djl.ndarray.NDArray;

/**
 * The output of a node for a batch.
 *
 * @param array {@code [T·B, …]}, time-major; or {@code [B, …]} if constant
 * @param constant whether the output is the same at every time step and is therefore held once
 */
record Activation(NDArray array, boolean constant) {}
