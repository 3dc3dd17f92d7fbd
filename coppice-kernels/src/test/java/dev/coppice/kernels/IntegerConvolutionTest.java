package dev.coppice.kernels;

import static dev.coppice.kernels.KernelsTwinTest.SCALAR;
import static dev.coppice.kernels.KernelsTwinTest.VECTOR;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Convolutions in whole numbers against those in floats, which are exact for such numbers. */
class IntegerConvolutionTest {
  /**
   * A convolution.
   *
   * @param most the largest count
   * @param largest the largest weight, or 128 for weights of -128 besides
   */
  record Case(
      ConvolutionShape shape,
      int stack,
      int images,
      int most,
      int largest,
      double density,
      int inBorder,
      int outBorder) {
    Case(ConvolutionShape shape, int stack, int images, int most, int largest, double density) {
      this(shape, stack, images, most, largest, density, 0, 0);
    }

    Case withBorders(int newIn, int newOut) {
      return new Case(shape, stack, images, most, largest, density, newIn, newOut);
    }

    float[] weights() {
      SplittableRandom random = new SplittableRandom(7);
      float[] weights = new float[shape.weights()];
      for (int k = 0; k < weights.length; k++) {
        boolean survives = random.nextDouble() < density;
        weights[k] = survives ? random.nextInt(largest / 2, largest + 1) : 0;
        weights[k] *= random.nextInt(4) == 0 ? -1 : 1;
        weights[k] = Math.min(weights[k], Byte.MAX_VALUE);
      }
      return weights;
    }

    Planes in() {
      return shape.input(1, inBorder).stacked(stack);
    }

    Planes out() {
      return shape.output(1, outBorder).stacked(stack);
    }

    /** Returns counts, as floats in maps. */
    float[] maps() {
      SplittableRandom random = new SplittableRandom(8);
      float[] maps = new float[stack * images * shape.height() * shape.width() * shape.in()];
      for (int k = 0; k < maps.length; k++) {
        maps[k] = random.nextInt(3) == 0 ? random.nextInt(most + 1) : 0;
      }
      return maps;
    }

    MemorySegment counts() {
      MemorySegment floats = SparseCase.planes(in(), maps(), images);
      MemorySegment counts = in().allocate(Arena.ofAuto(), images);
      for (long at = 0; at < floats.byteSize() / Float.BYTES; at++) {
        float count = floats.getAtIndex(ValueLayout.JAVA_FLOAT, at);
        counts.setAtIndex(ValueLayout.JAVA_SHORT, at, (short) count);
      }
      return counts;
    }

    /** Returns the sums that floats give. */
    float[] expected() {
      Planes bordered = shape.input(1, shape.inputBorder()).stacked(stack);
      var sparse = SparseConvolution.of(shape, bordered, out(), Floats.of(weights()));
      MemorySegment sums = out().allocate(Arena.ofAuto(), images);
      SCALAR.sparseConvForward(
          sparse,
          SparseCase.planes(bordered, maps(), images),
          sums,
          images,
          0,
          images,
          0,
          sparse.rows());
      return maps(sums);
    }

    float[] maps(MemorySegment sums) {
      MemorySegment maps =
          Floats.zeros(stack * images * shape.outHeight() * shape.outWidth() * shape.out());
      out().toMaps(sums, maps, images);
      return Floats.array(maps);
    }

    IntegerConvolution convolution(boolean patterns) {
      WeightRows rows = Floats.rows(shape.out(), weights());
      Planes single = in().stacked(1);
      return (patterns
              ? IntegerConvolution.ofPatterns(shape, single, out().stacked(1), rows)
              : IntegerConvolution.ofCounts(shape, single, out().stacked(1), rows, most))
          .between(in(), out());
    }

    float[] forward(Kernels kernels, boolean patterns) {
      IntegerConvolution c = convolution(patterns);
      MemorySegment elements = folded(kernels, c);
      MemorySegment sums = out().allocate(Arena.ofAuto(), images);
      int middle = c.rows() / 3;
      kernels.integerConvForward(c, elements, sums, images, 0, images, middle, c.rows());
      kernels.integerConvForward(c, elements, sums, images, images / 2, images, 0, middle);
      kernels.integerConvForward(c, elements, sums, images, 0, images / 2, 0, middle);
      return maps(sums);
    }

    /** Returns the spikes of neurons that read the sums, with what is around them. */
    MemorySegment fire(Kernels kernels, boolean patterns, NeuronConstants neuron) {
      IntegerConvolution c = convolution(patterns);
      float[] scale = new float[shape.out()];
      Arrays.fill(scale, 2f / (most * largest));
      PlaneNeurons n =
          new PlaneNeurons(
              neuron, out(), out(), scale, Floats.random(4, shape.out(), 0.5), PlaneNumbers.COUNTS);
      MemorySegment elements = folded(kernels, c);
      MemorySegment sums = out().allocate(Arena.ofAuto(), images);
      MemorySegment spikes = out().allocate(Arena.ofAuto(), images).fill((byte) 7);
      int middle = c.rows() / 3;
      kernels.integerNeuronForward(
          c, n, elements, sums, spikes, images, 0, images, middle, c.rows(), null);
      kernels.integerNeuronForward(
          c, n, elements, sums, spikes, images, 0, images, 0, middle, null);
      long count = out().groupFloats() * (long) images * Short.BYTES;
      return spikes.asSlice(0, count);
    }

    MemorySegment folded(Kernels kernels, IntegerConvolution c) {
      MemorySegment elements = Arena.ofAuto().allocate(c.foldedBytes(images), 64);
      elements.fill((byte) 7);
      int all = images * c.foldedPlanes();
      kernels.foldCounts(c, counts(), elements, images, all / 2, all);
      kernels.foldCounts(c, counts(), elements, images, 0, all / 2);
      return elements;
    }
  }

