package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import org.jspecify.annotations.Nullable;

/**
 * Normalised neurons that give packed spikes, with the Vector API: a vector of neurons runs through
 * all steps in registers, and what fires goes from the mask into the word.
 */
final class VectorPackedNeurons {
  private VectorPackedNeurons() {}

  static void forward(
      NeuronConstants c,
      MemorySegment x,
      boolean repeated,
      float[] scale,
      float[] shift,
      long[] packed,
      int steps,
      long rows,
      long fromRow,
      long toRow,
      @Nullable MemorySegment state) {
    int channels = scale.length;
    int words = Math.ceilDiv(channels, Long.SIZE);
    int whole = Lanes.FLOATS.loopBound(channels);
    for (long row = fromRow; row < toRow; row++) {
      vectors(c, x, repeated, scale, shift, packed, steps, rows, row, words, whole, state);
      for (int channel = whole; channel < channels; channel++) {
        ScalarPackedNeurons.one(
            c, x, repeated, scale, shift, packed, steps, rows, row, words, channel, state);
      }
    }
  }

  private static void vectors(
      NeuronConstants c,
      MemorySegment x,
      boolean repeated,
      float[] scale,
      float[] shift,
      long[] packed,
      int steps,
      long rows,
      long row,
      int words,
      int whole,
      @Nullable MemorySegment state) {
    int channels = scale.length;
    FloatVector leak = FloatVector.broadcast(Lanes.FLOATS, c.leak());
    FloatVector keep = FloatVector.broadcast(Lanes.FLOATS, c.keep());
    FloatVector offset = FloatVector.broadcast(Lanes.FLOATS, c.offset());
    float fireAt = c.fireAt();
    long stride = repeated ? 0 : rows * channels * Float.BYTES;
    int wordStride = (int) rows * words;
    for (int i = 0; i < whole; i += Lanes.COUNT) {
      FloatVector factor = FloatVector.fromArray(Lanes.FLOATS, scale, i).mul(c.gain());
      FloatVector term = FloatVector.fromArray(Lanes.FLOATS, shift, i).mul(c.gain()).add(c.drift());
      long first = (row * channels + i) * Float.BYTES;
      FloatVector u =
          state == null
              ? FloatVector.broadcast(Lanes.FLOATS, c.rest())
              : FloatVector.fromMemorySegment(Lanes.FLOATS, state, first, Lanes.ORDER);
      long at = first;
      int word = (int) row * words + i / Long.SIZE;
      boolean clear = i % Long.SIZE == 0;
      for (int t = 0; t < steps; t++) {
        FloatVector charge =
            FloatVector.fromMemorySegment(Lanes.FLOATS, x, at, Lanes.ORDER).fma(factor, term);
        FloatVector potential = u.fma(leak, charge);
        VectorMask<Float> fired = potential.compare(VectorOperators.GE, fireAt);
        long bits = fired.toLong() << i;
        packed[word] = clear ? bits : packed[word] | bits;
        u = potential.blend(potential.fma(keep, offset), fired);
        at += stride;
        word += wordStride;
      }
      if (state != null) {
        u.intoMemorySegment(state, first, Lanes.ORDER);
      }
    }
  }
}
