package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * The surviving weights of a convolution, compressed by columns: for every input channel the list
 * of what one of its spikes adds, and where. The work is that of the synaptic operations that are
 * left, spikes × surviving weights; where fewer than about one input in fifteen is a spike it is
 * done sooner than that of {@link SparseConvolution}.
 *
 * <p>Sums begin with 0 and go through the pixels of the input, their levels, channels and entries
 * in order.
 */
public final class SpikeColumns {
  private static final ThreadLocal<float[]> SUMS = ThreadLocal.withInitial(() -> new float[0]);

  private final ConvolutionShape shape;
  private final int levels;
  private final int[] starts;

  /** Floats from an input's pixel, taken as one of the padded output, to the output's sum. */
  private final int[] offsets;

  private final float[] values;

  private SpikeColumns(ConvolutionShape shape, int levels, SparseConvolution turned) {
    this.shape = shape;
    this.levels = levels;
    this.starts = turned.starts;
    this.offsets = new int[turned.entries()];
    this.values = new float[turned.entries()];
    for (int entry = 0; entry < values.length; entry++) {
      int k = turned.dense()[entry];
      int tap = k / shape.in() % shape.taps();
      int down = SparseConvolution.down(shape, tap) * paddedWidth();
      offsets[entry] =
          k / shape.in() / shape.taps()
              - (down + SparseConvolution.right(shape, tap)) * shape.out();
      values[entry] = turned.values[entry] / levels;
    }
  }

  /**
   * Compresses the weights that survive in a structure.
   *
   * @param rows the same weights by rows, not transposed
   * @param levels the most spikes that an input may have, each of size {@code 1/levels}
   * @throws IllegalArgumentException when the padded output of an image is too large
   */
  public static SpikeColumns of(SparseConvolution rows, int levels) {
    if (levels < 1) {
      throw new IllegalArgumentException("levels must be positive, not " + levels);
    }
    ConvolutionShape shape = rows.shape();
    int border = shape.outputBorder();
    double padded =
        (shape.outHeight() + 2.0 * border) * (shape.outWidth() + 2.0 * border) * shape.out();
    if (padded > Integer.MAX_VALUE / 4.0) {
      throw new IllegalArgumentException("the convolution is too large for spike-driven kernels");
    }
    return new SpikeColumns(
        shape, levels, rows.transposed(shape.output(1, border), shape.input(1, 0)));
  }

  private int paddedWidth() {
    return shape.outWidth() + 2 * shape.outputBorder();
  }

  private int paddedFloats() {
    return (shape.outHeight() + 2 * shape.outputBorder()) * paddedWidth() * shape.out();
  }

  void check(long[] packed, MemorySegment out, int images, int fromImage, int toImage) {
    Planes.requireImages(images);
    SpikeArguments.checkRange("images", fromImage, toImage, images);
    long words = Math.multiplyExact((long) images * shape.height() * shape.width(), pixelWords());
    SpikeArguments.requireWords(packed, words);
    NeuronArguments.requireFloats("output", out, images * outFloats() * Float.BYTES);
  }

  private long outFloats() {
    return (long) shape.outHeight() * shape.outWidth() * shape.out();
  }

  private int pixelWords() {
    return Math.multiplyExact(levels, Math.ceilDiv(shape.in(), Long.SIZE));
  }

  /** The kernel: scattered single sums, that no vector would speed up. */
  void forward(long[] packed, MemorySegment out, int fromImage, int toImage) {
    float[] sums = SUMS.get();
    if (sums.length < paddedFloats()) {
      sums = new float[paddedFloats()];
      SUMS.set(sums);
    }
    int border = shape.outputBorder();
    int row = shape.outWidth() * shape.out();
    for (int image = fromImage; image < toImage; image++) {
      Arrays.fill(sums, 0, paddedFloats(), 0);
      image(packed, image, sums);
      for (int y = 0; y < shape.outHeight(); y++) {
        MemorySegment.copy(
            sums,
            ((y + border) * paddedWidth() + border) * shape.out(),
            out,
            ValueLayout.JAVA_FLOAT,
            (image * outFloats() + (long) y * row) * Float.BYTES,
            row);
      }
    }
  }

  private void image(long[] packed, int image, float[] sums) {
    int stride = shape.stride();
    int words = Math.ceilDiv(shape.in(), Long.SIZE);
    int border = shape.outputBorder();
    int word = image * shape.height() * shape.width() * pixelWords();
    for (int y = 0; y < shape.height(); y++) {
      for (int x = 0; x < shape.width(); x++) {
        int place = ((y / stride + border) * paddedWidth() + x / stride + border) * shape.out();
        int part = y % stride * stride + x % stride;
        for (int k = 0; k < pixelWords(); k++) {
          long bits = packed[word++];
          while (bits != 0) {
            int channel = k % words * Long.SIZE + Long.numberOfTrailingZeros(bits);
            add(sums, place, channel * stride * stride + part);
            bits &= bits - 1;
          }
        }
      }
    }
  }

  private void add(float[] sums, int place, int column) {
    int end = starts[column + 1];
    for (int entry = starts[column]; entry < end; entry++) {
      sums[place + offsets[entry]] += values[entry];
    }
  }
}
