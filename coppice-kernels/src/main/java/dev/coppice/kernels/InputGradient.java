package dev.coppice.kernels;

/**
 * The gradient of the input of a 3×3 convolution of stride 1: a convolution of the output's
 * gradient with the kernel turned by half a circle. It is computed by Winograd's minimal filtering
 * F(4×4, 3×3) (Lavin and Gray, arXiv 1509.09308), with a quarter of the multiplications: every tile
 * of 4×4 results comes from 6×6 gradients, transformed into 36 frequencies, at each of which the
 * channels are mixed by a matrix product. Results differ from those of plain sums by about {@code
 * 1e-5} of the largest.
 *
 * <p>Transformed weights are {@code [36, ⌈I/32⌉, O, 32]} floats, filled up with zeros.
 *
 * @param height H of the input
 * @param width W of the input
 * @param in I, input channels: those of the result
 * @param out O, output channels: those that are read
 * @param padding zeros around the input of the convolution, at most 2
 */
public record InputGradient(int height, int width, int in, int out, int padding) {
  /** Rows and columns of results that a tile has. */
  static final int TILE = 4;

  /** Rows and columns of gradients that a tile is made from. */
  static final int PATCH = 6;

  /** Values that a transformed tile or kernel has for each channel. */
  static final int FREQUENCIES = PATCH * PATCH;

  /** Result channels whose transformed weights lie together. */
  static final int PANEL = 32;

  /** Tiles whose channels are mixed in registers at a time: calls had better take multiples. */
  public static final int GRAIN = 6;

  /** Tiles that are transformed at a time, so that they stay in the second cache. */
  static final int BLOCK = 4 * GRAIN;

  /** The channels are multiples of the longest vector. */
  private static final int LANES = 16;

  /** Keeps the frequencies of a tile off the same few sets of a cache. */
  private static final int SKEW = 16;

  /** Throws {@link IllegalArgumentException} if the kernels cannot compute it. */
  public InputGradient {
    if (!fits(height, width, in, out, 3, 1, padding)) {
      throw new IllegalArgumentException(
          "no input gradient of %d x %d x %d from %d channels with padding %d"
              .formatted(height, width, in, out, padding));
    }
  }

  /**
   * Returns whether the kernels compute such a gradient, and save work by it: maps must hold a
   * tile, and channels be multiples of 16.
   */
  public static boolean fits(
      int height, int width, int in, int out, int kernel, int stride, int padding) {
    return kernel == 3
        && stride == 1
        && padding >= 0
        && padding <= 2
        && Math.min(height, width) >= TILE
        && Math.min(in, out) >= LANES
        && in % LANES == 0
        && out % LANES == 0
        && (long) FREQUENCIES * out * (in + (long) PANEL) <= Integer.MAX_VALUE
        && (long) FREQUENCIES * BLOCK * (Math.max(in, out) + (long) PANEL) <= Integer.MAX_VALUE;
  }

  /** Returns the floats of transformed weights. */
  public int transformedFloats() {
    return FREQUENCIES * plane();
  }

  /** Returns the tiles of so many images. */
  public long tiles(int images) {
    return (long) images * tilesHigh() * tilesWide();
  }

  int tilesHigh() {
    return Math.ceilDiv(height, TILE);
  }

  int tilesWide() {
    return Math.ceilDiv(width, TILE);
  }

  int outHeight() {
    return height + 2 * padding - 2;
  }

  int outWidth() {
    return width + 2 * padding - 2;
  }

  /** Zeros around the gradient that the turned kernel reaches over. */
  int border() {
    return 2 - padding;
  }

  /** Floats of the transformed weights of a frequency. */
  int plane() {
    return Math.ceilDiv(in, PANEL) * PANEL * out;
  }

  /** Channels of a mixed tile, filled up to whole panels. */
  int mixed() {
    return Math.ceilDiv(in, PANEL) * PANEL;
  }

  /** Floats from a frequency to the next of transformed tiles. */
  int transformedStride() {
    return BLOCK * out + SKEW;
  }

  /** Floats from a frequency to the next of mixed tiles. */
  int mixedStride() {
    return BLOCK * mixed() + SKEW;
  }

  /** Where the transformed weights of an output channel for a result channel begin. */
  int weightAt(int outChannel, int inChannel) {
    return (inChannel / PANEL * out + outChannel) * PANEL + inChannel % PANEL;
  }
}