  static List<Case> cases() {
    List<Case> cases = new ArrayList<>();
    for (int most : new int[] {1, 4}) {
      cases.add(new Case(new ConvolutionShape(32, 32, 7, 9, 3, 1, 1), 4, 1, most, 127, 0.3));
      cases.add(new Case(new ConvolutionShape(16, 16, 7, 4, 3, 1, 1), 4, 2, most, 127, 0.3));
      cases.add(new Case(new ConvolutionShape(8, 8, 7, 4, 3, 1, 1), 4, 2, most, 127, 0.3));
      cases.add(new Case(new ConvolutionShape(8, 7, 64, 5, 3, 1, 1), 4, 2, most, 127, 0.5));
      cases.add(new Case(new ConvolutionShape(4, 4, 12, 5, 3, 1, 1), 4, 3, most, 40, 1));
      cases.add(new Case(new ConvolutionShape(2, 2, 30, 7, 3, 1, 1), 4, 1, most, 127, 0.2));
      cases.add(new Case(new ConvolutionShape(5, 5, 6, 4, 1, 1, 0), 1, 2, most, 127, 0.5));
      cases.add(new Case(new ConvolutionShape(9, 11, 6, 4, 5, 1, 1), 3, 1, most, 127, 0.4));
      cases.add(new Case(new ConvolutionShape(1, 1, 23, 11, 1, 1, 0), 1, 1, most, 90, 0.4));
      // Sums beyond 16 bits.
      cases.add(new Case(new ConvolutionShape(6, 6, 300, 3, 3, 1, 1), 2, 1, most, 127, 0.9));
    }
    cases.add(new Case(new ConvolutionShape(6, 6, 10, 3, 3, 1, 1), 2, 1, 1, 128, 0.9));
    cases.add(new Case(new ConvolutionShape(6, 6, 10, 3, 3, 1, 1), 2, 1, 16, 127, 0.9));
    cases.add(new Case(new ConvolutionShape(6, 6, 10, 3, 3, 1, 1), 2, 1, 255, 127, 0.9));
    // Several vectors to a row, maps wider than high, other borders, kernels beyond the map.
    cases.add(new Case(new ConvolutionShape(3, 70, 6, 3, 3, 1, 1), 3, 2, 1, 127, 0.5, 1, 0));
    cases.add(new Case(new ConvolutionShape(8, 8, 6, 3, 3, 1, 1), 1, 2, 1, 127, 0.5, 1, 1));
    cases.add(new Case(new ConvolutionShape(8, 8, 6, 3, 3, 1, 0), 1, 2, 1, 127, 0.5, 1, 2));
    cases.add(new Case(new ConvolutionShape(4, 4, 6, 3, 3, 1, 1), 5, 2, 1, 127, 0.5, 0, 1));
    cases.add(new Case(new ConvolutionShape(2, 2, 6, 3, 3, 1, 1), 4, 2, 1, 127, 0.5, 1, 1));
    cases.add(new Case(new ConvolutionShape(2, 2, 6, 3, 3, 1, 2), 3, 2, 1, 127, 0.5, 0, 0));
    cases.add(new Case(new ConvolutionShape(33, 31, 6, 3, 3, 1, 2), 2, 1, 1, 127, 0.5, 0, 3));
    cases.add(new Case(new ConvolutionShape(16, 16, 6, 3, 5, 1, 4), 1, 1, 1, 127, 0.5, 0, 0));
    cases.add(new Case(new ConvolutionShape(28, 28, 6, 3, 3, 1, 1), 4, 1, 1, 127, 0.5, 0, 0));
    cases.add(new Case(new ConvolutionShape(14, 14, 6, 3, 3, 1, 1), 4, 1, 1, 127, 0.5, 0, 0));
    cases.add(new Case(new ConvolutionShape(7, 7, 6, 3, 3, 1, 1), 4, 1, 1, 127, 0.5, 1, 1));
    cases.add(new Case(new ConvolutionShape(6, 6, 10, 3, 3, 1, 1), 2, 1, 1, 127, 0));
    return cases;
  }

