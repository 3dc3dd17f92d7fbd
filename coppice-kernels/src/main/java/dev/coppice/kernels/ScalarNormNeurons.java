package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Normalisation and neurons as plain loops, an element after the other. */
final class ScalarNormNeurons {
  private ScalarNormNeurons() {}

  static void channelMoments(MemorySegment x, ChannelSums sums, long fromRow, long toRow) {
    int channels = sums.channels();
    int blockRows = ChannelSums.blockRows(channels);
    for (long start = fromRow; start < toRow; start += sums.chunkRows()) {
      long end = Math.min(start + sums.chunkRows(), toRow);
      double[] firstSums = new double[channels];
      double[] secondSums = new double[channels];
      for (int c = 0; c < channels; c++) {
        double total = 0;
        for (int r = 0; r < blockRows; r++) {
          float slot = 0;
          for (long row = start + r; row < end; row += blockRows) {
            slot += load(x, row * channels + c);
          }
          total += slot;
        }
        // The mean so found may be rough when it is large, which the sum of the rest makes good.
        float centre = (float) (total / (end - start));
        double rest = 0;
        double squares = 0;
        for (int r = 0; r < blockRows; r++) {
          float slot = 0;
          float squareSlot = 0;
          for (long row = start + r; row < end; row += blockRows) {
            float d = load(x, row * channels + c) - centre;
            slot += d;
            squareSlot += d * d;
          }
          rest += slot;
          squares += squareSlot;
        }
        firstSums[c] = centre * (double) (end - start) + rest;
        secondSums[c] = squares - rest * rest / (end - start);
      }
      sums.put(start, firstSums, secondSums);
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
    long n = rows * channels;
    long from = fromRow * channels;
    long to = toRow * channels;
    if (probe != null) {
      Arrays.fill(probe.scores(), probe.firstScore(from), probe.firstScore(to), probe.identity());
    }
    for (long i = from; i < to; i++) {
      int channel = (int) (i % channels);
      float u = c.rest();
      float response = 0;
      for (int t = 0; t < steps; t++) {
        float in = load(x, repeated ? i : t * n + i);
        float charge = Math.fma(in, c.factor(scale[channel]), c.term(shift[channel]));
        float potential = Math.fma(u, c.leak(), charge);
        boolean fired = potential >= c.fireAt();
        if (h != null) {
          store(potential, h, t * n + i);
        }
        store(fired ? 1 : 0, s, t * n + i);
        u = fired ? Math.fma(potential, c.keep(), c.offset()) : potential;
        if (probe != null) {
          response += ScalarKernels.respond(probe, potential);
        }
      }
      if (probe != null) {
        int k = probe.firstScore(i) + channel;
        probe.scores()[k] =
            switch (probe.pooling()) {
              case MAX -> Math.max(probe.scores()[k], response);
              case MEAN -> probe.scores()[k] + response;
            };
      }
    }
    if (probe != null) {
      for (int k = probe.firstScore(from); k < probe.firstScore(to); k++) {
        probe.scores()[k] /= probe.divisor(steps);
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
    long n = rows * channels;
    int size = ChannelSums.blockRows(channels) * channels;
    float[] slots = new float[size];
    float[] centredSlots = new float[size];
    float[] h = new float[steps];
    for (long start = fromRow; start < toRow; start += sums.chunkRows()) {
      long end = Math.min(start + sums.chunkRows(), toRow);
      Arrays.fill(slots, 0);
      Arrays.fill(centredSlots, 0);
      for (long i = start * channels; i < end * channels; i++) {
        int channel = (int) (i % channels);
        int slot = (int) ((i - start * channels) % size);
        float u = c.rest();
        for (int t = 0; t < steps; t++) {
          float in = load(x, repeated ? i : t * n + i);
          float charge = Math.fma(in, c.factor(scale[channel]), c.term(shift[channel]));
          h[t] = Math.fma(u, c.leak(), charge);
          u = h[t] >= c.fireAt() ? Math.fma(h[t], c.keep(), c.offset()) : h[t];
        }
        float delta = 0;
        float sum = 0;
        for (int t = steps - 1; t >= 0; t--) {
          float phi = c.surrogate().derivative(h[t] - c.threshold());
          delta = deltaBefore(c, h[t], phi, load(gradS, t * n + i), delta);
          float gradient = c.gain() * delta;
          sum += gradient;
          if (!repeated) {
            store(gradient, gradY, t * n + i);
            slots[slot] += gradient;
            float centred = load(x, t * n + i) - mean[channel];
            centredSlots[slot] = Math.fma(gradient, centred, centredSlots[slot]);
          }
        }
        if (repeated) {
          store(sum, gradY, i);
          slots[slot] += sum;
          float centred = load(x, i) - mean[channel];
          centredSlots[slot] = Math.fma(sum, centred, centredSlots[slot]);
        }
      }
      sums.put(start, ChannelSums.fold(slots, channels), ChannelSums.fold(centredSlots, channels));
    }
  }

  /** Returns the gradient of a potential, given those of its spike and of the step after. */
  static float deltaBefore(
      NeuronConstants c, float potential, float slope, float gradient, float delta) {
    float through = potential >= c.fireAt() ? c.leak() * c.keep() : c.leak();
    if (c.attached()) {
      float reset = Math.fma(potential, c.keep() - 1, c.offset());
      through = Math.fma(slope * c.leak(), reset, through);
    }
    return Math.fma(gradient, slope, delta * through);
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
    for (long i = fromRow * channels; i < toRow * channels; i++) {
      int k = (int) (i % channels);
      store(Math.fma(load(gradY, i), a[k], Math.fma(load(x, i), b[k], c[k])), gradX, i);
    }
  }

  private static float load(MemorySegment segment, long i) {
    return segment.getAtIndex(ValueLayout.JAVA_FLOAT, i);
  }

  private static void store(float value, MemorySegment segment, long i) {
    segment.setAtIndex(ValueLayout.JAVA_FLOAT, i, value);
  }
}
