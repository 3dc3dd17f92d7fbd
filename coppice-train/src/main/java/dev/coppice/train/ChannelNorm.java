package dev.coppice.train;

import ai.djl.ndarray.types.Shape;
import dev.coppice.graph.Op;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** The trained numbers of a batch norm, and what becomes of them channel by channel. */
final class ChannelNorm {
  private final String name;
  private final Op.BatchNorm settings;
  private final Parameters parameters;

  ChannelNorm(String name, Op.BatchNorm settings, Parameters parameters) {
    this.name = name;
    this.settings = settings;
    this.parameters = parameters;
  }

  int channels() {
    return settings.channels();
  }

  /** What the normalisation does to a channel: {@code y = x·scale + shift}. */
  record Affine(float[] mean, float[] inverseDeviation, float[] scale, float[] shift) {}

  /** Returns numbers for all channels, to be set. */
  Affine affine() {
    int channels = settings.channels();
    return new Affine(
        new float[channels], new float[channels], new float[channels], new float[channels]);
  }

  /** Returns the normalisation by the running statistics. */
  Affine running() {
    int channels = settings.channels();
    double[] mean = new double[channels];
    double[] variance = new double[channels];
    MemorySegment runningMean = values(".running_mean");
    MemorySegment runningVariance = values(".running_var");
    for (int k = 0; k < channels; k++) {
      mean[k] = runningMean.getAtIndex(ValueLayout.JAVA_FLOAT, k);
      variance[k] = runningVariance.getAtIndex(ValueLayout.JAVA_FLOAT, k);
    }
    Affine affine = affine();
    set(affine, mean, variance, 0, channels);
    return affine;
  }

  /**
   * Normalises channels by the statistics of the batch and moves the running ones towards them.
   *
   * @param count numbers of a channel, copies that are the same at every time step included
   */
  void batch(Affine affine, double[] mean, double[] variance, double count, int from, int to) {
    // The statistics of T equal copies are those of one, but for Bessel's n/(n−1).
    double bessel = count > 1 ? count / (count - 1) : 1;
    MemorySegment runningMean = values(".running_mean");
    MemorySegment runningVariance = values(".running_var");
    for (int k = from; k < to; k++) {
      move(runningMean, k, mean[k]);
      move(runningVariance, k, variance[k] * bessel);
    }
    set(affine, mean, variance, from, to);
  }

  private void move(MemorySegment running, int channel, double value) {
    double momentum = settings.momentum();
    float old = running.getAtIndex(ValueLayout.JAVA_FLOAT, channel);
    running.setAtIndex(
        ValueLayout.JAVA_FLOAT, channel, (float) ((1 - momentum) * old + momentum * value));
  }

  private void set(Affine affine, double[] mean, double[] variance, int from, int to) {
    MemorySegment weight = values(".weight");
    MemorySegment bias = values(".bias");
    for (int k = from; k < to; k++) {
      double inverse = 1 / Math.sqrt(variance[k] + settings.eps());
      double scale = weight.getAtIndex(ValueLayout.JAVA_FLOAT, k) * inverse;
      affine.mean()[k] = (float) mean[k];
      affine.inverseDeviation()[k] = (float) inverse;
      affine.scale()[k] = (float) scale;
      affine.shift()[k] = (float) (bias.getAtIndex(ValueLayout.JAVA_FLOAT, k) - mean[k] * scale);
    }
  }

  private MemorySegment values(String tensor) {
    return Memory.of(parameters.view(name + tensor));
  }

  /**
   * The way back: the gradient of the input is {@code a·∂y + b·x + c}.
   *
   * @param weight the gradient of the scale
   * @param bias the gradient of the shift
   */
  record Slopes(float[] a, float[] b, float[] c, float[] weight, float[] bias) {}

  /** Returns numbers for all channels, to be set. */
  Slopes slopes() {
    int n = settings.channels();
    return new Slopes(new float[n], new float[n], new float[n], new float[n], new float[n]);
  }

  /**
   * Sets the slopes of channels.
   *
   * @param first {@code Σ ∂y}
   * @param second {@code Σ ∂y·(x − mean)}
   * @param count numbers of a channel of the input
   */
  static void slopes(
      Slopes slopes, Affine affine, double[] first, double[] second, long count, int from, int to) {
    for (int k = from; k < to; k++) {
      double inverse = affine.inverseDeviation()[k];
      double slope = -affine.scale()[k] * inverse * inverse * second[k] / count;
      slopes.weight()[k] = (float) (inverse * second[k]);
      slopes.bias()[k] = (float) first[k];
      slopes.a()[k] = affine.scale()[k];
      slopes.b()[k] = (float) slope;
      slopes.c()[k] = (float) (-affine.scale()[k] * first[k] / count - slope * affine.mean()[k]);
    }
  }

  /** Hands the gradients of scale and shift over. */
  void publish(Slopes slopes, Pass pass) {
    Shape shape = new Shape(settings.channels());
    pass.gradients().put(name + ".weight", Memory.upload(pass.manager(), slopes.weight(), shape));
    pass.gradients().put(name + ".bias", Memory.upload(pass.manager(), slopes.bias(), shape));
  }
}
