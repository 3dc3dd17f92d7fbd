package dev.coppice.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import org.jspecify.annotations.Nullable;

/**
 * Normalisation and neurons with the Vector API. All work is on blocks of whole rows, for which the
 * numbers of the channels are repeated, so that the loops know nothing of rows and channels.
 */
final class VectorNormNeurons {
  private VectorNormNeurons() {}

  static void channelMoments(MemorySegment x, ChannelSums sums, long fromRow, long toRow) {
    int channels = sums.channels();
    int blockRows = ChannelSums.blockRows(channels);
    int size = blockRows * channels;
    float[] slots = new float[size];
    float[] squareSlots = new float[size];
    float[] centre = new float[channels];
    for (long start = fromRow; start < toRow; start += sums.chunkRows()) {
      long end = Math.min(start + sums.chunkRows(), toRow);
      long rows = end - start;
      Arrays.fill(slots, 0);
      for (long row = start; row < end; row += blockRows) {
        add(x, bytes(row * channels), slots, (int) Math.min(blockRows, end - row) * channels);
      }
      double[] firstSums = ChannelSums.fold(slots, channels);
      for (int c = 0; c < channels; c++) {
        centre[c] = (float) (firstSums[c] / rows);
      }
      float[] centres = ChannelSums.tile(centre, blockRows);
      Arrays.fill(slots, 0);
      Arrays.fill(squareSlots, 0);
      for (long row = start; row < end; row += blockRows) {
        int count = (int) Math.min(blockRows, end - row) * channels;
        addCentred(x, bytes(row * channels), centres, slots, squareSlots, count);
      }
      double[] rest = ChannelSums.fold(slots, channels);
      double[] secondSums = ChannelSums.fold(squareSlots, channels);
      for (int c = 0; c < channels; c++) {
        firstSums[c] = centre[c] * (double) rows + rest[c];
        secondSums[c] -= rest[c] * rest[c] / rows;
      }
      sums.put(start, firstSums, secondSums);
    }
  }

  static void add(MemorySegment x, long at, float[] slots, int count) {
    int i = 0;
    for (; i < Lanes.FLOATS.loopBound(count); i += Lanes.COUNT) {
      FloatVector.fromArray(Lanes.FLOATS, slots, i).add(load(x, at, i)).intoArray(slots, i);
    }
    for (; i < count; i++) {
      slots[i] += loadOne(x, at, i);
    }
  }

  static void addCentred(
      MemorySegment x, long at, float[] centres, float[] slots, float[] squareSlots, int count) {
    int i = 0;
    for (; i < Lanes.FLOATS.loopBound(count); i += Lanes.COUNT) {
      FloatVector d = load(x, at, i).sub(FloatVector.fromArray(Lanes.FLOATS, centres, i));
      FloatVector.fromArray(Lanes.FLOATS, slots, i).add(d).intoArray(slots, i);
      FloatVector.fromArray(Lanes.FLOATS, squareSlots, i).add(d.mul(d)).intoArray(squareSlots, i);
    }
    for (; i < count; i++) {
      float d = loadOne(x, at, i) - centres[i];
      slots[i] += d;
      squareSlots[i] += d * d;
    }
  }

