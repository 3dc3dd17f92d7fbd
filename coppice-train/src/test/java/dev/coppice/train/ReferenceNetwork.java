package dev.coppice.train;

import dev.coppice.graph.Op;
import dev.coppice.graph.Reset;
import dev.coppice.graph.Shape;
import dev.coppice.graph.Surrogate;
import dev.coppice.graph.Weights;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The network conv – bn – neuron – flatten – fc in double precision, one element after the other,
 * forward and by back-propagation through time: written down from the equations, without anything
 * of the engine. The loss is the cross entropy of the logits' mean over time; the surrogate is
 * ATan.
 */
final class ReferenceNetwork {
  private final Shape.Map in;
  private final Op.Conv2d conv;
  private final Op.BatchNorm norm;
  private final Op.Neuron neuron;
  private final int classes;
  private final Weights weights;
  private final int steps;
  private final int batch;

  /** The gradients of the trained tensors, by name. */
  final Map<String, float[]> gradients = new LinkedHashMap<>();

  final double[] logits;
  final double[] runningMean;
  final double[] runningVariance;

  /** Runs both ways; {@code x} is {@code [T·B, H, W, C]}. */
  ReferenceNetwork(
      Shape.Map in,
      Op.Conv2d conv,
      Op.BatchNorm norm,
      Op.Neuron neuron,
      int classes,
      Weights weights,
      int steps,
      float[] x,
      int[] labels) {
    this.in = in;
    this.conv = conv;
    this.norm = norm;
    this.neuron = neuron;
    this.classes = classes;
    this.weights = weights;
    this.steps = steps;
    this.batch = labels.length;
    int n = steps * batch;
    int channels = conv.outChannels();
    int positions = in.height() * in.width();
    int features = positions * channels;
    double[] y = convolve(x, n);
    double[] mean = new double[channels];
    double[] variance = new double[channels];
    moments(y, mean, variance);
    double count = (double) n * positions;
    runningMean = new double[channels];
    runningVariance = new double[channels];
    double[] z = new double[y.length];
    double[] normal = new double[y.length];
    for (int c = 0; c < channels; c++) {
      runningMean[c] = running("bn.running_mean", c, mean[c]);
      runningVariance[c] = running("bn.running_var", c, variance[c] * count / (count - 1));
    }
    for (int i = 0; i < y.length; i++) {
      int c = i % channels;
      normal[i] = (y[i] - mean[c]) / Math.sqrt(variance[c] + norm.eps());
      z[i] = w("bn.weight", c) * normal[i] + w("bn.bias", c);
    }
    double[] h = new double[z.length];
    double[] s = new double[z.length];
    fire(z, h, s);
    logits = new double[n * classes];
    for (int i = 0; i < n; i++) {
      for (int k = 0; k < classes; k++) {
        double sum = w("fc.bias", k);
        for (int f = 0; f < features; f++) {
          sum += w("fc.weight", k * features + f) * s[i * features + f];
        }
        logits[i * classes + k] = sum;
      }
    }
    double[] dLogits = lossGradient(labels);
    double[] dWeight = new double[classes * features];
    double[] dBias = new double[classes];
    double[] dSpikes = new double[s.length];
    for (int i = 0; i < n; i++) {
      for (int k = 0; k < classes; k++) {
        double d = dLogits[i * classes + k];
        dBias[k] += d;
        for (int f = 0; f < features; f++) {
          dWeight[k * features + f] += d * s[i * features + f];
          dSpikes[i * features + f] += d * w("fc.weight", k * features + f);
        }
      }
    }
    double[] dZ = throughTime(h, s, dSpikes);
    double[] dScale = new double[channels];
    double[] dShift = new double[channels];
    for (int i = 0; i < dZ.length; i++) {
      dScale[i % channels] += dZ[i] * normal[i];
      dShift[i % channels] += dZ[i];
    }
    double[] dY = new double[y.length];
    for (int i = 0; i < dY.length; i++) {
      int c = i % channels;
      dY[i] =
          w("bn.weight", c)
              / Math.sqrt(variance[c] + norm.eps())
              * (dZ[i] - dShift[c] / count - normal[i] * dScale[c] / count);
    }
    put("conv.weight", kernelGradient(x, dY, n));
    put("bn.weight", dScale);
    put("bn.bias", dShift);
    put("fc.weight", dWeight);
    put("fc.bias", dBias);
  }

  private double w(String name, int index) {
    return weights.get(name).data()[index];
  }

  private void put(String name, double[] values) {
    gradients.put(name, floats(values));
  }

