package dev.coppice.kernels;

import static dev.coppice.kernels.KernelsTwinTest.SCALAR;
import static dev.coppice.kernels.KernelsTwinTest.VECTOR;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Normalisation, neurons and pooling in planes against the same on maps. */
class PlaneStepsTest {
  private static final Kernels BEST = VECTOR;

  /** Maps of a step, images side by side, and a border. */
  private record Case(
      int images, int group, int height, int width, int channels, int border, int steps) {
    Planes planes() {
      return new Planes(channels, height, width, group, border, 1);
    }

    PlaneSteps geometry(boolean repeated) {
      return new PlaneSteps(planes(), steps, images / group, repeated);
    }

    int rows() {
      return images * height * width;
    }

    int n() {
      return rows() * channels;
    }

    /** Numbers of one step or of all. */
    float[] numbers(long seed, boolean all) {
      return Floats.random(seed, all ? steps * n() : n(), 1);
    }

    float[] channelNumbers(long seed) {
      return Floats.random(seed, channels, 1);
    }

    MemorySegment planes(float[] maps) {
      MemorySegment memory = planes().allocate(Arena.ofAuto(), maps.length / (n() / images));
      planes().fromMaps(Floats.of(maps), memory, maps.length / (n() / images));
      return memory;
    }

    float[] maps(MemorySegment memory, boolean all) {
      MemorySegment maps = Floats.zeros(all ? steps * n() : n());
      planes().toMaps(memory, maps, all ? steps * images : images);
      return Floats.array(maps);
    }
  }

  private static final List<Case> CASES =
      List.of(
          new Case(1, 1, 1, 1, 1, 0, 1),
          new Case(3, 3, 3, 5, 2, 1, 2),
          new Case(16, 16, 4, 4, 3, 1, 4),
          new Case(32, 16, 8, 8, 2, 1, 2),
          new Case(12, 6, 5, 7, 3, 2, 3),
          new Case(32, 32, 5, 6, 2, 0, 2),
          new Case(4, 4, 7, 33, 2, 1, 2));

  /** What all kernels make of a case, for either implementation. */
  private record Results(List<float[]> maps, List<MemorySegment> memory, List<double[]> sums) {
    static Results of(Kernels k, Case c, NeuronConstants neuron, boolean repeated) {
      PlaneSteps p = c.geometry(repeated);
      MemorySegment x = c.planes(c.numbers(1, !repeated));
      double[] mean = new double[c.channels()];
      double[] variance = new double[c.channels()];
      double[] first = new double[c.channels()];
      double[] second = new double[c.channels()];
      float[] scale = c.channelNumbers(2);
      float[] shift = c.channelNumbers(3);
      float[] centre = c.channelNumbers(4);
      MemorySegment s = c.planes().allocate(Arena.ofAuto(), c.steps() * c.images());
      MemorySegment gradS = c.planes(c.numbers(5, true));
      MemorySegment gradY = repeated ? c.planes().allocate(Arena.ofAuto(), c.images()) : gradS;
      MemorySegment gradX = c.planes().allocate(Arena.ofAuto(), c.steps() * c.images());
      int middle = c.channels() / 2;
      for (int[] range : new int[][] {{middle, c.channels()}, {0, middle}}) {
        int from = range[0];
        int to = range[1];
        k.planeMoments(p, x, mean, variance, from, to);
        k.planeStepsForward(neuron, p, x, scale, shift, s, from, to);
        k.planeStepsBackward(
            neuron, p, x, scale, shift, centre, gradS, gradY, first, second, from, to);
        k.planeAffineCombine(p, gradY, x, scale, shift, centre, gradX, from, to);
      }
      return new Results(
          List.of(c.maps(s, true), c.maps(gradY, !repeated), c.maps(gradX, !repeated)),
          List.of(s, gradY, gradX),
          List.of(mean, variance, first, second));
    }
  }

