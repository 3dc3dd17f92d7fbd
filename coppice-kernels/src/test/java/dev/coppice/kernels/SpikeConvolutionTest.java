package dev.coppice.kernels;

import static dev.coppice.kernels.SpikeConvolutionTwins.IMAGES;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.Arena;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The vector kernels against a convolution in double precision that knows nothing of packing. */
class SpikeConvolutionTest {
  private static final Kernels KERNELS = new VectorKernels();

  static Stream<SpikeConvolution> shapes() {
    return SpikeConvolutionTwins.SHAPES.stream();
  }

  /** Both results of a plain convolution. */
  private record Plain(double[] out, double[] gradWeights) {
    Plain(SpikeConvolution g, float[] s, float[] w, float[] gradOut) {
      double[] out = new double[gradOut.length];
      double[] gradWeights = new double[w.length];
      for (int n = 0; n < IMAGES; n++) {
        for (int y = 0; y < g.outHeight(); y++) {
          for (int x = 0; x < g.outWidth(); x++) {
            for (int ky = 0; ky < g.kernel(); ky++) {
              for (int kx = 0; kx < g.kernel(); kx++) {
                int row = y * g.stride() + ky - g.padding();
                int column = x * g.stride() + kx - g.padding();
                if (row < 0 || row >= g.height() || column < 0 || column >= g.width()) {
                  continue;
                }
                for (int i = 0; i < g.in(); i++) {
                  float spike = s[((n * g.height() + row) * g.width() + column) * g.in() + i];
                  for (int o = 0; o < g.out(); o++) {
                    int at = ((n * g.outHeight() + y) * g.outWidth() + x) * g.out() + o;
                    int weight = ((o * g.kernel() + ky) * g.kernel() + kx) * g.in() + i;
                    out[at] += spike * w[weight];
                    gradWeights[weight] += spike * gradOut[at];
                  }
                }
              }
            }
          }
        }
      }
      this(out, gradWeights);
    }
  }

  /** Also that images and channels may come in several calls, in any order. */
  @ParameterizedTest
  @MethodSource("shapes")
  void convolves(SpikeConvolution g) {
    float[] s = SpikeConvolutionTwins.spikes(1, g);
    float[] w = Floats.random(2, g.out() * g.kernel() * g.kernel() * g.in(), 1);
    float[] gradOut = Floats.random(3, IMAGES * g.outHeight() * g.outWidth() * g.out(), 1);
    var expected = new Plain(g, s, w, gradOut);
    long[] packed = SpikeConvolutionTwins.packed(g, s);
    var weights = g.allocateWeights(Arena.ofAuto());
    g.packWeights(Floats.of(w), weights, 0, g.out());
    var out = Floats.zeros(gradOut.length);
    KERNELS.spikeConvForward(g, packed, weights, out, IMAGES, 3, IMAGES);
    KERNELS.spikeConvForward(g, packed, weights, out, IMAGES, 0, 3);
    assertClose(Floats.array(out), expected.out());
    var gradient = g.allocateWeights(Arena.ofAuto());
    int middle = g.in() / 3;
    KERNELS.spikeConvWeightGradient(
        g, packed, Floats.of(gradOut), gradient, IMAGES, middle, g.in());
    KERNELS.spikeConvWeightGradient(g, packed, Floats.of(gradOut), gradient, IMAGES, 0, middle);
    var unpacked = Floats.zeros(w.length);
    g.unpackGradient(gradient, unpacked, 0, g.out());
    assertClose(Floats.array(unpacked), expected.gradWeights());
  }

  private static void assertClose(float[] actual, double[] expected) {
    for (int i = 0; i < expected.length; i++) {
      assertThat((double) actual[i]).as("element %d", i).isCloseTo(expected[i], within(1e-3));
    }
  }

  @Test
  void wrongArgumentsAreNamed() {
    var g = new SpikeConvolution(4, 4, 3, 2, 3, 1, 1);
    var weights = g.allocateWeights(Arena.ofAuto());
    var out = Floats.zeros(2 * 4 * 4 * 2);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> KERNELS.spikeConvForward(g, new long[31], weights, out, 2, 0, 2))
        .withMessage("packed spikes must have at least 32 words, not 31");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> KERNELS.spikeConvForward(g, new long[32], weights, out, 2, 0, 3))
        .withMessage("images 0 to 3 do not lie in 2");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> KERNELS.spikeConvForward(g, new long[48], weights, out, 3, 0, 3))
        .withMessage("output must have at least 384 bytes, not 256");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> KERNELS.spikeConvWeightGradient(g, new long[32], out, weights, 2, 0, 4))
        .withMessage("channels 0 to 4 do not lie in 3");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new SpikeConvolution(4, 4, 3, 2, 3, 1, 3))
        .withMessage("padding must be at least 0 and less than the kernel's 3, not 3");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new SpikeConvolution(1000, 1000, 640, 2, 3, 1, 1))
        .withMessage("the convolution is too large for spike-driven kernels");
  }
}
