package dev.coppice.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.offset;
import static org.assertj.core.api.Assertions.within;

import dev.coppice.kernels.SurrogateFunction.Sigmoid;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Batch normalisation made of the kernels, against double precision and difference quotients. */
class NormNeuronTest {
  private static final int STEPS = 3;
  private static final int ROWS = 4;
  private static final int CHANNELS = 5;
  private static final int N = ROWS * CHANNELS;
  private static final double EPSILON = 1e-5;
  private static final Kernels KERNELS = Kernels.scalar();

  static Stream<NeuronConstants> smoothNeurons() {
    return Cases.neurons().stream().filter(c -> c.surrogate() instanceof Sigmoid);
  }

  static Stream<Kernels> kernels() {
    return Stream.of(Kernels.scalar(), new VectorKernels());
  }

  /** A mean 10⁴ times the deviation, over several chunks of which the last is not whole. */
  @ParameterizedTest
  @MethodSource("kernels")
  void varianceSurvivesALargeMean(Kernels kernels) {
    int rows = 40_003;
    int channels = 3;
    float[] x = Floats.random(1, rows * channels, 1);
    for (int i = 0; i < x.length; i++) {
      x[i] += i % channels == 1 ? 1e4f : 0;
    }
    var sums = new ChannelSums(rows, channels);
    kernels.channelMoments(Floats.of(x), sums, 0, rows);
    for (int c = 0; c < channels; c++) {
      double mean = 0;
      for (int i = c; i < x.length; i += channels) {
        mean += x[i];
      }
      mean /= rows;
      double variance = 0;
      for (int i = c; i < x.length; i += channels) {
        variance += (x[i] - mean) * (x[i] - mean);
      }
      variance /= rows;
      assertThat(sums.moments().mean()[c]).isCloseTo(mean, within(1e-7));
      assertThat(sums.moments().variance()[c]).isCloseTo(variance, within(1e-6 * variance));
    }
  }

  /** The gradient of the whole chain, statistics included, for the input of every step. */
  @ParameterizedTest
  @MethodSource("smoothNeurons")
  void gradientsAreDifferenceQuotientsOfTheWholeChain(NeuronConstants c) {
    for (boolean repeated : new boolean[] {false, true}) {
      float[] x = Floats.random(1, repeated ? N : STEPS * N, 2);
      double[] weight = doubles(Floats.random(2, CHANNELS, 1));
      double[] bias = doubles(Floats.random(3, CHANNELS, 1));
      float[] gradS = Floats.random(4, STEPS * N, 1);
      var found = new Chain(c, x, repeated, weight, bias, gradS);
      Reference.Trace[] traces = traces(c, doubles(x), repeated, weight, bias);
      double[] input = doubles(x);
      assertGradient(
          found.gradX(), input, () -> loss(c, input, repeated, weight, bias, gradS, traces));
      assertGradient(
          found.gradWeight(), weight, () -> loss(c, input, repeated, weight, bias, gradS, traces));
      assertGradient(
          found.gradBias(), bias, () -> loss(c, input, repeated, weight, bias, gradS, traces));
    }
  }

  private static void assertGradient(
      double[] found, double[] variables, java.util.function.DoubleSupplier loss) {
    double step = 1e-6;
    for (int i = 0; i < variables.length; i++) {
      double before = variables[i];
      variables[i] = before + step;
      double more = loss.getAsDouble();
      variables[i] = before - step;
      double less = loss.getAsDouble();
      variables[i] = before;
      double expected = (more - less) / (2 * step);
      assertThat(found[i])
          .as("gradient %d", i)
          .isCloseTo(expected, within(3e-5 * (1 + Math.abs(expected))));
    }
  }

