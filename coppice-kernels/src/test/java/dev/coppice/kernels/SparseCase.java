package dev.coppice.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;

/**
 * A sparse convolution with numbers for everything, for tests. Memory is just as large as it must
 * be.
 *
 * @param images N of {@code [S, N, …]}
 * @param stack S
 * @param density part of the weights that survive
 */
record SparseCase(
    ConvolutionShape shape, int images, int group, int spare, double density, int stack) {
  SparseCase(ConvolutionShape shape, int images, int group, int spare, double density) {
    this(shape, images, group, spare, density, 1);
  }

  Planes input() {
    return shape.input(group, shape.inputBorder() + spare).stacked(stack);
  }

  Planes output() {
    return shape.output(group, shape.outputBorder() + spare).stacked(stack);
  }

  int allMaps() {
    return stack * images;
  }

  int inFloats() {
    return allMaps() * shape.height() * shape.width() * shape.in();
  }

  int outFloats() {
    return allMaps() * shape.outHeight() * shape.outWidth() * shape.out();
  }

  /** Spikes, averages of them, and whole channels of silence. */
  float[] maps() {
    SplittableRandom random = new SplittableRandom(1);
    float[] maps = new float[inFloats()];
    for (int k = 0; k < maps.length; k++) {
      boolean fires = k % shape.in() % 5 != 3 && random.nextDouble() < 0.3;
      maps[k] = fires ? (1 + random.nextInt(4)) / 4f : 0;
    }
    return maps;
  }

  float[] gradOut() {
    return Floats.random(2, outFloats(), 1);
  }

  float[] weights() {
    float[] weights = Floats.random(3, shape.weights(), 1);
    SplittableRandom random = new SplittableRandom(4);
    for (int k = 0; k < weights.length; k++) {
      if (random.nextDouble() >= density) {
        weights[k] = 0;
      }
    }
    return weights;
  }

  SparseConvolution compressed() {
    return SparseConvolution.of(shape, input(), output(), Floats.of(weights()));
  }

  static MemorySegment planes(Planes planes, float[] maps, int images) {
    MemorySegment segment = planes.allocate(Arena.ofAuto(), images);
    planes.fromMaps(Floats.of(maps), segment, images);
    return segment;
  }

  MemorySegment forward(Kernels kernels, SparseConvolution c, float[] maps) {
    int groups = c.in().groups(images);
    MemorySegment in = planes(c.in(), maps, images);
    MemorySegment out = c.out().allocate(Arena.ofAuto(), images);
    int middle = c.rows() / 3;
    kernels.sparseConvForward(c, in, out, groups, 0, groups, middle, c.rows());
    kernels.sparseConvForward(c, in, out, groups, groups / 2, groups, 0, middle);
    kernels.sparseConvForward(c, in, out, groups, 0, groups / 2, 0, middle);
    return out;
  }

  float[] weightGradient(Kernels kernels) {
    SparseConvolution c = compressed();
    int groups = c.in().groups(images);
    MemorySegment in = planes(c.in(), maps(), images);
    MemorySegment gradOut = planes(c.out(), gradOut(), images);
    float[] gradient = new float[c.entries()];
    int middle = c.rows() / 2;
    kernels.sparseConvWeightGradient(c, in, gradOut, gradient, groups, middle, c.rows());
    kernels.sparseConvWeightGradient(c, in, gradOut, gradient, groups, 0, middle);
    return gradient;
  }
}
