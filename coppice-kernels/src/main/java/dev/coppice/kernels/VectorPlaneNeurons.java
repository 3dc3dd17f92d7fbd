package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import org.jspecify.annotations.Nullable;

/**
 * {@link PlaneNeurons} with the Vector API: neighbours in a map run through all steps in registers.
 */
final class VectorPlaneNeurons {
  private VectorPlaneNeurons() {}

  static void forward(
      PlaneNeurons n,
      MemorySegment x,
      MemorySegment s,
      int fromPlane,
      int toPlane,
      @Nullable MemorySegment state) {
    for (int plane = fromPlane; plane < toPlane; plane++) {
      plane(n, x, s, plane, state);
      n.spikes.clearEnds(n.out, s, plane);
    }
  }

  private static void plane(
      PlaneNeurons n, MemorySegment x, MemorySegment s, int plane, @Nullable MemorySegment state) {
    NeuronConstants c = n.constants;
    float leak = c.leak();
    float gain = c.gain();
    float drift = c.drift();
    float fireAt = c.fireAt();
    float keep = c.keep();
    float offset = c.offset();
    float scale = n.scale[plane % n.out.planes()];
    float shift = n.shift[plane % n.out.planes()];
    int floats = n.out.mapFloats();
    int steps = n.out.stack();
    boolean counts = n.spikes == PlaneNumbers.COUNTS;
    long bytes = n.spikes.bytes();
    long step = floats * bytes;
    long inStep = n.repeated() ? 0 : (long) floats * Float.BYTES;
    long from = PlaneNeurons.firstOf(n.in, plane) * Float.BYTES;
    long to = PlaneNeurons.firstOf(n.out, plane) * bytes;
    long kept = n.stateBytesBefore(plane);
    for (int i = 0; i < floats; i += Lanes.COUNT) {
      int left = floats - i;
      VectorMask<Float> pixels = VectorMask.fromLong(Lanes.FLOATS, n.pixels[i / Long.SIZE] >>> i);
      long at = from + (long) i * Float.BYTES;
      long place = to + i * bytes;
      FloatVector u =
          state == null
              ? FloatVector.broadcast(Lanes.FLOATS, c.rest())
              : FloatVector.fromMemorySegment(
                  Lanes.FLOATS, state, kept + (long) i * Float.BYTES, ByteOrder.nativeOrder());
      for (int t = 0; t < steps; t++) {
        FloatVector y =
            FloatVector.fromMemorySegment(Lanes.FLOATS, x, at, ByteOrder.nativeOrder())
                .mul(scale)
                .add(shift);
        FloatVector potential = u.mul(leak).add(y.mul(gain)).add(drift);
        VectorMask<Float> fired = potential.compare(VectorOperators.GE, fireAt);
        // Not in methods of their own: a vector that is handed over may have to be an object.
        VectorMask<Float> spikes = fired.and(pixels);
        if (counts) {
          ShortVector.zero(Lanes.HALF_SHORTS)
              .blend((short) 1, spikes.cast(Lanes.HALF_SHORTS))
              .intoMemorySegment(
                  s, place, ByteOrder.nativeOrder(), Lanes.HALF_SHORTS.indexInRange(0, left));
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
        u = potential.blend(potential.mul(keep).add(offset), fired);
        at += inStep;
        place += step;
      }
      if (state != null) {
        u.intoMemorySegment(
            state,
            kept + (long) i * Float.BYTES,
            ByteOrder.nativeOrder(),
            Lanes.FLOATS.indexInRange(0, left));
      }
    }
  }
}