  /** Training as the engine does it, in the kernels. */
  private record Chain(double[] gradX, double[] gradWeight, double[] gradBias) {
    Chain(
        NeuronConstants neuron,
        float[] values,
        boolean repeated,
        double[] weight,
        double[] bias,
        float[] gradS) {
      var x = Floats.of(values);
      int rows = repeated ? ROWS : STEPS * ROWS;
      var statistics = new ChannelSums(rows, CHANNELS);
      KERNELS.channelMoments(x, statistics, 0, rows);
      ChannelSums.Moments moments = statistics.moments();
      float[] mean = floats(moments.mean());
      double[] invStd = new double[CHANNELS];
      float[] scale = new float[CHANNELS];
      float[] shift = new float[CHANNELS];
      for (int k = 0; k < CHANNELS; k++) {
        invStd[k] = 1 / Math.sqrt(moments.variance()[k] + EPSILON);
        scale[k] = (float) (weight[k] * invStd[k]);
        shift[k] = (float) (bias[k] - moments.mean()[k] * weight[k] * invStd[k]);
      }
      var gradY = Floats.zeros(values.length);
      var sums = new ChannelSums(ROWS, CHANNELS);
      KERNELS.normNeuronBackward(
          neuron,
          x,
          repeated,
          scale,
          shift,
          mean,
          Floats.of(gradS),
          gradY,
          STEPS,
          ROWS,
          0,
          ROWS,
          sums);
      float[] a = scale;
      float[] b = new float[CHANNELS];
      float[] c = new float[CHANNELS];
      double[] gradWeight = new double[CHANNELS];
      for (int k = 0; k < CHANNELS; k++) {
        gradWeight[k] = invStd[k] * sums.second()[k];
        b[k] = (float) (-a[k] * invStd[k] * invStd[k] * sums.second()[k] / rows);
        c[k] = (float) (-a[k] * sums.first()[k] / rows - b[k] * moments.mean()[k]);
      }
      KERNELS.affineCombine(gradY, x, a, b, c, gradY, rows, 0, rows);
      this(doubles(Floats.array(gradY)), gradWeight, sums.first());
    }
  }

  /** The normalised input of every neuron and step. */
  private static double[][] normalised(
      double[] x, boolean repeated, double[] weight, double[] bias) {
    int rows = x.length / CHANNELS;
    double[][] y = new double[N][STEPS];
    for (int c = 0; c < CHANNELS; c++) {
      double mean = 0;
      for (int i = c; i < x.length; i += CHANNELS) {
        mean += x[i] / rows;
      }
      double variance = 0;
      for (int i = c; i < x.length; i += CHANNELS) {
        variance += (x[i] - mean) * (x[i] - mean) / rows;
      }
      for (int i = c; i < N; i += CHANNELS) {
        for (int t = 0; t < STEPS; t++) {
          double value = x[repeated ? i : t * N + i];
          y[i][t] = (value - mean) / Math.sqrt(variance + EPSILON) * weight[c] + bias[c];
        }
      }
    }
    return y;
  }

  private static Reference.Trace[] traces(
      NeuronConstants c, double[] x, boolean repeated, double[] weight, double[] bias) {
    return Arrays.stream(normalised(x, repeated, weight, bias))
        .map(y -> Reference.forward(c, y, c.rest()))
        .toArray(Reference.Trace[]::new);
  }

  private static double loss(
      NeuronConstants c,
      double[] x,
      boolean repeated,
      double[] weight,
      double[] bias,
      float[] gradS,
      Reference.Trace[] traces) {
    double[][] y = normalised(x, repeated, weight, bias);
    double loss = 0;
    for (int i = 0; i < N; i++) {
      double[] weights = new double[STEPS];
      for (int t = 0; t < STEPS; t++) {
        weights[t] = gradS[t * N + i];
      }
      loss += Reference.smooth(c, y[i], c.rest(), traces[i], weights);
    }
    return loss;
  }

