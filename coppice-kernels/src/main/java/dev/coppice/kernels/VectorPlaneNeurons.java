package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
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
      PlaneNeurons.clearEnds(n.out, s, plane);
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
    long step = (long) floats * Float.BYTES;
    long inStep = n.repeated() ? 0 : step;
    long from = PlaneNeurons.planeBytes(n.in, plane);
    long to = PlaneNeurons.planeBytes(n.out, plane);
    long kept = n.stateBytesBefore(plane);
    for (int i = 0; i < floats; i += Lanes.COUNT) {
      int left = floats - i;
      VectorMask<Float> pixels = VectorMask.fromLong(Lanes.FLOATS, n.pixels[i / Long.SIZE] >>> i);
      long at = from + (long) i * Float.BYTES;
      long place = to + (long) i * Float.BYTES;
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
        FloatVector spikes = FloatVector.zero(Lanes.FLOATS).blend(1f, fired.and(pixels));
        if (left >= Lanes.COUNT) {
          spikes.intoMemorySegment(s, place, ByteOrder.nativeOrder());
        } else {
          spikes.intoMemorySegment(
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
