package dev.coppice.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.coppice.kernels.SurrogateFunction.ATan;
import dev.coppice.kernels.SurrogateFunction.Rectangle;
import dev.coppice.kernels.SurrogateFunction.Tanh;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Neurons worked out by hand over three steps. */
class NeuronTraceTest {
  private static final float[] CURRENTS = {.45f, .48f, .30f};
  private static final float[] LARGER_CURRENTS = {1.2f, 1.6f, .5f};

  static Stream<Kernels> kernels() {
    return Stream.of(Kernels.scalar(), new VectorKernels());
  }

  private static NeuronConstants decay(boolean attached, SurrogateFunction surrogate) {
    return new NeuronConstants(.25f, 1, 0, .5f, false, 0, 0, 0, attached, surrogate);
  }

  /** Time constant 2 with decayed input, threshold 1. */
  private static NeuronConstants tau2(boolean hard, boolean attached) {
    return new NeuronConstants(
        .5f, .5f, 0, 1, false, hard ? 0 : 1, hard ? 0 : -1, 0, attached, new ATan(2));
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void decayWithRectangle(Kernels kernels) {
    NeuronConstants detached = decay(false, new Rectangle(1));
    NeuronConstants attached = decay(true, new Rectangle(1));
    assertForward(
        kernels, detached, CURRENTS, new double[] {.45, .5925, .30}, new double[] {0, 1, 0});
    assertGradient(kernels, detached, CURRENTS, 2, .25, 1, 0);
    assertGradient(kernels, attached, CURRENTS, 2, .1375, 1, 0);
    assertGradient(kernels, detached, CURRENTS, 3, 0, 0, 1);
    assertGradient(kernels, attached, CURRENTS, 3, -.0203671875, -.148125, 1);
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void decayWithTanh(Kernels kernels) {
    NeuronConstants c = decay(true, new Tanh(3));
    assertGradient(kernels, c, CURRENTS, 1, 1.620453, 0, 0);
    assertGradient(kernels, c, CURRENTS, 2, .103976, 1.535850, 0);
    assertGradient(kernels, c, CURRENTS, 3, -.018162, -.268269, 1.179217);
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void timeConstantWithATan(Kernels kernels) {
    float[] x = LARGER_CURRENTS;
    assertForward(
        kernels, tau2(true, false), x, new double[] {.6, 1.1, .25}, new double[] {0, 1, 0});
    assertForward(
        kernels, tau2(false, false), x, new double[] {.6, 1.1, .30}, new double[] {0, 1, 0});
    assertGradient(kernels, tau2(true, false), x, 2, .227542, .455085, 0);
    assertGradient(kernels, tau2(true, true), x, 2, .174608, .455085, 0);
    assertGradient(kernels, tau2(true, true), x, 3, -.014658, -.038204, .076317);
    assertGradient(kernels, tau2(false, false), x, 3, .021418, .042837, .085674);
  }

  private static void assertForward(
      Kernels kernels, NeuronConstants c, float[] x, double[] h, double[] s) {
    // Two samples in one batch: the other one must not matter.
    float[] both = {x[0], 9, x[1], -9, x[2], 9};
    var potential = Floats.zeros(6);
    var spikes = Floats.zeros(6);
    kernels.neuronForward(c, Floats.of(both), false, potential, spikes, 3, 2, 0, 2, null, null);
    for (int t = 0; t < 3; t++) {
      assertThat((double) Floats.array(potential)[2 * t]).isCloseTo(h[t], within(1e-6));
      assertThat((double) Floats.array(spikes)[2 * t]).isEqualTo(s[t]);
    }
  }

  /** The gradient of the spike of one step, counted from 1. */
  private static void assertGradient(
      Kernels kernels, NeuronConstants c, float[] x, int step, double... expected) {
    var h = Floats.zeros(3);
    kernels.neuronForward(c, Floats.of(x), false, h, Floats.zeros(3), 3, 1, 0, 1, null, null);
    float[] gradS = new float[3];
    gradS[step - 1] = 1;
    var gradX = Floats.zeros(3);
    kernels.neuronBackward(c, h, Floats.of(gradS), gradX, 3, 1, 0, 1, false);
    for (int t = 0; t < 3; t++) {
      assertThat((double) Floats.array(gradX)[t])
          .as("gradient of s%d by x%d", step, t + 1)
          .isCloseTo(expected[t], within(1e-6));
    }
  }
}
