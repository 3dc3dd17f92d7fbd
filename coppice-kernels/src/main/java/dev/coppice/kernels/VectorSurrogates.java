package dev.coppice.kernels;

import static dev.coppice.kernels.VectorNormNeurons.bytes;

import dev.coppice.kernels.SurrogateFunction.ATan;
import dev.coppice.kernels.SurrogateFunction.Rectangle;
import dev.coppice.kernels.SurrogateFunction.Sigmoid;
import dev.coppice.kernels.SurrogateFunction.Tanh;
import dev.coppice.kernels.SurrogateFunction.Triangle;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * Evaluates a surrogate at a block of potentials. Each has loops of its own: a vector that crosses
 * a call which is not inlined becomes an object, so that none may go through a virtual method.
 */
final class VectorSurrogates {
  private VectorSurrogates() {}

  /**
   * Writes {@code g′(h − threshold)}.
   *
   * @param at byte offset of the first potential
   * @param out values, from the index {@code outAt}
   */
  static void derivative(
      SurrogateFunction g,
      MemorySegment h,
      long at,
      float threshold,
      float[] out,
      int outAt,
      int count) {
    int i =
        switch (g) {
          case ATan f -> derivative(f, h, at, threshold, out, outAt, count);
          case Sigmoid f -> derivative(f, h, at, threshold, out, outAt, count);
          case Tanh f -> derivative(f, h, at, threshold, out, outAt, count);
          case Triangle f -> derivative(f, h, at, threshold, out, outAt, count);
          case Rectangle f -> derivative(f, h, at, threshold, out, outAt, count);
        };
    for (; i < count; i++) {
      out[outAt + i] = g.derivative(loadOne(h, at, i) - threshold);
    }
  }

  /** Writes {@code p(h − threshold)} without the clamp of {@link Tanh}. */
  static void unclampedPrimitive(
      SurrogateFunction g,
      MemorySegment h,
      long at,
      float threshold,
      float[] out,
      int outAt,
      int count) {
    int i =
        switch (g) {
          case ATan f -> primitive(f, h, at, threshold, out, outAt, count);
          case Sigmoid f -> primitive(f, h, at, threshold, out, outAt, count);
          case Tanh f -> primitive(f, h, at, threshold, out, outAt, count);
          case Triangle f -> primitive(f, h, at, threshold, out, outAt, count);
          case Rectangle f -> primitive(f, h, at, threshold, out, outAt, count);
        };
    for (; i < count; i++) {
      out[outAt + i] = g.unclampedPrimitive(loadOne(h, at, i) - threshold);
    }
  }

  private static int derivative(
      ATan g, MemorySegment h, long at, float threshold, float[] out, int outAt, int count) {
    float height = g.height();
    float slope = g.slope();
    FloatVector heights = FloatVector.broadcast(Lanes.FLOATS, height);
    int end = Lanes.FLOATS.loopBound(count);
    for (int i = 0; i < end; i += Lanes.COUNT) {
      FloatVector z =
          FloatVector.fromMemorySegment(Lanes.FLOATS, h, at + bytes(i), Lanes.ORDER)
              .sub(threshold)
              .mul(slope);
      heights.div(z.mul(z).add(1)).intoArray(out, outAt + i);
    }
    return end;
  }

  private static int derivative(
      Sigmoid g, MemorySegment h, long at, float threshold, float[] out, int outAt, int count) {
    float alpha = g.alpha();
    int end = Lanes.FLOATS.loopBound(count);
    for (int i = 0; i < end; i += Lanes.COUNT) {
      FloatVector x =
          FloatVector.fromMemorySegment(Lanes.FLOATS, h, at + bytes(i), Lanes.ORDER).sub(threshold);
      FloatVector e = VectorApproximation.expOfMinus(x.mul(alpha));
      FloatVector d = e.add(1);
      e.div(d.mul(d)).mul(alpha).intoArray(out, outAt + i);
    }
    return end;
  }

  private static int derivative(
      Tanh g, MemorySegment h, long at, float threshold, float[] out, int outAt, int count) {
    float twiceTemperature = 2 * g.temperature();
    float height = g.height();
    FloatVector zero = FloatVector.zero(Lanes.FLOATS);
    int end = Lanes.FLOATS.loopBound(count);
    for (int i = 0; i < end; i += Lanes.COUNT) {
      FloatVector x =
          FloatVector.fromMemorySegment(Lanes.FLOATS, h, at + bytes(i), Lanes.ORDER).sub(threshold);
      FloatVector e = VectorApproximation.expOfMinus(x.mul(twiceTemperature));
      FloatVector d = e.add(1);
      VectorMask<Float> inside = x.abs().compare(VectorOperators.LE, 0.5f);
      zero.blend(e.div(d.mul(d)).mul(height), inside).intoArray(out, outAt + i);
    }
    return end;
  }

