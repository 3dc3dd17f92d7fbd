package dev.coppice.train;

import ai.djl.ndarray.NDArray;

/**
 * The output of a node for a batch.
 *
 * @param maps {@code [T·B, …]}, time-major; or {@code [B, …]} if constant
 * @param constant whether the output is the same at every time step and is therefore held once
 */
record Activation(Maps maps, boolean constant) {
  Activation(NDArray array, boolean constant) {
    this(Maps.of(array), constant);
  }

  /** Returns the output as an array that lives, or whose views do, as long as the pass. */
  NDArray array() {
    return maps.array();
  }

  /** Returns the output as an array for the time of one forward run: nobody keeps a view of it. */
  NDArray peek() {
    return maps.peek();
  }
}
