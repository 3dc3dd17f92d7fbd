package dev.coppice.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.coppice.kernels.SurrogateFunction.Sigmoid;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What callers may rely on: ranges, states, shared memory and errors. */
class NeuronContractTest {
  private static final int STEPS = 4;
  private static final int N = 2500;
  private static final NeuronConstants NEURON = Cases.neuron(new Sigmoid(4), true, true, false);

  static Stream<Kernels> kernels() {
    return Stream.of(Kernels.scalar(), new VectorKernels());
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void aSplitSequenceIsTheWholeSequence(Kernels kernels) {
    float[] x = Floats.random(1, STEPS * N, 1);
    float[] start = Floats.random(2, N, 1);
    var whole = new Forward(kernels, x, STEPS, Floats.of(start));
    var state = Floats.of(start);
    var first = new Forward(kernels, Arrays.copyOf(x, N), 1, state);
    var second = new Forward(kernels, Arrays.copyOfRange(x, N, STEPS * N), STEPS - 1, state);
    assertThat(first.h()).containsExactly(Arrays.copyOf(whole.h(), N));
    assertThat(second.h()).containsExactly(Arrays.copyOfRange(whole.h(), N, STEPS * N));
    assertThat(second.s()).containsExactly(Arrays.copyOfRange(whole.s(), N, STEPS * N));
    assertThat(second.state()).containsExactly(whole.state());
  }

  private record Forward(float[] h, float[] s, float[] state) {
    Forward(Kernels kernels, float[] x, int steps, MemorySegment state) {
      var h = Floats.zeros(steps * N);
      var s = Floats.zeros(steps * N);
      kernels.neuronForward(NEURON, Floats.of(x), false, h, s, steps, N, 0, N, state, null);
      this(Floats.array(h), Floats.array(s), Floats.array(state));
    }
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void potentialsMayTakeThePlaceOfCurrents(Kernels kernels) {
    float[] x = Floats.random(3, STEPS * N, 1);
    var h = Floats.zeros(STEPS * N);
    var s = Floats.zeros(STEPS * N);
    kernels.neuronForward(NEURON, Floats.of(x), false, h, s, STEPS, N, 0, N, null, null);
    var shared = Floats.of(x);
    var t = Floats.zeros(STEPS * N);
    kernels.neuronForward(NEURON, shared, false, shared, t, STEPS, N, 0, N, null, null);
    assertThat(Floats.array(shared)).containsExactly(Floats.array(h));
    assertThat(Floats.array(t)).containsExactly(Floats.array(s));
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void gradientsMayTakeThePlaceOfWhatTheyComeFrom(Kernels kernels) {
    float[] h = Floats.random(4, STEPS * N, 1);
    float[] gradS = Floats.random(5, STEPS * N, 1);
    var gradX = Floats.zeros(STEPS * N);
    kernels.neuronBackward(NEURON, Floats.of(h), Floats.of(gradS), gradX, STEPS, N, 0, N, false);
    var sharedGradient = Floats.of(gradS);
    kernels.neuronBackward(
        NEURON, Floats.of(h), sharedGradient, sharedGradient, STEPS, N, 0, N, false);
    assertThat(Floats.array(sharedGradient)).containsExactly(Floats.array(gradX));
    var sharedPotential = Floats.of(h);
    kernels.neuronBackward(
        NEURON, sharedPotential, Floats.of(gradS), sharedPotential, STEPS, N, 0, N, false);
    assertThat(Floats.array(sharedPotential)).containsExactly(Floats.array(gradX));
  }

  /** Two ranges give what one gives, and a range leaves the elements outside it alone. */
  @Property(tries = 30)
  void rangesAreIndependent(
      @ForAll @IntRange(max = N) int a, @ForAll @IntRange(max = N) int b, @ForAll boolean vector) {
    Kernels kernels = vector ? new VectorKernels() : Kernels.scalar();
    int from = Math.min(a, b);
    int to = Math.max(a, b);
    float[] x = Floats.random(6, STEPS * N, 1);
    float[] gradS = Floats.random(7, STEPS * N, 1);
    float[] mark = new float[STEPS * N];
    Arrays.fill(mark, -7);
    var h = Floats.of(mark);
    var s = Floats.of(mark);
    var state = Floats.zeros(N);
    kernels.neuronForward(NEURON, Floats.of(x), false, h, s, STEPS, N, from, to, state, null);
    var whole = new Forward(kernels, x, STEPS, Floats.zeros(N));
    assertPart(Floats.array(h), whole.h(), from, to, -7);
    assertPart(Floats.array(s), whole.s(), from, to, -7);
    assertPart(Floats.array(state), whole.state(), from, to, 0);

    var part = Floats.of(mark);
    var all = Floats.zeros(STEPS * N);
    var potential = Floats.of(whole.h());
    kernels.neuronBackward(NEURON, potential, Floats.of(gradS), part, STEPS, N, from, to, false);
    kernels.neuronBackward(NEURON, potential, Floats.of(gradS), all, STEPS, N, 0, N, false);
    assertPart(Floats.array(part), Floats.array(all), from, to, -7);
    var sum = Floats.of(Arrays.copyOf(mark, N));
    var sums = Floats.zeros(N);
    kernels.neuronBackward(NEURON, potential, Floats.of(gradS), sum, STEPS, N, from, to, true);
    kernels.neuronBackward(NEURON, potential, Floats.of(gradS), sums, STEPS, N, 0, N, true);
    assertPart(Floats.array(sum), Floats.array(sums), from, to, -7);
  }

  private static void assertPart(float[] actual, float[] whole, int from, int to, float outside) {
    float[] expected = new float[actual.length];
    for (int i = 0; i < actual.length; i++) {
      expected[i] = i % N >= from && i % N < to ? whole[i] : outside;
    }
    assertThat(actual).containsExactly(expected);
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void aSampleAloneIsTheSampleInABatch(Kernels kernels) {
    int inner = 130;
    int batch = 3;
    float[] x = Floats.random(8, STEPS * batch * inner, 1);
    int n = batch * inner;
    var probe = probe(inner, batch);
    var h = Floats.zeros(STEPS * n);
    var s = Floats.zeros(STEPS * n);
    kernels.neuronForward(NEURON, Floats.of(x), false, h, s, STEPS, n, 0, n, null, probe);
    for (int sample = 0; sample < batch; sample++) {
      var alone = probe(inner, 1);
      var hAlone = Floats.zeros(STEPS * inner);
      kernels.neuronForward(
          NEURON,
          Floats.of(rows(x, n, sample, inner)),
          false,
          hAlone,
          Floats.zeros(STEPS * inner),
          STEPS,
          inner,
          0,
          inner,
          null,
          alone);
      assertThat(Floats.array(hAlone)).containsExactly(rows(Floats.array(h), n, sample, inner));
      assertThat(alone.scores())
          .containsExactly(Arrays.copyOfRange(probe.scores(), sample * 13, sample * 13 + 13));
    }
  }

  private static Probe probe(int inner, int batch) {
    return new Probe(
        new Sigmoid(4),
        0.5f,
        Probe.Response.DERIVATIVE,
        Probe.Pooling.MAX,
        inner,
        13,
        new float[13 * batch]);
  }

  private static float[] rows(float[] array, int n, int sample, int inner) {
    float[] rows = new float[STEPS * inner];
    for (int t = 0; t < STEPS; t++) {
      System.arraycopy(array, t * n + sample * inner, rows, t * inner, inner);
    }
    return rows;
  }

  @Test
  void strictnessDecidesAtTheThreshold() {
    for (boolean strict : new boolean[] {true, false}) {
      var c = new NeuronConstants(1, 1, 0, .5f, strict, 0, 0, 0, false, new Sigmoid(4));
      var s = Floats.zeros(1);
      Kernels.scalar()
          .neuronForward(c, Floats.of(.5f), false, Floats.zeros(1), s, 1, 1, 0, 1, null, null);
      assertThat(Floats.array(s)).containsExactly(strict ? 0 : 1);
    }
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void wrongArgumentsAreNamed(Kernels kernels) {
    var x = Floats.zeros(20);
    var h = Floats.zeros(20);
    var s = Floats.zeros(20);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> kernels.neuronForward(NEURON, x, false, h, s, 2, 11, 0, 11, null, null))
        .withMessage("x must have at least 88 bytes, not 80");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> kernels.neuronForward(NEURON, x, false, h, s, 2, 10, 0, 11, null, null))
        .withMessage("elements 0 to 11 do not lie in a step of 10");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> kernels.neuronForward(NEURON, x, false, h, s, 0, 10, 0, 1, null, null))
        .withMessage("steps must be at least 1, not 0");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                kernels.neuronForward(
                    NEURON, x, false, h, s, 4, Long.MAX_VALUE / 8, 0, 1, null, null))
        .withMessageContaining("do not fit into memory");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> kernels.neuronForward(NEURON, x, true, x, s, 2, 10, 0, 10, null, null))
        .withMessage("x and h overlap");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> kernels.neuronForward(NEURON, x, false, h, x, 2, 10, 0, 10, null, null))
        .withMessage("x and s overlap");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> kernels.neuronForward(NEURON, x, false, x.asSlice(4), s, 2, 9, 0, 9, null, null))
        .withMessage("x and h overlap");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                kernels.neuronForward(
                    NEURON,
                    MemorySegment.ofArray(new float[20]),
                    false,
                    h,
                    s,
                    2,
                    10,
                    0,
                    10,
                    null,
                    null))
        .withMessage("x must be native memory, not an array on the heap");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> kernels.neuronForward(NEURON, x, false, h, s, 2, 10, 0, 10, x.asSlice(8), null))
        .withMessage("state and x overlap");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> kernels.neuronBackward(NEURON, h, s, s, 2, 10, 0, 10, true))
        .withMessage("gradX and gradS overlap");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> kernels.neuronForward(NEURON, x, false, h, s, 1, 20, 0, 20, null, probe(13, 1)))
        .withMessage("a probe needs whole samples of 13 elements, not elements 0 to 20");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                kernels.neuronForward(
                    NEURON,
                    Floats.zeros(26),
                    false,
                    Floats.zeros(26),
                    Floats.zeros(26),
                    1,
                    26,
                    0,
                    26,
                    null,
                    probe(13, 1)))
        .withMessage("a probe of 1 samples cannot hold the scores of sample 1");
  }
}