  static void forward(
      NeuronConstants c,
      MemorySegment x,
      boolean repeated,
      float[] scale,
      float[] shift,
      @Nullable MemorySegment h,
      MemorySegment s,
      int steps,
      long rows,
      long fromRow,
      long toRow,
      @Nullable Probe probe) {
    int channels = scale.length;
    int blockRows = ChannelSums.blockRows(channels);
    int size = blockRows * channels;
    long n = rows * channels;
    float[] scales = ChannelSums.tile(scale, blockRows);
    float[] shifts = ChannelSums.tile(shift, blockRows);
    float[] responses = new float[probe == null ? 0 : size];
    if (probe != null) {
      int first = probe.firstScore(fromRow * channels);
      Arrays.fill(probe.scores(), first, probe.firstScore(toRow * channels), probe.identity());
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment scratch =
          probe != null && h == null ? arena.allocate(bytes((long) steps * size)) : null;
      for (long row = fromRow; row < toRow; row += blockRows) {
        int count = (int) Math.min(blockRows, toRow - row) * channels;
        long first = row * channels;
        long at = bytes(first);
        long xStride = repeated ? 0 : bytes(n);
        if (h != null) {
          run(c, x, xStride, at, scales, shifts, h, bytes(n), at, s, bytes(n), steps, count);
        } else if (scratch != null) {
          run(
              c,
              x,
              xStride,
              at,
              scales,
              shifts,
              scratch,
              bytes(size),
              0,
              s,
              bytes(n),
              steps,
              count);
        } else {
          fire(c, x, xStride, at, scales, shifts, s, bytes(n), steps, count);
        }
        if (probe != null) {
          if (scratch != null) {
            VectorKernels.respond(probe, scratch, steps, size, 0, responses, count);
          } else if (h != null) {
            VectorKernels.respond(probe, h, steps, n, first, responses, count);
          }
          VectorKernels.pool(probe, first, responses, count);
        }
      }
    }
    if (probe != null) {
      float divisor = probe.divisor(steps);
      int last = probe.firstScore(toRow * channels);
      for (int k = probe.firstScore(fromRow * channels); k < last; k++) {
        probe.scores()[k] /= divisor;
      }
    }
  }

  /**
   * Runs a block of neurons through all steps and writes potentials and spikes. Strides are bytes
   * from a step to the next, {@code at} and {@code hAt} the offsets of the first element.
   */
  private static void run(
      NeuronConstants c,
      MemorySegment x,
      long xStride,
      long at,
      float[] scales,
      float[] shifts,
      MemorySegment h,
      long hStride,
      long hAt,
      MemorySegment s,
      long stride,
      int steps,
      int count) {
    float leak = c.leak();
    float gain = c.gain();
    float drift = c.drift();
    float fireAt = c.fireAt();
    float keep = c.keep();
    float offset = c.offset();
    FloatVector zero = FloatVector.zero(Lanes.FLOATS);
    FloatVector rest = FloatVector.broadcast(Lanes.FLOATS, c.rest());
    int i = 0;
    for (; i < Lanes.FLOATS.loopBound(count); i += Lanes.COUNT) {
      FloatVector scale = FloatVector.fromArray(Lanes.FLOATS, scales, i);
      FloatVector shift = FloatVector.fromArray(Lanes.FLOATS, shifts, i);
      FloatVector v = rest;
      long xStep = at;
      long hStep = hAt;
      long sStep = at;
      for (int t = 0; t < steps; t++) {
        FloatVector current = load(x, xStep, i).mul(scale).add(shift);
        FloatVector potential = v.mul(leak).add(current.mul(gain)).add(drift);
        VectorMask<Float> fired = potential.compare(VectorOperators.GE, fireAt);
        store(potential, h, hStep, i);
        store(zero.blend(1, fired), s, sStep, i);
        v = potential.blend(potential.mul(keep).add(offset), fired);
        xStep += xStride;
        hStep += hStride;
        sStep += stride;
      }
    }
    for (; i < count; i++) {
      float u = c.rest();
      for (int t = 0; t < steps; t++) {
        float current = loadOne(x, at + t * xStride, i) * scales[i] + shifts[i];
        float potential = leak * u + gain * current + drift;
        boolean fired = potential >= fireAt;
        storeOne(potential, h, hAt + t * hStride, i);
        storeOne(fired ? 1 : 0, s, at + t * stride, i);
        u = fired ? keep * potential + offset : potential;
      }
    }
  }

