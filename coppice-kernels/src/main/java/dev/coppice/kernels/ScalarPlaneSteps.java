package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/** Normalisation, neurons and pooling in planes as plain loops, an element after the other. */
final class ScalarPlaneSteps {
  /** Sums of which the moments are made. */
  static final int SLOTS = 64;

  private ScalarPlaneSteps() {}

  static void moments(
      PlaneSteps p,
      MemorySegment x,
      double[] mean,
      double[] variance,
      int fromChannel,
      int toChannel) {
    int floats = p.rowFloats();
    for (int c = fromChannel; c < toChannel; c++) {
      float centre = centre(p, x, c);
      float[] slots = new float[SLOTS];
      float[] squareSlots = new float[SLOTS];
      for (int group = 0; group < p.inputGroups(); group++) {
        for (int row = 0; row < p.planes().height(); row++) {
          for (int i = 0; i < floats; i++) {
            float d = load(x, p.at(group, c, row), i) - centre;
            slots[i % SLOTS] += d;
            squareSlots[i % SLOTS] += d * d;
          }
        }
      }
      put(p, c, centre, slots, squareSlots, mean, variance);
    }
  }

  /** Returns the mean of a few numbers, near enough to centre the others at. */
  static float centre(PlaneSteps p, MemorySegment x, int channel) {
    int count = Math.min(p.rowFloats(), SLOTS);
    double sum = 0;
    for (int i = 0; i < count; i++) {
      sum += load(x, p.at(0, channel, p.planes().height() / 2), i);
    }
    return (float) (sum / count);
  }

  static void put(
      PlaneSteps p,
      int channel,
      float centre,
      float[] slots,
      float[] squareSlots,
      double[] mean,
      double[] variance) {
    double rest = sum(slots) / p.channelSize();
    mean[channel] = centre + rest;
    variance[channel] = Math.max(0, sum(squareSlots) / p.channelSize() - rest * rest);
  }

  static double sum(float[] slots) {
    double sum = 0;
    for (float slot : slots) {
      sum += slot;
    }
    return sum;
  }

  static void forward(
      NeuronConstants n,
      PlaneSteps p,
      MemorySegment x,
      float[] scale,
      float[] shift,
      MemorySegment s,
      int fromChannel,
      int toChannel) {
    long xStride = p.repeated() ? 0 : p.stride();
    for (int group = 0; group < p.groups(); group++) {
      for (int c = fromChannel; c < toChannel; c++) {
        float factor = n.factor(scale[c]);
        float term = n.term(shift[c]);
        for (int row = 0; row < p.planes().height(); row++) {
          long at = p.at(group, c, row);
          for (int i = 0; i < p.rowFloats(); i++) {
            float u = n.rest();
            for (int t = 0; t < p.steps(); t++) {
              float charge = Math.fma(load(x, at + t * xStride, i), factor, term);
              float potential = Math.fma(u, n.leak(), charge);
              boolean fired = potential >= n.fireAt();
              store(fired ? 1 : 0, s, at + t * p.stride(), i);
              u = fired ? Math.fma(potential, n.keep(), n.offset()) : potential;
            }
          }
        }
      }
    }
  }