  private static int derivative(
      Triangle g, MemorySegment h, long at, float threshold, float[] out, int outAt, int count) {
    float gamma = g.gamma();
    FloatVector gammas = FloatVector.broadcast(Lanes.FLOATS, gamma);
    int end = Lanes.FLOATS.loopBound(count);
    for (int i = 0; i < end; i += Lanes.COUNT) {
      FloatVector x =
          FloatVector.fromMemorySegment(Lanes.FLOATS, h, at + bytes(i), Lanes.ORDER).sub(threshold);
      gammas.sub(x.abs()).max(0).div(gamma).div(gamma).intoArray(out, outAt + i);
    }
    return end;
  }

  private static int derivative(
      Rectangle g, MemorySegment h, long at, float threshold, float[] out, int outAt, int count) {
    float half = 0.5f * g.width();
    float height = 1 / g.width();
    FloatVector zero = FloatVector.zero(Lanes.FLOATS);
    int end = Lanes.FLOATS.loopBound(count);
    for (int i = 0; i < end; i += Lanes.COUNT) {
      FloatVector x =
          FloatVector.fromMemorySegment(Lanes.FLOATS, h, at + bytes(i), Lanes.ORDER).sub(threshold);
      zero.blend(height, x.abs().compare(VectorOperators.LT, half)).intoArray(out, outAt + i);
    }
    return end;
  }

  private static int primitive(
      ATan g, MemorySegment h, long at, float threshold, float[] out, int outAt, int count) {
    float slope = g.slope();
    int end = Lanes.FLOATS.loopBound(count);
    for (int i = 0; i < end; i += Lanes.COUNT) {
      FloatVector x =
          FloatVector.fromMemorySegment(Lanes.FLOATS, h, at + bytes(i), Lanes.ORDER).sub(threshold);
      VectorApproximation.atan(x.mul(slope))
          .mul(Approximation.ONE_OVER_PI)
          .add(0.5f)
          .intoArray(out, outAt + i);
    }
    return end;
  }

  private static int primitive(
      Sigmoid g, MemorySegment h, long at, float threshold, float[] out, int outAt, int count) {
    float alpha = g.alpha();
    FloatVector one = FloatVector.broadcast(Lanes.FLOATS, 1);
    int end = Lanes.FLOATS.loopBound(count);
    for (int i = 0; i < end; i += Lanes.COUNT) {
      FloatVector z =
          FloatVector.fromMemorySegment(Lanes.FLOATS, h, at + bytes(i), Lanes.ORDER)
              .sub(threshold)
              .mul(alpha);
      FloatVector e = VectorApproximation.expOfMinus(z);
      one.blend(e, z.compare(VectorOperators.LT, 0)).div(e.add(1)).intoArray(out, outAt + i);
    }
    return end;
  }

  private static int primitive(
      Tanh g, MemorySegment h, long at, float threshold, float[] out, int outAt, int count) {
    float temperature = g.temperature();
    float share = g.share();
    int end = Lanes.FLOATS.loopBound(count);
    for (int i = 0; i < end; i += Lanes.COUNT) {
      FloatVector x =
          FloatVector.fromMemorySegment(Lanes.FLOATS, h, at + bytes(i), Lanes.ORDER).sub(threshold);
      VectorApproximation.tanh(x.mul(temperature)).mul(share).add(0.5f).intoArray(out, outAt + i);
    }
    return end;
  }

  private static int primitive(
      Triangle g, MemorySegment h, long at, float threshold, float[] out, int outAt, int count) {
    float gamma = g.gamma();
    int end = Lanes.FLOATS.loopBound(count);
    for (int i = 0; i < end; i += Lanes.COUNT) {
      FloatVector x =
          FloatVector.fromMemorySegment(Lanes.FLOATS, h, at + bytes(i), Lanes.ORDER).sub(threshold);
      FloatVector c = x.div(gamma).max(-1).min(1);
      c.add(0.5f).sub(c.mul(c.abs()).mul(0.5f)).intoArray(out, outAt + i);
    }
    return end;
  }

  private static int primitive(
      Rectangle g, MemorySegment h, long at, float threshold, float[] out, int outAt, int count) {
    float width = g.width();
    int end = Lanes.FLOATS.loopBound(count);
    for (int i = 0; i < end; i += Lanes.COUNT) {
      FloatVector x =
          FloatVector.fromMemorySegment(Lanes.FLOATS, h, at + bytes(i), Lanes.ORDER).sub(threshold);
      x.div(width).add(0.5f).max(0).min(1).intoArray(out, outAt + i);
    }
    return end;
  }

  private static float loadOne(MemorySegment h, long at, int i) {
    return h.get(ValueLayout.JAVA_FLOAT, at + bytes(i));
  }
}