  /** {@link #run} without the potentials. */
  static void fire(
      NeuronConstants c,
      MemorySegment x,
      long xStride,
      long at,
      float[] scales,
      float[] shifts,
      MemorySegment s,
      long stride,
      int steps,
      int count) {
    float leak = c.leak();
    float gain = c.gain();
    float drift = c.drift();
    float fireAt = c.fireAt();
    float keep = c.keep();
    float offset = c.offset();
    FloatVector zero = FloatVector.zero(Lanes.FLOATS);
    FloatVector rest = FloatVector.broadcast(Lanes.FLOATS, c.rest());
    int i = 0;
    for (; i < Lanes.FLOATS.loopBound(count); i += Lanes.COUNT) {
      FloatVector scale = FloatVector.fromArray(Lanes.FLOATS, scales, i);
      FloatVector shift = FloatVector.fromArray(Lanes.FLOATS, shifts, i);
      FloatVector v = rest;
      long xStep = at;
      long sStep = at;
      for (int t = 0; t < steps; t++) {
        FloatVector current = load(x, xStep, i).mul(scale).add(shift);
        FloatVector potential = v.mul(leak).add(current.mul(gain)).add(drift);
        VectorMask<Float> fired = potential.compare(VectorOperators.GE, fireAt);
        store(zero.blend(1, fired), s, sStep, i);
        v = potential.blend(potential.mul(keep).add(offset), fired);
        xStep += xStride;
        sStep += stride;
      }
    }
    for (; i < count; i++) {
      float u = c.rest();
      for (int t = 0; t < steps; t++) {
        float current = loadOne(x, at + t * xStride, i) * scales[i] + shifts[i];
        float potential = leak * u + gain * current + drift;
        boolean fired = potential >= fireAt;
        storeOne(fired ? 1 : 0, s, at + t * stride, i);
        u = fired ? keep * potential + offset : potential;
      }
    }
  }

