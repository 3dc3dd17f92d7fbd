package dev.coppice.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The shape of a convolution whose input is spikes, and how its kernels lay out their arrays.
 *
 * <p>Packed spikes are {@code [N, H, W, ⌈I/64⌉]} longs: bit {@code i mod 64} of word {@code i/64}
 * is the spike of channel {@code i}. Packed weights are {@code [⌈O/64⌉, k, k, I, 64]} floats, the
 * last block of output channels being filled up with zeros, so that what a spike adds to 64 output
 * channels lies in one piece.
 *
 * @param height H of the input
 * @param width W of the input
 * @param in I, input channels
 * @param out O, output channels
 * @param kernel k, side of the square kernel
 * @param stride steps of the kernel in both directions
 * @param padding zeros around the input, fewer than {@code kernel}
 */
public record SpikeConvolution(
    int height, int width, int in, int out, int kernel, int stride, int padding) {
  /** Output channels whose weights lie together. */
  static final int BLOCK = 64;

  /** Bytes of a cache line. */
  static final int ALIGNMENT = 64;

  private static final int MOST_LISTED = 1 << 17;
  private static final int MOST_SCRATCH = 1 << 17;
  private static final int TILE = 16;

  /** Throws {@link IllegalArgumentException} when the numbers make no convolution. */
  public SpikeConvolution {
    if (height < 1 || width < 1 || in < 1 || out < 1 || kernel < 1 || stride < 1) {
      throw new IllegalArgumentException("sizes of a convolution must be positive");
    }
    if (padding < 0 || padding >= kernel) {
      throw new IllegalArgumentException(
          "padding must be at least 0 and less than the kernel's %d, not %d"
              .formatted(kernel, padding));
    }
    if (height + 2L * padding < kernel || width + 2L * padding < kernel) {
      throw new IllegalArgumentException(
          "a kernel of %d does not fit into %d x %d".formatted(kernel, height, width));
    }
    requireInt(
        (height + kernel - 1.0) * (width + kernel - 1) * Math.max(in, BLOCK) * BLOCK * Float.BYTES);
    requireInt((double) kernel * kernel * in * blocks(out) * BLOCK);
  }

  private static void requireInt(double size) {
    if (size > Integer.MAX_VALUE) {
      throw new IllegalArgumentException("the convolution is too large for spike-driven kernels");
    }
  }

  private static int blocks(int out) {
    return Math.ceilDiv(out, BLOCK);
  }

  /** Returns the height of the output. */
  public int outHeight() {
    return (height + 2 * padding - kernel) / stride + 1;
  }

  /** Returns the width of the output. */
  public int outWidth() {
    return (width + 2 * padding - kernel) / stride + 1;
  }

  /** Returns the words of packed spikes of an image. */
  public int imageWords() {
    return height * width * words();
  }

  /** Returns the words of packed spikes of a pixel. */
  int words() {
    return Math.ceilDiv(in, Long.SIZE);
  }

  /**
   * Returns memory for packed weights, zero, at the boundary of a cache line: elsewhere every
   * vector would lie in two.
   */
  public MemorySegment allocateWeights(Arena arena) {
    return arena.allocate((long) weightFloats() * Float.BYTES, ALIGNMENT);
  }

  /** Returns the floats of packed weights. */
  public int weightFloats() {
    return blocks() * blockFloats();
  }

  int blocks() {
    return blocks(out);
  }

  int blockFloats() {
    return kernel * kernel * in * BLOCK;
  }

  /** Images whose spikes are listed at a time, so that lists and weights share the second cache. */
  int listedImages() {
    return Math.max(1, MOST_LISTED / (height * width * in));
  }

  /** Floats of a plane of output gradients with the border that the kernel reaches over. */
  int planeFloats() {
    return planeWidth() * (height + kernel - 1) * BLOCK;
  }

  int planeWidth() {
    return width + kernel - 1;
  }

  /** Images whose part of the gradient of the weights is summed before it is added. */
  int gradientImages() {
    return Math.max(1, MOST_SCRATCH / planeFloats());
  }

  /**
   * Packs weights.
   *
   * @param weights {@code [O, k, k, I]}
   * @param packed written
   */
  public void packWeights(MemorySegment weights, MemorySegment packed) {
    check(weights, packed);
    transfer(weights, packed, true);
  }

  /**
   * Writes packed weights, or gradients of weights, as {@code [O, k, k, I]}.
   *
   * @param weights written
   */
  public void unpackWeights(MemorySegment packed, MemorySegment weights) {
    check(weights, packed);
    transfer(weights, packed, false);
  }

  private void check(MemorySegment weights, MemorySegment packed) {
    NeuronArguments.requireFloats(
        "weights", weights, (long) out * kernel * kernel * in * Float.BYTES);
    NeuronArguments.requireFloats("packed", packed, (long) weightFloats() * Float.BYTES);
  }

  /** In tiles, so that neither side's cache lines are read more than once. */
  private void transfer(MemorySegment weights, MemorySegment packed, boolean pack) {
    int rows = kernel * kernel * in;
    for (int o0 = 0; o0 < out; o0 += TILE) {
      for (int r0 = 0; r0 < rows; r0 += TILE) {
        for (int o = o0; o < Math.min(out, o0 + TILE); o++) {
          int at = o / BLOCK * blockFloats() + o % BLOCK;
          for (int r = r0; r < Math.min(rows, r0 + TILE); r++) {
            long index = (long) o * rows + r;
            if (pack) {
              packed.setAtIndex(
                  ValueLayout.JAVA_FLOAT,
                  at + (long) r * BLOCK,
                  weights.getAtIndex(ValueLayout.JAVA_FLOAT, index));
            } else {
              weights.setAtIndex(
                  ValueLayout.JAVA_FLOAT,
                  index,
                  packed.getAtIndex(ValueLayout.JAVA_FLOAT, at + (long) r * BLOCK));
            }
          }
        }
      }
    }
  }
}
