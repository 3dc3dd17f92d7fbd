package dev.coppice.kernels;

import static dev.coppice.kernels.KernelsTwinTest.SCALAR;
import static dev.coppice.kernels.KernelsTwinTest.VECTOR;
import static dev.coppice.kernels.KernelsTwinTest.assertEqual;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The kernels of surviving weights against a convolution in double precision. */
class SparseConvolutionTest {
  /**
   * Kernels, strides, paddings; pieces of every number of vectors; narrow ones; many images; rows
   * of several parts.
   */
  static final List<SparseCase> CASES =
      Stream.concat(
              Stream.of(
                  new SparseCase(new ConvolutionShape(1, 1, 1, 1, 1, 1, 0), 1, 1, 0, 1),
                  new SparseCase(new ConvolutionShape(32, 31, 5, 3, 3, 1, 1), 4, 4, 0, 0.4),
                  new SparseCase(new ConvolutionShape(16, 16, 9, 4, 3, 1, 1), 17, 16, 0, 0.2),
                  new SparseCase(new ConvolutionShape(8, 8, 20, 7, 3, 1, 1), 4, 4, 0, 0.1),
                  new SparseCase(new ConvolutionShape(4, 4, 33, 9, 3, 1, 1), 4, 4, 0, 0.1),
                  new SparseCase(new ConvolutionShape(2, 2, 40, 9, 3, 1, 1), 4, 4, 0, 0.3),
                  new SparseCase(new ConvolutionShape(5, 6, 4, 3, 3, 1, 0), 3, 3, 0, 1),
                  new SparseCase(new ConvolutionShape(9, 8, 6, 5, 5, 2, 2), 5, 5, 0, 0.5),
                  new SparseCase(new ConvolutionShape(8, 8, 6, 5, 3, 2, 1), 16, 16, 0, 0.5),
                  new SparseCase(new ConvolutionShape(7, 7, 6, 5, 1, 2, 0), 6, 2, 1, 0.5),
                  new SparseCase(new ConvolutionShape(7, 9, 3, 5, 2, 1, 1), 2, 2, 0, 0.7),
                  new SparseCase(new ConvolutionShape(6, 6, 3, 4, 4, 3, 1), 5, 4, 0, 0),
                  new SparseCase(ConvolutionShape.linear(1, 1, 300, 10), 4, 4, 0, 0.1),
                  new SparseCase(ConvolutionShape.linear(2, 3, 21, 10), 37, 16, 0, 0.2),
                  new SparseCase(new ConvolutionShape(32, 32, 3, 5, 3, 1, 1), 1, 1, 0, 0.4, 4),
                  new SparseCase(new ConvolutionShape(8, 8, 9, 6, 3, 1, 1), 2, 1, 0, 0.2, 4),
                  new SparseCase(new ConvolutionShape(4, 4, 33, 9, 3, 1, 1), 1, 1, 1, 0.2, 5),
                  new SparseCase(new ConvolutionShape(3, 5, 8, 9, 3, 1, 1), 1, 1, 0, 0.3, 1),
                  new SparseCase(new ConvolutionShape(2, 2, 40, 9, 3, 1, 1), 1, 1, 0, 0.3, 4),
                  new SparseCase(new ConvolutionShape(8, 8, 6, 5, 3, 2, 1), 17, 16, 0, 0.5, 3),
                  new SparseCase(new ConvolutionShape(8, 8, 220, 110, 3, 1, 1), 2, 16, 0, 0.05),
                  new SparseCase(new ConvolutionShape(16, 8, 80, 30, 3, 1, 1), 2, 16, 0, 0.05),
                  new SparseCase(new ConvolutionShape(8, 9, 16, 80, 3, 2, 1), 16, 16, 0, 0.5)),
              IntStream.range(0, 60).mapToObj(SparseConvolutionTest::random))
          .toList();

  private static SparseCase random(int seed) {
    SplittableRandom random = new SplittableRandom(seed);
    int kernel = 1 + random.nextInt(5);
    int padding = random.nextInt(kernel);
    int height = Math.max(1, kernel - 2 * padding) + random.nextInt(9);
    int width = Math.max(1, kernel - 2 * padding) + random.nextInt(9);
    int images = 1 + random.nextInt(9);
    var shape =
        new ConvolutionShape(
            height,
            width,
            1 + random.nextInt(6),
            1 + random.nextInt(6),
            kernel,
            1 + random.nextInt(3),
            padding);
    return new SparseCase(
        shape,
        images,
        1 + random.nextInt(images),
        random.nextInt(3),
        random.nextInt(5) / 4.0,
        1 + random.nextInt(3));
  }

