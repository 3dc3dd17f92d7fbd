package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;

/** The checks that all implementations of the input gradient begin with. */
final class GradientArguments {
  private GradientArguments() {}

  static void checkWeights(
      InputGradient g, MemorySegment weights, float[] transformed, int fromOut, int toOut) {
    SpikeArguments.checkRange("output channels", fromOut, toOut, g.out());
    NeuronArguments.requireFloats("weights", weights, 9L * g.out() * g.in() * Float.BYTES);
    requireTransformed(g, transformed);
  }

  static void checkRun(
      InputGradient g,
      MemorySegment gradOut,
      float[] weights,
      MemorySegment gradIn,
      int images,
      long fromTile,
      long toTile) {
    if (images < 0) {
      throw new IllegalArgumentException("images must not be negative: " + images);
    }
    SpikeArguments.checkRange("tiles", fromTile, toTile, g.tiles(images));
    long outBytes = (long) images * g.outHeight() * g.outWidth() * g.out() * Float.BYTES;
    long inBytes = (long) images * g.height() * g.width() * g.in() * Float.BYTES;
    NeuronArguments.requireFloats("gradient of the output", gradOut, outBytes);
    NeuronArguments.requireFloats("gradient of the input", gradIn, inBytes);
    NeuronArguments.requireApart(
        "gradient of the output", gradOut, outBytes, "gradient of the input", gradIn, inBytes);
    requireTransformed(g, weights);
  }

  private static void requireTransformed(InputGradient g, float[] weights) {
    if (weights.length < g.transformedFloats()) {
      throw new IllegalArgumentException(
          "transformed weights must have at least %d floats, not %d"
              .formatted(g.transformedFloats(), weights.length));
    }
  }
}
