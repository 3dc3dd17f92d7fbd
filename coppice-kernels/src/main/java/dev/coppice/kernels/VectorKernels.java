package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import org.jspecify.annotations.Nullable;

/**
 * The kernels with the Vector API. They work in blocks of elements whose potential (forward) or
 * gradient (backward) stays in the first cache while the steps go by.
 */
final class VectorKernels implements Kernels {
  private static final int BLOCK = 2048;
  private static final int LEAST_BITS = 128;

  /** Throws {@link UnsupportedOperationException} when vectors are narrower than 128 bit. */
  VectorKernels() {
    if (Lanes.FLOATS.vectorBitSize() < LEAST_BITS) {
      throw new UnsupportedOperationException(
          "vectors have only " + Lanes.FLOATS.vectorBitSize() + " bit");
    }
  }

  @Override
  public String describe() {
    return "vector, " + Lanes.FLOATS.vectorBitSize() + " bit";
  }

  @Override
  public void neuronForward(
      NeuronConstants c,
      MemorySegment x,
      boolean repeated,
      MemorySegment h,
      MemorySegment s,
      int steps,
      long n,
      long from,
      long to,
      @Nullable MemorySegment state,
      @Nullable Probe probe) {
    NeuronArguments.checkForward(x, repeated, h, s, steps, n, from, to, state, probe);
    int size = (int) Math.min(BLOCK, to - from);
    float[] u = new float[size];
    float[] sum = new float[probe == null ? 0 : size];
    float[] response = new float[probe == null ? 0 : size];
    if (probe != null) {
      Arrays.fill(probe.scores(), probe.firstScore(from), probe.firstScore(to), probe.identity());
    }
    for (long first = from; first < to; first += size) {
      int count = (int) Math.min(size, to - first);
      if (state == null) {
        Arrays.fill(u, 0, count, c.rest());
      } else {
        MemorySegment.copy(state, ValueLayout.JAVA_FLOAT, bytes(first), u, 0, count);
      }
      Arrays.fill(sum, 0);
      for (int t = 0; t < steps; t++) {
        long at = bytes(t * n + first);
        step(c, x, repeated ? bytes(first) : at, h, s, at, u, count);
        if (probe != null) {
          respond(probe, h, at, response, count);
          add(sum, 0, response, 0, count);
        }
      }
      if (state != null) {
        MemorySegment.copy(u, 0, state, ValueLayout.JAVA_FLOAT, bytes(first), count);
      }
      if (probe != null) {
        pool(probe, first, sum, count);
      }
    }
    if (probe != null) {
      float divisor = probe.divisor(steps);
      for (int k = probe.firstScore(from); k < probe.firstScore(to); k++) {
        probe.scores()[k] /= divisor;
      }
    }
  }

  private static void step(
      NeuronConstants c,
      MemorySegment x,
      long xAt,
      MemorySegment h,
      MemorySegment s,
      long at,
      float[] u,
      int count) {
    float leak = c.leak();
    float gain = c.gain();
    float drift = c.drift();
    float fireAt = c.fireAt();
    float keep = c.keep();
    float offset = c.offset();
    FloatVector zero = FloatVector.zero(Lanes.FLOATS);
    int i = 0;
    for (; i < Lanes.FLOATS.loopBound(count); i += Lanes.COUNT) {
      FloatVector potential =
          FloatVector.fromArray(Lanes.FLOATS, u, i)
              .mul(leak)
              .add(load(x, xAt, i).mul(gain))
              .add(drift);
      VectorMask<Float> fired = potential.compare(VectorOperators.GE, fireAt);
      store(potential, h, at, i);
      store(zero.blend(1, fired), s, at, i);
      potential.blend(potential.mul(keep).add(offset), fired).intoArray(u, i);
    }
    for (; i < count; i++) {
      float potential = leak * u[i] + gain * loadOne(x, xAt, i) + drift;
      boolean fired = potential >= fireAt;
      storeOne(potential, h, at, i);
      storeOne(fired ? 1 : 0, s, at, i);
      u[i] = fired ? keep * potential + offset : potential;
    }
  }

