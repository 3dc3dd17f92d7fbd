package dev.coppice.kernels;

import static dev.coppice.kernels.KernelsTwinTest.SCALAR;
import static dev.coppice.kernels.KernelsTwinTest.VECTOR;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Sparse convolutions of marks against those of planes: the same marks in all sums. */
class PlaneMarksTest {
  private static final List<SparseCase> CASES =
      List.of(
          new SparseCase(new ConvolutionShape(8, 8, 5, 4, 3, 1, 1), 32, 16, 0, 0.4),
          new SparseCase(new ConvolutionShape(5, 7, 3, 6, 3, 1, 1), 16, 16, 0, 1),
          new SparseCase(new ConvolutionShape(4, 3, 20, 3, 3, 1, 1), 16, 16, 1, 0.1),
          new SparseCase(new ConvolutionShape(9, 6, 4, 3, 5, 1, 1), 16, 16, 0, 0.5),
          new SparseCase(new ConvolutionShape(9, 9, 3, 5, 3, 2, 1), 16, 16, 0, 0.5),
          new SparseCase(new ConvolutionShape(33, 20, 9, 2, 3, 1, 1), 16, 16, 0, 0.3));

  private static float[] spikes(SparseCase test) {
    float[] maps = test.maps();
    for (int i = 0; i < maps.length; i++) {
      maps[i] = maps[i] > 0 ? 1 : 0;
    }
    return maps;
  }

  private static MemorySegment marks(Kernels kernels, SparseCase test) {
    Planes planes = test.input();
    MemorySegment spikes = SparseCase.planes(planes, spikes(test), test.images());
    MemorySegment marks = PlaneMarks.allocate(planes, Arena.ofAuto(), test.images());
    int middle = planes.planes() / 2;
    int groups = planes.groups(test.images());
    kernels.packPlaneMarks(planes, spikes, marks, groups, middle, planes.planes());
    kernels.packPlaneMarks(planes, spikes, marks, groups, 0, middle);
    return marks;
  }

  private static MemorySegment forward(Kernels kernels, SparseCase test) {
    SparseConvolution c = test.compressed();
    MemorySegment out = c.out().allocate(Arena.ofAuto(), test.images());
    int groups = c.in().groups(test.images());
    MemorySegment marks = marks(kernels, test);
    int middle = c.rows() / 3;
    kernels.planeMarksForward(c, marks, out, groups, 0, groups, middle, c.rows());
    kernels.planeMarksForward(c, marks, out, groups, 0, 1, 0, middle);
    kernels.planeMarksForward(c, marks, out, groups, 1, groups, 0, middle);
    return out;
  }

  private static float[] weightGradient(Kernels kernels, SparseCase test) {
    SparseConvolution c = test.compressed();
    MemorySegment gradOut = SparseCase.planes(c.out(), test.gradOut(), test.images());
    float[] gradient = new float[c.entries()];
    int groups = c.in().groups(test.images());
    int middle = c.rows() / 3;
    MemorySegment marks = marks(kernels, test);
    kernels.planeMarksWeightGradient(c, marks, gradOut, gradient, groups, middle, c.rows());
    kernels.planeMarksWeightGradient(c, marks, gradOut, gradient, groups, 0, middle);
    return gradient;
  }

  static void packTwins() {
    for (SparseCase test : CASES) {
      assertThat(marks(VECTOR, test).mismatch(marks(SCALAR, test))).isEqualTo(-1);
    }
  }

  static void unpackTwins() {
    for (SparseCase test : CASES) {
      Planes planes = test.input();
      int groups = planes.groups(test.images());
      MemorySegment marks = marks(SCALAR, test);
      int middle = planes.planes() / 2;
      MemorySegment expected = SparseCase.planes(planes, spikes(test), test.images());
      for (Kernels kernels : List.of(VECTOR, SCALAR)) {
        MemorySegment found = planes.allocate(Arena.ofAuto(), test.images());
        kernels.unpackPlaneMarks(planes, marks, found, groups, middle, planes.planes());
        kernels.unpackPlaneMarks(planes, marks, found, groups, 0, middle);
        assertThat(found.mismatch(expected)).isEqualTo(-1);
      }
    }
  }

