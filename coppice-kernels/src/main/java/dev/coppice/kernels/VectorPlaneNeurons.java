package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import org.jspecify.annotations.Nullable;

/**
 * {@link PlaneNeurons} with the Vector API, step by step: vectors are then independent of one
 * another. Large maps, small ones and those with a border have a loop each, of which one for all
 * takes half as long again on large maps.
 */
final class VectorPlaneNeurons {
  /** Pixels of maps that are run plane by plane within a step. */
  private static final int SMALL = 64;

  /** The lowest bit of four shorts in the order of memory. */
  private static final long FOUR = 0x0001_0001_0001_0001L;

  private VectorPlaneNeurons() {}

  static void forward(
      PlaneNeurons n,
      MemorySegment x,
      MemorySegment s,
      int fromPlane,
      int toPlane,
      @Nullable MemorySegment state) {
    boolean small = n.everyPixel() && n.spikes == PlaneNumbers.COUNTS && n.out.mapFloats() <= SMALL;
    boolean constant =
        n.repeated()
            && state == null
            && n.everyPixel()
            && n.spikes == PlaneNumbers.COUNTS
            && n.out.mapFloats() % (2 * Lanes.COUNT) == 0;
    boolean bytes = n.repeated() && state == null && n.spikes == PlaneNumbers.BYTES;
    for (int plane = fromPlane; plane < toPlane; ) {
      int channel = plane % n.out.planes();
      int planes = small ? Math.min(toPlane - plane, n.out.planes() - channel) : 1;
      if (small) {
        planes(n, x, s, plane, planes, state);
      } else if (constant) {
        constant(n, x, s, plane);
      } else if (bytes) {
        long from = PlaneNeurons.firstOf(n.in, plane) * Float.BYTES;
        VectorByteNeurons.constant(n, channel, x, from, s, PlaneNeurons.firstOf(n.out, plane));
      } else {
        plane(n, x, s, plane, state);
      }
      for (int end = plane + planes; plane < end; plane++) {
        n.spikes.clearEnds(n.out, s, plane);
      }
    }
  }

  /** Runs planes of an image with small maps, all of them step by step. */
  private static void planes(
      PlaneNeurons n,
      MemorySegment x,
      MemorySegment s,
      int plane,
      int planes,
      @Nullable MemorySegment state) {
    int size = n.out.mapFloats();
    int room = Math.ceilDiv(size, Lanes.COUNT) * Lanes.COUNT;
    float[] potentials = PlaneScratch.get().floats(0, planes * room);
    Arrays.fill(potentials, 0, planes * room, n.constants.rest());
    long kept = n.stateBytesBefore(plane);
    for (int k = 0; state != null && k < planes; k++) {
      long at = kept + (long) k * size * Float.BYTES;
      MemorySegment.copy(state, ValueLayout.JAVA_FLOAT, at, potentials, k * room, size);
    }
    long from = PlaneNeurons.firstOf(n.in, plane);
    long to = PlaneNeurons.firstOf(n.out, plane);
    int channel = plane % n.out.planes();
    for (int t = 0; t < n.out.stack(); t++) {
      for (int i = 0; i < size; i += Lanes.COUNT) {
        int count = Math.min(Lanes.COUNT, size - i);
        planes(n, channel, planes, x, from + i, s, to + i, count, potentials, i, room);
      }
      from += n.repeated() ? 0 : size;
      to += size;
    }
    for (int k = 0; state != null && k < planes; k++) {
      long at = kept + (long) k * size * Float.BYTES;
      MemorySegment.copy(potentials, k * room, state, ValueLayout.JAVA_FLOAT, at, size);
    }
  }

  /** Runs a vector of each plane through a time step; places are counted in elements. */
  private static void planes(
      PlaneNeurons n,
      int channel,
      int planes,
      MemorySegment x,
      long from,
      MemorySegment s,
      long to,
      int count,
      float[] potentials,
      int first,
      int room) {
    NeuronConstants c = n.constants;
    FloatVector leak = FloatVector.broadcast(Lanes.FLOATS, c.leak());
    FloatVector keep = FloatVector.broadcast(Lanes.FLOATS, c.keep());
    float offset = c.offset();
    long inStep = n.in.planeFloats();
    long outStep = n.out.planeFloats();
    boolean whole = count == Lanes.COUNT;
    for (int k = 0; k < planes; k++) {
      int at = first + k * room;
      FloatVector charge =
          FloatVector.fromMemorySegment(
                  Lanes.FLOATS, x, (from + k * inStep) * Float.BYTES, Lanes.ORDER)
              .lanewise(VectorOperators.FMA, n.factors[channel + k], n.terms[channel + k]);
      FloatVector potential = FloatVector.fromArray(Lanes.FLOATS, potentials, at).fma(leak, charge);
      VectorMask<Float> fired = potential.compare(VectorOperators.GE, c.fireAt());
      long place = (to + k * outStep) * Short.BYTES;
      if (whole) {
        ShortVector.zero(Lanes.HALF_SHORTS)
            .blend((short) 1, fired.cast(Lanes.HALF_SHORTS))
            .intoMemorySegment(s, place, Lanes.ORDER);
      } else {
        few(fired.toLong(), s, place, count);
      }
      potential
          .blend(potential.lanewise(VectorOperators.FMA, keep, offset), fired)
          .intoArray(potentials, at);
    }
  }

