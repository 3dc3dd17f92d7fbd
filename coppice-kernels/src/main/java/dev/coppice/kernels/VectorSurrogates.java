package dev.coppice.kernels;

import dev.coppice.kernels.SurrogateFunction.ATan;
import dev.coppice.kernels.SurrogateFunction.Rectangle;
import dev.coppice.kernels.SurrogateFunction.Sigmoid;
import dev.coppice.kernels.SurrogateFunction.Tanh;
import dev.coppice.kernels.SurrogateFunction.Triangle;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
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
   * Writes {@code g′(h − threshold)}, summed over the steps.
   *
   * @param at byte offset of the first potential of the first step
   * @param stride bytes from a step to the next
   * @param out sums, from the index {@code outAt}
   */
  static void derivative(
      SurrogateFunction g,
      MemorySegment h,
      long at,
      int steps,
      long stride,
      float threshold,
      float[] out,
      int outAt,
      int count) {
    int i =
        switch (g) {
          case ATan f -> derivative(f, h, at, steps, stride, threshold, out, outAt, count);
          case Sigmoid f -> derivative(f, h, at, steps, stride, threshold, out, outAt, count);
          case Tanh f -> derivative(f, h, at, steps, stride, threshold, out, outAt, count);
          case Triangle f -> derivative(f, h, at, steps, stride, threshold, out, outAt, count);
          case Rectangle f -> derivative(f, h, at, steps, stride, threshold, out, outAt, count);
        };
    for (; i < count; i++) {
      float sum = 0;
      for (int t = 0; t < steps; t++) {
        sum += g.derivative(loadOne(h, at + t * stride, i) - threshold);
      }
      out[outAt + i] = sum;
    }
  }

  /** Writes {@code p(h − threshold)} without the clamp of {@link Tanh}, summed over the steps. */
  static void unclampedPrimitive(
      SurrogateFunction g,
      MemorySegment h,
      long at,
      int steps,
      long stride,
      float threshold,
      float[] out,
      int outAt,
      int count) {
    int i =
        switch (g) {
          case ATan f -> primitive(f, h, at, steps, stride, threshold, out, outAt, count);
          case Sigmoid f -> primitive(f, h, at, steps, stride, threshold, out, outAt, count);
          case Tanh f -> primitive(f, h, at, steps, stride, threshold, out, outAt, count);
          case Triangle f -> primitive(f, h, at, steps, stride, threshold, out, outAt, count);
          case Rectangle f -> primitive(f, h, at, steps, stride, threshold, out, outAt, count);
        };
    for (; i < count; i++) {
      float sum = 0;
      for (int t = 0; t < steps; t++) {
        sum += g.unclampedPrimitive(loadOne(h, at + t * stride, i) - threshold);
      }
      out[outAt + i] = sum;
    }
  }

  private static int derivative(
      ATan g,
      MemorySegment h,
      long at,
      int steps,
      long stride,
      float threshold,
      float[] out,
      int outAt,
      int count) {
    float height = g.height();
    float slope = g.slope();
    FloatVector heights = FloatVector.broadcast(Lanes.FLOATS, height);
    int end = Lanes.FLOATS.loopBound(count);
    for (int i = 0; i < end; i += Lanes.COUNT) {
      FloatVector sum = FloatVector.zero(Lanes.FLOATS);
      long step = at;
      for (int t = 0; t < steps; t++) {
        FloatVector z = load(h, step, i).sub(threshold).mul(slope);
        sum = sum.add(heights.div(z.mul(z).add(1)));
        step += stride;
      }
      sum.intoArray(out, outAt + i);
    }
    return end;
  }

  private static int derivative(
      Sigmoid g,
      MemorySegment h,
      long at,
      int steps,
      long stride,
      float threshold,
      float[] out,
      int outAt,
      int count) {
    float alpha = g.alpha();
    int end = Lanes.FLOATS.loopBound(count);
    for (int i = 0; i < end; i += Lanes.COUNT) {
      FloatVector sum = FloatVector.zero(Lanes.FLOATS);
      long step = at;
      for (int t = 0; t < steps; t++) {
        FloatVector x = load(h, step, i).sub(threshold);
        FloatVector e = VectorApproximation.expOfMinus(x.mul(alpha));
        FloatVector d = e.add(1);
        sum = sum.add(e.div(d.mul(d)).mul(alpha));
        step += stride;
      }
      sum.intoArray(out, outAt + i);
    }
    return end;
  }

  private static int derivative(
      Tanh g,
      MemorySegment h,
      long at,
      int steps,
      long stride,
      float threshold,
      float[] out,
      int outAt,
      int count) {
    float twiceTemperature = 2 * g.temperature();
    float height = g.height();
    FloatVector zero = FloatVector.zero(Lanes.FLOATS);
    int end = Lanes.FLOATS.loopBound(count);
    for (int i = 0; i < end; i += Lanes.COUNT) {
      FloatVector sum = FloatVector.zero(Lanes.FLOATS);
      long step = at;
      for (int t = 0; t < steps; t++) {
        FloatVector x = load(h, step, i).sub(threshold);
        FloatVector e = VectorApproximation.expOfMinus(x.mul(twiceTemperature));
        FloatVector d = e.add(1);
        VectorMask<Float> inside = x.abs().compare(VectorOperators.LE, 0.5f);
        sum = sum.add(zero.blend(e.div(d.mul(d)).mul(height), inside));
        step += stride;
      }
      sum.intoArray(out, outAt + i);
    }
    return end;
  }

  private static int derivative(
      Triangle g,
      MemorySegment h,
      long at,
      int steps,
      long stride,
      float threshold,
      float[] out,
      int outAt,
      int count) {
    float gamma = g.gamma();
    FloatVector gammas = FloatVector.broadcast(Lanes.FLOATS, gamma);
    int end = Lanes.FLOATS.loopBound(count);
    for (int i = 0; i < end; i += Lanes.COUNT) {
      FloatVector sum = FloatVector.zero(Lanes.FLOATS);
      long step = at;
      for (int t = 0; t < steps; t++) {
        FloatVector x = load(h, step, i).sub(threshold);
        sum = sum.add(gammas.sub(x.abs()).max(0).div(gamma).div(gamma));
        step += stride;
      }
      sum.intoArray(out, outAt + i);
    }
    return end;
  }

  private static int derivative(
      Rectangle g,
      MemorySegment h,
      long at,
      int steps,
      long stride,
      float threshold,
      float[] out,
      int outAt,
      int count) {
    float half = 0.5f * g.width();
    float height = 1 / g.width();
    FloatVector zero = FloatVector.zero(Lanes.FLOATS);
    int end = Lanes.FLOATS.loopBound(count);
    for (int i = 0; i < end; i += Lanes.COUNT) {
      FloatVector sum = FloatVector.zero(Lanes.FLOATS);
      long step = at;
      for (int t = 0; t < steps; t++) {
        FloatVector x = load(h, step, i).sub(threshold);
        sum = sum.add(zero.blend(height, x.abs().compare(VectorOperators.LT, half)));
        step += stride;
      }
      sum.intoArray(out, outAt + i);
    }
    return end;
  }

  private static int primitive(
      ATan g,
      MemorySegment h,
      long at,
      int steps,
      long stride,
      float threshold,
      float[] out,
      int outAt,
      int count) {
    float slope = g.slope();
    int end = Lanes.FLOATS.loopBound(count);
    for (int i = 0; i < end; i += Lanes.COUNT) {
      FloatVector sum = FloatVector.zero(Lanes.FLOATS);
      long step = at;
      for (int t = 0; t < steps; t++) {
        FloatVector x = load(h, step, i).sub(threshold);
        sum =
            sum.add(
                VectorApproximation.atan(x.mul(slope)).mul(Approximation.ONE_OVER_PI).add(0.5f));
        step += stride;
      }
      sum.intoArray(out, outAt + i);
    }
    return end;
  }

  private static int primitive(
      Sigmoid g,
      MemorySegment h,
      long at,
      int steps,
      long stride,
      float threshold,
      float[] out,
      int outAt,
      int count) {
    float alpha = g.alpha();
    FloatVector one = FloatVector.broadcast(Lanes.FLOATS, 1);
    int end = Lanes.FLOATS.loopBound(count);
    for (int i = 0; i < end; i += Lanes.COUNT) {
      FloatVector sum = FloatVector.zero(Lanes.FLOATS);
      long step = at;
      for (int t = 0; t < steps; t++) {
        FloatVector z = load(h, step, i).sub(threshold).mul(alpha);
        FloatVector e = VectorApproximation.expOfMinus(z);
        sum = sum.add(one.blend(e, z.compare(VectorOperators.LT, 0)).div(e.add(1)));
        step += stride;
      }
      sum.intoArray(out, outAt + i);
    }
    return end;
  }

  private static int primitive(
      Tanh g,
      MemorySegment h,
      long at,
      int steps,
      long stride,
      float threshold,
      float[] out,
      int outAt,
      int count) {
    float temperature = g.temperature();
    float share = g.share();
    int end = Lanes.FLOATS.loopBound(count);
    for (int i = 0; i < end; i += Lanes.COUNT) {
      FloatVector sum = FloatVector.zero(Lanes.FLOATS);
      long step = at;
      for (int t = 0; t < steps; t++) {
        FloatVector x = load(h, step, i).sub(threshold);
        sum = sum.add(VectorApproximation.tanh(x.mul(temperature)).mul(share).add(0.5f));
        step += stride;
      }
      sum.intoArray(out, outAt + i);
    }
    return end;
  }

  private static int primitive(
      Triangle g,
      MemorySegment h,
      long at,
      int steps,
      long stride,
      float threshold,
      float[] out,
      int outAt,
      int count) {
    float gamma = g.gamma();
    int end = Lanes.FLOATS.loopBound(count);
    for (int i = 0; i < end; i += Lanes.COUNT) {
      FloatVector sum = FloatVector.zero(Lanes.FLOATS);
      long step = at;
      for (int t = 0; t < steps; t++) {
        FloatVector x = load(h, step, i).sub(threshold);
        FloatVector c = x.div(gamma).max(-1).min(1);
        sum = sum.add(c.add(0.5f).sub(c.mul(c.abs()).mul(0.5f)));
        step += stride;
      }
      sum.intoArray(out, outAt + i);
    }
    return end;
  }

  private static int primitive(
      Rectangle g,
      MemorySegment h,
      long at,
      int steps,
      long stride,
      float threshold,
      float[] out,
      int outAt,
      int count) {
    float width = g.width();
    int end = Lanes.FLOATS.loopBound(count);
    for (int i = 0; i < end; i += Lanes.COUNT) {
      FloatVector sum = FloatVector.zero(Lanes.FLOATS);
      long step = at;
      for (int t = 0; t < steps; t++) {
        FloatVector x = load(h, step, i).sub(threshold);
        sum = sum.add(x.div(width).add(0.5f).max(0).min(1));
        step += stride;
      }
      sum.intoArray(out, outAt + i);
    }
    return end;
  }

  private static FloatVector load(MemorySegment h, long at, int i) {
    return FloatVector.fromMemorySegment(
        Lanes.FLOATS, h, at + (long) i * Float.BYTES, ByteOrder.nativeOrder());
  }

  private static float loadOne(MemorySegment h, long at, int i) {
    return h.get(ValueLayout.JAVA_FLOAT, at + (long) i * Float.BYTES);
  }
}