  static Stream<SparseCase> cases() {
    return CASES.stream();
  }

  /** All three results of a plain convolution. */
  private record Plain(double[] out, double[] gradIn, double[] gradWeights) {
    Plain(SparseCase test) {
      this(
          new double[test.outFloats()],
          new double[test.inFloats()],
          new double[test.shape().weights()]);
      ConvolutionShape g = test.shape();
      float[] maps = test.maps();
      float[] weights = test.weights();
      float[] gradOut = test.gradOut();
      for (int at = 0; at < out.length; at++) {
        int o = at % g.out();
        int x = at / g.out() % g.outWidth();
        int y = at / g.out() / g.outWidth() % g.outHeight();
        int n = at / g.out() / g.outWidth() / g.outHeight();
        for (int k = o * g.taps() * g.in(); k < (o + 1) * g.taps() * g.in(); k++) {
          int tap = k / g.in() % g.taps();
          int row = y * g.stride() + tap / g.kernelWidth() - g.padding();
          int column = x * g.stride() + tap % g.kernelWidth() - g.padding();
          if (row >= 0 && row < g.height() && column >= 0 && column < g.width()) {
            int from = ((n * g.height() + row) * g.width() + column) * g.in() + k % g.in();
            out[at] += (double) weights[k] * maps[from];
            gradIn[from] += (double) weights[k] * gradOut[at];
            gradWeights[k] += (double) maps[from] * gradOut[at];
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void convolvesAndLeavesBordersZero(SparseCase test) {
    SparseConvolution c = test.compressed();
    MemorySegment out = test.forward(VECTOR, c, test.maps());
    float[] maps = maps(c.out(), out, test.images());
    assertClose(maps, new Plain(test).out());
    MemorySegment clean = SparseCase.planes(c.out(), maps, test.images());
    // A last group that is not full has sums of zeros.
    assertThat(Floats.array(out))
        .usingComparatorWithPrecision(0f)
        .containsExactly(Floats.array(clean));
  }

  @Test
  void longRowsHaveSeveralParts() {
    SparseCase test = CASES.get(20);
    SparseConvolution c = test.compressed();
    assertThat(c.parts()).isEqualTo(3);
    assertThat(c.transposed(test.output(), test.input()).parts()).isEqualTo(2);
    for (int row = 0; row < c.rows(); row++) {
      assertThat(c.partStarts[row]).isEqualTo(c.starts[row]);
      assertThat(c.partStarts[3 * c.rows() + row]).isEqualTo(c.starts[row + 1]);
    }
  }

  @Test
  void partsGoThroughSeveralRuns() {
    SparseConvolution c = CASES.get(21).compressed();
    assertThat(c.parts()).isEqualTo(2);
    assertThat(c.cut().size()).isGreaterThan(SparseConvolution.RUN);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void transposedIsTheGradientOfTheInput(SparseCase test) {
    SparseConvolution c = test.compressed().transposed(test.output(), test.input());
    MemorySegment gradIn = test.forward(VECTOR, c, test.gradOut());
    assertClose(maps(c.out(), gradIn, test.images()), new Plain(test).gradIn());
  }

  @ParameterizedTest
  @MethodSource("cases")
  void weightsGetTheirGradientWhereTheySurvive(SparseCase test) {
    SparseConvolution c = test.compressed();
    float[] weights = test.weights();
    MemorySegment scattered = Floats.zeros(weights.length);
    c.scatter(test.weightGradient(VECTOR), scattered);
    double[] expected = new Plain(test).gradWeights();
    for (int k = 0; k < expected.length; k++) {
      expected[k] = weights[k] == 0 ? 0 : expected[k];
    }
    assertClose(Floats.array(scattered), expected);
  }

  private static float[] maps(Planes planes, MemorySegment segment, int images) {
    MemorySegment maps =
        Floats.zeros(
            planes.stack() * images * planes.height() * planes.width() * planes.channels());
    planes.toMaps(segment, maps, images);
    return Floats.array(maps);
  }

  private static void assertClose(float[] actual, double[] expected) {
    assertThat(actual).hasSameSizeAs(expected);
    double most = 1;
    for (double value : expected) {
      most = Math.max(most, Math.abs(value));
    }
    for (int k = 0; k < expected.length; k++) {
      if (!(Math.abs(actual[k] - expected[k]) <= 1e-5 * most)) {
        assertThat((double) actual[k]).as("element %d", k).isCloseTo(expected[k], within(0.0));
      }
    }
  }

  /** A weight that is zero but not pruned keeps its place. */
  @Test
  void valuesAreRenewedInTheirStructure() {
    var test = new SparseCase(new ConvolutionShape(5, 5, 4, 3, 3, 1, 1), 2, 2, 0, 1);
    float[] weights = test.weights();
    MemorySegment zeros = Floats.zeros(weights.length);
    SparseConvolution c =
        SparseConvolution.of(test.shape(), test.input(), test.output(), zeros, k -> k % 3 == 0);
    SparseConvolution turned = c.transposed(test.output(), test.input());
    assertThat(c.entries()).isEqualTo(weights.length / 3);
    assertThat(c.entriesBefore(1)).isEqualTo(weights.length / 9);
    assertThat(Floats.array(test.forward(VECTOR, c, test.maps()))).containsOnly(0f);
    c.refresh(Floats.of(weights));
    turned.refresh(Floats.of(weights));
    float[] masked = weights.clone();
    for (int k = 0; k < masked.length; k++) {
      masked[k] = k % 3 == 0 ? weights[k] : 0;
    }
    SparseConvolution fresh =
        SparseConvolution.of(test.shape(), test.input(), test.output(), Floats.of(masked));
    assertThat(Floats.array(test.forward(VECTOR, c, test.maps())))
        .containsExactly(Floats.array(test.forward(VECTOR, fresh, test.maps())));
    SparseConvolution freshTurned = fresh.transposed(test.output(), test.input());
    assertThat(Floats.array(test.forward(VECTOR, turned, test.gradOut())))
        .containsExactly(Floats.array(test.forward(VECTOR, freshTurned, test.gradOut())));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void rowsOfWeightsGiveTheSameStructure(SparseCase test) {
    WeightRows rows = Floats.rows(test.shape().out(), test.weights());
    SparseConvolution c = SparseConvolution.of(test.shape(), test.input(), test.output(), rows);
    SparseConvolution expected = test.compressed();
    assertThat(c.starts).containsExactly(expected.starts);
    assertThat(c.dense()).containsExactly(expected.dense());
    assertThat(c.offsets).containsExactly(expected.offsets);
    assertThat(c.values).containsExactly(expected.values);
  }

  static void forwardTwins() {
    for (SparseCase test : CASES) {
      SparseConvolution c = test.compressed();
      assertEqual(
          List.of(Floats.bits(Floats.array(test.forward(VECTOR, c, test.maps())))),
          List.of(Floats.bits(Floats.array(test.forward(SCALAR, c, test.maps())))),
          test);
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void spikesAddTheirColumns(SparseCase test) {
    assertClose(columns(VECTOR, test), new Plain(test).out());
  }

  static void columnTwins() {
    for (SparseCase test : CASES) {
      assertEqual(
          List.of(Floats.bits(columns(VECTOR, test))),
          List.of(Floats.bits(columns(SCALAR, test))),
          test);
    }
  }

  private static float[] columns(Kernels kernels, SparseCase test) {
    SpikeColumns columns = SpikeColumns.of(test.compressed(), 4);
    MemorySegment out = Floats.of(Floats.random(5, test.outFloats(), 1));
    int maps = test.allMaps();
    kernels.spikeColumnsForward(columns, packed(test), out, maps, maps / 2, maps);
    kernels.spikeColumnsForward(columns, packed(test), out, maps, 0, maps / 2);
    return Floats.array(out);
  }

  private static long[] packed(SparseCase test) {
    int rows = test.allMaps() * test.shape().height() * test.shape().width();
    long[] packed = new long[rows * 4 * Math.ceilDiv(test.shape().in(), Long.SIZE)];
    SCALAR.packSpikes(Floats.of(test.maps()), test.shape().in(), 4, packed, rows, 0, rows);
    return packed;
  }

  static void weightGradientTwins() {
    for (SparseCase test : CASES) {
      assertEqual(
          List.of(Floats.bits(test.weightGradient(VECTOR))),
          List.of(Floats.bits(test.weightGradient(SCALAR))),
          test);
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void spikesGoThroughPlanes(SparseCase test) {
    ConvolutionShape g = test.shape();
    int rows = test.allMaps() * g.height() * g.width();
    long[] packed = packed(test);
    Planes planes = test.input();
    MemorySegment segment = planes.allocate(Arena.ofAuto(), test.images());
    planes.fromSpikes(packed, 4, PlaneNumbers.FLOATS, segment, test.images());
    assertThat(Floats.array(segment))
        .containsExactly(Floats.array(SparseCase.planes(planes, test.maps(), test.images())));
    long[] binary = new long[rows * Math.ceilDiv(g.in(), Long.SIZE)];
    planes.toSpikes(segment, binary, test.images());
    long[] expected = new long[binary.length];
    // A quarter to two are no spike, three are.
    SCALAR.packSpikes(Floats.of(test.maps()), g.in(), 1, expected, rows, 0, rows);
    assertThat(binary).containsExactly(expected);
    long[] back = new long[packed.length];
    planes.toSpikes(segment, back, 4, test.images(), 0, planes.parts(test.images()));
    assertThat(back).containsExactly(packed);
  }

  @Test
  void wrongArgumentsAreNamed() {
    var shape = new ConvolutionShape(4, 4, 3, 2, 3, 1, 1);
    Planes in = shape.input(2, 1);
    Planes out = shape.output(2, 1);
    MemorySegment weights = Floats.zeros(shape.weights());
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SparseConvolution.of(shape, in, out, Floats.zeros(53)))
        .withMessage("weights must have at least 216 bytes, not 212");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SparseConvolution.of(shape, shape.input(2, 0), out, weights))
        .withMessage("planes of the input need a border of at least 1, not 0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SparseConvolution.of(shape, in, shape.output(4, 1), weights))
        .withMessageStartingWith("planes of the output must be Planes[");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SparseConvolution.of(shape, in, out, Floats.rows(1, new float[54])))
        .withMessageStartingWith("there must be 27 weights in each of 2 rows, not 54");
    SparseConvolution c = SparseConvolution.of(shape, in, out, weights);
    assertThat(c.entries()).isZero();
    MemorySegment input = in.allocate(Arena.ofAuto(), 3);
    MemorySegment output = out.allocate(Arena.ofAuto(), 2);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> VECTOR.sparseConvForward(c, input, output, 2, 0, 2, 0, 2))
        .withMessageStartingWith("output must have at least");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> VECTOR.sparseConvForward(c, input, output, 1, 0, 2, 0, 2))
        .withMessage("groups 0 to 2 do not lie in 1");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> VECTOR.sparseConvForward(c, input, output, 1, 0, 1, 0, 3))
        .withMessage("rows 0 to 3 do not lie in 2");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> VECTOR.sparseConvForward(c, input, input, 1, 0, 1, 0, 2))
        .withMessage("input and output overlap");
    SparseConvolution turned = c.transposed(out, in);
    assertThatIllegalStateException().isThrownBy(() -> turned.transposed(in, out));
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> VECTOR.sparseConvWeightGradient(turned, output, input, new float[0], 1, 0, 3));
    SpikeColumns columns = SpikeColumns.of(c, 1);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> VECTOR.spikeColumnsForward(columns, new long[31], output, 2, 0, 2))
        .withMessage("packed spikes must have at least 32 words, not 31");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> VECTOR.spikeColumnsForward(columns, new long[32], output, 2, 1, 3))
        .withMessage("images 1 to 3 do not lie in 2");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SpikeColumns.of(c, 0))
        .withMessage("levels must be positive, not 0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Planes(1 << 20, 64, 64, 16, 1, 1))
        .withMessageEndingWith("are too large");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new ConvolutionShape(4, 4, 1 << 15, 1 << 15, 3, 1, 1))
        .withMessage("the convolution has too many weights");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new ConvolutionShape(2, 4, 1, 1, 3, 1, 0))
        .withMessage("a kernel of 3 x 3 does not fit into 2 x 4");
  }
}
