package dev.coppice.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The shape of a convolution whose input is spikes, and how its kernels lay out their arrays.
 *
 * <p>An input is a number of spikes of size {@code 1/levels}: 0 or 1 of a neuron, or a multiple of
 * {@code 1/levels} of an average over as many neurons. Packed spikes are {@code [N, H, W, levels,
 * ⌈I/64⌉]} longs: bit {@code i mod 64} of word {@code i/64} of level {@code l} tells whether
 * channel {@code i} has more than {@code l} spikes. Packed weights are {@code [⌈O/64⌉, k, k, I,
 * 64]} floats, the last block of output channels being filled up with zeros, so that what a spike
 * adds to 64 output channels lies in one piece.
 *
 * @param height H of the input
 * @param width W of the input
 * @param in I, input channels
 * @param out O, output channels
 * @param kernel k, side of the square kernel
 * @param stride steps of the kernel in both directions
 * @param padding zeros around the input, fewer than {@code kernel}
 * @param levels the most spikes that an input may have
 */
public record SpikeConvolution(
    int height, int width, int in, int out, int kernel, int stride, int padding, int levels) {
  /** Output channels whose weights lie together. */
  static final int BLOCK = 64;

  /** Bytes of a cache line. */
  static final int ALIGNMENT = 64;

  private static final int MOST_LISTED = 1 << 17;
  private static final int MOST_SCRATCH = 1 << 17;

  /** Channels that are packed at a time: calls had better take multiples. */
  public static final int TILE = 16;

  /** Throws {@link IllegalArgumentException} when the numbers make no convolution. */
  public SpikeConvolution {
    if (height < 1 || width < 1 || in < 1 || out < 1 || kernel < 1 || stride < 1 || levels < 1) {
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
    if (!fits(height, width, in, out, kernel, levels)) {
      throw new IllegalArgumentException("the convolution is too large for spike-driven kernels");
    }
  }

  /** A convolution of the spikes of neurons: 0 or 1. */
  public SpikeConvolution(
      int height, int width, int in, int out, int kernel, int stride, int padding) {
    this(height, width, in, out, kernel, stride, padding, 1);
  }

  /** Returns whether the kernels can address a convolution of this size. */
  public static boolean fits(int height, int width, int in, int out, int kernel, int levels) {
    double plane = (height + kernel - 1.0) * (width + kernel - 1.0) * BLOCK * Float.BYTES;
    double weights = (double) kernel * kernel * in * blocks(out) * BLOCK;
    return plane * Math.max(in * (double) levels, BLOCK) <= Integer.MAX_VALUE
        && weights <= Integer.MAX_VALUE;
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
    return height * width * pixelWords();
  }

  /** Returns the words of packed spikes of a pixel, all levels together. */
  int pixelWords() {
    return levels * words();
  }

  /** Returns the words of a level of a pixel. */
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
    return Math.max(1, MOST_LISTED / (height * width * in * levels));
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
   * Packs the weights of a range of output channels, divided by the levels: what a single spike
   * adds.
   *
   * @param weights {@code [O, k, k, I]}
   * @param packed written
   */
  public void packWeights(MemorySegment weights, MemorySegment packed, int fromOut, int toOut) {
    check(weights, packed, fromOut, toOut);
    transfer(weights, packed, fromOut, toOut, true);
  }

  /**
   * Writes the packed gradients of the weights of a range of output channels, divided by the
   * levels, as {@code [O, k, k, I]}.
   *
   * @param weights written
   */
  public void unpackGradient(MemorySegment packed, MemorySegment weights, int fromOut, int toOut) {
    check(weights, packed, fromOut, toOut);
    transfer(weights, packed, fromOut, toOut, false);
  }

  private void check(MemorySegment weights, MemorySegment packed, int fromOut, int toOut) {
    SpikeArguments.checkRange("output channels", fromOut, toOut, out);
    NeuronArguments.requireFloats(
        "weights", weights, (long) out * kernel * kernel * in * Float.BYTES);
    NeuronArguments.requireFloats("packed", packed, (long) weightFloats() * Float.BYTES);
  }

  /** In tiles, so that neither side's cache lines are read more than once. */
  private void transfer(
      MemorySegment weights, MemorySegment packed, int fromOut, int toOut, boolean pack) {
    int rows = kernel * kernel * in;
    for (int o0 = fromOut; o0 < toOut; o0 += TILE) {
      for (int r0 = 0; r0 < rows; r0 += TILE) {
        for (int o = o0; o < Math.min(toOut, o0 + TILE); o++) {
          int at = o / BLOCK * blockFloats() + o % BLOCK;
          for (int r = r0; r < Math.min(rows, r0 + TILE); r++) {
            long index = (long) o * rows + r;
            long place = at + (long) r * BLOCK;
            if (pack) {
              float weight = weights.getAtIndex(ValueLayout.JAVA_FLOAT, index);
              packed.setAtIndex(ValueLayout.JAVA_FLOAT, place, weight / levels);
            } else {
              float gradient = packed.getAtIndex(ValueLayout.JAVA_FLOAT, place);
              weights.setAtIndex(ValueLayout.JAVA_FLOAT, index, gradient / levels);
            }
          }
        }
      }
    }
  }
}
