package dev.coppice.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The vector kernels against the scalar ones, bit by bit. The build runs this class once for every
 * width of vectors.
 */
@Tag("twin")
class KernelsTwinTest {
  static final Kernels SCALAR = Kernels.scalar();
  static final Kernels VECTOR = new VectorKernels();

  /** Elements per step as samples × positions × channels, on both sides of every vector width. */
  record Size(int samples, int positions, int channels) {
    int inner() {
      return positions * channels;
    }

    int n() {
      return samples * inner();
    }
  }

  static final List<Size> SIZES =
      List.of(
          new Size(1, 1, 1),
          new Size(1, 1, 3),
          new Size(1, 13, 1),
          new Size(2, 4, 8),
          new Size(3, 3, 23),
          new Size(1, 1, 1021),
          new Size(1, 373, 11),
          new Size(11, 373, 1),
          new Size(2, 20, 133));

  /** Large arrays, of several blocks, get one number of steps. */
  static List<Integer> steps(Size size) {
    return size.n() > 4096 ? List.of(2) : List.of(1, 2, 5);
  }

  private static final Map<String, Runnable> PARITY =
      Map.ofEntries(
          Map.entry("neuronForward", KernelsTwinTest::forward),
          Map.entry("neuronBackward", KernelsTwinTest::backward),
          Map.entry("channelMoments", NormNeuronTwins::moments),
          Map.entry("normNeuronForward", NormNeuronTwins::forward),
          Map.entry("packedNeuronForward", NormNeuronTwins::packed),
          Map.entry("denseConvForward", DenseConvolutionTwins::forward),
          Map.entry("normNeuronBackward", NormNeuronTwins::backward),
          Map.entry("affineCombine", NormNeuronTwins::combine),
          Map.entry("packPlaneMarks", PlaneMarksTest::packTwins),
          Map.entry("unpackPlaneMarks", PlaneMarksTest::unpackTwins),
          Map.entry("planeMarksForward", PlaneMarksTest::forwardTwins),
          Map.entry("planeMarksWeightGradient", PlaneMarksTest::weightGradientTwins),
          Map.entry("planeMoments", PlaneStepsTest::twins),
          Map.entry("planeStepsForward", PlaneStepsTest::twins),
          Map.entry("planeStepsFire", PlaneStepsTest::fireTwins),
          Map.entry("planeStepsBackward", PlaneStepsTest::twins),
          Map.entry("planeAffineCombine", PlaneStepsTest::twins),
          Map.entry("planeAverage", PlaneStepsTest::poolTwins),
          Map.entry("planeMarksAverage", PlaneStepsTest::bitPoolTwins),
          Map.entry("planeAverageBackward", PlaneStepsTest::poolTwins),
          Map.entry("packSpikes", SpikeConvolutionTwins::pack),
          Map.entry("spikeConvForward", SpikeConvolutionTwins::forward),
          Map.entry("spikeConvWeightGradient", SpikeConvolutionTwins::weightGradient),
          Map.entry("inputGradientWeights", InputGradientTest::weightTwins),
          Map.entry("inputGradient", InputGradientTest::gradientTwins),
          Map.entry("sparseConvForward", SparseConvolutionTest::forwardTwins),
          Map.entry("sparseConvWeightGradient", SparseConvolutionTest::weightGradientTwins),
          Map.entry("spikeColumnsForward", SparseConvolutionTest::columnTwins),
          Map.entry("planeNeuronForward", PlaneNeuronTest::twins),
          Map.entry("planePoolForward", PlanePoolTest::twins),
          Map.entry("integerConvForward", IntegerConvolutionTest::twins),
          Map.entry("foldCounts", IntegerConvolutionTest::foldTwins),
          Map.entry("byteConvForward", ByteConvolutionTest::twins),
          Map.entry("byteSum", ByteConvolutionTest::sumTwins),
          Map.entry("countSum", IntegerConvolutionTest::sumTwins),
          Map.entry("planeSum", PlanePoolTest::sumTwins));

  @Test
  void everyKernelHasAParityCase() {
    Set<String> kernels =
        Arrays.stream(Kernels.class.getDeclaredMethods())
            .filter(method -> Modifier.isAbstract(method.getModifiers()))
            .map(Method::getName)
            .filter(name -> !name.equals("describe"))
            .collect(Collectors.toSet());
    assertThat(kernels).isNotEmpty().isEqualTo(PARITY.keySet());
  }

  static Set<String> parityCases() {
    return PARITY.keySet();
  }

  @ParameterizedTest
  @MethodSource("parityCases")
  void bothGiveTheSameBits(String kernel) {
    Objects.requireNonNull(PARITY.get(kernel)).run();
  }

  @Test
  void theWidthIsTheOneAskedFor() {
    String bits = System.getProperty("coppice.kernels.bits");
    assertThat(VECTOR.describe())
        .isEqualTo(
            "vector, "
                + (bits == null ? Lanes.FLOATS.vectorBitSize() : Integer.valueOf(bits))
                + " bit");
  }