  private static void assertSameBits(Results actual, Results expected, Object... what) {
    for (int i = 0; i < actual.memory().size(); i++) {
      assertThat(Floats.bits(Floats.array(actual.memory().get(i))))
          .as("%s", List.of(what))
          .containsExactly(Floats.bits(Floats.array(expected.memory().get(i))));
    }
    for (int i = 0; i < actual.sums().size(); i++) {
      assertThat(actual.sums().get(i)).containsExactly(expected.sums().get(i));
    }
  }

  /** All memory is compared: nothing is written around the maps. */
  static void twins() {
    for (Case c : CASES) {
      for (NeuronConstants neuron : Cases.neurons()) {
        if (neuron.strict()) {
          continue; // The threshold is the same code.
        }
        for (boolean repeated : List.of(false, true)) {
          assertSameBits(
              Results.of(VECTOR, c, neuron, repeated),
              Results.of(SCALAR, c, neuron, repeated),
              c,
              neuron,
              repeated);
        }
      }
    }
  }

  /** Cases that fill {@link PlaneMarks}. */
  private static List<Case> bitCases() {
    return CASES.stream().filter(c -> PlaneMarks.fit(c.planes())).toList();
  }

  /** Marks, those around the maps too, are those of the numbers. */
  static void fireTwins() {
    assertThat(bitCases()).hasSizeGreaterThan(1);
    for (Case c : bitCases()) {
      for (NeuronConstants neuron : Cases.neurons()) {
        for (boolean repeated : List.of(false, true)) {
          PlaneSteps p = c.geometry(repeated);
          MemorySegment x = c.planes(c.numbers(1, !repeated));
          float[] scale = c.channelNumbers(2);
          float[] shift = c.channelNumbers(3);
          int images = c.steps() * c.images();
          MemorySegment s = c.planes().allocate(Arena.ofAuto(), images);
          MemorySegment expected = PlaneMarks.allocate(c.planes(), Arena.ofAuto(), images);
          SCALAR.planeStepsForward(neuron, p, x, scale, shift, s, 0, c.channels());
          SCALAR.packPlaneMarks(c.planes(), s, expected, p.allGroups(), 0, c.channels());
          int middle = c.channels() / 2;
          for (Kernels kernels : List.of(VECTOR, SCALAR)) {
            MemorySegment marks = PlaneMarks.allocate(c.planes(), Arena.ofAuto(), images);
            kernels.planeStepsFire(neuron, p, x, scale, shift, marks, middle, c.channels());
            kernels.planeStepsFire(neuron, p, x, scale, shift, marks, 0, middle);
            assertThat(marks.mismatch(expected)).as("%s %s", c, neuron).isEqualTo(-1);
          }
        }
      }
    }
  }

  static void bitPoolTwins() {
    for (Case c : bitCases()) {
      float[] maps = c.numbers(1, false);
      for (int i = 0; i < maps.length; i++) {
        maps[i] = maps[i] > 0 ? 1 : 0;
      }
      MemorySegment x = c.planes(maps);
      int groups = c.images() / c.group();
      MemorySegment marks = PlaneMarks.allocate(c.planes(), Arena.ofAuto(), c.images());
      SCALAR.packPlaneMarks(c.planes(), x, marks, groups, 0, c.channels());
      for (int window = 1; window <= 3; window++) {
        PlaneAverage p = pool(c, window);
        MemorySegment expected = p.out().allocate(Arena.ofAuto(), c.images());
        SCALAR.planeAverage(p, x, expected, groups, 0, c.channels());
        for (Kernels kernels : List.of(VECTOR, SCALAR)) {
          MemorySegment y = p.out().allocate(Arena.ofAuto(), c.images());
          kernels.planeMarksAverage(p, marks, y, groups, 1, c.channels());
          kernels.planeMarksAverage(p, marks, y, groups, 0, 1);
          assertThat(y.mismatch(expected)).isEqualTo(-1);
        }
      }
    }
  }

