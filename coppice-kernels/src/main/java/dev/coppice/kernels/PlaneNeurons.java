package dev.coppice.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * A layer of normalised neurons between {@link Planes}, for inference: the maps of an image in a
 * plane are its time steps. The input current is {@code x·scale + shift} with the numbers of the
 * channel.
 *
 * <p>Spikes are 0 or 1, and everything around the maps is written too, as zeros, so that the memory
 * may have held anything before.
 */
public final class PlaneNeurons {
  final NeuronConstants constants;
  final Planes in;
  final Planes out;

  /** For every channel what the charge is of an input, {@code input·factor + term}. */
  final float[] factors;

  final float[] terms;

  /** How spikes are written. */
  final PlaneNumbers spikes;

  /** Of the floats of a map, those that are pixels and not border: a bit for each. */
  final long[] pixels;

  /**
   * Describes a layer.
   *
   * @param in planes of what is normalised: with the stack of {@code out}, or 1 if the same is the
   *     input of every step
   * @param out planes of the spikes, with a stack of T
   * @param scale factor of every channel {@code [C]}
   * @param shift constant term of every channel {@code [C]}
   * @param spikes how spikes are written
   * @throws IllegalArgumentException when the planes differ in more than their stack, have a step
   *     above 1, or other channels than the factors
   */
  public PlaneNeurons(
      NeuronConstants constants,
      Planes in,
      Planes out,
      float[] scale,
      float[] shift,
      PlaneNumbers spikes) {
    if (!in.equals(out) && !in.equals(out.stacked(1))) {
      throw new IllegalArgumentException(
          "neurons give planes like those they read, not %s from %s".formatted(out, in));
    }
    if (out.step() != 1) {
      throw new IllegalArgumentException("neurons give planes of step 1, not " + out.step());
    }
    if (scale.length != out.channels() || shift.length != out.channels()) {
      throw new IllegalArgumentException(
          "%d channels need as many factors and terms, not %d and %d"
              .formatted(out.channels(), scale.length, shift.length));
    }
    this.constants = constants;
    this.in = in;
    this.out = out;
    this.factors = constants.factors(scale);
    this.terms = constants.terms(shift);
    this.spikes = spikes;
    this.pixels = new long[Math.ceilDiv(out.mapFloats(), Long.SIZE)];
    for (int y = 0; y < out.rows(); y++) {
      for (int k = 0; k < out.columns() * out.group(); k++) {
        int at = y * out.pitch() + k;
        pixels[at / Long.SIZE] |= 1L << at;
      }
    }
  }

  /** Returns memory for the potentials after reset of so many groups of images, at rest. */
  public MemorySegment allocateState(Arena arena, int groups) {
    MemorySegment state = arena.allocate(stateBytes(groups), Float.BYTES);
    rest(state, groups);
    return state;
  }

  /** Puts the potentials to rest. */
  public void rest(MemorySegment state, int groups) {
    for (long at = 0; at < stateBytes(groups); at += Float.BYTES) {
      state.set(ValueLayout.JAVA_FLOAT, at, constants.rest());
    }
  }

  private long stateBytes(int groups) {
    return ((long) groups * out.planes() * out.mapFloats() + Planes.LANES) * Float.BYTES;
  }

  /** Whether every step has the same input. */
  boolean repeated() {
    return in.stack() < out.stack();
  }

  /** Whether maps have no border. */
  boolean everyPixel() {
    return out.border() == 0;
  }

  /** Where the first map of a plane lies in elements, planes being counted through all groups. */
  static long firstOf(Planes planes, int plane) {
    long group = (long) (plane / planes.planes()) * planes.groupFloats();
    long inGroup = (long) (plane % planes.planes()) * planes.planeFloats();
    return group + planes.origin() + inGroup;
  }

  long stateBytesBefore(int plane) {
    return (long) plane * out.mapFloats() * Float.BYTES;
  }

  void check(
      MemorySegment x,
      MemorySegment s,
      int groups,
      int fromPlane,
      int toPlane,
      @Nullable MemorySegment state) {
    if (groups < 0) {
      throw new IllegalArgumentException("groups must not be negative: " + groups);
    }
    SpikeArguments.checkRange("planes", fromPlane, toPlane, (long) groups * out.planes());
    NeuronArguments.requireFloats("x", x, in.bytes(groups));
    NeuronArguments.requireFloats("s", s, out.bytes(groups));
    NeuronArguments.requireApart("x", x, in.bytes(groups), "s", s, out.bytes(groups));
    if (state != null) {
      NeuronArguments.requireFloats("state", state, stateBytes(groups));
    }
  }
}
