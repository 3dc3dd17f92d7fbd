package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** {@link PlaneNeurons} as plain loops over arrays, map by map. */
final class ScalarPlaneNeurons {
  private ScalarPlaneNeurons() {}

  static void forward(
      PlaneNeurons n,
      MemorySegment x,
      MemorySegment s,
      int fromPlane,
      int toPlane,
      @Nullable MemorySegment state) {
    int floats = n.out.mapFloats();
    float[] current = new float[floats];
    float[] potentials = new float[floats];
    float[] spikes = new float[floats];
    float[] pixels = new float[floats];
    for (int k = 0; k < floats; k++) {
      pixels[k] = n.pixels[k / Long.SIZE] >>> k & 1;
    }
    long mapBytes = (long) floats * Float.BYTES;
    for (int plane = fromPlane; plane < toPlane; plane++) {
      int channel = plane % n.out.planes();
      if (state == null) {
        Arrays.fill(potentials, n.constants.rest());
      } else {
        long at = n.stateBytesBefore(plane);
        MemorySegment.copy(state, ValueLayout.JAVA_FLOAT, at, potentials, 0, floats);
      }
      long from = PlaneNeurons.planeBytes(n.in, plane);
      long to = PlaneNeurons.planeBytes(n.out, plane);
      for (int t = 0; t < n.out.stack(); t++) {
        if (t == 0 || !n.repeated()) {
          MemorySegment.copy(x, ValueLayout.JAVA_FLOAT, from + t * mapBytes, current, 0, floats);
        }
        step(n.constants, current, n.scale[channel], n.shift[channel], potentials, spikes, pixels);
        MemorySegment.copy(spikes, 0, s, ValueLayout.JAVA_FLOAT, to + t * mapBytes, floats);
      }
      if (state != null) {
        MemorySegment.copy(
            potentials, 0, state, ValueLayout.JAVA_FLOAT, n.stateBytesBefore(plane), floats);
      }
      PlaneNeurons.clearEnds(n.out, s, plane);
    }
  }

  private static void step(
      NeuronConstants c,
      float[] current,
      float scale,
      float shift,
      float[] potentials,
      float[] spikes,
      float[] pixels) {
    float leak = c.leak();
    float gain = c.gain();
    float drift = c.drift();
    float keep = c.keep();
    float offset = c.offset();
    float fireAt = c.fireAt();
    for (int k = 0; k < spikes.length; k++) {
      float potential = leak * potentials[k] + gain * (current[k] * scale + shift) + drift;
      boolean fired = potential >= fireAt;
      spikes[k] = fired ? pixels[k] : 0;
      potentials[k] = fired ? keep * potential + offset : potential;
    }
  }
}