  private static void forward() {
    for (Size size : SIZES) {
      for (int steps : steps(size)) {
        for (NeuronConstants c : Cases.neurons()) {
          if (c.attached()) {
            continue; // Means nothing to the forward pass.
          }
          for (boolean repeated : List.of(false, true)) {
            float[] x = Floats.random(size.n() + steps, repeated ? size.n() : steps * size.n(), 1);
            for (boolean stateful : List.of(false, true)) {
              float[] state = stateful ? Floats.random(7, size.n(), 1) : null;
              for (Probe probe : probes(c.surrogate(), size)) {
                List<int[]> scalar = forward(SCALAR, c, x, repeated, steps, size, state, probe);
                List<int[]> vector = forward(VECTOR, c, x, repeated, steps, size, state, probe);
                assertEqual(vector, scalar, size, steps, c, repeated, stateful, probe);
              }
            }
          }
        }
      }
    }
  }

  @SuppressWarnings("NullAway") // A list that holds null for no probe.
  static List<@Nullable Probe> probes(SurrogateFunction surrogate, Size size) {
    List<@Nullable Probe> probes = new ArrayList<>();
    probes.add(null);
    for (Probe.Response response : Probe.Response.values()) {
      for (Probe.Pooling pooling : Probe.Pooling.values()) {
        probes.add(
            new Probe(
                surrogate,
                0.4f,
                response,
                pooling,
                size.inner(),
                size.channels(),
                new float[size.samples() * size.channels()]));
      }
    }
    return probes;
  }

  private static List<int[]> forward(
      Kernels kernels,
      NeuronConstants c,
      float[] x,
      boolean repeated,
      int steps,
      Size size,
      float @Nullable [] state,
      @Nullable Probe probe) {
    int n = size.n();
    var h = Floats.zeros(steps * n);
    var s = Floats.zeros(steps * n);
    var kept = state == null ? null : Floats.of(state);
    if (probe != null) {
      Arrays.fill(probe.scores(), Float.NaN);
    }
    kernels.neuronForward(c, Floats.of(x), repeated, h, s, steps, n, 0, n, kept, probe);
    return List.of(
        Floats.bits(Floats.array(h)),
        Floats.bits(Floats.array(s)),
        kept == null ? new int[0] : Floats.bits(Floats.array(kept)),
        probe == null ? new int[0] : Floats.bits(probe.scores()));
  }

  private static void backward() {
    for (Size size : SIZES) {
      int n = size.n();
      for (int steps : steps(size)) {
        float[] h = Floats.random(n, steps * n, 0.7);
        float[] gradS = Floats.random(n + 1, steps * n, 1);
        for (NeuronConstants c : Cases.neurons()) {
          for (boolean repeated : List.of(false, true)) {
            assertEqual(
                List.of(backward(VECTOR, c, h, gradS, steps, n, repeated)),
                List.of(backward(SCALAR, c, h, gradS, steps, n, repeated)),
                size,
                steps,
                c,
                repeated);
          }
        }
      }
    }
  }

  private static int[] backward(
      Kernels kernels,
      NeuronConstants c,
      float[] h,
      float[] gradS,
      int steps,
      int n,
      boolean repeated) {
    var gradX = Floats.zeros(repeated ? n : steps * n);
    kernels.neuronBackward(c, Floats.of(h), Floats.of(gradS), gradX, steps, n, 0, n, repeated);
    return Floats.bits(Floats.array(gradX));
  }

  @Test
  void extremeNumbersAreBitEqual() {
    float[] extremes = {
      Float.NaN,
      Float.POSITIVE_INFINITY,
      Float.NEGATIVE_INFINITY,
      Float.MAX_VALUE,
      -Float.MAX_VALUE,
      Float.MIN_VALUE,
      -Float.MIN_VALUE,
      Float.MIN_NORMAL / 2,
      -0f,
      0f,
      88,
      -88,
      21.75f,
      -21.75f,
      1e-20f,
      1e20f,
      Cases.THRESHOLD,
      Math.nextUp(Cases.THRESHOLD),
      Math.nextDown(Cases.THRESHOLD),
      0.4f + 0.5f,
      0.4f - 0.5f,
      Float.intBitsToFloat(0x7fc00001)
    };
    // All ordered pairs, as two steps.
    Size size = new Size(1, extremes.length, extremes.length);
    int n = size.n();
    float[] pairs = new float[2 * n];
    for (int i = 0; i < n; i++) {
      pairs[i] = extremes[i / extremes.length];
      pairs[n + i] = extremes[i % extremes.length];
    }
    float[] ones = new float[2 * n];
    Arrays.fill(ones, 1);
    for (NeuronConstants c : Cases.neurons()) {
      for (Probe probe : probes(c.surrogate(), size)) {
        assertEqual(
            forward(VECTOR, c, pairs, false, 2, size, null, probe),
            forward(SCALAR, c, pairs, false, 2, size, null, probe),
            c,
            probe);
      }
      for (float[] gradS : List.of(ones, pairs)) {
        assertEqual(
            List.of(backward(VECTOR, c, pairs, gradS, 2, n, false)),
            List.of(backward(SCALAR, c, pairs, gradS, 2, n, false)),
            c);
      }
    }
  }

  static void assertEqual(
      List<int[]> actual, List<int[]> expected, @Nullable Object... description) {
    for (int k = 0; k < expected.size(); k++) {
      int difference = Arrays.mismatch(actual.get(k), expected.get(k));
      if (difference >= 0) {
        assertThat(Float.intBitsToFloat(actual.get(k)[difference]))
            .as("output %d, element %d of %s", k, difference, Arrays.toString(description))
            .isEqualTo(Float.intBitsToFloat(expected.get(k)[difference]));
      }
      assertThat(difference).as(() -> Arrays.toString(description)).isEqualTo(-1);
    }
  }
}
