package dev.coppice.kernels;

import static dev.coppice.kernels.KernelsTwinTest.SCALAR;
import static dev.coppice.kernels.KernelsTwinTest.VECTOR;
import static dev.coppice.kernels.KernelsTwinTest.assertEqual;

import java.util.List;

/** The dense convolution in the twin test. */
final class DenseConvolutionTwins {
  /** Kernels, strides, paddings, also wider than the kernel, groups; channels around the blocks. */
  static final List<DenseConvolution> SHAPES =
      List.of(
          new DenseConvolution(1, 1, 1, 1, 1, 1, 0, 1),
          new DenseConvolution(1, 1, 100, 10, 1, 1, 0, 1),
          new DenseConvolution(5, 7, 3, 70, 3, 1, 1, 1),
          new DenseConvolution(6, 5, 8, 24, 3, 2, 1, 1),
          new DenseConvolution(9, 8, 4, 64, 5, 3, 4, 1),
          new DenseConvolution(7, 7, 6, 130, 2, 1, 3, 1),
          new DenseConvolution(6, 7, 12, 20, 3, 1, 1, 4),
          new DenseConvolution(5, 4, 6, 6, 3, 1, 1, 6),
          new DenseConvolution(3, 5, 10, 140, 1, 1, 0, 2));

  static final int IMAGES = 3;

  private DenseConvolutionTwins() {}

  static float[] input(DenseConvolution g) {
    return Floats.random(1, IMAGES * g.height() * g.width() * g.in(), 1);
  }

  static float[] weights(DenseConvolution g) {
    return Floats.random(2, g.out() * g.kernel() * g.kernel() * g.in() / g.groups(), 1);
  }

  /** Runs in two calls, parted in the middle of an image where there are rows enough. */
  static float[] forward(Kernels kernels, DenseConvolution g) {
    var packed = Floats.zeros(g.weightFloats());
    g.packWeights(weights(g), packed);
    var out = Floats.zeros(IMAGES * g.outHeight() * g.outWidth() * g.out());
    var in = Floats.of(input(g));
    int rows = IMAGES * g.outHeight();
    int middle = rows / 2;
    kernels.denseConvForward(g, in, packed, out, IMAGES, middle, rows);
    kernels.denseConvForward(g, in, packed, out, IMAGES, 0, middle);
    return Floats.array(out);
  }

  static void forward() {
    for (DenseConvolution g : SHAPES) {
      assertEqual(
          List.of(Floats.bits(forward(VECTOR, g))), List.of(Floats.bits(forward(SCALAR, g))), g);
    }
  }
}
