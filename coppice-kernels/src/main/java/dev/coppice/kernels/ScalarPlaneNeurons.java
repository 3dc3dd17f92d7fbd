package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/** {@link PlaneNeurons} as plain loops, map by map. */
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
    PlaneScratch scratch = PlaneScratch.get();
    float[] potentials = scratch.floats(0, floats);
    float[] pixels = scratch.floats(1, floats);
    for (int k = 0; k < floats; k++) {
      pixels[k] = n.pixels[k / Long.SIZE] >>> k & 1;
    }
    for (int plane = fromPlane; plane < toPlane; plane++) {
      int channel = plane % n.out.planes();
      long kept = n.stateBytesBefore(plane) / Float.BYTES;
      for (int k = 0; k < floats; k++) {
        potentials[k] =
            state == null ? n.constants.rest() : state.getAtIndex(ValueLayout.JAVA_FLOAT, kept + k);
      }
      long from = PlaneNeurons.firstOf(n.in, plane);
      long to = PlaneNeurons.firstOf(n.out, plane);
      for (int t = 0; t < n.out.stack(); t++) {
        step(
            n,
            channel,
            x,
            n.repeated() ? from : from + (long) t * floats,
            s,
            to,
            potentials,
            pixels);
        to += floats;
      }
      for (int k = 0; state != null && k < floats; k++) {
        state.setAtIndex(ValueLayout.JAVA_FLOAT, kept + k, potentials[k]);
      }
      n.spikes.clearEnds(n.out, s, plane);
    }
  }

  /** Runs a map through a time step; places are counted in elements. */
  private static void step(
      PlaneNeurons n,
      int channel,
      MemorySegment x,
      long from,
      MemorySegment s,
      long to,
      float[] potentials,
      float[] pixels) {
    NeuronConstants c = n.constants;
    float factor = n.factors[channel];
    float term = n.terms[channel];
    float leak = c.leak();
    float keep = c.keep();
    float offset = c.offset();
    float fireAt = c.fireAt();
    int floats = n.out.mapFloats();
    for (int k = 0; k < floats; k++) {
      float charge = Math.fma(x.getAtIndex(ValueLayout.JAVA_FLOAT, from + k), factor, term);
      float potential = Math.fma(potentials[k], leak, charge);
      boolean fired = potential >= fireAt;
      n.spikes.set(s, to + k, fired ? pixels[k] : 0);
      potentials[k] = fired ? Math.fma(potential, keep, offset) : potential;
    }
  }
}