  private static void respond(Probe probe, MemorySegment h, long at, float[] response, int count) {
    switch (probe.response()) {
      case DERIVATIVE ->
          VectorSurrogates.derivative(probe.surrogate(), h, at, probe.threshold(), response, count);
      case FUNCTION ->
          VectorSurrogates.unclampedPrimitive(
              probe.surrogate(), h, at, probe.threshold(), response, count);
    }
  }

  /** Pools the sums over the steps of {@code count} elements, row of channels by row. */
  private static void pool(Probe probe, long first, float[] sum, int count) {
    int channels = probe.channels();
    int done = 0;
    while (done < count) {
      int channel = (int) ((first + done) % channels);
      int score = probe.firstScore(first + done) + channel;
      int row = Math.min(channels - channel, count - done);
      switch (probe.pooling()) {
        case MAX -> max(probe.scores(), score, sum, done, row);
        case MEAN -> add(probe.scores(), score, sum, done, row);
      }
      done += row;
    }
  }

  private static void max(float[] into, int intoAt, float[] from, int fromAt, int count) {
    int i = 0;
    for (; i < Lanes.FLOATS.loopBound(count); i += Lanes.COUNT) {
      FloatVector.fromArray(Lanes.FLOATS, into, intoAt + i)
          .max(FloatVector.fromArray(Lanes.FLOATS, from, fromAt + i))
          .intoArray(into, intoAt + i);
    }
    for (; i < count; i++) {
      into[intoAt + i] = Math.max(into[intoAt + i], from[fromAt + i]);
    }
  }

  private static void add(float[] into, int intoAt, float[] from, int fromAt, int count) {
    int i = 0;
    for (; i < Lanes.FLOATS.loopBound(count); i += Lanes.COUNT) {
      FloatVector.fromArray(Lanes.FLOATS, into, intoAt + i)
          .add(FloatVector.fromArray(Lanes.FLOATS, from, fromAt + i))
          .intoArray(into, intoAt + i);
    }
    for (; i < count; i++) {
      into[intoAt + i] += from[fromAt + i];
    }
  }

  @Override
  public void neuronBackward(
      NeuronConstants c,
      MemorySegment h,
      MemorySegment gradS,
      MemorySegment gradX,
      int steps,
      long n,
      long from,
      long to,
      boolean repeated) {
    NeuronArguments.checkBackward(h, gradS, gradX, steps, n, from, to, repeated);
    int size = (int) Math.min(BLOCK, to - from);
    float[] phi = new float[size];
    float[] delta = new float[size];
    float[] sum = new float[repeated ? size : 0];
    for (long first = from; first < to; first += size) {
      int count = (int) Math.min(size, to - first);
      Arrays.fill(delta, 0);
      Arrays.fill(sum, 0);
      for (int t = steps - 1; t >= 0; t--) {
        long at = bytes(t * n + first);
        VectorSurrogates.derivative(c.surrogate(), h, at, c.threshold(), phi, count);
        if (c.attached()) {
          stepBackAttached(c, h, gradS, at, phi, delta, count);
        } else {
          stepBackDetached(c, h, gradS, at, phi, delta, count);
        }
        if (repeated) {
          addScaled(sum, delta, c.gain(), count);
        } else {
          storeScaled(delta, c.gain(), gradX, at, count);
        }
      }
      if (repeated) {
        MemorySegment.copy(sum, 0, gradX, ValueLayout.JAVA_FLOAT, bytes(first), count);
      }
    }
  }