  static void backward(
      NeuronConstants n,
      PlaneSteps p,
      MemorySegment x,
      float[] scale,
      float[] shift,
      float[] mean,
      MemorySegment gradS,
      MemorySegment gradY,
      double[] sums,
      double[] centredSums,
      int fromChannel,
      int toChannel) {
    long xStride = p.repeated() ? 0 : p.stride();
    float[] h = new float[p.steps()];
    int perStep = PlaneSteps.SUMS;
    float[] slots = new float[p.steps() * perStep];
    float[] centredSlots = new float[p.steps() * perStep];
    for (int c = fromChannel; c < toChannel; c++) {
      float factor = n.factor(scale[c]);
      float term = n.term(shift[c]);
      sums[c] = 0;
      centredSums[c] = 0;
      for (int group = 0; group < p.groups(); group++) {
        Arrays.fill(slots, 0);
        Arrays.fill(centredSlots, 0);
        for (int row = 0; row < p.planes().height(); row++) {
          long at = p.at(group, c, row);
          int rowsBefore = row % p.blockRows();
          for (int i = 0; i < p.rowFloats(); i++) {
            int slot = (rowsBefore * p.planes().pitch() + i) % perStep;
            float u = n.rest();
            for (int t = 0; t < p.steps(); t++) {
              float charge = Math.fma(load(x, at + t * xStride, i), factor, term);
              h[t] = Math.fma(u, n.leak(), charge);
              u = h[t] >= n.fireAt() ? Math.fma(h[t], n.keep(), n.offset()) : h[t];
            }
            float delta = 0;
            float sum = 0;
            for (int t = p.steps() - 1; t >= 0; t--) {
              float phi = n.surrogate().derivative(h[t] - n.threshold());
              long step = at + t * p.stride();
              delta = ScalarNormNeurons.deltaBefore(n, h[t], phi, load(gradS, step, i), delta);
              float gradient = n.gain() * delta;
              sum += gradient;
              if (!p.repeated()) {
                store(gradient, gradY, step, i);
                int k = t * perStep + slot;
                slots[k] += gradient;
                centredSlots[k] = Math.fma(gradient, load(x, step, i) - mean[c], centredSlots[k]);
              }
            }
            if (p.repeated()) {
              store(sum, gradY, at, i);
              slots[slot] += sum;
              centredSlots[slot] = Math.fma(sum, load(x, at, i) - mean[c], centredSlots[slot]);
            }
          }
        }
        sums[c] += sum(slots);
        centredSums[c] += sum(centredSlots);
      }
    }
  }

  static void affineCombine(
      PlaneSteps p,
      MemorySegment gradY,
      MemorySegment x,
      float[] a,
      float[] b,
      float[] c,
      MemorySegment gradX,
      int fromChannel,
      int toChannel) {
    for (int group = 0; group < p.inputGroups(); group++) {
      for (int k = fromChannel; k < toChannel; k++) {
        for (int row = 0; row < p.planes().height(); row++) {
          long at = p.at(group, k, row);
          for (int i = 0; i < p.rowFloats(); i++) {
            float rest = Math.fma(load(x, at, i), b[k], c[k]);
            store(Math.fma(load(gradY, at, i), a[k], rest), gradX, at, i);
          }
        }
      }
    }
  }

  static void pool(
      PlaneAverage p,
      MemorySegment x,
      MemorySegment y,
      int groups,
      int fromChannel,
      int toChannel) {
    int side = p.in().group();
    for (int group = 0; group < groups; group++) {
      for (int c = fromChannel; c < toChannel; c++) {
        for (int i = 0; i < p.out().height() * p.out().width() * side; i++) {
          int row = i / side / p.out().width();
          int column = i / side % p.out().width();
          float sum = 0;
          for (int dy = 0; dy < p.window(); dy++) {
            for (int dx = 0; dx < p.window(); dx++) {
              sum +=
                  load(
                      x,
                      PlaneSteps.rowBytes(p.in(), group, c, row * p.window() + dy),
                      (column * p.window() + dx) * side + i % side);
            }
          }
          long at = PlaneSteps.rowBytes(p.out(), group, c, row);
          store(sum * p.share(), y, at, column * side + i % side);
        }
      }
    }
  }

  static void poolBackward(
      PlaneAverage p,
      MemorySegment gradY,
      MemorySegment gradX,
      int groups,
      int fromChannel,
      int toChannel) {
    int side = p.in().group();
    for (int group = 0; group < groups; group++) {
      for (int c = fromChannel; c < toChannel; c++) {
        for (int i = 0; i < p.in().height() * p.in().width() * side; i++) {
          int row = i / side / p.in().width();
          int column = i / side % p.in().width();
          int outRow = row / p.window();
          int outColumn = column / p.window();
          boolean covered = outRow < p.out().height() && outColumn < p.out().width();
          float gradient =
              covered
                  ? load(
                      gradY,
                      PlaneSteps.rowBytes(p.out(), group, c, outRow),
                      outColumn * side + i % side)
                  : 0;
          store(
              gradient * p.share(),
              gradX,
              PlaneSteps.rowBytes(p.in(), group, c, row),
              column * side + i % side);
        }
      }
    }
  }

  private static float load(MemorySegment segment, long at, int i) {
    return segment.get(ValueLayout.JAVA_FLOAT, at + (long) i * Float.BYTES);
  }

  private static void store(float value, MemorySegment segment, long at, int i) {
    segment.set(ValueLayout.JAVA_FLOAT, at + (long) i * Float.BYTES, value);
  }
}
