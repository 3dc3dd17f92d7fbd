package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/** Normalised neurons that give packed spikes, as plain loops. */
final class ScalarPackedNeurons {
  private ScalarPackedNeurons() {}

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
    for (long row = fromRow; row < toRow; row++) {
      for (int channel = 0; channel < channels; channel++) {
        one(c, x, repeated, scale, shift, packed, steps, rows, row, words, channel, state);
      }
    }
  }

  /** Runs a neuron through all steps; that of the first channel of a word clears the word. */
  static void one(
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
      int channel,
      @Nullable MemorySegment state) {
    int channels = scale.length;
    long i = row * channels + channel;
    float u = state == null ? c.rest() : state.getAtIndex(ValueLayout.JAVA_FLOAT, i);
    float fireAt = c.fireAt();
    float factor = c.factor(scale[channel]);
    float term = c.term(shift[channel]);
    for (int t = 0; t < steps; t++) {
      long at = repeated ? i : t * rows * channels + i;
      float charge = Math.fma(x.getAtIndex(ValueLayout.JAVA_FLOAT, at), factor, term);
      float potential = Math.fma(u, c.leak(), charge);
      boolean fired = potential >= fireAt;
      int word = (int) ((t * rows + row) * words + channel / Long.SIZE);
      long kept = channel % Long.SIZE == 0 ? 0 : packed[word];
      packed[word] = kept | (fired ? 1L << channel : 0);
      u = fired ? Math.fma(potential, c.keep(), c.offset()) : potential;
    }
    if (state != null) {
      state.setAtIndex(ValueLayout.JAVA_FLOAT, i, u);
    }
  }
}
