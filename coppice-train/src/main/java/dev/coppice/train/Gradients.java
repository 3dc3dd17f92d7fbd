package dev.coppice.train;

import ai.djl.ndarray.NDArray;
import java.util.Map;

/**
 * The gradients of a training step between the backward pass and the optimizer's update, before
 * they are masked and clipped. Where a mask was set, those of pruned weights are there only if a
 * probe asked for them; without a mask they always are.
 */
public final class Gradients {
  private final Map<String, NDArray> arrays;

  Gradients(Map<String, NDArray> arrays) {
    this.arrays = arrays;
  }

  /**
   * Returns a copy of the gradient of a tensor, in its layout.
   *
   * @throws IllegalArgumentException if there is no trained tensor of this name
   */
  public float[] of(String tensor) {
    return array(tensor).toFloatArray();
  }

  /**
   * Lets the optimizer see another gradient.
   *
   * @throws IllegalArgumentException if there is no trained tensor of this name and size
   */
  public void replace(String tensor, float[] values) {
    NDArray array = array(tensor);
    if (array.size() != values.length) {
      throw new IllegalArgumentException(
          tensor + " has " + array.size() + " values, not " + values.length);
    }
    Memory.overwrite(array, values);
  }

  private NDArray array(String tensor) {
    NDArray array = arrays.get(tensor);
    if (array == null) {
      throw new IllegalArgumentException("there is no gradient of " + tensor);
    }
    return array;
  }
}