  static void backward(
      NeuronConstants c,
      MemorySegment x,
      boolean repeated,
      float[] scale,
      float[] shift,
      float[] mean,
      MemorySegment gradS,
      MemorySegment gradY,
      int steps,
      long rows,
      long fromRow,
      long toRow,
      ChannelSums sums) {
    int channels = scale.length;
    int blockRows = ChannelSums.blockRows(channels);
    int size = blockRows * channels;
    long stride = bytes(rows * channels);
    float[] scales = ChannelSums.tile(scale, blockRows);
    float[] shifts = ChannelSums.tile(shift, blockRows);
    float[] means = ChannelSums.tile(mean, blockRows);
    float[] slots = new float[size];
    float[] centredSlots = new float[size];
    float[] phi = new float[Math.multiplyExact(size, steps)];
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment h = arena.allocate(bytes((long) steps * size));
      for (long start = fromRow; start < toRow; start += sums.chunkRows()) {
        long end = Math.min(start + sums.chunkRows(), toRow);
        Arrays.fill(slots, 0);
        Arrays.fill(centredSlots, 0);
        for (long row = start; row < end; row += blockRows) {
          int count = (int) Math.min(blockRows, end - row) * channels;
          long at = bytes(row * channels);
          charge(c, x, repeated ? 0 : stride, at, scales, shifts, h, bytes(size), steps, count);
          VectorSurrogates.derivative(
              c.surrogate(), h, 0, 1, 0, c.threshold(), phi, 0, size * (steps - 1) + count);
          if (repeated) {
            runBackRepeated(
                c,
                x,
                means,
                h,
                phi,
                gradS,
                gradY,
                stride,
                at,
                steps,
                size,
                slots,
                centredSlots,
                count);
          } else {
            runBack(
                c,
                x,
                means,
                h,
                phi,
                gradS,
                gradY,
                stride,
                at,
                steps,
                size,
                slots,
                centredSlots,
                count);
          }
        }
        sums.put(
            start, ChannelSums.fold(slots, channels), ChannelSums.fold(centredSlots, channels));
      }
    }
  }

  /** Makes the potentials of a block of neurons. */
  static void charge(
      NeuronConstants c,
      MemorySegment x,
      long xStride,
      long at,
      float[] scales,
      float[] shifts,
      MemorySegment h,
      long hStride,
      int steps,
      int count) {
    float leak = c.leak();
    float gain = c.gain();
    float drift = c.drift();
    float fireAt = c.fireAt();
    float keep = c.keep();
    float offset = c.offset();
    FloatVector rest = FloatVector.broadcast(Lanes.FLOATS, c.rest());
    int i = 0;
    for (; i < Lanes.FLOATS.loopBound(count); i += Lanes.COUNT) {
      FloatVector scale = FloatVector.fromArray(Lanes.FLOATS, scales, i);
      FloatVector shift = FloatVector.fromArray(Lanes.FLOATS, shifts, i);
      FloatVector v = rest;
      long xStep = at;
      long hStep = 0;
      for (int t = 0; t < steps; t++) {
        FloatVector current = load(x, xStep, i).mul(scale).add(shift);
        FloatVector potential = v.mul(leak).add(current.mul(gain)).add(drift);
        VectorMask<Float> fired = potential.compare(VectorOperators.GE, fireAt);
        store(potential, h, hStep, i);
        v = potential.blend(potential.mul(keep).add(offset), fired);
        xStep += xStride;
        hStep += hStride;
      }
    }
    for (; i < count; i++) {
      float u = c.rest();
      for (int t = 0; t < steps; t++) {
        float current = loadOne(x, at + t * xStride, i) * scales[i] + shifts[i];
        float potential = leak * u + gain * current + drift;
        storeOne(potential, h, t * hStride, i);
        u = potential >= fireAt ? keep * potential + offset : potential;
      }
    }
  }

  static void runBack(
      NeuronConstants c,
      MemorySegment x,
      float[] means,
      MemorySegment h,
      float[] phi,
      MemorySegment gradS,
      MemorySegment gradY,
      long stride,
      long at,
      int steps,
      int size,
      float[] slots,
      float[] centredSlots,
      int count) {
    float leak = c.leak();
    float gain = c.gain();
    float fireAt = c.fireAt();
    float keep = c.keep();
    float keepLess1 = keep - 1;
    float offset = c.offset();
    boolean attached = c.attached();
    FloatVector zero = FloatVector.zero(Lanes.FLOATS);
    FloatVector one = FloatVector.broadcast(Lanes.FLOATS, 1);
    long lastStep = at + (steps - 1) * stride;
    int i = 0;
    for (; i < Lanes.FLOATS.loopBound(count); i += Lanes.COUNT) {
      FloatVector mean = FloatVector.fromArray(Lanes.FLOATS, means, i);
      FloatVector sum = FloatVector.fromArray(Lanes.FLOATS, slots, i);
      FloatVector centredSum = FloatVector.fromArray(Lanes.FLOATS, centredSlots, i);
      FloatVector delta = zero;
      long step = lastStep;
      for (int t = steps - 1; t >= 0; t--) {
        FloatVector slope = FloatVector.fromArray(Lanes.FLOATS, phi, t * size + i);
        FloatVector potential = load(h, 0, t * size + i);
        VectorMask<Float> fired = potential.compare(VectorOperators.GE, fireAt);
        FloatVector through = one.blend(keep, fired);
        if (attached) {
          through = through.add(slope.mul(potential.mul(keepLess1).add(offset)));
        }
        delta = load(gradS, step, i).mul(slope).add(delta.mul(leak).mul(through));
        FloatVector gradient = delta.mul(gain);
        store(gradient, gradY, step, i);
        sum = sum.add(gradient);
        centredSum = centredSum.add(gradient.mul(load(x, step, i).sub(mean)));
        step -= stride;
      }
      sum.intoArray(slots, i);
      centredSum.intoArray(centredSlots, i);
    }
    for (; i < count; i++) {
      float delta = 0;
      for (int t = steps - 1; t >= 0; t--) {
        long step = at + t * stride;
        delta =
            deltaBefore(c, loadOne(h, 0, t * size + i), phi[t * size + i], delta, gradS, step, i);
        float gradient = gain * delta;
        storeOne(gradient, gradY, step, i);
        slots[i] += gradient;
        centredSlots[i] += gradient * (loadOne(x, step, i) - means[i]);
      }
    }
  }

  /** {@link #runBack} when all steps had the same input, so that the sum over them is wanted. */
  static void runBackRepeated(
      NeuronConstants c,
      MemorySegment x,
      float[] means,
      MemorySegment h,
      float[] phi,
      MemorySegment gradS,
      MemorySegment gradY,
      long stride,
      long at,
      int steps,
      int size,
      float[] slots,
      float[] centredSlots,
      int count) {
    float leak = c.leak();
    float gain = c.gain();
    float fireAt = c.fireAt();
    float keep = c.keep();
    float keepLess1 = keep - 1;
    float offset = c.offset();
    boolean attached = c.attached();
    FloatVector zero = FloatVector.zero(Lanes.FLOATS);
    FloatVector one = FloatVector.broadcast(Lanes.FLOATS, 1);
    long lastStep = at + (steps - 1) * stride;
    int i = 0;
    for (; i < Lanes.FLOATS.loopBound(count); i += Lanes.COUNT) {
      FloatVector sum = zero;
      FloatVector delta = zero;
      long step = lastStep;
      for (int t = steps - 1; t >= 0; t--) {
        FloatVector slope = FloatVector.fromArray(Lanes.FLOATS, phi, t * size + i);
        FloatVector potential = load(h, 0, t * size + i);
        VectorMask<Float> fired = potential.compare(VectorOperators.GE, fireAt);
        FloatVector through = one.blend(keep, fired);
        if (attached) {
          through = through.add(slope.mul(potential.mul(keepLess1).add(offset)));
        }
        delta = load(gradS, step, i).mul(slope).add(delta.mul(leak).mul(through));
        sum = sum.add(delta.mul(gain));
        step -= stride;
      }
      store(sum, gradY, at, i);
      FloatVector centred = load(x, at, i).sub(FloatVector.fromArray(Lanes.FLOATS, means, i));
      FloatVector.fromArray(Lanes.FLOATS, slots, i).add(sum).intoArray(slots, i);
      FloatVector.fromArray(Lanes.FLOATS, centredSlots, i)
          .add(sum.mul(centred))
          .intoArray(centredSlots, i);
    }
    for (; i < count; i++) {
      float delta = 0;
      float sum = 0;
      for (int t = steps - 1; t >= 0; t--) {
        long step = at + t * stride;
        delta =
            deltaBefore(c, loadOne(h, 0, t * size + i), phi[t * size + i], delta, gradS, step, i);
        sum += gain * delta;
      }
      storeOne(sum, gradY, at, i);
      slots[i] += sum;
      centredSlots[i] += sum * (loadOne(x, at, i) - means[i]);
    }
  }

  /** The gradient of an element's potential, given that of the step after. */
  private static float deltaBefore(
      NeuronConstants c,
      float potential,
      float slope,
      float delta,
      MemorySegment gradS,
      long step,
      int i) {
    float through = potential >= c.fireAt() ? c.keep() : 1;
    if (c.attached()) {
      through += slope * ((c.keep() - 1) * potential + c.offset());
    }
    return loadOne(gradS, step, i) * slope + delta * c.leak() * through;
  }

  static void affineCombine(
      MemorySegment gradY,
      MemorySegment x,
      float[] a,
      float[] b,
      float[] c,
      MemorySegment gradX,
      long fromRow,
      long toRow) {
    int channels = a.length;
    int blockRows = ChannelSums.blockRows(channels);
    float[] as = ChannelSums.tile(a, blockRows);
    float[] bs = ChannelSums.tile(b, blockRows);
    float[] cs = ChannelSums.tile(c, blockRows);
    for (long row = fromRow; row < toRow; row += blockRows) {
      int count = (int) Math.min(blockRows, toRow - row) * channels;
      combine(gradY, x, as, bs, cs, gradX, bytes(row * channels), count);
    }
  }

  static void combine(
      MemorySegment gradY,
      MemorySegment x,
      float[] as,
      float[] bs,
      float[] cs,
      MemorySegment gradX,
      long at,
      int count) {
    int i = 0;
    for (; i < Lanes.FLOATS.loopBound(count); i += Lanes.COUNT) {
      FloatVector a = FloatVector.fromArray(Lanes.FLOATS, as, i);
      FloatVector b = FloatVector.fromArray(Lanes.FLOATS, bs, i);
      FloatVector c = FloatVector.fromArray(Lanes.FLOATS, cs, i);
      store(a.mul(load(gradY, at, i)).add(b.mul(load(x, at, i))).add(c), gradX, at, i);
    }
    for (; i < count; i++) {
      storeOne(as[i] * loadOne(gradY, at, i) + bs[i] * loadOne(x, at, i) + cs[i], gradX, at, i);
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
