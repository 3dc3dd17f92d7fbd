package dev.coppice.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * Normalisation, neurons and pooling in planes with the Vector API: the loops of {@link
 * VectorNormNeurons} over rows of pixels, all of one channel.
 */
final class VectorPlaneSteps {
  private static final int SLOTS = ScalarPlaneSteps.SLOTS;

  private VectorPlaneSteps() {}

  static void moments(
      PlaneSteps p,
      MemorySegment x,
      double[] mean,
      double[] variance,
      int fromChannel,
      int toChannel) {
    int floats = p.rowFloats();
    float[] slots = new float[SLOTS];
    float[] squareSlots = new float[SLOTS];
    long pitch = (long) p.planes().pitch() * Float.BYTES;
    for (int c = fromChannel; c < toChannel; c++) {
      float centre = ScalarPlaneSteps.centre(p, x, c);
      Arrays.fill(slots, 0);
      Arrays.fill(squareSlots, 0);
      for (int group = 0; group < p.inputGroups(); group++) {
        long at = p.at(group, c, 0);
        int rows = p.planes().height();
        // Sums of different places do not wait for each other.
        for (int lane = 0; lane < SLOTS; lane += 2 * Lanes.COUNT) {
          addCentred(x, at, pitch, rows, floats, centre, slots, squareSlots, lane);
        }
      }
      ScalarPlaneSteps.put(p, c, centre, slots, squareSlots, mean, variance);
    }
  }

  /** Adds up what falls to two vectors of slots. */
  private static void addCentred(
      MemorySegment x,
      long at,
      long pitch,
      int rows,
      int floats,
      float centre,
      float[] slots,
      float[] squareSlots,
      int lane) {
    int other = lane + Lanes.COUNT;
    FloatVector a = FloatVector.fromArray(Lanes.FLOATS, slots, lane);
    FloatVector b = FloatVector.fromArray(Lanes.FLOATS, slots, other);
    FloatVector aSquares = FloatVector.fromArray(Lanes.FLOATS, squareSlots, lane);
    FloatVector bSquares = FloatVector.fromArray(Lanes.FLOATS, squareSlots, other);
    for (int row = 0; row < rows; row++) {
      int i = lane;
      for (; i + 2 * Lanes.COUNT <= floats; i += SLOTS) {
        FloatVector d = load(x, at, i).sub(centre);
        FloatVector e = load(x, at, i + Lanes.COUNT).sub(centre);
        a = a.add(d);
        b = b.add(e);
        aSquares = aSquares.add(d.mul(d));
        bSquares = bSquares.add(e.mul(e));
      }
      if (i < floats) {
        FloatVector d = centred(x, at, i, floats - i, centre);
        a = a.add(d);
        aSquares = aSquares.add(d.mul(d));
      }
      if (i + Lanes.COUNT < floats) {
        FloatVector e = centred(x, at, i + Lanes.COUNT, floats - i - Lanes.COUNT, centre);
        b = b.add(e);
        bSquares = bSquares.add(e.mul(e));
      }
      at += pitch;
    }
    a.intoArray(slots, lane);
    b.intoArray(slots, other);
    aSquares.intoArray(squareSlots, lane);
    bSquares.intoArray(squareSlots, other);
  }

