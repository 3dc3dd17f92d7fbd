package dev.coppice.kernels;

import static dev.coppice.kernels.KernelsTwinTest.SCALAR;
import static dev.coppice.kernels.KernelsTwinTest.VECTOR;
import static dev.coppice.kernels.KernelsTwinTest.assertEqual;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The kernels of the input gradient against plain sums in double precision. */
class InputGradientTest {
  private static final int IMAGES = 3;

  /** All paddings, maps on both sides of a tile, channels on both sides of a panel. */
  static final List<InputGradient> SHAPES =
      List.of(
          new InputGradient(4, 4, 16, 16, 1),
          new InputGradient(5, 9, 48, 16, 0),
          new InputGradient(7, 6, 16, 64, 2),
          new InputGradient(8, 8, 64, 80, 1),
          new InputGradient(13, 4, 32, 32, 1));

  static Stream<InputGradient> shapes() {
    return SHAPES.stream();
  }

  /** Also that tiles and channels may come in several calls, in any order. */
  @ParameterizedTest
  @MethodSource("shapes")
  void isTheGradientOfAConvolution(InputGradient g) {
    float[] weights = weights(g);
    float[] gradOut = gradOut(g);
    float[] transformed = new float[g.transformedFloats()];
    VECTOR.inputGradientWeights(g, Floats.of(weights), transformed, 7, g.out());
    VECTOR.inputGradientWeights(g, Floats.of(weights), transformed, 0, 7);
    MemorySegment result = Floats.zeros(IMAGES * g.height() * g.width() * g.in());
    long tiles = g.tiles(IMAGES);
    VECTOR.inputGradient(g, Floats.of(gradOut), transformed, result, IMAGES, 2, tiles);
    VECTOR.inputGradient(g, Floats.of(gradOut), transformed, result, IMAGES, 0, 2);
    float[] actual = Floats.array(result);
    double[] expected = plain(g, weights, gradOut);
    double most = 0;
    for (double value : expected) {
      most = Math.max(most, Math.abs(value));
    }
    for (int i = 0; i < expected.length; i++) {
      assertThat((double) actual[i])
          .as("%s at %d", g, i)
          .isCloseTo(expected[i], within(2e-5 * most));
    }
  }

  private static double[] plain(InputGradient g, float[] weights, float[] gradOut) {
    double[] gradient = new double[IMAGES * g.height() * g.width() * g.in()];
    for (int n = 0; n < IMAGES; n++) {
      for (int y = 0; y < g.outHeight(); y++) {
        for (int x = 0; x < g.outWidth(); x++) {
          for (int tap = 0; tap < 9; tap++) {
            int row = y + tap / 3 - g.padding();
            int column = x + tap % 3 - g.padding();
            if (row < 0 || row >= g.height() || column < 0 || column >= g.width()) {
              continue;
            }
            for (int o = 0; o < g.out(); o++) {
              double up = gradOut[((n * g.outHeight() + y) * g.outWidth() + x) * g.out() + o];
              for (int i = 0; i < g.in(); i++) {
                gradient[((n * g.height() + row) * g.width() + column) * g.in() + i] +=
                    up * weights[(o * 9 + tap) * g.in() + i];
              }
            }
          }
        }
      }
    }
    return gradient;
  }

  private static float[] weights(InputGradient g) {
    return Floats.random(1, 9 * g.out() * g.in(), 1);
  }

  private static float[] gradOut(InputGradient g) {
    return Floats.random(2, IMAGES * g.outHeight() * g.outWidth() * g.out(), 1);
  }

  @Test
  void refusesWhatDoesNotFit() {
    assertThat(InputGradient.fits(4, 4, 16, 16, 3, 1, 1)).isTrue();
    assertThat(InputGradient.fits(3, 4, 16, 16, 3, 1, 1)).isFalse();
    assertThat(InputGradient.fits(4, 4, 24, 16, 3, 1, 1)).isFalse();
    assertThat(InputGradient.fits(4, 4, 16, 0, 3, 1, 1)).isFalse();
    assertThat(InputGradient.fits(4, 4, 16, 16, 5, 1, 1)).isFalse();
    assertThat(InputGradient.fits(4, 4, 16, 16, 3, 2, 1)).isFalse();
    assertThatIllegalArgumentException().isThrownBy(() -> new InputGradient(4, 4, 16, 16, 3));
    InputGradient g = SHAPES.getFirst();
    MemorySegment small = Floats.zeros(16);
    float[] transformed = new float[g.transformedFloats()];
    assertThatIllegalArgumentException()
        .isThrownBy(() -> VECTOR.inputGradient(g, small, transformed, small, 1, 0, 1));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> VECTOR.inputGradientWeights(g, small, transformed, 0, 1));
  }

  static void weightTwins() {
    for (InputGradient g : SHAPES) {
      assertEqual(List.of(transformed(VECTOR, g)), List.of(transformed(SCALAR, g)), g);
    }
  }

  private static int[] transformed(Kernels kernels, InputGradient g) {
    float[] transformed = new float[g.transformedFloats()];
    kernels.inputGradientWeights(g, Floats.of(weights(g)), transformed, 0, g.out());
    return Floats.bits(transformed);
  }

  static void gradientTwins() {
    for (InputGradient g : SHAPES) {
      assertEqual(List.of(gradient(VECTOR, g)), List.of(gradient(SCALAR, g)), g);
    }
  }

  private static int[] gradient(Kernels kernels, InputGradient g) {
    MemorySegment result = Floats.zeros(IMAGES * g.height() * g.width() * g.in());
    kernels.inputGradient(
        g,
        Floats.of(gradOut(g)),
        Floats.random(3, g.transformedFloats(), 1),
        result,
        IMAGES,
        0,
        g.tiles(IMAGES));
    return Floats.bits(Floats.array(result));
  }
}