  /** Runs a map whose input is the same at all steps, two vectors through all of these. */
  private static void constant(PlaneNeurons n, MemorySegment x, MemorySegment s, int plane) {
    NeuronConstants c = n.constants;
    int channel = plane % n.out.planes();
    float factor = n.factors[channel];
    float term = n.terms[channel];
    FloatVector leak = FloatVector.broadcast(Lanes.FLOATS, c.leak());
    FloatVector keep = FloatVector.broadcast(Lanes.FLOATS, c.keep());
    FloatVector offset = FloatVector.broadcast(Lanes.FLOATS, c.offset());
    FloatVector rest = FloatVector.broadcast(Lanes.FLOATS, c.rest());
    FloatVector fireAt = FloatVector.broadcast(Lanes.FLOATS, c.fireAt());
    long from = PlaneNeurons.firstOf(n.in, plane) * Float.BYTES;
    long to = PlaneNeurons.firstOf(n.out, plane) * Short.BYTES;
    int size = n.out.mapFloats();
    int steps = n.out.stack();
    for (int i = 0; i < size; i += 2 * Lanes.COUNT) {
      long at = from + (long) i * Float.BYTES;
      FloatVector a =
          FloatVector.fromMemorySegment(Lanes.FLOATS, x, at, Lanes.ORDER)
              .lanewise(VectorOperators.FMA, factor, term);
      FloatVector b =
          FloatVector.fromMemorySegment(
                  Lanes.FLOATS, x, at + (long) Lanes.COUNT * Float.BYTES, Lanes.ORDER)
              .lanewise(VectorOperators.FMA, factor, term);
      FloatVector u = rest;
      FloatVector v = rest;
      for (int t = 0; t < steps; t++) {
        FloatVector g = u.fma(leak, a);
        FloatVector h = v.fma(leak, b);
        VectorMask<Float> first = g.compare(VectorOperators.GE, fireAt);
        VectorMask<Float> second = h.compare(VectorOperators.GE, fireAt);
        u = g.blend(g.fma(keep, offset), first);
        v = h.blend(h.fma(keep, offset), second);
        long place = to + ((long) t * size + i) * Short.BYTES;
        ShortVector.zero(Lanes.HALF_SHORTS)
            .blend((short) 1, first.cast(Lanes.HALF_SHORTS))
            .intoMemorySegment(s, place, Lanes.ORDER);
        ShortVector.zero(Lanes.HALF_SHORTS)
            .blend((short) 1, second.cast(Lanes.HALF_SHORTS))
            .intoMemorySegment(s, place + (long) Lanes.COUNT * Short.BYTES, Lanes.ORDER);
      }
    }
  }

  private static void plane(
      PlaneNeurons n, MemorySegment x, MemorySegment s, int plane, @Nullable MemorySegment state) {
    int size = n.out.mapFloats();
    float[] potentials = PlaneScratch.get().floats(0, size + Lanes.COUNT);
    long kept = n.stateBytesBefore(plane);
    if (state == null) {
      Arrays.fill(potentials, 0, size, n.constants.rest());
    } else {
      MemorySegment.copy(state, ValueLayout.JAVA_FLOAT, kept, potentials, 0, size);
    }
    int channel = plane % n.out.planes();
    long bytes = n.spikes.bytes();
    long from = PlaneNeurons.firstOf(n.in, plane) * Float.BYTES;
    long to = PlaneNeurons.firstOf(n.out, plane) * bytes;
    int whole = n.spikes == PlaneNumbers.COUNTS ? Lanes.FLOATS.loopBound(size) : 0;
    for (int t = 0; t < n.out.stack(); t++) {
      if (n.everyPixel()) {
        counts(n, channel, x, from, s, to, potentials, whole);
      }
      step(n, channel, x, from, s, to, potentials, n.everyPixel() ? whole : 0);
      from += n.repeated() ? 0 : (long) size * Float.BYTES;
      to += size * bytes;
    }
    if (state != null) {
      MemorySegment.copy(potentials, 0, state, ValueLayout.JAVA_FLOAT, kept, size);
    }
  }

