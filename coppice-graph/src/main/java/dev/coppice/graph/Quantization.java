package dev.coppice.graph;

import java.util.Arrays;

/**
 * Weights in eight bits: a value is {@code q · scale}, with a whole number {@code q} in [-127, 127]
 * and one scale for each row of the first dimension, which is an output channel.
 */
public final class Quantization {
  /** The largest {@code q}; the range is symmetric, so that -128 is not used. */
  static final int MAX_CODE = 127;

  private Quantization() {}

  /**
   * Returns the model with the weights of its convolutions and linear layers quantised: {@code
   * scale} is the row's largest magnitude over 127, {@code q} the nearest to {@code value / scale}.
   * A value changes by at most half a scale; zeros stay zeros. Biases and batch norms are left as
   * they are, and so are tensors that have scales already.
   */
  public static Model int8(Model model) {
    Weights weights = model.weights();
    for (String name : weights.names()) {
      Tensor tensor = weights.get(name);
      if (tensor.shape().length > 1 && weights.scales(name) == null) {
        float[] scales = scales(tensor);
        weights =
            weights.with(name, values(codes(tensor, scales), scales)).withScales(name, scales);
      }
    }
    return new Model(model.graph(), weights, model.metadata());
  }

  private static float[] scales(Tensor tensor) {
    float[] scales = new float[tensor.shape()[0]];
    int width = tensor.size() / scales.length;
    for (int row = 0; row < scales.length; row++) {
      float largest = 0;
      for (int i = row * width; i < (row + 1) * width; i++) {
        largest = Math.max(largest, Math.abs(tensor.data()[i]));
      }
      // Below the smallest normal float a scale would lose its precision, and be 0 for a row of
      // zeros.
      scales[row] = Math.max(largest / MAX_CODE, Float.MIN_NORMAL);
    }
    return scales;
  }

  /**
   * Returns {@code q} for every value.
   *
   * @param scales {@code [first dimension]}
   */
  static Tensor codes(Tensor tensor, float[] scales) {
    float[] codes = new float[tensor.size()];
    int width = codes.length / scales.length;
    for (int i = 0; i < codes.length; i++) {
      codes[i] = Math.round(tensor.data()[i] / scales[i / width]);
    }
    return new Tensor(tensor.shape(), codes);
  }

  /** Returns {@code q · scale} for every {@code q}. */
  static Tensor values(Tensor codes, float[] scales) {
    float[] values = new float[codes.size()];
    int width = values.length / scales.length;
    for (int i = 0; i < values.length; i++) {
      values[i] = codes.data()[i] * scales[i / width];
    }
    return new Tensor(codes.shape(), values);
  }

  /**
   * Checks that a tensor is quantised by these scales.
   *
   * @throws GraphException if not
   */
  static void check(String name, StoredTensor tensor, float[] scales) {
    int[] shape = tensor.shape();
    if (shape.length < 2 || shape[0] != scales.length) {
      throw new GraphException(
          "%s: %d scales do not fit the rows of Tensor%s"
              .formatted(name, scales.length, Arrays.toString(shape)));
    }
    tensor.forEachRow((row, values) -> check(name, row, values, scales[row]));
  }

  private static void check(String name, int row, float[] values, float scale) {
    if (!(scale >= Float.MIN_NORMAL && scale < Float.POSITIVE_INFINITY)) {
      throw new GraphException(
          name + ": scale " + row + " must be positive, normal and finite, not " + scale);
    }
    for (int i = 0; i < values.length; i++) {
      float value = values[i];
      if (value != 0) {
        int code = Math.round(value / scale);
        if (code > MAX_CODE || code < -MAX_CODE || code * scale != value) {
          throw new GraphException(
              "%s: value %d is no multiple of its scale up to 127, but %s"
                  .formatted(name, row * values.length + i, value));
        }
      }
    }
  }
}
