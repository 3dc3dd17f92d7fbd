package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;

/** The checks that all implementations of the spike-driven kernels begin with. */
final class SpikeArguments {
  private SpikeArguments() {}

  static void checkPack(
      MemorySegment s,
      int channels,
      int levels,
      long[] packed,
      long rows,
      long fromRow,
      long toRow) {
    if (levels < 1) {
      throw new IllegalArgumentException("levels must be positive, not " + levels);
    }
    if (channels < 1 || rows < 0 || rows > Long.MAX_VALUE / Float.BYTES / channels) {
      throw new IllegalArgumentException(
          "%d rows of %d channels cannot be packed".formatted(rows, channels));
    }
    checkRange("rows", fromRow, toRow, rows);
    NeuronArguments.requireFloats("s", s, rows * channels * Float.BYTES);
    requireWords(
        packed, Math.multiplyExact(rows * Math.ceilDiv(channels, Long.SIZE), (long) levels));
  }

  static void checkConvolution(
      SpikeConvolution g, long[] packed, MemorySegment weights, MemorySegment out, int images) {
    if (images < 0) {
      throw new IllegalArgumentException("images must not be negative: " + images);
    }
    requireWords(packed, (long) images * g.imageWords());
    long weightBytes = (long) g.weightFloats() * Float.BYTES;
    long outBytes = (long) images * g.outHeight() * g.outWidth() * g.out() * Float.BYTES;
    NeuronArguments.requireFloats("packed weights", weights, weightBytes);
    NeuronArguments.requireFloats("output", out, outBytes);
    NeuronArguments.requireApart("packed weights", weights, weightBytes, "output", out, outBytes);
  }

  static void checkRange(String what, long from, long to, long size) {
    if (from < 0 || from > to || to > size) {
      throw new IllegalArgumentException(
          "%s %d to %d do not lie in %d".formatted(what, from, to, size));
    }
  }

  static void requireWords(long[] packed, long words) {
    if (packed.length < words) {
      throw new IllegalArgumentException(
          "packed spikes must have at least %d words, not %d".formatted(words, packed.length));
    }
  }
}