  /** The scaled input, written by hand, through the neuron kernel. */
  @ParameterizedTest
  @MethodSource("kernels")
  void forwardIsTheNeuronOfTheScaledInput(Kernels kernels) {
    var c = Cases.neuron(new Sigmoid(4), true, false, true);
    float[] scale = Floats.random(1, CHANNELS, 1);
    float[] shift = Floats.random(2, CHANNELS, 1);
    float[] x = Floats.random(3, STEPS * N, 1);
    float[] y = new float[x.length];
    for (int i = 0; i < x.length; i++) {
      y[i] = x[i] * scale[i % CHANNELS] + shift[i % CHANNELS];
    }
    var h = Floats.zeros(STEPS * N);
    var s = Floats.zeros(STEPS * N);
    kernels.neuronForward(c, Floats.of(y), false, h, s, STEPS, N, 0, N, null, null);
    var normH = Floats.zeros(STEPS * N);
    var normS = Floats.zeros(STEPS * N);
    kernels.normNeuronForward(
        c, Floats.of(x), false, scale, shift, normH, normS, STEPS, ROWS, 0, ROWS, null);
    assertThat(Floats.array(normH)).containsExactly(Floats.array(h), offset(1e-5f));
    assertThat(Floats.array(normS)).containsExactly(Floats.array(s));
  }

  /** Chunks in any number of calls, in any order, give the same sums and gradients. */
  @ParameterizedTest
  @MethodSource("kernels")
  void splittingChangesNoBit(Kernels kernels) {
    var c = Cases.neuron(new Sigmoid(4), false, true, false);
    int channels = 7;
    int chunk = new ChannelSums(1, channels).chunkRows();
    int rows = 2 * chunk + 5;
    int n = rows * channels;
    float[] x = Floats.random(1, STEPS * n, 1);
    float[] gradS = Floats.random(2, STEPS * n, 1);
    float[] scale = Floats.random(3, channels, 1);
    float[][] gradients = new float[2][];
    ChannelSums[] sums = {new ChannelSums(rows, channels), new ChannelSums(rows, channels)};
    ChannelSums[] moments = {new ChannelSums(rows, channels), new ChannelSums(rows, channels)};
    float[][] spikes = new float[2][];
    long[][][] ranges = {{{0, rows}}, {{2L * chunk, rows}, {0, chunk}, {chunk, 2L * chunk}}};
    for (int k = 0; k < 2; k++) {
      var shared = Floats.of(gradS);
      var s = Floats.zeros(STEPS * n);
      for (long[] range : ranges[k]) {
        kernels.channelMoments(Floats.of(x), moments[k], range[0], range[1]);
        kernels.normNeuronForward(
            c, Floats.of(x), false, scale, scale, null, s, STEPS, rows, range[0], range[1], null);
        kernels.normNeuronBackward(
            c,
            Floats.of(x),
            false,
            scale,
            scale,
            scale,
            shared,
            shared,
            STEPS,
            rows,
            range[0],
            range[1],
            sums[k]);
      }
      gradients[k] = Floats.array(shared);
      spikes[k] = Floats.array(s);
    }
    assertThat(gradients[1]).containsExactly(gradients[0]);
    assertThat(spikes[1]).containsExactly(spikes[0]);
    assertThat(sums[1].first()).containsExactly(sums[0].first());
    assertThat(sums[1].second()).containsExactly(sums[0].second());
    assertThat(moments[1].moments().variance()).containsExactly(moments[0].moments().variance());
  }

  @Test
  void wrongArgumentsAreNamed() {
    var sums = new ChannelSums(1000, 64);
    var x = Floats.zeros(64_000);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> KERNELS.channelMoments(x, sums, 8, 1000))
        .withMessage("rows 8 to 1000 are not whole chunks of 256 rows");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> KERNELS.channelMoments(x, sums, 0, 1001))
        .withMessage("rows 0 to 1001 do not lie in a step of 1000");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> KERNELS.affineCombine(x, x, new float[2], new float[1], new float[2], x, 1, 0, 1))
        .withMessage("b must have 2 channels, not 1");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                KERNELS.normNeuronForward(
                    Cases.neurons().getFirst(),
                    x,
                    false,
                    new float[64],
                    new float[64],
                    null,
                    x.asSlice(256),
                    1,
                    10,
                    0,
                    10,
                    null))
        .withMessage("x and s overlap");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new ChannelSums(0, 1))
        .withMessage("0 rows of 1 channels cannot be summed");
  }

  private static double[] doubles(float[] values) {
    double[] doubles = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      doubles[i] = values[i];
    }
    return doubles;
  }

  private static float[] floats(double[] values) {
    float[] floats = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      floats[i] = (float) values[i];
    }
    return floats;
  }
}