  /** Runs whole vectors of a map without a border through a time step, spikes being counted. */
  private static void counts(
      PlaneNeurons n,
      int channel,
      MemorySegment x,
      long from,
      MemorySegment s,
      long to,
      float[] potentials,
      int size) {
    NeuronConstants c = n.constants;
    float factor = n.factors[channel];
    float term = n.terms[channel];
    FloatVector leak = FloatVector.broadcast(Lanes.FLOATS, c.leak());
    FloatVector keep = FloatVector.broadcast(Lanes.FLOATS, c.keep());
    float offset = c.offset();
    for (int i = 0; i < size; i += Lanes.COUNT) {
      // Not in methods of their own: a vector that is handed over may have to be an object.
      FloatVector charge =
          FloatVector.fromMemorySegment(Lanes.FLOATS, x, from + (long) i * Float.BYTES, Lanes.ORDER)
              .lanewise(VectorOperators.FMA, factor, term);
      FloatVector potential = FloatVector.fromArray(Lanes.FLOATS, potentials, i).fma(leak, charge);
      VectorMask<Float> fired = potential.compare(VectorOperators.GE, c.fireAt());
      ShortVector.zero(Lanes.HALF_SHORTS)
          .blend((short) 1, fired.cast(Lanes.HALF_SHORTS))
          .intoMemorySegment(s, to + (long) i * Short.BYTES, Lanes.ORDER);
      potential
          .blend(potential.lanewise(VectorOperators.FMA, keep, offset), fired)
          .intoArray(potentials, i);
    }
  }

  /** Runs a map through a time step, from the pixel {@code first} on. */
  private static void step(
      PlaneNeurons n,
      int channel,
      MemorySegment x,
      long from,
      MemorySegment s,
      long to,
      float[] potentials,
      int first) {
    NeuronConstants c = n.constants;
    float factor = n.factors[channel];
    float term = n.terms[channel];
    FloatVector leak = FloatVector.broadcast(Lanes.FLOATS, c.leak());
    FloatVector keep = FloatVector.broadcast(Lanes.FLOATS, c.keep());
    float offset = c.offset();
    int size = n.out.mapFloats();
    for (int i = first; i < size; i += Lanes.COUNT) {
      int left = size - i;
      VectorMask<Float> pixels = VectorMask.fromLong(Lanes.FLOATS, n.pixels[i / Long.SIZE] >>> i);
      // Not in methods of their own: a vector that is handed over may have to be an object.
      FloatVector charge =
          FloatVector.fromMemorySegment(Lanes.FLOATS, x, from + (long) i * Float.BYTES, Lanes.ORDER)
              .lanewise(VectorOperators.FMA, factor, term);
      FloatVector potential = FloatVector.fromArray(Lanes.FLOATS, potentials, i).fma(leak, charge);
      VectorMask<Float> fired = potential.compare(VectorOperators.GE, c.fireAt());
      VectorMask<Float> spikes = fired.and(pixels);
      long place = to + (long) i * n.spikes.bytes();
      if (n.spikes == PlaneNumbers.BYTES) {
        VectorByteNeurons.write(spikes.toLong(), s, place, left);
      } else if (n.spikes == PlaneNumbers.COUNTS && left >= Lanes.COUNT) {
        ShortVector.zero(Lanes.HALF_SHORTS)
            .blend((short) 1, spikes.cast(Lanes.HALF_SHORTS))
            .intoMemorySegment(s, place, Lanes.ORDER);
      } else if (n.spikes == PlaneNumbers.COUNTS) {
        few(spikes.toLong(), s, place, left);
      } else if (left >= Lanes.COUNT) {
        FloatVector.zero(Lanes.FLOATS).blend(1f, spikes).intoMemorySegment(s, place, Lanes.ORDER);
      } else {
        FloatVector.zero(Lanes.FLOATS)
            .blend(1f, spikes)
            .intoMemorySegment(s, place, Lanes.ORDER, Lanes.FLOATS.indexInRange(0, left));
      }
      potential
          .blend(potential.lanewise(VectorOperators.FMA, keep, offset), fired)
          .intoArray(potentials, i);
    }
  }

  /** Storing a part of a vector of shorts takes longer than four numbers at a time. */
  private static void few(long spikes, MemorySegment s, long place, int count) {
    int k = 0;
    for (; k + 4 <= count; k += 4) {
      long four = Long.expand(spikes >>> k, FOUR);
      s.set(ValueLayout.JAVA_LONG_UNALIGNED, place + (long) k * Short.BYTES, four);
    }
    for (; k < count; k++) {
      s.set(ValueLayout.JAVA_SHORT, place + (long) k * Short.BYTES, (short) (spikes >>> k & 1));
    }
  }
}