  private static void stepBackDetached(
      NeuronConstants c,
      MemorySegment h,
      MemorySegment gradS,
      long at,
      float[] phi,
      float[] delta,
      int count) {
    float leak = c.leak();
    float fireAt = c.fireAt();
    float keep = c.keep();
    FloatVector one = FloatVector.broadcast(Lanes.FLOATS, 1);
    int i = 0;
    for (; i < Lanes.FLOATS.loopBound(count); i += Lanes.COUNT) {
      VectorMask<Float> fired = load(h, at, i).compare(VectorOperators.GE, fireAt);
      FloatVector through = one.blend(keep, fired);
      load(gradS, at, i)
          .mul(FloatVector.fromArray(Lanes.FLOATS, phi, i))
          .add(FloatVector.fromArray(Lanes.FLOATS, delta, i).mul(leak).mul(through))
          .intoArray(delta, i);
    }
    for (; i < count; i++) {
      float through = loadOne(h, at, i) >= fireAt ? keep : 1;
      delta[i] = loadOne(gradS, at, i) * phi[i] + delta[i] * leak * through;
    }
  }

  private static void stepBackAttached(
      NeuronConstants c,
      MemorySegment h,
      MemorySegment gradS,
      long at,
      float[] phi,
      float[] delta,
      int count) {
    float leak = c.leak();
    float fireAt = c.fireAt();
    float keep = c.keep();
    float keepLess1 = keep - 1;
    float offset = c.offset();
    FloatVector one = FloatVector.broadcast(Lanes.FLOATS, 1);
    int i = 0;
    for (; i < Lanes.FLOATS.loopBound(count); i += Lanes.COUNT) {
      FloatVector potential = load(h, at, i);
      FloatVector slope = FloatVector.fromArray(Lanes.FLOATS, phi, i);
      VectorMask<Float> fired = potential.compare(VectorOperators.GE, fireAt);
      FloatVector through =
          one.blend(keep, fired).add(slope.mul(potential.mul(keepLess1).add(offset)));
      load(gradS, at, i)
          .mul(slope)
          .add(FloatVector.fromArray(Lanes.FLOATS, delta, i).mul(leak).mul(through))
          .intoArray(delta, i);
    }
    for (; i < count; i++) {
      float potential = loadOne(h, at, i);
      float through = potential >= fireAt ? keep : 1;
      through += phi[i] * (keepLess1 * potential + offset);
      delta[i] = loadOne(gradS, at, i) * phi[i] + delta[i] * leak * through;
    }
  }

  private static void storeScaled(
      float[] delta, float gain, MemorySegment gradX, long at, int count) {
    int i = 0;
    for (; i < Lanes.FLOATS.loopBound(count); i += Lanes.COUNT) {
      store(FloatVector.fromArray(Lanes.FLOATS, delta, i).mul(gain), gradX, at, i);
    }
    for (; i < count; i++) {
      storeOne(gain * delta[i], gradX, at, i);
    }
  }

  private static void addScaled(float[] sum, float[] delta, float gain, int count) {
    int i = 0;
    for (; i < Lanes.FLOATS.loopBound(count); i += Lanes.COUNT) {
      FloatVector.fromArray(Lanes.FLOATS, sum, i)
          .add(FloatVector.fromArray(Lanes.FLOATS, delta, i).mul(gain))
          .intoArray(sum, i);
    }
    for (; i < count; i++) {
      sum[i] += gain * delta[i];
    }
  }

  private static long bytes(long floats) {
    return floats * Float.BYTES;
  }

  private static FloatVector load(MemorySegment segment, long at, int i) {
    return FloatVector.fromMemorySegment(
        Lanes.FLOATS, segment, at + bytes(i), ByteOrder.nativeOrder());
  }

  private static void store(FloatVector value, MemorySegment segment, long at, int i) {
    value.intoMemorySegment(segment, at + bytes(i), ByteOrder.nativeOrder());
  }

  private static float loadOne(MemorySegment segment, long at, int i) {
    return segment.get(ValueLayout.JAVA_FLOAT, at + bytes(i));
  }

  private static void storeOne(float value, MemorySegment segment, long at, int i) {
    segment.set(ValueLayout.JAVA_FLOAT, at + bytes(i), value);
  }
}
