package dev.coppice.kernels;

/**
 * The weights {@code [O, k, k, I]} of a convolution by output channels, so that they need not be
 * there all at once.
 */
@FunctionalInterface
public interface WeightRows {
  /** Shows the rows of all output channels in order. */
  void forEach(Visitor visitor);

  /** Looks at rows. */
  @FunctionalInterface
  interface Visitor {
    /**
     * Looks at the weights of an output channel.
     *
     * @param out its index
     * @param weights {@code [k, k, I]}; the array may hold the next row once this has returned
     */
    void row(int out, float[] weights);
  }
}