  static void forwardTwins() {
    for (SparseCase test : CASES) {
      assertThat(Floats.bits(Floats.array(forward(VECTOR, test))))
          .containsExactly(Floats.bits(Floats.array(forward(SCALAR, test))));
    }
  }

  static void weightGradientTwins() {
    for (SparseCase test : CASES) {
      assertThat(Floats.bits(weightGradient(VECTOR, test)))
          .containsExactly(Floats.bits(weightGradient(SCALAR, test)));
    }
  }

  @Test
  void sumsAreThoseOfPlanes() {
    for (SparseCase test : CASES) {
      SparseConvolution c = test.compressed();
      assertThat(PlaneMarks.fit(c)).isTrue();
      MemorySegment in = SparseCase.planes(c.in(), spikes(test), test.images());
      MemorySegment out = c.out().allocate(Arena.ofAuto(), test.images());
      int groups = c.in().groups(test.images());
      VECTOR.sparseConvForward(c, in, out, groups, 0, groups, 0, c.rows());
      assertThat(Floats.bits(Floats.array(forward(VECTOR, test))))
          .containsExactly(Floats.bits(Floats.array(out)));
      float[] gradient = new float[c.entries()];
      MemorySegment gradOut = SparseCase.planes(c.out(), test.gradOut(), test.images());
      VECTOR.sparseConvWeightGradient(c, in, gradOut, gradient, groups, 0, c.rows());
      assertThat(Floats.bits(weightGradient(VECTOR, test))).containsExactly(Floats.bits(gradient));
    }
  }

  @Test
  void whatDoesNotFitIsRefused() {
    SparseCase eight = new SparseCase(new ConvolutionShape(8, 8, 5, 4, 3, 1, 1), 8, 8, 0, 0.4);
    SparseConvolution c = eight.compressed();
    assertThat(PlaneMarks.fit(c)).isFalse();
    MemorySegment marks = Floats.zeros(4096);
    MemorySegment out = c.out().allocate(Arena.ofAuto(), 8);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> VECTOR.planeMarksForward(c, marks, out, 1, 0, 1, 0, 1))
        .withMessageContaining("cannot read marks");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> VECTOR.packPlaneMarks(c.in(), c.in().allocate(Arena.ofAuto(), 8), marks, 1, 0, 1))
        .withMessageContaining("groups of 16");
    SparseCase fits = CASES.getFirst();
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                VECTOR.planeMarksForward(
                    fits.compressed(), Floats.zeros(1), Floats.zeros(100_000), 2, 0, 2, 0, 1))
        .withMessageContaining("marks must be");
    NeuronConstants neuron = Cases.neurons().getFirst();
    PlaneSteps steps = new PlaneSteps(c.in(), 1, 1, false);
    float[] five = new float[5];
    assertThatIllegalArgumentException()
        .isThrownBy(() -> VECTOR.planeStepsFire(neuron, steps, out, five, five, marks, 0, 1))
        .withMessageContaining("bytes");
    MemorySegment x = c.in().allocate(Arena.ofAuto(), 8);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> VECTOR.planeStepsFire(neuron, steps, x, five, five, marks, 0, 1))
        .withMessageContaining("groups of 16");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> VECTOR.unpackPlaneMarks(c.in(), marks, x, 1, 0, 1))
        .withMessageContaining("groups of 16");
    Planes half = new Planes(5, 4, 4, 8, c.in().border(), 1);
    PlaneAverage average = new PlaneAverage(c.in(), half, 2);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> VECTOR.planeMarksAverage(average, marks, x, 1, 0, 1))
        .withMessageContaining("groups of 16");
  }
}
