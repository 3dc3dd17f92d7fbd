package dev.coppice.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * The shape of a convolution whose input is any numbers, and how its kernels lay out their weights:
 * {@code [groups, ⌈O/groups/64⌉, k, k, I/groups, 64]} floats, the last block of output channels of
 * a group being filled up with zeros. A linear layer is a convolution of a map of one pixel.
 *
 * @param height H of the input
 * @param width W of the input
 * @param in I, input channels
 * @param out O, output channels
 * @param kernel k, side of the square kernel
 * @param stride steps of the kernel in both directions
 * @param padding zeros around the input
 * @param groups parts of the channels that are convolved apart
 */
public record DenseConvolution(
    int height, int width, int in, int out, int kernel, int stride, int padding, int groups) {
  private static final int BLOCK = SpikeConvolution.BLOCK;

  /** Throws {@link IllegalArgumentException} when the numbers make no convolution. */
  public DenseConvolution {
    if (height < 1 || width < 1 || in < 1 || out < 1 || kernel < 1 || stride < 1 || groups < 1) {
      throw new IllegalArgumentException("sizes of a convolution must be positive");
    }
    if (in % groups != 0 || out % groups != 0) {
      throw new IllegalArgumentException(
          "%d groups do not divide %d and %d channels".formatted(groups, in, out));
    }
    if (padding < 0) {
      throw new IllegalArgumentException("padding must not be negative: " + padding);
    }
    if (height + 2L * padding < kernel || width + 2L * padding < kernel) {
      throw new IllegalArgumentException(
          "a kernel of %d does not fit into %d x %d".formatted(kernel, height, width));
    }
    double area = (height + 2.0 * padding) * (width + 2.0 * padding);
    int groupIn = in / groups;
    double padded = area * groupIn;
    double blocks = Math.ceilDiv(out / groups, BLOCK);
    double weights = groups * blocks * BLOCK * kernel * kernel * groupIn;
    double results = area / stride / stride * out;
    if (Math.max(padded, Math.max(weights, results)) > Integer.MAX_VALUE / 2.0) {
      throw new IllegalArgumentException("the convolution is too large");
    }
  }

  /** Returns the height of the output. */
  public int outHeight() {
    return (height + 2 * padding - kernel) / stride + 1;
  }

  /** Returns the width of the output. */
  public int outWidth() {
    return (width + 2 * padding - kernel) / stride + 1;
  }

  /** Returns the floats of packed weights. */
  public int weightFloats() {
    return groups * blocks() * blockFloats();
  }

  /** Returns memory for packed weights, zero, at the boundary of a cache line. */
  public MemorySegment allocateWeights(Arena arena) {
    return arena.allocate((long) weightFloats() * Float.BYTES, SpikeConvolution.ALIGNMENT);
  }

  /**
   * Packs all weights.
   *
   * @param weights {@code [O, k, k, I/groups]}
   * @param packed written
   * @throws IllegalArgumentException if either is too small
   */
  public void packWeights(float[] weights, MemorySegment packed) {
    int rows = kernel * kernel * groupIn();
    if (weights.length < out * rows) {
      throw new IllegalArgumentException(
          "weights must have at least %d floats, not %d".formatted(out * rows, weights.length));
    }
    NeuronArguments.requireFloats("packed", packed, (long) weightFloats() * Float.BYTES);
    for (int o = 0; o < out; o++) {
      int inGroup = o % groupOut();
      long at =
          ((long) o / groupOut() * blocks() + inGroup / BLOCK) * blockFloats() + inGroup % BLOCK;
      for (int r = 0; r < rows; r++) {
        packed.setAtIndex(ValueLayout.JAVA_FLOAT, at + (long) r * BLOCK, weights[o * rows + r]);
      }
    }
  }

  int groupIn() {
    return in / groups;
  }

  int groupOut() {
    return out / groups;
  }

  /** Blocks of output channels of a group. */
  int blocks() {
    return Math.ceilDiv(groupOut(), BLOCK);
  }

  int blockFloats() {
    return kernel * kernel * groupIn() * BLOCK;
  }

  int paddedWidth() {
    return width + 2 * padding;
  }

  /** Floats of a group's part of an image with its border. */
  int paddedFloats() {
    return (height + 2 * padding) * paddedWidth() * groupIn();
  }

  /** Copies a group's part of an image into the middle of a border of zeros. */
  void pad(MemorySegment in, int image, int group, float[] padded) {
    int channels = groupIn();
    int at = 0;
    for (int y = -padding; y < height + padding; y++) {
      boolean inside = y >= 0 && y < height;
      int row = paddedWidth() * channels;
      if (!inside) {
        Arrays.fill(padded, at, at + row, 0);
        at += row;
        continue;
      }
      int side = padding * channels;
      Arrays.fill(padded, at, at + side, 0);
      Arrays.fill(padded, at + row - side, at + row, 0);
      long from = ((long) image * height + y) * width * this.in + (long) group * channels;
      if (groups == 1) {
        MemorySegment.copy(
            in, ValueLayout.JAVA_FLOAT, from * Float.BYTES, padded, at + side, width * channels);
      } else {
        for (int x = 0; x < width; x++) {
          MemorySegment.copy(
              in,
              ValueLayout.JAVA_FLOAT,
              (from + (long) x * this.in) * Float.BYTES,
              padded,
              at + side + x * channels,
              channels);
        }
      }
      at += row;
    }
  }

  /** Where the results of a position's channels of a block begin. */
  long resultAt(int image, int y, int x, int group, int block) {
    return (((long) image * outHeight() + y) * outWidth() + x) * out
        + (long) group * groupOut()
        + (long) block * BLOCK;
  }
}
