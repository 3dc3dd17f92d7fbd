package dev.coppice.kernels;

import static dev.coppice.kernels.KernelsTwinTest.SCALAR;
import static dev.coppice.kernels.KernelsTwinTest.VECTOR;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Convolutions of bytes against those in floats, which are exact for such numbers. */
class ByteConvolutionTest {
  /** A convolution whose planes have the borders that it needs. */
  record Case(IntegerConvolutionTest.Case test) {
    Planes in() {
      return test.in();
    }

    Planes out() {
      return test.out();
    }

    MemorySegment counts() {
      MemorySegment shorts = test.counts();
      MemorySegment bytes = in().allocate(Arena.ofAuto(), test.images());
      for (long at = 0; at < (long) in().groups(test.images()) * in().groupFloats(); at++) {
        PlaneNumbers.BYTES.set(bytes, at, PlaneNumbers.COUNTS.get(shorts, at));
      }
      return bytes;
    }

    ByteConvolution convolution() {
      WeightRows rows = Floats.rows(test.shape().out(), test.weights());
      return ByteConvolution.of(test.shape(), in().stacked(1), out().stacked(1), rows, test.most())
          .between(in(), out());
    }

    float[] forward(Kernels kernels) {
      ByteConvolution c = convolution();
      int images = test.images();
      MemorySegment counts = counts();
      MemorySegment sums = out().allocate(Arena.ofAuto(), images);
      int middle = c.rows() / 3;
      kernels.byteConvForward(c, counts, sums, images, 0, images, middle, c.rows());
      kernels.byteConvForward(c, counts, sums, images, images / 2, images, 0, middle);
      kernels.byteConvForward(c, counts, sums, images, 0, images / 2, 0, middle);
      return test.maps(sums);
    }

    /** Returns the spikes of neurons that read the sums, with what is around them. */
    MemorySegment fire(
        Kernels kernels, ByteConvolution c, MemorySegment counts, NeuronConstants neuron) {
      int images = test.images();
      float[] scale = new float[c.rows()];
      Arrays.fill(scale, 2f / (test.most() * test.largest()));
      PlaneNeurons n =
          new PlaneNeurons(
              neuron, out(), out(), scale, Floats.random(4, c.rows(), 0.5), PlaneNumbers.BYTES);
      MemorySegment sums = out().allocate(Arena.ofAuto(), images);
      MemorySegment spikes = out().allocate(Arena.ofAuto(), images).fill((byte) 7);
      int middle = c.rows() / 3;
      kernels.byteNeuronForward(
          c, n, counts, sums, spikes, images, 0, images, middle, c.rows(), null);
      kernels.byteNeuronForward(c, n, counts, sums, spikes, images, 0, images, 0, middle, null);
      return spikes.asSlice(0, (long) out().groupFloats() * images);
    }
  }

  static List<Case> cases() {
    return IntegerConvolutionTest.cases().stream()
        .filter(test -> test.most() <= Byte.MAX_VALUE)
        .flatMap(
            test -> {
              int border = Math.max(test.inBorder(), test.shape().inputBorder());
              return Stream.of(border, test.outBorder())
                  .distinct()
                  .map(around -> new Case(test.withBorders(border, around)));
            })
        .toList();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void sumsAreExact(Case test) {
    assertThat(test.forward(VECTOR)).containsExactly(test.test().expected());
  }

  static void twins() {
    int fired = 0;
    for (Case test : cases()) {
      assertThat(test.forward(SCALAR)).containsExactly(test.forward(VECTOR));
      ByteConvolution c = test.convolution();
      MemorySegment counts = test.counts();
      for (NeuronConstants neuron : Cases.forwardNeurons()) {
        MemorySegment spikes = test.fire(VECTOR, c, counts, neuron);
        assertThat(test.fire(SCALAR, c, counts, neuron).mismatch(spikes)).isEqualTo(-1);
        fired += SCALAR.byteSum(spikes, 0, (int) spikes.byteSize() - 8);
      }
    }
    assertThat(fired).isPositive();
  }

  static void sumTwins() {
    MemorySegment counts = Arena.ofAuto().allocate(200_000, Float.BYTES);
    SplittableRandom random = new SplittableRandom(3);
    int[] before = new int[200_001];
    for (int k = 0; k < 200_000; k++) {
      int count = random.nextInt(4) == 0 ? random.nextInt(129) : 128;
      counts.set(ValueLayout.JAVA_BYTE, k, (byte) -count);
      before[k + 1] = before[k] + count;
    }
    for (int count : new int[] {0, 1, 31, 32, 33, 500, 199_990}) {
      int expected = before[7 + count] - before[7];
      assertThat(SCALAR.byteSum(counts, 7, count)).isEqualTo(expected);
      assertThat(VECTOR.byteSum(counts, 7, count)).isEqualTo(expected);
    }
  }

  @Test
  void whatDoesNotFitIsRefused() {
    var shape = new ConvolutionShape(4, 4, 2, 2, 3, 1, 1);
    Planes in = shape.input(1, 1);
    Planes out = shape.output(1, 0);
    WeightRows rows = Floats.rows(2, new float[36]);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ByteConvolution.of(shape, in, out, rows, 128))
        .withMessageStartingWith("sums of counts up to 128 are not exact");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ByteConvolution.of(shape, shape.input(1, 0), out, rows, 1))
        .withMessageContaining("are not the planes of");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ByteConvolution.of(shape, in, out, Floats.rows(2, new float[34]), 1))
        .withMessage("there must be 18 weights in each of 2 rows, not 17 in row 0");
    assertThat(ByteConvolution.fits(new ConvolutionShape(4, 4, 2, 2, 3, 2, 1), 1)).isFalse();
    var c = ByteConvolution.of(shape, in, out, rows, 1);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> c.between(c.in().stacked(2), c.out()))
        .withMessageContaining("are not the planes of");
    MemorySegment same = Arena.ofAuto().allocate(100_000, 64);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> VECTOR.byteConvForward(c, same, same, 1, 0, 1, 0, 2))
        .withMessage("counts and sums overlap");
  }
}
