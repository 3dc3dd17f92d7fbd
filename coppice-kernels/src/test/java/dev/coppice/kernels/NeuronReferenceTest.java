package dev.coppice.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.coppice.kernels.SurrogateFunction.ATan;
import dev.coppice.kernels.SurrogateFunction.Rectangle;
import dev.coppice.kernels.SurrogateFunction.Sigmoid;
import dev.coppice.kernels.SurrogateFunction.Tanh;
import dev.coppice.kernels.SurrogateFunction.Triangle;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The scalar kernels against neurons in double precision; the vector kernels equal the scalar. */
class NeuronReferenceTest {
  private static final int STEPS = 5;
  private static final int N = 400;
  private static final Kernels KERNELS = Kernels.scalar();

  static Stream<NeuronConstants> neurons() {
    return Cases.neurons().stream();
  }

  @ParameterizedTest
  @MethodSource("neurons")
  void forward(NeuronConstants c) {
    float[] x = Floats.random(1, STEPS * N, 1);
    float[] before = Floats.random(2, N, 0.3);
    var h = Floats.zeros(STEPS * N);
    var s = Floats.zeros(STEPS * N);
    var state = Floats.of(before);
    KERNELS.neuronForward(c, Floats.of(x), false, h, s, STEPS, N, 0, N, state, null);
    for (int i = 0; i < N; i++) {
      var trace = Reference.forward(c, column(x, i), before[i]);
      assertThat(column(Floats.array(h), i)).containsExactly(trace.h(), within(2e-6));
      assertThat(column(Floats.array(s), i)).containsExactly(trace.s());
      assertThat((double) Floats.array(state)[i]).isCloseTo(trace.u(), within(2e-6));
    }
  }

  @ParameterizedTest
  @MethodSource("neurons")
  void backwardIsTheGradientOfTheSmoothNetwork(NeuronConstants c) {
    float[] x = Floats.random(3, STEPS * N, 1);
    float[] gradS = Floats.random(4, STEPS * N, 1);
    var h = Floats.zeros(STEPS * N);
    var gradX = Floats.zeros(STEPS * N);
    KERNELS.neuronForward(
        c, Floats.of(x), false, h, Floats.zeros(STEPS * N), STEPS, N, 0, N, null, null);
    KERNELS.neuronBackward(c, h, Floats.of(gradS), gradX, STEPS, N, 0, N, false);
    var sum = Floats.zeros(N);
    KERNELS.neuronBackward(c, h, Floats.of(gradS), sum, STEPS, N, 0, N, true);
    int compared = 0;
    for (int i = 0; i < N; i++) {
      double[] input = column(x, i);
      var trace = Reference.forward(c, input, c.rest());
      if (nearCorner(c, trace)) {
        continue;
      }
      compared++;
      double total = 0;
      for (int t = 0; t < STEPS; t++) {
        double step = 1e-6;
        double[] more = input.clone();
        more[t] += step;
        double[] less = input.clone();
        less[t] -= step;
        double[] weights = column(gradS, i);
        double expected =
            (Reference.smooth(c, more, c.rest(), trace, weights)
                    - Reference.smooth(c, less, c.rest(), trace, weights))
                / (2 * step);
        total += expected;
        assertThat(column(Floats.array(gradX), i)[t])
            .as("element %d, step %d", i, t)
            .isCloseTo(expected, within(1e-5 * (1 + Math.abs(expected))));
      }
      assertThat((double) Floats.array(sum)[i])
          .as("element %d, sum", i)
          .isCloseTo(total, within(1e-5 * (1 + Math.abs(total))));
    }
    assertThat(compared).isGreaterThan(N - N / 50);
  }

  /** Where a difference quotient is no derivative. */
  private static boolean nearCorner(NeuronConstants c, Reference.Trace trace) {
    double corner =
        switch (c.surrogate()) {
          case ATan _, Sigmoid _ -> 0;
          case Tanh _ -> 0.5;
          case Triangle(float gamma) -> gamma;
          case Rectangle(float width) -> width / 2;
        };
    for (double h : trace.h()) {
      double x = Math.abs(h - c.threshold());
      if (x < 1e-5 || Math.abs(x - corner) < 1e-5) {
        return true;
      }
    }
    return false;
  }

  private static double[] column(float[] array, int i) {
    double[] column = new double[STEPS];
    for (int t = 0; t < STEPS; t++) {
      column[t] = array[t * N + i];
    }
    return column;
  }
}
