package dev.coppice.kernels;

/**
 * The shape of a convolution. A linear layer behind maps of {@code [H, W, C]} is one whose kernel
 * covers the whole map; behind a vector, one of 1×1 maps.
 *
 * @param height H of the input
 * @param width W of the input
 * @param in I, input channels
 * @param out O, output channels
 * @param kernelHeight rows of the kernel
 * @param kernelWidth columns of the kernel
 * @param stride steps of the kernel in both directions
 * @param padding zeros around the input, fewer than the kernel has rows and columns
 */
public record ConvolutionShape(
    int height,
    int width,
    int in,
    int out,
    int kernelHeight,
    int kernelWidth,
    int stride,
    int padding) {
  /** Throws {@link IllegalArgumentException} when the numbers make no convolution. */
  public ConvolutionShape {
    if (height < 1
        || width < 1
        || in < 1
        || out < 1
        || kernelHeight < 1
        || kernelWidth < 1
        || stride < 1) {
      throw new IllegalArgumentException("sizes of a convolution must be positive");
    }
    if (padding < 0 || padding >= Math.min(kernelHeight, kernelWidth)) {
      throw new IllegalArgumentException(
          "padding must be at least 0 and less than the kernel's %d, not %d"
              .formatted(Math.min(kernelHeight, kernelWidth), padding));
    }
    if (height + 2L * padding < kernelHeight || width + 2L * padding < kernelWidth) {
      throw new IllegalArgumentException(
          "a kernel of %d x %d does not fit into %d x %d"
              .formatted(kernelHeight, kernelWidth, height, width));
    }
    if ((double) kernelHeight * kernelWidth * in * out > Integer.MAX_VALUE) {
      throw new IllegalArgumentException("the convolution has too many weights");
    }
    if ((height + 2.0 * padding) * (width + 2.0 * padding) > Integer.MAX_VALUE) {
      throw new IllegalArgumentException("the maps of the convolution are too large");
    }
  }

  /** A convolution with a square kernel. */
  public ConvolutionShape(
      int height, int width, int in, int out, int kernel, int stride, int padding) {
    this(height, width, in, out, kernel, kernel, stride, padding);
  }

  /** A linear layer from {@code [H, W, I]} to {@code [O]}. */
  public static ConvolutionShape linear(int height, int width, int in, int out) {
    return new ConvolutionShape(height, width, in, out, height, width, 1, 0);
  }

  /** Returns the height of the output. */
  public int outHeight() {
    return (height + 2 * padding - kernelHeight) / stride + 1;
  }

  /** Returns the width of the output. */
  public int outWidth() {
    return (width + 2 * padding - kernelWidth) / stride + 1;
  }

  /** Returns the number of weights, {@code O·k·k·I}. */
  public int weights() {
    return out * taps() * in;
  }

  int taps() {
    return kernelHeight * kernelWidth;
  }

  /**
   * Returns the smallest border that planes of the input need for the forward pass and the gradient
   * of the weights.
   */
  public int inputBorder() {
    return Math.max(
        border(kernelHeight, height, outHeight()), border(kernelWidth, width, outWidth()));
  }

  private int border(int kernel, int size, int outSize) {
    int last = outSize - 1 + Math.floorDiv(kernel - 1 - padding, stride);
    return Math.max(-Math.floorDiv(-padding, stride), last - (Math.ceilDiv(size, stride) - 1));
  }

  /** Returns the smallest border that planes of the output's gradient need for the input's. */
  public int outputBorder() {
    return Math.max(
        turnedBorder(kernelHeight, height, outHeight()),
        turnedBorder(kernelWidth, width, outWidth()));
  }

  private int turnedBorder(int kernel, int size, int outSize) {
    int last = Math.ceilDiv(size, stride) - 1 - Math.floorDiv(-padding, stride);
    return Math.max(0, Math.max(Math.floorDiv(kernel - 1 - padding, stride), last - (outSize - 1)));
  }

  /**
   * Returns planes for the input.
   *
   * @param group images side by side
   * @param border zeros around a plane, at least {@link #inputBorder()}
   */
  public Planes input(int group, int border) {
    return new Planes(in, height, width, group, border, stride);
  }

  /**
   * Returns planes for the output.
   *
   * @param group images side by side
   * @param border zeros around a plane: what the next layer wants
   */
  public Planes output(int group, int border) {
    return new Planes(out, outHeight(), outWidth(), group, border, 1);
  }

  /**
   * Checks that planes of single images, as many maps in each, are those of the input and the
   * output.
   *
   * @param border the least border of the input
   */
  void requirePlanes(Planes from, Planes to, int border) {
    Planes input = input(1, from.border()).stacked(from.stack());
    Planes output = output(1, to.border()).stacked(from.stack());
    if (!from.equals(input) || !to.equals(output) || from.border() < border) {
      throw new IllegalArgumentException(
          "%s and %s are not the planes of %s".formatted(from, to, this));
    }
  }

  /** Checks that {@link WeightRows} show an output channel of this convolution. */
  void requireRow(int row, float[] weights) {
    if (row >= out || weights.length != taps() * in) {
      throw new IllegalArgumentException(
          "there must be %d weights in each of %d rows, not %d in row %d"
              .formatted(taps() * in, out, weights.length, row));
    }
  }
}
