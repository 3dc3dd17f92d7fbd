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
  private final Parameters parameters;

  Gradients(Map<String, NDArray> arrays, Parameters parameters) {
    this.arrays = arrays;
    this.parameters = parameters;
  }

  /**
   * Returns a copy of the gradient of a tensor, in its layout.
   *
   * @throws IllegalArgumentException if there is no trained tensor of this name
   */
  public float[] of(String tensor) {
    return parameters.whole(tensor, array(tensor));
  }

  /**
   * Lets the optimizer see another gradient.
   *
   * @throws IllegalArgumentException if there is no trained tensor of this name and size
   */
  public void replace(String tensor, float[] values) {
    NDArray array = array(tensor);
    long size = parameters.view(tensor).size();
    if (size != values.length) {
      throw new IllegalArgumentException(tensor + " has " + size + " values, not " + values.length);
    }
    parameters.replace(tensor, array, values);
  }

  private NDArray array(String tensor) {
    NDArray array = arrays.get(tensor);
    if (array == null) {
      throw new IllegalArgumentException("there is no gradient of " + tensor);
    }
    return array;
  }
}
