package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
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
    for (int plane = fromPlane; plane < toPlane; ) {
      int channel = plane % n.out.planes();
      int planes = small ? Math.min(toPlane - plane, n.out.planes() - channel) : 1;
      if (small) {
        planes(n, x, s, plane, planes, state);
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
    long inStep = n.in.planeFloats();
    long outStep = n.out.planeFloats();
    boolean whole = count == Lanes.COUNT;
    for (int k = 0; k < planes; k++) {
      int at = first + k * room;
      FloatVector current =
          FloatVector.fromMemorySegment(
                  Lanes.FLOATS, x, (from + k * inStep) * Float.BYTES, ByteOrder.nativeOrder())
              .mul(n.scale[channel + k])
              .add(n.shift[channel + k]);
      FloatVector potential =
          FloatVector.fromArray(Lanes.FLOATS, potentials, at)
              .mul(c.leak())
              .add(current.mul(c.gain()))
              .add(c.drift());
      VectorMask<Float> fired = potential.compare(VectorOperators.GE, c.fireAt());
      long place = (to + k * outStep) * Short.BYTES;
      if (whole) {
        ShortVector.zero(Lanes.HALF_SHORTS)
            .blend((short) 1, fired.cast(Lanes.HALF_SHORTS))
            .intoMemorySegment(s, place, ByteOrder.nativeOrder());
      } else {
        few(fired.toLong(), s, place, count);
      }
      potential.blend(potential.mul(c.keep()).add(c.offset()), fired).intoArray(potentials, at);
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
    float scale = n.scale[channel];
    float shift = n.shift[channel];
    for (int i = 0; i < size; i += Lanes.COUNT) {
      // Not in methods of their own: a vector that is handed over may have to be an object.
      FloatVector current =
          FloatVector.fromMemorySegment(
                  Lanes.FLOATS, x, from + (long) i * Float.BYTES, ByteOrder.nativeOrder())
              .mul(scale)
              .add(shift);
      FloatVector potential =
          FloatVector.fromArray(Lanes.FLOATS, potentials, i)
              .mul(c.leak())
              .add(current.mul(c.gain()))
              .add(c.drift());
      VectorMask<Float> fired = potential.compare(VectorOperators.GE, c.fireAt());
      ShortVector.zero(Lanes.HALF_SHORTS)
          .blend((short) 1, fired.cast(Lanes.HALF_SHORTS))
          .intoMemorySegment(s, to + (long) i * Short.BYTES, ByteOrder.nativeOrder());
      potential.blend(potential.mul(c.keep()).add(c.offset()), fired).intoArray(potentials, i);
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
    float scale = n.scale[channel];
    float shift = n.shift[channel];
    int size = n.out.mapFloats();
    for (int i = first; i < size; i += Lanes.COUNT) {
      int left = size - i;
      VectorMask<Float> pixels = VectorMask.fromLong(Lanes.FLOATS, n.pixels[i / Long.SIZE] >>> i);
      // Not in methods of their own: a vector that is handed over may have to be an object.
      FloatVector current =
          FloatVector.fromMemorySegment(
                  Lanes.FLOATS, x, from + (long) i * Float.BYTES, ByteOrder.nativeOrder())
              .mul(scale)
              .add(shift);
      FloatVector potential =
          FloatVector.fromArray(Lanes.FLOATS, potentials, i)
              .mul(c.leak())
              .add(current.mul(c.gain()))
              .add(c.drift());
      VectorMask<Float> fired = potential.compare(VectorOperators.GE, c.fireAt());
      VectorMask<Float> spikes = fired.and(pixels);
      long place = to + (long) i * n.spikes.bytes();
      if (n.spikes == PlaneNumbers.COUNTS && left >= Lanes.COUNT) {
        ShortVector.zero(Lanes.HALF_SHORTS)
            .blend((short) 1, spikes.cast(Lanes.HALF_SHORTS))
            .intoMemorySegment(s, place, ByteOrder.nativeOrder());
      } else if (n.spikes == PlaneNumbers.COUNTS) {
        few(spikes.toLong(), s, place, left);
      } else if (left >= Lanes.COUNT) {
        FloatVector.zero(Lanes.FLOATS)
            .blend(1f, spikes)
            .intoMemorySegment(s, place, ByteOrder.nativeOrder());
      } else {
        FloatVector.zero(Lanes.FLOATS)
            .blend(1f, spikes)
            .intoMemorySegment(
                s, place, ByteOrder.nativeOrder(), Lanes.FLOATS.indexInRange(0, left));
      }
      potential.blend(potential.mul(c.keep()).add(c.offset()), fired).intoArray(potentials, i);
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