  @ParameterizedTest
  @MethodSource("cases")
  void sumsAreExact(Case test) {
    assertThat(test.forward(VECTOR, false)).containsExactly(test.expected());
    if (test.most() == 1) {
      assertThat(test.forward(VECTOR, true)).containsExactly(test.expected());
    }
  }

  static void twins() {
    for (Case test : cases()) {
      assertThat(test.forward(SCALAR, false)).containsExactly(test.forward(VECTOR, false));
      if (test.most() == 1) {
        assertThat(test.forward(SCALAR, true)).containsExactly(test.forward(VECTOR, true));
      }
    }
    neuronTwins();
  }

  private static void neuronTwins() {
    int fired = 0;
    for (Case test : cases()) {
      for (NeuronConstants neuron : Cases.forwardNeurons()) {
        MemorySegment spikes = test.fire(VECTOR, test.most() == 1, neuron);
        assertThat(test.fire(SCALAR, test.most() == 1, neuron).mismatch(spikes)).isEqualTo(-1);
        fired += VECTOR.countSum(spikes, 0, (int) (spikes.byteSize() / Short.BYTES));
      }
    }
    assertThat(fired).isPositive();
  }

  static void foldTwins() {
    for (Case test : cases()) {
      IntegerConvolution c = test.convolution(test.most() == 1);
      assertThat(test.folded(VECTOR, c).mismatch(test.folded(SCALAR, c))).isEqualTo(-1);
    }
  }

  static void sumTwins() {
    MemorySegment counts = Arena.ofAuto().allocate(200_000 * Short.BYTES, Short.BYTES);
    SplittableRandom random = new SplittableRandom(3);
    int[] before = new int[200_001];
    for (int k = 0; k < 200_000; k++) {
      short count = (short) (random.nextInt(4) == 0 ? random.nextInt(17) : 16);
      counts.setAtIndex(ValueLayout.JAVA_SHORT, k, count);
      before[k + 1] = before[k] + count;
    }
    for (int count : new int[] {0, 1, 31, 32, 33, 500, 199_990}) {
      int expected = before[7 + count] - before[7];
      assertThat(SCALAR.countSum(counts, 7, count)).isEqualTo(expected);
      assertThat(VECTOR.countSum(counts, 7, count)).isEqualTo(expected);
    }
  }

  @Test
  void whatDoesNotFitIsRefused() {
    var shape = new ConvolutionShape(4, 4, 2, 2, 3, 1, 1);
    Planes in = shape.input(1, 1);
    Planes out = shape.output(1, 0);
    WeightRows rows = Floats.rows(2, new float[36]);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> IntegerConvolution.ofCounts(shape, in, out, rows, 300))
        .withMessageStartingWith("sums of counts up to 300 are not exact");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> IntegerConvolution.ofPatterns(shape, out, in.stacked(2), rows))
        .withMessageContaining("are not the planes of");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> IntegerConvolution.ofCounts(shape, in, out, Floats.rows(2, new float[34]), 1))
        .withMessage("there must be 18 weights in each of 2 rows, not 17 in row 0");
    var strided = new ConvolutionShape(4, 4, 2, 2, 3, 2, 1);
    assertThat(IntegerConvolution.fits(strided, 1)).isFalse();
    var c = IntegerConvolution.ofCounts(shape, in, out, rows, 1);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> c.between(c.in().stacked(2), c.out()))
        .withMessageContaining("are not the planes of");
    MemorySegment same = Arena.ofAuto().allocate(100_000, 64);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> VECTOR.integerConvForward(c, same, same, 1, 0, 1, 0, 2))
        .withMessage("elements and sums overlap");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> VECTOR.foldCounts(c, same, same, 1, 0, 1))
        .withMessage("counts and elements overlap");
  }
}