  @Test
  void neuronsGiveWhatTheyGiveOnMaps() {
    for (Case c : CASES) {
      for (NeuronConstants neuron : Cases.neurons()) {
        for (boolean repeated : List.of(false, true)) {
          Results found = Results.of(BEST, c, neuron, repeated);
          MemorySegment x = Floats.of(c.numbers(1, !repeated));
          MemorySegment s = Floats.zeros(c.steps() * c.n());
          BEST.normNeuronForward(
              neuron,
              x,
              repeated,
              c.channelNumbers(2),
              c.channelNumbers(3),
              null,
              s,
              c.steps(),
              c.rows(),
              0,
              c.rows(),
              null);
          assertThat(found.maps().get(0)).isEqualTo(Floats.array(s));
          MemorySegment gradY = Floats.zeros(repeated ? c.n() : c.steps() * c.n());
          ChannelSums sums = new ChannelSums(c.rows(), c.channels());
          BEST.normNeuronBackward(
              neuron,
              x,
              repeated,
              c.channelNumbers(2),
              c.channelNumbers(3),
              c.channelNumbers(4),
              Floats.of(c.numbers(5, true)),
              gradY,
              c.steps(),
              c.rows(),
              0,
              c.rows(),
              sums);
          assertThat(found.maps().get(1)).isEqualTo(Floats.array(gradY));
          long allRows = repeated ? c.rows() : (long) c.steps() * c.rows();
          MemorySegment gradX = Floats.zeros(repeated ? c.n() : c.steps() * c.n());
          BEST.affineCombine(
              gradY,
              x,
              c.channelNumbers(2),
              c.channelNumbers(3),
              c.channelNumbers(4),
              gradX,
              allRows,
              0,
              allRows);
          assertThat(found.maps().get(2)).isEqualTo(Floats.array(gradX));
          ChannelSums momentSums = new ChannelSums(allRows, c.channels());
          BEST.channelMoments(x, momentSums, 0, allRows);
          ChannelSums.Moments moments = momentSums.moments();
          for (int k = 0; k < c.channels(); k++) {
            assertThat(found.sums().get(0)[k]).isCloseTo(moments.mean()[k], within(1e-5));
            assertThat(found.sums().get(1)[k]).isCloseTo(moments.variance()[k], within(1e-5));
            assertThat(found.sums().get(2)[k]).isCloseTo(sums.first()[k], within(1e-3));
            assertThat(found.sums().get(3)[k]).isCloseTo(sums.second()[k], within(1e-3));
          }
        }
      }
    }
  }

