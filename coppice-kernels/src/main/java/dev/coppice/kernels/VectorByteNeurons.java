package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * {@link PlaneNeurons} that write {@link PlaneNumbers#BYTES}, with the Vector API: a vector of
 * pixels goes through all time steps, its potentials staying in a register.
 */
final class VectorByteNeurons {
  private static final int COUNT = Lanes.COUNT;

  /** Vectors side by side, so that one need not wait for the other; the last may run twice. */
  private static final int TOGETHER = 2;

  /** For every pattern of eight spikes their bytes. */
  private static final long[] SPREAD = new long[1 << Byte.SIZE];

  static {
    for (int pattern = 0; pattern < SPREAD.length; pattern++) {
      SPREAD[pattern] = Long.expand(pattern, 0x0101_0101_0101_0101L) * 0xFF;
    }
  }

  private VectorByteNeurons() {}

  /**
   * Runs a plane from rest.
   *
   * @param sums of the convolution that it reads, from {@code from} on, as {@code s} lies
   * @param to where the first pixel of the spikes lies
   */
  static void fire(PlaneNeurons n, int channel, short[] sums, int from, MemorySegment s, long to) {
    NeuronConstants c = n.constants;
    int map = n.out.mapFloats();
    int steps = n.out.stack();
    int pixels = pixels(n.out);
    FloatVector factor = FloatVector.broadcast(Lanes.FLOATS, n.factors[channel]);
    FloatVector term = FloatVector.broadcast(Lanes.FLOATS, n.terms[channel]);
    FloatVector leak = FloatVector.broadcast(Lanes.FLOATS, c.leak());
    FloatVector keep = FloatVector.broadcast(Lanes.FLOATS, c.keep());
    FloatVector offset = FloatVector.broadcast(Lanes.FLOATS, c.offset());
    FloatVector rest = FloatVector.broadcast(Lanes.FLOATS, c.rest());
    FloatVector fireAt = FloatVector.broadcast(Lanes.FLOATS, c.fireAt());
    for (int i = 0; i < pixels; i += TOGETHER * COUNT) {
      int k = i + COUNT < pixels ? i + COUNT : i;
      long first = n.pixels[i / Long.SIZE] >>> i;
      long second = n.pixels[k / Long.SIZE] >>> k;
      FloatVector u = rest;
      FloatVector v = rest;
      for (int at = 0; at < steps * map; at += map) {
        FloatVector g =
            u.fma(
                leak,
                ((FloatVector)
                        ShortVector.fromArray(Lanes.HALF_SHORTS, sums, from + at + i)
                            .convertShape(VectorOperators.S2F, Lanes.FLOATS, 0))
                    .fma(factor, term));
        FloatVector h =
            v.fma(
                leak,
                ((FloatVector)
                        ShortVector.fromArray(Lanes.HALF_SHORTS, sums, from + at + k)
                            .convertShape(VectorOperators.S2F, Lanes.FLOATS, 0))
                    .fma(factor, term));
        VectorMask<Float> f = g.compare(VectorOperators.GE, fireAt);
        VectorMask<Float> t = h.compare(VectorOperators.GE, fireAt);
        // Both before one is written: a mask that is kept for later becomes bytes.
        long a = f.toLong() & first;
        long b = t.toLong() & second;
        u = g.blend(g.fma(keep, offset), f);
        v = h.blend(h.fma(keep, offset), t);
        write(a, s, to + at + i, map - i);
        write(b, s, to + at + k, map - k);
      }
    }
    clear(n.out, s, to, pixels);
  }

  /** Runs a plane from rest whose input is the same at all time steps; places are in bytes. */
  static void constant(
      PlaneNeurons n, int channel, MemorySegment x, long from, MemorySegment s, long to) {
    NeuronConstants c = n.constants;
    int map = n.out.mapFloats();
    int steps = n.out.stack();
    int pixels = pixels(n.out);
    FloatVector factor = FloatVector.broadcast(Lanes.FLOATS, n.factors[channel]);
    FloatVector term = FloatVector.broadcast(Lanes.FLOATS, n.terms[channel]);
    FloatVector leak = FloatVector.broadcast(Lanes.FLOATS, c.leak());
    FloatVector keep = FloatVector.broadcast(Lanes.FLOATS, c.keep());
    FloatVector offset = FloatVector.broadcast(Lanes.FLOATS, c.offset());
    FloatVector rest = FloatVector.broadcast(Lanes.FLOATS, c.rest());
    FloatVector fireAt = FloatVector.broadcast(Lanes.FLOATS, c.fireAt());
    for (int i = 0; i < pixels; i += COUNT) {
      long wanted = n.pixels[i / Long.SIZE] >>> i;
      FloatVector charge =
          FloatVector.fromMemorySegment(Lanes.FLOATS, x, from + (long) i * Float.BYTES, Lanes.ORDER)
              .fma(factor, term);
      FloatVector potential = rest;
      for (int t = 0; t < steps; t++) {
        FloatVector charged = potential.fma(leak, charge);
        VectorMask<Float> fired = charged.compare(VectorOperators.GE, fireAt);
        potential = charged.blend(charged.fma(keep, offset), fired);
        write(fired.toLong() & wanted, s, to + (long) t * map + i, map - i);
      }
    }
    clear(n.out, s, to, pixels);
  }

  /** Returns the elements of a map from its first pixel to its last. */
  private static int pixels(Planes planes) {
    return (planes.rows() - 1) * planes.pitch() + planes.columns() * planes.group();
  }

  /** Makes zero what lies behind the maps of a plane. */
  private static void clear(Planes planes, MemorySegment s, long to, int pixels) {
    int map = planes.mapFloats();
    for (int t = 0; t < planes.stack(); t++) {
      for (int i = Math.ceilDiv(pixels, COUNT) * COUNT; i < map; i += COUNT) {
        write(0, s, to + (long) t * map + i, map - i);
      }
    }
  }

  /**
   * Writes the spikes of a vector.
   *
   * @param fired a bit for each
   * @param left how many there are room for
   */
  static void write(long fired, MemorySegment s, long at, int left) {
    if (left < COUNT) {
      for (int k = 0; k < left; k++) {
        s.set(ValueLayout.JAVA_BYTE, at + k, (byte) -(fired >>> k & 1));
      }
    } else if (COUNT < Byte.SIZE) {
      s.set(ValueLayout.JAVA_INT_UNALIGNED, at, (int) SPREAD[(int) fired & 0xFF]);
    } else {
      for (int k = 0; k < COUNT; k += Byte.SIZE) {
        s.set(ValueLayout.JAVA_LONG_UNALIGNED, at + k, SPREAD[(int) (fired >>> k) & 0xFF]);
      }
    }
  }
}
