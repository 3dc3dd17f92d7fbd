package dev.coppice.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
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
    MemorySegment xs = part(x, at, count);
    int i = 0;
    for (; i < Lanes.FLOATS.loopBound(count); i += Lanes.COUNT) {
      FloatVector.fromArray(Lanes.FLOATS, slots, i)
          .add(FloatVector.fromMemorySegment(Lanes.FLOATS, xs, bytes(i), Lanes.ORDER))
          .intoArray(slots, i);
    }
    for (; i < count; i++) {
      slots[i] += loadOne(xs, i);
    }
  }

  static void addCentred(
      MemorySegment x, long at, float[] centres, float[] slots, float[] squareSlots, int count) {
    MemorySegment xs = part(x, at, count);
    int i = 0;
    for (; i < Lanes.FLOATS.loopBound(count); i += Lanes.COUNT) {
      FloatVector d =
          FloatVector.fromMemorySegment(Lanes.FLOATS, xs, bytes(i), Lanes.ORDER)
              .sub(FloatVector.fromArray(Lanes.FLOATS, centres, i));
      FloatVector.fromArray(Lanes.FLOATS, slots, i).add(d).intoArray(slots, i);
      FloatVector.fromArray(Lanes.FLOATS, squareSlots, i).add(d.mul(d)).intoArray(squareSlots, i);
    }
    for (; i < count; i++) {
      float d = loadOne(xs, i) - centres[i];
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
    float[] factors = ChannelSums.tile(c.factors(scale), blockRows);
    float[] terms = ChannelSums.tile(c.terms(shift), blockRows);
    float[] responses = new float[probe == null ? 0 : size];
    if (probe != null) {
      int first = probe.firstScore(fromRow * channels);
      Arrays.fill(probe.scores(), first, probe.firstScore(toRow * channels), probe.identity());
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment potentials = h == null ? arena.allocate(bytes((long) steps * size)) : h;
      long hStride = bytes(h == null ? size : n);
      for (long row = fromRow; row < toRow; row += blockRows) {
        int count = (int) Math.min(blockRows, toRow - row) * channels;
        long first = row * channels;
        long at = bytes(first);
        long hAt = h == null ? 0 : at;
        charge(
            c,
            x,
            repeated ? 0 : bytes(n),
            at,
            factors,
            terms,
            potentials,
            hStride,
            hAt,
            steps,
            count);
        for (int t = 0; t < steps; t++) {
          fire(c.fireAt(), potentials, hAt + t * hStride, s, at + t * bytes(n), count);
        }
        if (probe != null) {
          VectorKernels.respond(probe, potentials, steps, hStride, hAt, responses, count);
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
   * Makes the potentials of a block of neurons, step by step: loops over nearby numbers are what
   * the compiler is good at. The charge is {@code leak·u + (factor·x + term)}, rounded twice.
   * Strides are bytes from a step to the next, {@code at} and {@code hAt} the offsets of the first
   * element.
   */
  static void charge(
      NeuronConstants c,
      MemorySegment x,
      long xStride,
      long at,
      float[] factors,
      float[] terms,
      MemorySegment h,
      long hStride,
      long hAt,
      int steps,
      int count) {
    chargeFirst(c, x, at, factors, terms, h, hAt, count);
    for (int t = 1; t < steps; t++) {
      long before = hAt + (t - 1) * hStride;
      chargeNext(c, x, at + t * xStride, factors, terms, h, before, before + hStride, count);
    }
  }

  private static void chargeFirst(
      NeuronConstants c,
      MemorySegment x,
      long at,
      float[] factors,
      float[] terms,
      MemorySegment h,
      long hAt,
      int count) {
    float leak = c.leak();
    float rest = c.rest();
    FloatVector leaks = FloatVector.broadcast(Lanes.FLOATS, leak);
    FloatVector rests = FloatVector.broadcast(Lanes.FLOATS, rest);
    MemorySegment xs = part(x, at, count);
    MemorySegment hs = part(h, hAt, count);
    int i = 0;
    for (; i < Lanes.FLOATS.loopBound(count); i += Lanes.COUNT) {
      FloatVector factor = FloatVector.fromArray(Lanes.FLOATS, factors, i);
      FloatVector term = FloatVector.fromArray(Lanes.FLOATS, terms, i);
      rests
          .fma(
              leaks,
              FloatVector.fromMemorySegment(Lanes.FLOATS, xs, bytes(i), Lanes.ORDER)
                  .fma(factor, term))
          .intoMemorySegment(hs, bytes(i), Lanes.ORDER);
    }
    for (; i < count; i++) {
      float charge = Math.fma(loadOne(xs, i), factors[i], terms[i]);
      storeOne(Math.fma(rest, leak, charge), hs, i);
    }
  }

  private static void chargeNext(
      NeuronConstants c,
      MemorySegment x,
      long at,
      float[] factors,
      float[] terms,
      MemorySegment h,
      long before,
      long now,
      int count) {
    float leak = c.leak();
    float fireAt = c.fireAt();
    float keep = c.keep();
    float offset = c.offset();
    FloatVector leaks = FloatVector.broadcast(Lanes.FLOATS, leak);
    FloatVector keeps = FloatVector.broadcast(Lanes.FLOATS, keep);
    FloatVector offsets = FloatVector.broadcast(Lanes.FLOATS, offset);
    MemorySegment xs = part(x, at, count);
    MemorySegment lasts = part(h, before, count);
    MemorySegment nows = part(h, now, count);
    int i = 0;
    for (; i < Lanes.FLOATS.loopBound(count); i += Lanes.COUNT) {
      FloatVector factor = FloatVector.fromArray(Lanes.FLOATS, factors, i);
      FloatVector term = FloatVector.fromArray(Lanes.FLOATS, terms, i);
      FloatVector charge =
          FloatVector.fromMemorySegment(Lanes.FLOATS, xs, bytes(i), Lanes.ORDER).fma(factor, term);
      FloatVector last = FloatVector.fromMemorySegment(Lanes.FLOATS, lasts, bytes(i), Lanes.ORDER);
      VectorMask<Float> fired = last.compare(VectorOperators.GE, fireAt);
      last.blend(last.fma(keeps, offsets), fired)
          .fma(leaks, charge)
          .intoMemorySegment(nows, bytes(i), Lanes.ORDER);
    }
    for (; i < count; i++) {
      float charge = Math.fma(loadOne(xs, i), factors[i], terms[i]);
      float last = loadOne(lasts, i);
      float left = last >= fireAt ? Math.fma(last, keep, offset) : last;
      storeOne(Math.fma(left, leak, charge), nows, i);
    }
  }

  /** Makes the spikes of potentials. */
  static void fire(float fireAt, MemorySegment h, long hAt, MemorySegment s, long at, int count) {
    FloatVector zero = FloatVector.zero(Lanes.FLOATS);
    MemorySegment hs = part(h, hAt, count);
    MemorySegment spikes = part(s, at, count);
    int i = 0;
    for (; i < Lanes.FLOATS.loopBound(count); i += Lanes.COUNT) {
      zero.blend(
              1,
              FloatVector.fromMemorySegment(Lanes.FLOATS, hs, bytes(i), Lanes.ORDER)
                  .compare(VectorOperators.GE, fireAt))
          .intoMemorySegment(spikes, bytes(i), Lanes.ORDER);
    }
    for (; i < count; i++) {
      storeOne(loadOne(hs, i) >= fireAt ? 1 : 0, spikes, i);
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
    float[] factors = ChannelSums.tile(c.factors(scale), blockRows);
    float[] terms = ChannelSums.tile(c.terms(shift), blockRows);
    float[] means = ChannelSums.tile(mean, blockRows);
    float[] slots = new float[size];
    float[] centredSlots = new float[size];
    float[] delta = new float[size];
    float[] total = new float[repeated ? size : 0];
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
          charge(c, x, repeated ? 0 : stride, at, factors, terms, h, bytes(size), 0, steps, count);
          VectorSurrogates.derivative(
              c.surrogate(), h, 0, c.threshold(), phi, 0, size * (steps - 1) + count);
          Arrays.fill(delta, 0, count, 0);
          Arrays.fill(total, 0);
          for (int t = steps - 1; t >= 0; t--) {
            long step = at + t * stride;
            back(c, h, phi, t * size, gradS, step, delta, count);
            if (repeated) {
              accumulate(delta, c.gain(), total, count);
            } else {
              emit(delta, c.gain(), x, means, gradY, step, slots, centredSlots, count);
            }
          }
          if (repeated) {
            emit(total, 1, x, means, gradY, at, slots, centredSlots, count);
          }
        }
        sums.put(
            start, ChannelSums.fold(slots, channels), ChannelSums.fold(centredSlots, channels));
      }
    }
  }

  /**
   * Takes the gradient of a block's potentials a step back.
   *
   * @param first index of the step's first potential and slope
   * @param delta the gradient of the potentials of the step after, then of this one
   */
  static void back(
      NeuronConstants c,
      MemorySegment h,
      float[] phi,
      int first,
      MemorySegment gradS,
      long step,
      float[] delta,
      int count) {
    float leak = c.leak();
    float fireAt = c.fireAt();
    float kept = leak * c.keep();
    float keepLess1 = c.keep() - 1;
    float offset = c.offset();
    boolean attached = c.attached();
    FloatVector leaks = FloatVector.broadcast(Lanes.FLOATS, leak);
    FloatVector keepsLess1 = FloatVector.broadcast(Lanes.FLOATS, keepLess1);
    FloatVector offsets = FloatVector.broadcast(Lanes.FLOATS, offset);
    MemorySegment hs = part(h, bytes(first), count);
    MemorySegment gradsS = part(gradS, step, count);
    int i = 0;
    for (; i < Lanes.FLOATS.loopBound(count); i += Lanes.COUNT) {
      FloatVector slope = FloatVector.fromArray(Lanes.FLOATS, phi, first + i);
      FloatVector potential =
          FloatVector.fromMemorySegment(Lanes.FLOATS, hs, bytes(i), Lanes.ORDER);
      FloatVector through = leaks.blend(kept, potential.compare(VectorOperators.GE, fireAt));
      if (attached) {
        through = slope.mul(leak).fma(potential.fma(keepsLess1, offsets), through);
      }
      FloatVector later = FloatVector.fromArray(Lanes.FLOATS, delta, i).mul(through);
      FloatVector.fromMemorySegment(Lanes.FLOATS, gradsS, bytes(i), Lanes.ORDER)
          .fma(slope, later)
          .intoArray(delta, i);
    }
    for (; i < count; i++) {
      float slope = phi[first + i];
      float potential = loadOne(hs, i);
      float through = potential >= fireAt ? kept : leak;
      if (attached) {
        through = Math.fma(slope * leak, Math.fma(potential, keepLess1, offset), through);
      }
      delta[i] = Math.fma(loadOne(gradsS, i), slope, delta[i] * through);
    }
  }

  /** Adds the gradient of a step's input to those of the others. */
  static void accumulate(float[] delta, float gain, float[] total, int count) {
    int i = 0;
    for (; i < Lanes.FLOATS.loopBound(count); i += Lanes.COUNT) {
      FloatVector gradient = FloatVector.fromArray(Lanes.FLOATS, delta, i).mul(gain);
      FloatVector.fromArray(Lanes.FLOATS, total, i).add(gradient).intoArray(total, i);
    }
    for (; i < count; i++) {
      total[i] += gain * delta[i];
    }
  }

  /** Writes the gradient of a block's input and sums it up. */
  private static void emit(
      float[] delta,
      float gain,
      MemorySegment x,
      float[] means,
      MemorySegment gradY,
      long at,
      float[] slots,
      float[] centredSlots,
      int count) {
    MemorySegment xs = part(x, at, count);
    MemorySegment gradsY = part(gradY, at, count);
    int i = 0;
    for (; i < Lanes.FLOATS.loopBound(count); i += Lanes.COUNT) {
      FloatVector gradient = FloatVector.fromArray(Lanes.FLOATS, delta, i).mul(gain);
      gradient.intoMemorySegment(gradsY, bytes(i), Lanes.ORDER);
      FloatVector.fromArray(Lanes.FLOATS, slots, i).add(gradient).intoArray(slots, i);
      FloatVector centred =
          FloatVector.fromMemorySegment(Lanes.FLOATS, xs, bytes(i), Lanes.ORDER)
              .sub(FloatVector.fromArray(Lanes.FLOATS, means, i));
      gradient
          .fma(centred, FloatVector.fromArray(Lanes.FLOATS, centredSlots, i))
          .intoArray(centredSlots, i);
    }
    for (; i < count; i++) {
      float gradient = gain * delta[i];
      storeOne(gradient, gradsY, i);
      slots[i] += gradient;
      centredSlots[i] = Math.fma(gradient, loadOne(xs, i) - means[i], centredSlots[i]);
    }
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
    MemorySegment gradsY = part(gradY, at, count);
    MemorySegment xs = part(x, at, count);
    MemorySegment gradsX = part(gradX, at, count);
    int i = 0;
    for (; i < Lanes.FLOATS.loopBound(count); i += Lanes.COUNT) {
      FloatVector a = FloatVector.fromArray(Lanes.FLOATS, as, i);
      FloatVector b = FloatVector.fromArray(Lanes.FLOATS, bs, i);
      FloatVector c = FloatVector.fromArray(Lanes.FLOATS, cs, i);
      FloatVector.fromMemorySegment(Lanes.FLOATS, gradsY, bytes(i), Lanes.ORDER)
          .fma(a, FloatVector.fromMemorySegment(Lanes.FLOATS, xs, bytes(i), Lanes.ORDER).fma(b, c))
          .intoMemorySegment(gradsX, bytes(i), Lanes.ORDER);
    }
    for (; i < count; i++) {
      float rest = Math.fma(loadOne(xs, i), bs[i], cs[i]);
      storeOne(Math.fma(loadOne(gradsY, i), as[i], rest), gradsX, i);
    }
  }

  static long bytes(long floats) {
    return floats * Float.BYTES;
  }

  /** What a loop goes over, so that its checks are those of a loop from 0. */
  static MemorySegment part(MemorySegment segment, long at, int count) {
    return segment.asSlice(at, bytes(count));
  }

  static float loadOne(MemorySegment segment, int i) {
    return segment.get(ValueLayout.JAVA_FLOAT, bytes(i));
  }

  static void storeOne(float value, MemorySegment segment, int i) {
    segment.set(ValueLayout.JAVA_FLOAT, bytes(i), value);
  }
}
