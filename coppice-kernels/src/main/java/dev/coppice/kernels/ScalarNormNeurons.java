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
        float y = load(x, repeated ? i : t * n + i) * scale[channel] + shift[channel];
        float potential = c.leak() * u + c.gain() * y + c.drift();
        boolean fired = potential >= c.fireAt();
        if (h != null) {
          store(potential, h, t * n + i);
        }
        store(fired ? 1 : 0, s, t * n + i);
        u = fired ? c.keep() * potential + c.offset() : potential;
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
          float y = load(x, repeated ? i : t * n + i) * scale[channel] + shift[channel];
          h[t] = c.leak() * u + c.gain() * y + c.drift();
          u = h[t] >= c.fireAt() ? c.keep() * h[t] + c.offset() : h[t];
        }
        float delta = 0;
        float sum = 0;
        for (int t = steps - 1; t >= 0; t--) {
          float phi = c.surrogate().derivative(h[t] - c.threshold());
          float through = h[t] >= c.fireAt() ? c.keep() : 1;
          if (c.attached()) {
            through += phi * ((c.keep() - 1) * h[t] + c.offset());
          }
          delta = load(gradS, t * n + i) * phi + delta * c.leak() * through;
          float gradient = c.gain() * delta;
          sum += gradient;
          if (!repeated) {
            store(gradient, gradY, t * n + i);
            slots[slot] += gradient;
            centredSlots[slot] += gradient * (load(x, t * n + i) - mean[channel]);
          }
        }
        if (repeated) {
          store(sum, gradY, i);
          slots[slot] += sum;
          centredSlots[slot] += sum * (load(x, i) - mean[channel]);
        }
      }
      sums.put(start, ChannelSums.fold(slots, channels), ChannelSums.fold(centredSlots, channels));
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
    for (long i = fromRow * channels; i < toRow * channels; i++) {
      int k = (int) (i % channels);
      store(a[k] * load(gradY, i) + b[k] * load(x, i) + c[k], gradX, i);
    }
  }

  private static float load(MemorySegment segment, long i) {
    return segment.getAtIndex(ValueLayout.JAVA_FLOAT, i);
  }

  private static void store(float value, MemorySegment segment, long i) {
    segment.setAtIndex(ValueLayout.JAVA_FLOAT, i, value);
  }
}
