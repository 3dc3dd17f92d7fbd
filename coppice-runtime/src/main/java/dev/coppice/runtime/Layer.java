package dev.coppice.runtime;

import dev.coppice.graph.GraphException;
import dev.coppice.graph.Op;
import dev.coppice.graph.Shape;
import dev.coppice.kernels.ConvolutionShape;
import dev.coppice.kernels.DenseConvolution;
import dev.coppice.kernels.IntegerConvolution;
import dev.coppice.kernels.SparseConvolution;
import dev.coppice.kernels.SpikeColumns;
import dev.coppice.kernels.SpikeConvolution;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * A convolution or a linear layer as the network describes it; a linear layer is a convolution of a
 * map of one pixel.
 *
 * @param weights {@code [O, k, k, I/groups]}
 * @param scales of the rows of weights that are whole numbers times these, or null
 */
record Layer(
    String node, Shape.Map in, Op.Conv2d conv, float[] weights, float @Nullable [] scales) {
  /** Floats of the planes of a layer, and weights, up to which sparse kernels address them. */
  private static final int MOST_FLOATS = 1 << 27;

  /** Returns what share of the weights is not zero. */
  double density() {
    long count = 0;
    for (float weight : weights) {
      if (weight != 0) {
        count++;
      }
    }
    return count / (double) weights.length;
  }

  /**
   * Returns the shape for spike-driven kernels, or null if they do not compute it. A linear layer
   * that reads a flattened square map is a convolution whose kernel is as large as the map.
   */
  @Nullable SpikeConvolution forSpikes(Value.Spikes spikes) {
    int kernel = conv.kernel();
    if (in.height() == 1 && in.width() == 1 && spikes.pixels() > 1) {
      if (spikes.height() != spikes.width()) {
        return null;
      }
      kernel = spikes.height();
    }
    if (conv.groups() > 1
        || conv.padding() >= kernel
        || !SpikeConvolution.fits(
            spikes.height(),
            spikes.width(),
            spikes.channels(),
            conv.outChannels(),
            kernel,
            spikes.levels())) {
      return null;
    }
    return new SpikeConvolution(
        spikes.height(),
        spikes.width(),
        spikes.channels(),
        conv.outChannels(),
        kernel,
        conv.stride(),
        conv.padding(),
        spikes.levels());
  }

  /** Returns the shape for sparse kernels that read a map, or null if they do not compute it. */
  @Nullable ConvolutionShape forPlanes() {
    return forPlanes(in, conv);
  }

  /** Returns the shape of a convolution for sparse kernels, or null if they do not compute it. */
  static @Nullable ConvolutionShape forPlanes(Shape.Map in, Op.Conv2d conv) {
    if (conv.groups() > 1 || conv.padding() >= conv.kernel()) {
      return null;
    }
    double floats =
        (double) (in.height() + conv.kernel())
            * (in.width() + conv.kernel())
            * Math.max(in.channels(), conv.outChannels());
    double count = (double) conv.kernel() * conv.kernel() * in.channels() * conv.outChannels();
    if (floats > MOST_FLOATS || count > MOST_FLOATS) {
      return null;
    }
    return new ConvolutionShape(
        in.height(),
        in.width(),
        in.channels(),
        conv.outChannels(),
        conv.kernel(),
        conv.stride(),
        conv.padding());
  }

  /** Returns the surviving weights, for any planes of that shape. */
  SparseConvolution compress(ConvolutionShape shape) {
    try (Arena arena = Arena.ofConfined()) {
      return SparseConvolution.of(
          shape,
          shape.input(1, shape.inputBorder()),
          shape.output(1, 0),
          arena.allocateFrom(ValueLayout.JAVA_FLOAT, weights));
    }
  }

  /**
   * Returns the surviving weights in whole numbers, for any planes of that shape.
   *
   * @param rowScales the {@link #scales}
   * @param levels how many spikes are counted together at most
   * @param patterns whether single spikes of several channels are taken together
   */
  IntegerConvolution compress(
      ConvolutionShape shape, float[] rowScales, int levels, boolean patterns) {
    byte[] codes = new byte[weights.length];
    int row = weights.length / rowScales.length;
    for (int k = 0; k < codes.length; k++) {
      codes[k] = (byte) Math.round(weights[k] / rowScales[k / row]);
    }
    return patterns
        ? IntegerConvolution.ofPatterns(shape, codes)
        : IntegerConvolution.ofCounts(shape, codes, levels);
  }

  /** Returns the surviving weights by input channel. */
  SpikeColumns compress(SpikeConvolution shape) {
    ConvolutionShape same =
        new ConvolutionShape(
            shape.height(),
            shape.width(),
            shape.in(),
            shape.out(),
            shape.kernel(),
            shape.stride(),
            shape.padding());
    try (Arena arena = Arena.ofConfined()) {
      return SpikeColumns.of(
          compress(same), shape.levels(), arena.allocateFrom(ValueLayout.JAVA_FLOAT, weights));
    }
  }

  /** Returns how many surviving weights read an input of these spikes. */
  Reach reach(SpikeConvolution shape) {
    return new Reach(shape.height(), shape.width(), shape.in(), conv, shape.kernel(), weights);
  }

  /** Returns how many surviving weights read an input of the map. */
  Reach reach() {
    return new Reach(in.height(), in.width(), in.channels(), conv, conv.kernel(), weights);
  }

  /** Returns the weights for the spike-driven kernels. */
  MemorySegment pack(SpikeConvolution shape) {
    MemorySegment packed = shape.allocateWeights(Arena.ofAuto());
    try (Arena arena = Arena.ofConfined()) {
      shape.packWeights(
          arena.allocateFrom(ValueLayout.JAVA_FLOAT, weights), packed, 0, conv.outChannels());
    }
    return packed;
  }

  /**
   * Returns the shape for dense kernels.
   *
   * @throws GraphException if it is too large for them
   */
  DenseConvolution dense() {
    try {
      return new DenseConvolution(
          in.height(),
          in.width(),
          in.channels(),
          conv.outChannels(),
          conv.kernel(),
          conv.stride(),
          conv.padding(),
          conv.groups());
    } catch (IllegalArgumentException e) {
      throw new GraphException(node + ": " + e.getMessage(), e);
    }
  }

  /** Returns the weights for the dense kernels. */
  MemorySegment pack(DenseConvolution shape) {
    MemorySegment packed = shape.allocateWeights(Arena.ofAuto());
    shape.packWeights(weights, packed);
    return packed;
  }
}
