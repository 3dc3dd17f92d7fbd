package dev.coppice.kernels;

import dev.coppice.kernels.SurrogateFunction.ATan;
import dev.coppice.kernels.SurrogateFunction.Rectangle;
import dev.coppice.kernels.SurrogateFunction.Sigmoid;
import dev.coppice.kernels.SurrogateFunction.Tanh;
import dev.coppice.kernels.SurrogateFunction.Triangle;
import java.util.function.DoubleUnaryOperator;

/** One neuron and the surrogates in double precision, written down from the equations. */
final class Reference {
  private Reference() {}

  static DoubleUnaryOperator derivative(SurrogateFunction g) {
    return switch (g) {
      case ATan(float a) -> x -> a / 2.0 / (1 + Math.pow(Math.PI * a * x / 2, 2));
      case Sigmoid(float a) -> x -> a * sigmoid(a * x) * sigmoid(-a * x);
      case Tanh(float k) ->
          x ->
              Math.abs(x) <= 0.5 ? k / Math.pow(Math.cosh(k * x), 2) / (2 * Math.tanh(k / 2.0)) : 0;
      case Triangle(float w) -> x -> Math.max(0, w - Math.abs(x)) / ((double) w * w);
      case Rectangle(float w) -> x -> Math.abs(x) < w / 2.0 ? 1.0 / w : 0;
    };
  }

  static DoubleUnaryOperator primitive(SurrogateFunction g) {
    DoubleUnaryOperator unclamped = unclampedPrimitive(g);
    return g instanceof Tanh ? x -> unclamped.applyAsDouble(Math.clamp(x, -0.5, 0.5)) : unclamped;
  }

  static DoubleUnaryOperator unclampedPrimitive(SurrogateFunction g) {
    return switch (g) {
      case ATan(float a) -> x -> Math.atan(Math.PI * a * x / 2) / Math.PI + 0.5;
      case Sigmoid(float a) -> x -> sigmoid(a * x);
      case Tanh(float k) -> x -> (Math.tanh(k * x) + Math.tanh(k / 2.0)) / (2 * Math.tanh(k / 2.0));
      case Triangle(float w) ->
          x -> {
            double c = Math.clamp(x, -w, w);
            return 0.5 + c / w - c * Math.abs(c) / (2.0 * w * w);
          };
      case Rectangle(float w) -> x -> Math.clamp(x / w + 0.5, 0.0, 1.0);
    };
  }

  private static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  /** The potential before reset and the spikes of every step, and the potential after the last. */
  record Trace(double[] h, double[] s, double u) {}

  /** One neuron over all steps, the spike being a step. */
  static Trace forward(NeuronConstants c, double[] x, double before) {
    double[] h = new double[x.length];
    double[] s = new double[x.length];
    double u = before;
    for (int t = 0; t < x.length; t++) {
      h[t] = c.leak() * u + c.gain() * x[t] + c.drift();
      s[t] = (c.strict() ? h[t] > c.threshold() : h[t] >= c.threshold()) ? 1 : 0;
      u = h[t] * (1 - s[t]) + (c.keep() * h[t] + c.offset()) * s[t];
    }
    return new Trace(h, s, u);
  }

  /**
   * The network whose true gradient the surrogate gradient is: every spike is what it was in the
   * trace plus the change of the surrogate's primitive since, {@code stopGrad(step − p) + p}. When
   * the neuron is detached, the spike in the reset does not change.
   *
   * @return the sum of the spikes, weighted
   */
  static double smooth(
      NeuronConstants c, double[] x, double before, Trace trace, double[] weights) {
    DoubleUnaryOperator p = primitive(c.surrogate());
    double u = before;
    double sum = 0;
    for (int t = 0; t < x.length; t++) {
      double h = c.leak() * u + c.gain() * x[t] + c.drift();
      double s =
          trace.s()[t]
              + p.applyAsDouble(h - c.threshold())
              - p.applyAsDouble(trace.h()[t] - c.threshold());
      sum += weights[t] * s;
      double reset = c.attached() ? s : trace.s()[t];
      u = h * (1 - reset) + (c.keep() * h + c.offset()) * reset;
    }
    return sum;
  }
}
