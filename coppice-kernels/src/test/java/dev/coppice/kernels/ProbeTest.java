package dev.coppice.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.coppice.kernels.Probe.Pooling;
import dev.coppice.kernels.Probe.Response;
import dev.coppice.kernels.SurrogateFunction.ATan;
import dev.coppice.kernels.SurrogateFunction.Tanh;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ProbeTest {
  private static final int STEPS = 3;
  private static final int BATCH = 2;
  private static final int POSITIONS = 450;
  private static final int CHANNELS = 20;
  private static final int INNER = POSITIONS * CHANNELS;
  private static final int N = BATCH * INNER;

  /** The potential is the input. */
  private static final NeuronConstants MEMORYLESS =
      new NeuronConstants(0, 1, 0, 1, false, 0, 0, 0, false, new ATan(2));

  static Stream<Kernels> kernels() {
    return Stream.of(Kernels.scalar(), new VectorKernels());
  }

  private static float[] scores(
      Kernels kernels, float[] x, SurrogateFunction g, float threshold, Response r, Pooling p) {
    var probe = new Probe(g, threshold, r, p, INNER, CHANNELS, new float[BATCH * CHANNELS]);
    kernels.neuronForward(
        MEMORYLESS,
        Floats.of(x),
        false,
        Floats.zeros(x.length),
        Floats.zeros(x.length),
        STEPS,
        N,
        0,
        N,
        null,
        probe);
    return probe.scores();
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void potentialsAtTheThresholdScoreOne(Kernels kernels) {
    float[] x = new float[STEPS * N];
    for (Pooling pooling : Pooling.values()) {
      for (float distance : new float[] {0, 1, -1}) {
        Arrays.fill(x, 1 + distance);
        double expected = distance == 0 ? 1 : 1 / (1 + Math.PI * Math.PI);
        for (float score : scores(kernels, x, new ATan(2), 1, Response.DERIVATIVE, pooling)) {
          assertThat((double) score).isCloseTo(expected, within(1e-6));
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void onePositionAtTheThresholdCountsForTheMaximumOnly(Kernels kernels) {
    float[] x = new float[STEPS * N];
    Arrays.fill(x, 50);
    int sample = 1;
    int channel = 7;
    for (int t = 0; t < STEPS; t++) {
      x[t * N + sample * INNER + 211 * CHANNELS + channel] = 1;
    }
    float[] max = scores(kernels, x, new ATan(2), 1, Response.DERIVATIVE, Pooling.MAX);
    float[] mean = scores(kernels, x, new ATan(2), 1, Response.DERIVATIVE, Pooling.MEAN);
    for (int k = 0; k < max.length; k++) {
      if (k == sample * CHANNELS + channel) {
        assertThat(max[k]).isEqualTo(1);
        assertThat(mean[k]).isBetween(1f / POSITIONS, 1.1f / POSITIONS);
      } else {
        assertThat(max[k]).isLessThan(1e-4f);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void scoresAreTheFormula(Kernels kernels) {
    float[] x = Floats.random(1, STEPS * N, 1);
    for (Response response : Response.values()) {
      for (SurrogateFunction g : new SurrogateFunction[] {new ATan(2), new Tanh(3)}) {
        var f =
            response == Response.DERIVATIVE
                ? Reference.derivative(g)
                : Reference.unclampedPrimitive(g);
        double[] max = new double[BATCH * CHANNELS];
        Arrays.fill(max, Double.NEGATIVE_INFINITY);
        double[] mean = new double[BATCH * CHANNELS];
        for (int i = 0; i < N; i++) {
          double sum = 0;
          for (int t = 0; t < STEPS; t++) {
            sum += f.applyAsDouble((double) x[t * N + i] - 0.5);
          }
          int k = i / INNER * CHANNELS + i % CHANNELS;
          max[k] = Math.max(max[k], sum / STEPS);
          mean[k] += sum / STEPS / POSITIONS;
        }
        float[] maxScores = scores(kernels, x, g, 0.5f, response, Pooling.MAX);
        float[] meanScores = scores(kernels, x, g, 0.5f, response, Pooling.MEAN);
        for (int k = 0; k < max.length; k++) {
          assertThat((double) maxScores[k]).isCloseTo(max[k], within(2e-6));
          assertThat((double) meanScores[k]).isCloseTo(mean[k], within(5e-6));
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void aRangeWritesTheScoresOfItsSamplesOnly(Kernels kernels) {
    float[] x = Floats.random(2, STEPS * N, 1);
    float[] whole = scores(kernels, x, new ATan(2), 1, Response.DERIVATIVE, Pooling.MAX);
    float[] kept = new float[BATCH * CHANNELS];
    Arrays.fill(kept, -7);
    var probe = new Probe(new ATan(2), 1, Response.DERIVATIVE, Pooling.MAX, INNER, CHANNELS, kept);
    kernels.neuronForward(
        MEMORYLESS,
        Floats.of(x),
        false,
        Floats.zeros(x.length),
        Floats.zeros(x.length),
        STEPS,
        N,
        INNER,
        N,
        null,
        probe);
    assertThat(Arrays.copyOf(kept, CHANNELS)).containsOnly(-7);
    assertThat(Arrays.copyOfRange(kept, CHANNELS, 2 * CHANNELS))
        .containsExactly(Arrays.copyOfRange(whole, CHANNELS, 2 * CHANNELS));
  }

  @Test
  void shapesMustFit() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> new Probe(new ATan(2), 1, Response.DERIVATIVE, Pooling.MAX, 10, 3, new float[3]))
        .withMessage("a sample of 10 elements is not a whole number of rows of 3 channels");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> new Probe(new ATan(2), 1, Response.DERIVATIVE, Pooling.MAX, 9, 3, new float[4]))
        .withMessage("4 scores are not a whole number of samples of 3 channels");
  }
}