  /** The variance of numbers that are far from 0 and hardly differ. */
  @Test
  void momentsOfNumbersFarFromZeroAreExact() {
    Case c = new Case(16, 16, 16, 16, 1, 1, 4);
    float[] numbers = c.numbers(1, true);
    double mean = 0;
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = 1000 + numbers[i] / 10;
      mean += numbers[i] / (double) numbers.length;
    }
    double variance = 0;
    for (float number : numbers) {
      variance += (number - mean) * (number - mean) / numbers.length;
    }
    double[] means = new double[1];
    double[] variances = new double[1];
    BEST.planeMoments(c.geometry(false), c.planes(numbers), means, variances, 0, 1);
    assertThat(means[0]).isCloseTo(mean, within(1e-4));
    assertThat(variances[0]).isCloseTo(variance, within(1e-6));
  }

  private static PlaneAverage pool(Case c, int window) {
    Planes out =
        new Planes(c.channels(), c.height() / window, c.width() / window, c.group(), c.border(), 1);
    return new PlaneAverage(c.planes(), out, window);
  }

  private static List<MemorySegment> pooled(Kernels k, Case c, int window, float[] maps) {
    PlaneAverage p = pool(c, window);
    MemorySegment x = c.planes(maps);
    MemorySegment y = p.out().allocate(Arena.ofAuto(), c.images());
    MemorySegment gradX = c.planes(maps);
    int groups = c.images() / c.group();
    k.planeAverage(p, x, y, groups, 0, c.channels());
    k.planeAverageBackward(p, y, gradX, groups, 0, c.channels());
    return List.of(y, gradX);
  }

  static void poolTwins() {
    for (Case c : CASES) {
      for (int window = 1; window <= Math.min(3, Math.min(c.height(), c.width())); window++) {
        List<MemorySegment> vector = pooled(VECTOR, c, window, c.numbers(1, false));
        List<MemorySegment> scalar = pooled(SCALAR, c, window, c.numbers(1, false));
        for (int i = 0; i < 2; i++) {
          assertThat(Floats.bits(Floats.array(vector.get(i))))
              .containsExactly(Floats.bits(Floats.array(scalar.get(i))));
        }
      }
    }
  }

  @Test
  void poolsAverageAndShareOut() {
    Case c = new Case(3, 3, 3, 5, 2, 1, 1);
    float[] maps = c.numbers(1, false);
    PlaneAverage p = pool(c, 2);
    List<MemorySegment> found = pooled(BEST, c, 2, maps);
    MemorySegment y = Floats.zeros(3 * 2 * 2);
    p.out().toMaps(found.get(0), y, 3);
    float[] gradX = c.maps(found.get(1), false);
    for (int image = 0; image < 3; image++) {
      for (int at = 0; at < 3 * 5 * 2; at++) {
        int row = at / 10;
        int column = at / 2 % 5;
        double expected = 0;
        if (row < 2 && column < 4) {
          int target = (image * 2 + column / 2) * 2 + at % 2;
          double sum = 0;
          for (int k = 0; k < 4; k++) {
            int pixel = (image * 3 + k / 2) * 5 + column / 2 * 2 + k % 2;
            sum += maps[pixel * 2 + at % 2];
          }
          assertThat((double) Floats.array(y)[target]).isCloseTo(sum / 4, within(1e-6));
          expected = sum / 16;
        }
        assertThat((double) gradX[image * 30 + at]).isCloseTo(expected, within(1e-6));
      }
    }
  }

  /** An image without anything behind it. */
  @Test
  void anImageIsAPlane() {
    int channels = 33;
    Planes image = new Planes(1, 5, 4, channels, 0, 1);
    PlaneAverage p = new PlaneAverage(image, new Planes(1, 2, 2, channels, 0, 1), 2);
    float[] x = Floats.random(1, 5 * 4 * channels, 1);
    MemorySegment y = Floats.zeros(2 * 2 * channels);
    MemorySegment gradX = Floats.of(x);
    BEST.planeAverage(p, Floats.of(x), y, 1, 0, 1);
    BEST.planeAverageBackward(p, y, gradX, 1, 0, 1);
    for (int at = 0; at < x.length; at++) {
      int row = at / channels / 4;
      int column = at / channels % 4;
      int target = (row / 2 * 2 + column / 2) * channels + at % channels;
      float expected = row < 4 ? Floats.array(y)[target] / 4 : 0;
      assertThat(Floats.array(gradX)[at]).isCloseTo(expected, within(1e-6f));
    }
    double sum = 0;
    for (float value : Floats.array(y)) {
      sum += value;
    }
    double expected = 0;
    for (int at = 0; at < 4 * 4 * channels; at++) {
      expected += x[at] / 4;
    }
    assertThat(sum).isCloseTo(expected, within(1e-4));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> BEST.planeAverage(p, Floats.zeros(5 * 4 * channels - 1), y, 1, 0, 1))
        .withMessageContaining("bytes");
  }

  @Test
  void whatDoesNotFitIsRefused() {
    Case c = new Case(4, 2, 4, 4, 2, 1, 2);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new PlaneSteps(new Planes(1, 4, 4, 1, 0, 2), 1, 1, false))
        .withMessageContaining("a step and a stack of 1");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new PlaneSteps(c.planes().stacked(2), 1, 1, false))
        .withMessageContaining("a step and a stack of 1");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new PlaneSteps(c.planes(), 0, 1, false))
        .withMessageContaining("steps");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new PlaneAverage(c.planes(), c.planes(), 2))
        .withMessageContaining("windows of 2");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                BEST.planeMoments(
                    c.geometry(false), Floats.zeros(4), new double[2], new double[2], 0, 2))
        .withMessageContaining("bytes");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                BEST.planeMoments(
                    c.geometry(true),
                    c.planes(c.numbers(1, false)),
                    new double[2],
                    new double[3],
                    0,
                    2))
        .withMessageContaining("variance");
  }
}
