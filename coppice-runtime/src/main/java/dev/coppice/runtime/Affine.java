package dev.coppice.runtime;

import dev.coppice.graph.Op;
import dev.coppice.graph.Weights;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * {@code y = x·scale + shift} with the numbers of a channel: biases and batch norms, which are not
 * computed by themselves but by whoever reads what they give.
 *
 * @param scale {@code [C]}
 * @param shift {@code [C]}
 */
record Affine(double[] scale, double[] shift) {

  /** Returns the affine map of a batch norm with its running statistics. */
  static Affine norm(String node, Op.BatchNorm norm, Weights weights) {
    float[] weight = weights.get(node + ".weight").data();
    float[] bias = weights.get(node + ".bias").data();
    float[] mean = weights.get(node + ".running_mean").data();
    float[] variance = weights.get(node + ".running_var").data();
    double[] scale = new double[norm.channels()];
    double[] shift = new double[norm.channels()];
    for (int c = 0; c < scale.length; c++) {
      double inverse = 1 / Math.sqrt((double) variance[c] + norm.eps());
      scale[c] = weight[c] * inverse;
      shift[c] = bias[c] - mean[c] * weight[c] * inverse;
    }
    return new Affine(scale, shift);
  }

  /** Returns what multiplies the numbers of a channel by a scale over a divisor. */
  static Affine scaling(float[] scales, int divisor) {
    double[] scale = new double[scales.length];
    for (int c = 0; c < scale.length; c++) {
      scale[c] = scales[c] / (double) divisor;
    }
    return new Affine(scale, new double[scale.length]);
  }

  /** Returns what adds a bias. */
  static Affine bias(float[] bias) {
    double[] scale = new double[bias.length];
    double[] shift = new double[bias.length];
    for (int c = 0; c < bias.length; c++) {
      scale[c] = 1;
      shift[c] = bias[c];
    }
    return new Affine(scale, shift);
  }

  /** Returns {@code second} after {@code first}, which may be none. */
  static Affine then(@Nullable Affine first, Affine second) {
    if (first == null) {
      return second;
    }
    int channels = second.scale.length;
    double[] scale = new double[channels];
    double[] shift = new double[channels];
    for (int c = 0; c < channels; c++) {
      scale[c] = first.scale[c] * second.scale[c];
      shift[c] = first.shift[c] * second.scale[c] + second.shift[c];
    }
    return new Affine(scale, shift);
  }

  /** Returns that of some of the channels. */
  Affine select(List<Integer> channels) {
    double[] selectedScale = new double[channels.size()];
    double[] selectedShift = new double[channels.size()];
    for (int i = 0; i < selectedScale.length; i++) {
      selectedScale[i] = scale[channels.get(i)];
      selectedShift[i] = shift[channels.get(i)];
    }
    return new Affine(selectedScale, selectedShift);
  }

  /** Returns the factors of so many channels, 1 where there is no map. */
  static float[] scales(@Nullable Affine affine, int channels) {
    float[] scales = new float[channels];
    for (int c = 0; c < channels; c++) {
      scales[c] = affine == null ? 1 : (float) affine.scale[c];
    }
    return scales;
  }

  /** Returns the constant terms of so many channels, 0 where there is no map. */
  static float[] shifts(@Nullable Affine affine, int channels) {
    float[] shifts = new float[channels];
    for (int c = 0; c < channels; c++) {
      shifts[c] = affine == null ? 0 : (float) affine.shift[c];
    }
    return shifts;
  }
}