  static float[] floats(double[] values) {
    float[] floats = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      floats[i] = (float) values[i];
    }
    return floats;
  }

  private double running(String name, int channel, double found) {
    return (1 - norm.momentum()) * w(name, channel) + norm.momentum() * found;
  }

  /** What to do with a tap: the index of the output, of the weight and of the input. */
  private interface Tap {
    void visit(int output, int weight, int input);
  }

  /** A convolution of stride 1 that keeps the size of the map. */
  private void taps(int samples, Tap tap) {
    int half = conv.kernel() / 2;
    for (int n = 0; n < samples; n++) {
      for (int row = 0; row < in.height(); row++) {
        for (int column = 0; column < in.width(); column++) {
          for (int o = 0; o < conv.outChannels(); o++) {
            int output = position(n, row, column) * conv.outChannels() + o;
            for (int dy = -half; dy <= half; dy++) {
              for (int dx = -half; dx <= half; dx++) {
                int y = row + dy;
                int x = column + dx;
                if (y < 0 || y >= in.height() || x < 0 || x >= in.width()) {
                  continue;
                }
                int window = (o * conv.kernel() + dy + half) * conv.kernel() + dx + half;
                for (int c = 0; c < in.channels(); c++) {
                  tap.visit(
                      output, window * in.channels() + c, position(n, y, x) * in.channels() + c);
                }
              }
            }
          }
        }
      }
    }
  }

  private int position(int sample, int row, int column) {
    return (sample * in.height() + row) * in.width() + column;
  }

  private double[] convolve(float[] x, int samples) {
    double[] y = new double[samples * in.height() * in.width() * conv.outChannels()];
    taps(samples, (output, weight, input) -> y[output] += w("conv.weight", weight) * x[input]);
    return y;
  }

  private double[] kernelGradient(float[] x, double[] dY, int samples) {
    double[] gradient = new double[weights.get("conv.weight").size()];
    taps(samples, (output, weight, input) -> gradient[weight] += dY[output] * x[input]);
    return gradient;
  }

  private static void moments(double[] y, double[] mean, double[] variance) {
    int channels = mean.length;
    double count = y.length / (double) channels;
    for (int i = 0; i < y.length; i++) {
      mean[i % channels] += y[i] / count;
    }
    for (int i = 0; i < y.length; i++) {
      variance[i % channels] += Math.pow(y[i] - mean[i % channels], 2) / count;
    }
  }

  private void fire(double[] z, double[] h, double[] s) {
    int step = z.length / steps;
    double rest = neuron.reset().potential();
    for (int i = 0; i < step; i++) {
      double u = rest;
      for (int t = 0; t < steps; t++) {
        int at = t * step + i;
        h[at] =
            neuron.charge().leak() * u
                + neuron.charge().gain() * z[at]
                + neuron.charge().drift((float) rest);
        s[at] = h[at] >= neuron.threshold() ? 1 : 0;
        u =
            switch (neuron.reset()) {
              case Reset.Hard(float potential) -> (1 - s[at]) * h[at] + s[at] * potential;
              case Reset.Soft() -> h[at] - neuron.threshold() * s[at];
            };
      }
    }
  }

  private double[] throughTime(double[] h, double[] s, double[] dSpikes) {
    int step = h.length / steps;
    double[] dZ = new double[h.length];
    double alpha = ((Surrogate.ATan) neuron.surrogate()).alpha();
    double attached = neuron.detachReset() ? 0 : 1;
    for (int i = 0; i < step; i++) {
      double later = 0;
      for (int t = steps - 1; t >= 0; t--) {
        int at = t * step + i;
        double slope =
            alpha / 2 / (1 + Math.pow(Math.PI * alpha / 2 * (h[at] - neuron.threshold()), 2));
        double reset =
            switch (neuron.reset()) {
              case Reset.Hard(float potential) ->
                  1 - s[at] + attached * (potential - h[at]) * slope;
              case Reset.Soft() -> 1 - attached * neuron.threshold() * slope;
            };
        later = dSpikes[at] * slope + later * neuron.charge().leak() * reset;
        dZ[at] = later * neuron.charge().gain();
      }
    }
    return dZ;
  }

  private double[] lossGradient(int[] labels) {
    double[] gradient = new double[logits.length];
    for (int b = 0; b < batch; b++) {
      double[] mean = new double[classes];
      double sum = 0;
      for (int k = 0; k < classes; k++) {
        for (int t = 0; t < steps; t++) {
          mean[k] += logits[(t * batch + b) * classes + k] / steps;
        }
        sum += Math.exp(mean[k]);
      }
      for (int t = 0; t < steps; t++) {
        for (int k = 0; k < classes; k++) {
          gradient[(t * batch + b) * classes + k] =
              (Math.exp(mean[k]) / sum - (k == labels[b] ? 1 : 0)) / steps / batch;
        }
      }
    }
    return gradient;
  }
}
