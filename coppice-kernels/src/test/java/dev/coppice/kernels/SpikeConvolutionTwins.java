package dev.coppice.kernels;

import static dev.coppice.kernels.KernelsTwinTest.SCALAR;
import static dev.coppice.kernels.KernelsTwinTest.VECTOR;
import static dev.coppice.kernels.KernelsTwinTest.assertEqual;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.SplittableRandom;

/** The spike-driven kernels in the twin test. */
final class SpikeConvolutionTwins {
  /** Kernels, strides, paddings; channels around the words; images around the groups. */
  static final List<SpikeConvolution> SHAPES =
      List.of(
          new SpikeConvolution(1, 1, 1, 1, 1, 1, 0),
          new SpikeConvolution(5, 7, 3, 70, 3, 1, 1),
          new SpikeConvolution(6, 5, 70, 24, 3, 2, 1),
          new SpikeConvolution(9, 8, 64, 64, 5, 3, 4),
          new SpikeConvolution(7, 7, 130, 20, 2, 1, 0),
          new SpikeConvolution(33, 32, 64, 9, 3, 1, 1),
          new SpikeConvolution(4, 4, 20, 130, 1, 2, 0),
          new SpikeConvolution(6, 7, 70, 20, 3, 1, 1, 4),
          new SpikeConvolution(3, 5, 64, 65, 2, 1, 0, 3));

  static final int IMAGES = 5;

  private SpikeConvolutionTwins() {}

  /** Spikes with whole words of zeros and ones among them. */
  static float[] spikes(long seed, SpikeConvolution g) {
    int count = IMAGES * g.height() * g.width() * g.in();
    SplittableRandom random = new SplittableRandom(seed);
    float[] s = new float[count];
    for (int i = 0; i < count; i++) {
      double rate = i / 500 % 4 == 0 ? 1 : i / 500 % 4 == 1 ? 0 : 0.2;
      s[i] = random.nextDouble() < rate ? (1 + random.nextInt(g.levels())) / (float) g.levels() : 0;
    }
    return s;
  }

  static long[] packed(SpikeConvolution g, float[] spikes) {
    long[] packed = new long[IMAGES * g.imageWords()];
    int rows = IMAGES * g.height() * g.width();
    SCALAR.packSpikes(Floats.of(spikes), g.in(), g.levels(), packed, rows, 0, rows);
    return packed;
  }

  static void pack() {
    for (SpikeConvolution g : SHAPES) {
      int rows = IMAGES * g.height() * g.width();
      float[] spikes = spikes(g.hashCode(), g);
      long[] packed = new long[IMAGES * g.imageWords()];
      VECTOR.packSpikes(Floats.of(spikes), g.in(), g.levels(), packed, rows, 0, rows);
      assertThat(packed).as(g.toString()).containsExactly(packed(g, spikes));
    }
  }

  static void forward() {
    for (SpikeConvolution g : SHAPES) {
      assertEqual(List.of(forward(VECTOR, g)), List.of(forward(SCALAR, g)), g);
    }
  }

  private static int[] forward(Kernels kernels, SpikeConvolution g) {
    var out = Floats.zeros(IMAGES * g.outHeight() * g.outWidth() * g.out());
    kernels.spikeConvForward(
        g,
        packed(g, spikes(1, g)),
        Floats.of(Floats.random(2, g.weightFloats(), 1)),
        out,
        IMAGES,
        0,
        IMAGES);
    return Floats.bits(Floats.array(out));
  }

  static void weightGradient() {
    for (SpikeConvolution g : SHAPES) {
      assertEqual(List.of(weightGradient(VECTOR, g)), List.of(weightGradient(SCALAR, g)), g);
    }
  }

  /** What lies in the unused channels of the last block may be anything. */
  private static int[] weightGradient(Kernels kernels, SpikeConvolution g) {
    var gradient = Floats.of(Floats.random(4, g.weightFloats(), 1));
    kernels.spikeConvWeightGradient(
        g,
        packed(g, spikes(1, g)),
        Floats.of(Floats.random(3, IMAGES * g.outHeight() * g.outWidth() * g.out(), 1)),
        gradient,
        IMAGES,
        0,
        g.in());
    var unpacked = Floats.zeros(g.out() * g.kernel() * g.kernel() * g.in());
    g.unpackGradient(gradient, unpacked, 0, g.out());
    return Floats.bits(Floats.array(unpacked));
  }
}
