package dev.coppice.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.coppice.kernels.SurrogateFunction.ATan;
import dev.coppice.kernels.SurrogateFunction.Rectangle;
import dev.coppice.kernels.SurrogateFunction.Sigmoid;
import dev.coppice.kernels.SurrogateFunction.Tanh;
import dev.coppice.kernels.SurrogateFunction.Triangle;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SurrogateFunctionTest {
  static Stream<SurrogateFunction> surrogates() {
    return Stream.concat(
        Cases.SURROGATES.stream(),
        Stream.of(
            new ATan(0.7f),
            new Sigmoid(1),
            new Tanh(1.5f),
            new Triangle(0.3f),
            new Rectangle(2.5f)));
  }

  @ParameterizedTest
  @MethodSource("surrogates")
  void theDerivativeIsThatOfThePrimitive(SurrogateFunction g) {
    DoubleUnaryOperator primitive = Reference.primitive(g);
    for (int i = -400; i <= 400; i++) {
      // Off the corners of the piecewise ones.
      double x = i / 173.0 + 1e-4;
      double step = 1e-5;
      double slope =
          (primitive.applyAsDouble(x + step) - primitive.applyAsDouble(x - step)) / (2 * step);
      assertThat(Reference.derivative(g).applyAsDouble(x))
          .as("%s at %s", g, x)
          .isCloseTo(slope, within(1e-6));
    }
  }

  @ParameterizedTest
  @MethodSource("surrogates")
  void floatsAgreeWithDoubles(SurrogateFunction g) {
    for (int i = -4000; i <= 4000; i++) {
      float x = i / 1037f + 1e-5f;
      assertThat((double) g.derivative(x))
          .as("derivative of %s at %s", g, x)
          .isCloseTo(Reference.derivative(g).applyAsDouble(x), within(2e-6));
      assertThat((double) g.primitive(x))
          .as("primitive of %s at %s", g, x)
          .isCloseTo(Reference.primitive(g).applyAsDouble(x), within(5e-7));
      assertThat((double) g.unclampedPrimitive(x))
          .as("unclamped primitive of %s at %s", g, x)
          .isCloseTo(Reference.unclampedPrimitive(g).applyAsDouble(x), within(5e-7));
    }
  }

  @ParameterizedTest
  @MethodSource("surrogates")
  void theAreaIsOne(SurrogateFunction g) {
    // Midpoints of [−R, R]; the tails of the inverse tangent beyond R hold 2/(π²·α·R/2) of it.
    double radius = 1000;
    int count = 4_000_000;
    double width = 2 * radius / count;
    double area = 0;
    for (int i = 0; i < count; i++) {
      area += g.derivative((float) (-radius + (i + 0.5) * width)) * width;
    }
    assertThat(area).isCloseTo(1, within(1e-3));
  }

  @ParameterizedTest
  @MethodSource("surrogates")
  void theDerivativeIsEvenAndThePrimitiveOdd(SurrogateFunction g) {
    for (int i = 0; i <= 300; i++) {
      float x = i / 100f;
      assertThat(g.derivative(-x)).isEqualTo(g.derivative(x));
      assertThat(g.primitive(-x)).isCloseTo(1 - g.primitive(x), within(2e-7f));
    }
    assertThat(g.primitive(0)).isCloseTo(0.5f, within(1e-7f));
  }

  static Stream<Arguments> values() {
    return Stream.of(
        Arguments.of(new Rectangle(1), new double[] {1, 1, 0, 0}),
        Arguments.of(new Triangle(1), new double[] {1, .75, .5, 0}),
        Arguments.of(new ATan(2), new double[] {1, .618486, .288400, .091999}),
        Arguments.of(new Sigmoid(4), new double[] {1, .786448, .419974, .070651}),
        Arguments.of(new Tanh(3), new double[] {1.657187, .988654, .299465, 0}));
  }

  @ParameterizedTest
  @MethodSource("values")
  void theDerivativeHasItsPublishedValues(SurrogateFunction g, double[] expected) {
    float[] at = {0, 0.25f, 0.5f, 1};
    for (int i = 0; i < at.length; i++) {
      assertThat((double) g.derivative(at[i]))
          .as("at %s", at[i])
          .isCloseTo(expected[i], within(1e-6));
      assertThat(g.derivative(-at[i])).isEqualTo(g.derivative(at[i]));
    }
  }

  @Test
  void theEndsOfTheClampPassGradientAndThoseOfTheRectangleDoNot() {
    assertThat(new Tanh(3).derivative(0.5f)).isGreaterThan(0.29f);
    assertThat(new Tanh(3).derivative(Math.nextUp(0.5f))).isZero();
    assertThat(new Rectangle(1).derivative(0.5f)).isZero();
    assertThat(new Rectangle(1).derivative(Math.nextDown(0.5f))).isEqualTo(1);
  }

  @Test
  void onlyTheClampedPrimitiveStopsRising() {
    Tanh g = new Tanh(3);
    assertThat(g.primitive(0.8f)).isEqualTo(g.primitive(0.5f)).isCloseTo(1, within(2e-7f));
    assertThat((double) g.unclampedPrimitive(0.8f))
        .isCloseTo((Math.tanh(2.4) + Math.tanh(1.5)) / (2 * Math.tanh(1.5)), within(5e-7));
  }

  @Test
  void parametersMustBePositiveAndFinite() {
    for (float bad : List.of(0f, -1f, Float.NaN, Float.POSITIVE_INFINITY)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> new ATan(bad))
          .withMessage("alpha must be positive and finite, not " + bad);
      assertThatIllegalArgumentException().isThrownBy(() -> new Sigmoid(bad));
      assertThatIllegalArgumentException().isThrownBy(() -> new Tanh(bad));
      assertThatIllegalArgumentException().isThrownBy(() -> new Triangle(bad));
      assertThatIllegalArgumentException().isThrownBy(() -> new Rectangle(bad));
    }
  }
}
