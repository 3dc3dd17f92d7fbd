package dev.coppice.kernels;

import static dev.coppice.kernels.VectorNormNeurons.bytes;
import static dev.coppice.kernels.VectorNormNeurons.loadOne;
import static dev.coppice.kernels.VectorNormNeurons.part;
import static dev.coppice.kernels.VectorNormNeurons.storeOne;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * Normalisation, neurons and pooling in planes with the Vector API: the loops of {@link
 * VectorNormNeurons} over rows of pixels, all of one channel. The zeros between rows are computed
 * with them, for long loops are fast ones.
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
      MemorySegment xs = part(x, at, floats);
      int i = lane;
      for (; i + 2 * Lanes.COUNT <= floats; i += SLOTS) {
        FloatVector d =
            FloatVector.fromMemorySegment(Lanes.FLOATS, xs, bytes(i), Lanes.ORDER).sub(centre);
        FloatVector e =
            FloatVector.fromMemorySegment(Lanes.FLOATS, xs, bytes(i + Lanes.COUNT), Lanes.ORDER)
                .sub(centre);
        a = a.add(d);
        b = b.add(e);
        aSquares = aSquares.add(d.mul(d));
        bSquares = bSquares.add(e.mul(e));
      }
      if (i < floats) {
        VectorMask<Float> present = Lanes.FLOATS.indexInRange(i, floats);
        FloatVector d =
            FloatVector.fromMemorySegment(Lanes.FLOATS, xs, bytes(i), Lanes.ORDER, present)
                .sub(centre, present);
        a = a.add(d);
        aSquares = aSquares.add(d.mul(d));
      }
      if (i + Lanes.COUNT < floats) {
        VectorMask<Float> present = Lanes.FLOATS.indexInRange(i + Lanes.COUNT, floats);
        FloatVector e =
            FloatVector.fromMemorySegment(
                    Lanes.FLOATS, xs, bytes(i + Lanes.COUNT), Lanes.ORDER, present)
                .sub(centre, present);
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

  /**
   * Runs neurons through all steps.
   *
   * @param s numbers, or {@link PlaneMarks} if {@code marks}
   */
  static void forward(
      NeuronConstants n,
      PlaneSteps p,
      MemorySegment x,
      float[] scale,
      float[] shift,
      MemorySegment s,
      boolean marks,
      int fromChannel,
      int toChannel) {
    int size = p.blockFloats();
    int height = p.planes().height();
    long xStride = p.repeated() ? 0 : p.stride();
    float[] factors = new float[size];
    float[] terms = new float[size];
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment h = arena.allocate((long) size * p.steps() * Float.BYTES);
      for (int c = fromChannel; c < toChannel; c++) {
        Arrays.fill(factors, n.factor(scale[c]));
        Arrays.fill(terms, n.term(shift[c]));
        for (int group = 0; group < p.groups(); group++) {
          for (int row = 0; row < height; row += p.blockRows()) {
            int rows = Math.min(p.blockRows(), height - row);
            int count = p.blockFloats(rows);
            long at = p.at(group, c, row);
            long hStride = (long) size * Float.BYTES;
            VectorNormNeurons.charge(
                n, x, xStride, at, factors, terms, h, hStride, 0, p.steps(), count);
            for (int t = 0; t < p.steps(); t++) {
              long step = at + t * p.stride();
              if (marks) {
                VectorPlaneMarks.pack(n.fireAt(), h, t * hStride, s, step, count);
                PlaneMarks.clearGaps(p, s, step, rows);
              } else {
                VectorNormNeurons.fire(n.fireAt(), h, t * hStride, s, step, count);
                clearGaps(p, s, step, rows);
              }
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
    int size = p.blockFloats();
    int steps = p.steps();
    int height = p.planes().height();
    long xStride = p.repeated() ? 0 : p.stride();
    float[] factors = new float[size];
    float[] terms = new float[size];
    float[] delta = new float[size];
    float[] total = new float[p.repeated() ? size : 0];
    float[] phi = new float[Math.multiplyExact(size, steps)];
    float[] slots = new float[steps * PlaneSteps.SUMS];
    float[] centredSlots = new float[steps * PlaneSteps.SUMS];
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment h = arena.allocate((long) size * steps * Float.BYTES);
      long hStride = (long) size * Float.BYTES;
      for (int c = fromChannel; c < toChannel; c++) {
        Arrays.fill(factors, n.factor(scale[c]));
        Arrays.fill(terms, n.term(shift[c]));
        sums[c] = 0;
        centredSums[c] = 0;
        for (int group = 0; group < p.groups(); group++) {
          Arrays.fill(slots, 0);
          Arrays.fill(centredSlots, 0);
          for (int row = 0; row < height; row += p.blockRows()) {
            int count = p.blockFloats(Math.min(p.blockRows(), height - row));
            long at = p.at(group, c, row);
            VectorNormNeurons.charge(
                n, x, xStride, at, factors, terms, h, hStride, 0, steps, count);
            VectorSurrogates.derivative(
                n.surrogate(), h, 0, n.threshold(), phi, 0, size * (steps - 1) + count);
            Arrays.fill(delta, 0);
            Arrays.fill(total, 0);
            for (int t = steps - 1; t >= 0; t--) {
              long step = at + t * p.stride();
              VectorNormNeurons.back(n, h, phi, t * size, gradS, step, delta, count);
              if (p.repeated()) {
                VectorNormNeurons.accumulate(delta, n.gain(), total, count);
              } else {
                int slot = t * PlaneSteps.SUMS;
                emit(delta, n.gain(), x, mean[c], gradY, step, slots, centredSlots, slot, count);
              }
            }
            if (p.repeated()) {
              emit(total, 1, x, mean[c], gradY, at, slots, centredSlots, 0, count);
            }
          }
          sums[c] += ScalarPlaneSteps.sum(slots);
          centredSums[c] += ScalarPlaneSteps.sum(centredSlots);
        }
      }
    }
  }

  /** Writes the gradient of a block's input and sums it up. */
  private static void emit(
      float[] delta,
      float gain,
      MemorySegment x,
      float mean,
      MemorySegment gradY,
      long at,
      float[] slots,
      float[] centredSlots,
      int slot,
      int count) {
    MemorySegment xs = part(x, at, count);
    MemorySegment gradsY = part(gradY, at, count);
    int whole = count / PlaneSteps.SUMS * PlaneSteps.SUMS;
    for (int lane = 0; lane < PlaneSteps.SUMS; lane += Lanes.COUNT) {
      FloatVector sum = FloatVector.fromArray(Lanes.FLOATS, slots, slot + lane);
      FloatVector centredSum = FloatVector.fromArray(Lanes.FLOATS, centredSlots, slot + lane);
      for (int i = lane; i < whole; i += PlaneSteps.SUMS) {
        FloatVector gradient = FloatVector.fromArray(Lanes.FLOATS, delta, i).mul(gain);
        gradient.intoMemorySegment(gradsY, bytes(i), Lanes.ORDER);
        sum = sum.add(gradient);
        centredSum =
            gradient.fma(
                FloatVector.fromMemorySegment(Lanes.FLOATS, xs, bytes(i), Lanes.ORDER).sub(mean),
                centredSum);
      }
      sum.intoArray(slots, slot + lane);
      centredSum.intoArray(centredSlots, slot + lane);
    }
    for (int i = whole; i < count; i++) {
      float gradient = gain * delta[i];
      storeOne(gradient, gradsY, i);
      int k = slot + i - whole;
      slots[k] += gradient;
      centredSlots[k] = Math.fma(gradient, loadOne(xs, i) - mean, centredSlots[k]);
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
    int size = p.blockFloats();
    int height = p.planes().height();
    float[] as = new float[size];
    float[] bs = new float[size];
    float[] cs = new float[size];
    for (int k = fromChannel; k < toChannel; k++) {
      Arrays.fill(as, a[k]);
      Arrays.fill(bs, b[k]);
      Arrays.fill(cs, c[k]);
      for (int group = 0; group < p.inputGroups(); group++) {
        for (int row = 0; row < height; row += p.blockRows()) {
          int rows = Math.min(p.blockRows(), height - row);
          long at = p.at(group, k, row);
          VectorNormNeurons.combine(gradY, x, as, bs, cs, gradX, at, p.blockFloats(rows));
          clearGaps(p, gradX, at, rows);
        }
      }
    }
  }

  /** Makes what lies between rows zero again. */
  private static void clearGaps(PlaneSteps p, MemorySegment segment, long at, int rows) {
    int count = p.planes().border() * p.planes().group();
    long gap = at + (long) p.rowFloats() * Float.BYTES;
    FloatVector zero = FloatVector.zero(Lanes.FLOATS);
    for (int row = 1; row < rows; row++) {
      MemorySegment zeros = part(segment, gap, count);
      int i = 0;
      for (; i < Lanes.FLOATS.loopBound(count); i += Lanes.COUNT) {
        zero.intoMemorySegment(zeros, bytes(i), Lanes.ORDER);
      }
      for (; i < count; i++) {
        storeOne(0, zeros, i);
      }
      gap += (long) p.planes().pitch() * Float.BYTES;
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
    int pitch = p.in().pitch();
    int width = p.out().width();
    int window = p.window();
    for (int group = 0; group < groups; group++) {
      for (int c = fromChannel; c < toChannel; c++) {
        for (int row = 0; row < p.out().height(); row++) {
          long from = PlaneSteps.rowBytes(p.in(), group, c, row * window);
          MemorySegment rows = part(x, from, (window - 1) * pitch + window * width * side);
          MemorySegment averages =
              part(y, PlaneSteps.rowBytes(p.out(), group, c, row), width * side);
          if (window == 2 && Lanes.FLOATS.loopBound(side) == side) {
            averagePairs(rows, pitch, p.share(), averages, width, side);
            continue;
          }
          for (int column = 0; column < width; column++) {
            average(rows, column, pitch, window, p.share(), averages, side);
          }
        }
      }
    }
  }

  /** Windows of two by two pixels that are whole vectors. */
  private static void averagePairs(
      MemorySegment rows, int pitch, float share, MemorySegment averages, int width, int side) {
    for (int column = 0; column < width; column++) {
      int first = 2 * column * side;
      int second = first + side;
      for (int i = 0; i < side; i += Lanes.COUNT) {
        FloatVector above =
            FloatVector.fromMemorySegment(Lanes.FLOATS, rows, bytes(first + i), Lanes.ORDER)
                .add(
                    FloatVector.fromMemorySegment(
                        Lanes.FLOATS, rows, bytes(second + i), Lanes.ORDER));
        FloatVector sum =
            above.add(
                FloatVector.fromMemorySegment(
                    Lanes.FLOATS, rows, bytes(pitch + first + i), Lanes.ORDER));
        sum =
            sum.add(
                FloatVector.fromMemorySegment(
                    Lanes.FLOATS, rows, bytes(pitch + second + i), Lanes.ORDER));
        sum.mul(share).intoMemorySegment(averages, bytes(column * side + i), Lanes.ORDER);
      }
    }
  }

  private static void average(
      MemorySegment rows,
      int column,
      int pitch,
      int window,
      float share,
      MemorySegment averages,
      int side) {
    int from = column * window * side;
    int to = column * side;
    int i = 0;
    for (; i < Lanes.FLOATS.loopBound(side); i += Lanes.COUNT) {
      FloatVector sum = FloatVector.zero(Lanes.FLOATS);
      for (int dy = 0; dy < window; dy++) {
        for (int dx = 0; dx < window; dx++) {
          sum =
              sum.add(
                  FloatVector.fromMemorySegment(
                      Lanes.FLOATS, rows, bytes(from + dy * pitch + dx * side + i), Lanes.ORDER));
        }
      }
      sum.mul(share).intoMemorySegment(averages, bytes(to + i), Lanes.ORDER);
    }
    for (; i < side; i++) {
      float sum = 0;
      for (int dy = 0; dy < window; dy++) {
        for (int dx = 0; dx < window; dx++) {
          sum += loadOne(rows, from + dy * pitch + dx * side + i);
        }
      }
      storeOne(sum * share, averages, to + i);
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
    int window = p.window();
    int width = p.out().width();
    MemorySegment gradients = part(gradY, from, width * side);
    for (int dy = 0; dy < window; dy++) {
      long to = PlaneSteps.rowBytes(p.in(), group, c, row * window + dy);
      MemorySegment pixels = part(gradX, to, p.in().width() * side);
      if (window == 2 && Lanes.FLOATS.loopBound(side) == side) {
        spreadPairs(gradients, p.share(), pixels, width, side);
      } else {
        for (int column = 0; column < width; column++) {
          for (int dx = 0; dx < window; dx++) {
            int place = (column * window + dx) * side;
            spread(gradients, column * side, p.share(), pixels, place, side);
          }
        }
      }
      pixels.asSlice((long) width * window * side * Float.BYTES).fill((byte) 0);
    }
  }

  /** Windows two pixels wide that are whole vectors. */
  private static void spreadPairs(
      MemorySegment gradients, float share, MemorySegment pixels, int width, int side) {
    for (int column = 0; column < width; column++) {
      int first = 2 * column * side;
      for (int i = 0; i < side; i += Lanes.COUNT) {
        FloatVector gradient =
            FloatVector.fromMemorySegment(
                    Lanes.FLOATS, gradients, bytes(column * side + i), Lanes.ORDER)
                .mul(share);
        gradient.intoMemorySegment(pixels, bytes(first + i), Lanes.ORDER);
        gradient.intoMemorySegment(pixels, bytes(first + side + i), Lanes.ORDER);
      }
    }
  }

  private static void spread(
      MemorySegment gradients, int at, float share, MemorySegment pixels, int place, int side) {
    int i = 0;
    for (; i < Lanes.FLOATS.loopBound(side); i += Lanes.COUNT) {
      FloatVector.fromMemorySegment(Lanes.FLOATS, gradients, bytes(at + i), Lanes.ORDER)
          .mul(share)
          .intoMemorySegment(pixels, bytes(place + i), Lanes.ORDER);
    }
    for (; i < side; i++) {
      storeOne(loadOne(gradients, at + i) * share, pixels, place + i);
    }
  }
}
