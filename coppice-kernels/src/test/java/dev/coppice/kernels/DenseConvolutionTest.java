package dev.coppice.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** The dense convolution against its definition. */
class DenseConvolutionTest {
  static final List<DenseConvolution> SHAPES = DenseConvolutionTwins.SHAPES;

  @ParameterizedTest
  @FieldSource("SHAPES")
  void itIsTheSumOfProducts(DenseConvolution g) {
    float[] in = DenseConvolutionTwins.input(g);
    float[] weights = DenseConvolutionTwins.weights(g);
    float[] out = DenseConvolutionTwins.forward(Kernels.best(), g);
    int at = 0;
    for (int image = 0; image < DenseConvolutionTwins.IMAGES; image++) {
      for (int y = 0; y < g.outHeight(); y++) {
        for (int x = 0; x < g.outWidth(); x++) {
          for (int o = 0; o < g.out(); o++) {
            assertThat((double) out[at++])
                .as("image %d, row %d, column %d, channel %d", image, y, x, o)
                .isCloseTo(plain(g, in, weights, image, y, x, o), within(1e-4));
          }
        }
      }
    }
  }

  private static double plain(
      DenseConvolution g, float[] in, float[] weights, int image, int y, int x, int o) {
    int channels = g.in() / g.groups();
    int group = o / (g.out() / g.groups());
    double sum = 0;
    for (int ky = 0; ky < g.kernel(); ky++) {
      for (int kx = 0; kx < g.kernel(); kx++) {
        int row = y * g.stride() + ky - g.padding();
        int column = x * g.stride() + kx - g.padding();
        if (row < 0 || row >= g.height() || column < 0 || column >= g.width()) {
          continue;
        }
        for (int i = 0; i < channels; i++) {
          int pixel = (image * g.height() + row) * g.width() + column;
          float value = in[pixel * g.in() + group * channels + i];
          sum += value * weights[((o * g.kernel() + ky) * g.kernel() + kx) * channels + i];
        }
      }
    }
    return sum;
  }

  @Test
  void wrongArgumentsAreNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new DenseConvolution(4, 4, 6, 8, 3, 1, 1, 4))
        .withMessage("4 groups do not divide 6 and 8 channels");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new DenseConvolution(1000, 1000, 4096, 8, 3, 1, 1, 1))
        .withMessage("the convolution is too large");
    var g = new DenseConvolution(4, 4, 2, 3, 3, 1, 1, 1);
    var weights = Floats.zeros(g.weightFloats());
    var in = Floats.zeros(32);
    var out = Floats.zeros(48);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> g.packWeights(new float[53], weights))
        .withMessage("weights must have at least 54 floats, not 53");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Kernels.best().denseConvForward(g, in, weights, out, 1, 0, 5))
        .withMessage("rows 0 to 5 do not lie in 4");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Kernels.best().denseConvForward(g, in, weights, out, 2, 0, 8))
        .withMessage("input must have at least 256 bytes, not 128");
  }
}