  /** Returns the distances of at most a vector of numbers, and zeros. */
  private static FloatVector centred(MemorySegment x, long at, int i, int count, float centre) {
    VectorMask<Float> present = Lanes.FLOATS.indexInRange(0, Math.min(count, Lanes.COUNT));
    return FloatVector.fromMemorySegment(
            Lanes.FLOATS, x, at + (long) i * Float.BYTES, ByteOrder.nativeOrder(), present)
        .sub(centre, present);
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
    int floats = p.rowFloats();
    long stride = p.stride();
    long xStride = p.repeated() ? 0 : stride;
    float[] scales = new float[floats];
    float[] shifts = new float[floats];
    for (int c = fromChannel; c < toChannel; c++) {
      Arrays.fill(scales, scale[c]);
      Arrays.fill(shifts, shift[c]);
      for (int group = 0; group < p.groups(); group++) {
        for (int row = 0; row < p.planes().height(); row++) {
          VectorNormNeurons.fire(
              n, x, xStride, p.at(group, c, row), scales, shifts, s, stride, p.steps(), floats);
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
    int floats = p.rowFloats();
    int steps = p.steps();
    long stride = p.stride();
    long xStride = p.repeated() ? 0 : stride;
    float[] scales = new float[floats];
    float[] shifts = new float[floats];
    float[] means = new float[floats];
    float[] slots = new float[floats];
    float[] centredSlots = new float[floats];
    int size = Math.multiplyExact(floats, steps);
    float[] phi = new float[size];
    long hStride = (long) floats * Float.BYTES;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment h = arena.allocate((long) size * Float.BYTES);
      for (int c = fromChannel; c < toChannel; c++) {
        Arrays.fill(scales, scale[c]);
        Arrays.fill(shifts, shift[c]);
        Arrays.fill(means, mean[c]);
        Arrays.fill(slots, 0);
        Arrays.fill(centredSlots, 0);
        for (int group = 0; group < p.groups(); group++) {
          for (int row = 0; row < p.planes().height(); row++) {
            long at = p.at(group, c, row);
            VectorNormNeurons.charge(n, x, xStride, at, scales, shifts, h, hStride, steps, floats);
            VectorSurrogates.derivative(n.surrogate(), h, 0, 1, 0, n.threshold(), phi, 0, size);
            if (p.repeated()) {
              VectorNormNeurons.runBackRepeated(
                  n,
                  x,
                  means,
                  h,
                  phi,
                  gradS,
                  gradY,
                  stride,
                  at,
                  steps,
                  floats,
                  slots,
                  centredSlots,
                  floats);
            } else {
              VectorNormNeurons.runBack(
                  n,
                  x,
                  means,
                  h,
                  phi,
                  gradS,
                  gradY,
                  stride,
                  at,
                  steps,
                  floats,
                  slots,
                  centredSlots,
                  floats);
            }
          }
        }
        sums[c] = ScalarPlaneSteps.sum(slots);
        centredSums[c] = ScalarPlaneSteps.sum(centredSlots);
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
    int floats = p.rowFloats();
    float[] as = new float[floats];
    float[] bs = new float[floats];
    float[] cs = new float[floats];
    for (int k = fromChannel; k < toChannel; k++) {
      Arrays.fill(as, a[k]);
      Arrays.fill(bs, b[k]);
      Arrays.fill(cs, c[k]);
      for (int group = 0; group < p.inputGroups(); group++) {
        for (int row = 0; row < p.planes().height(); row++) {
          VectorNormNeurons.combine(gradY, x, as, bs, cs, gradX, p.at(group, k, row), floats);
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
    long pixel = (long) side * Float.BYTES;
    long pitch = (long) p.in().pitch() * Float.BYTES;
    for (int group = 0; group < groups; group++) {
      for (int c = fromChannel; c < toChannel; c++) {
        for (int row = 0; row < p.out().height(); row++) {
          long from = PlaneSteps.rowBytes(p.in(), group, c, row * p.window());
          long to = PlaneSteps.rowBytes(p.out(), group, c, row);
          for (int column = 0; column < p.out().width(); column++) {
            average(x, from, pixel, pitch, p.window(), p.share(), y, to, side);
            from += p.window() * pixel;
            to += pixel;
          }
        }
      }
    }
  }

  private static void average(
      MemorySegment x,
      long from,
      long pixel,
      long pitch,
      int window,
      float share,
      MemorySegment y,
      long to,
      int side) {
    int i = 0;
    for (; i < Lanes.FLOATS.loopBound(side); i += Lanes.COUNT) {
      FloatVector sum = FloatVector.zero(Lanes.FLOATS);
      for (int dy = 0; dy < window; dy++) {
        for (int dx = 0; dx < window; dx++) {
          sum = sum.add(load(x, from + dy * pitch + dx * pixel, i));
        }
      }
      store(sum.mul(share), y, to, i);
    }
    for (; i < side; i++) {
      float sum = 0;
      for (int dy = 0; dy < window; dy++) {
        for (int dx = 0; dx < window; dx++) {
          sum += loadOne(x, from + dy * pitch + dx * pixel, i);
        }
      }
      storeOne(sum * share, y, to, i);
    }
  }

  static void poolBackward(
      PlaneAverage p,
      MemorySegment gradY,
      MemorySegment gradX,
      int groups,
      int fromChannel,
      int toChannel) {
    int window = p.window();
    int floats = p.in().width() * p.in().group();
    for (int group = 0; group < groups; group++) {
      for (int c = fromChannel; c < toChannel; c++) {
        for (int row = 0; row < p.out().height(); row++) {
          spread(p, gradY, PlaneSteps.rowBytes(p.out(), group, c, row), gradX, group, c, row);
        }
        for (int row = p.out().height() * window; row < p.in().height(); row++) {
          long at = PlaneSteps.rowBytes(p.in(), group, c, row);
          gradX.asSlice(at, (long) floats * Float.BYTES).fill((byte) 0);
        }
      }
    }
  }

  /** Writes the rows of a row of windows. */
  private static void spread(
      PlaneAverage p,
      MemorySegment gradY,
      long from,
      MemorySegment gradX,
      int group,
      int c,
      int row) {
    int side = p.in().group();
    long pixel = (long) side * Float.BYTES;
    int window = p.window();
    float share = p.share();
    for (int dy = 0; dy < window; dy++) {
      long to = PlaneSteps.rowBytes(p.in(), group, c, row * window + dy);
      for (int column = 0; column < p.in().width(); column++) {
        int outColumn = column / window;
        long at = from + outColumn * pixel;
        boolean covered = outColumn < p.out().width();
        int i = 0;
        for (; i < Lanes.FLOATS.loopBound(side); i += Lanes.COUNT) {
          FloatVector gradient = FloatVector.zero(Lanes.FLOATS);
          if (covered) {
            gradient = load(gradY, at, i).mul(share);
          }
          store(gradient, gradX, to, i);
        }
        for (; i < side; i++) {
          storeOne(covered ? loadOne(gradY, at, i) * share : 0, gradX, to, i);
        }
        to += pixel;
      }
    }
  }

  private static FloatVector load(MemorySegment segment, long at, int i) {
    return FloatVector.fromMemorySegment(
        Lanes.FLOATS, segment, at + (long) i * Float.BYTES, ByteOrder.nativeOrder());
  }

  private static void store(FloatVector value, MemorySegment segment, long at, int i) {
    value.intoMemorySegment(segment, at + (long) i * Float.BYTES, ByteOrder.nativeOrder());
  }

  private static float loadOne(MemorySegment segment, long at, int i) {
    return segment.get(ValueLayout.JAVA_FLOAT, at + (long) i * Float.BYTES);
  }

  private static void storeOne(float value, MemorySegment segment, long at, int i) {
    segment.set(ValueLayout.JAVA_FLOAT, at + (long) i * Float.BYTES, value);
  }
}
