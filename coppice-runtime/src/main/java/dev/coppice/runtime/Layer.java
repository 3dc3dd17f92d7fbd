package dev.coppice.runtime;

import dev.coppice.graph.GraphException;
import dev.coppice.graph.Op;
import dev.coppice.graph.Shape;
import dev.coppice.graph.Weights;
import dev.coppice.kernels.ByteConvolution;
import dev.coppice.kernels.ConvolutionShape;
import dev.coppice.kernels.DenseConvolution;
import dev.coppice.kernels.IntegerConvolution;
import dev.coppice.kernels.Planes;
import dev.coppice.kernels.SparseConvolution;
import dev.coppice.kernels.SpikeColumns;
import dev.coppice.kernels.SpikeConvolution;
import dev.coppice.kernels.WeightRows;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * A convolution or a linear layer as the network describes it; a linear layer is a convolution of a
 * map of one pixel.
 *
 * @param all the network's weights, of which only the surviving ones of the layer may be in memory
 */
record Layer(String node, Shape.Map in, Op.Conv2d conv, Weights all) {
  /** Floats of the planes of a layer, and weights, up to which sparse kernels address them. */
  private static final int MOST_FLOATS = 1 << 27;

  private String tensor() {
    return node + ".weight";
  }

  /** Returns k·k·I/groups: how many weights an output channel has, pruned or not. */
  int rowWeights() {
    return conv.kernel() * conv.kernel() * conv.inChannels() / conv.groups();
  }

  /** Returns what share of the weights is not zero. */
  double density() {
    return all.countNonZero(tensor()) / ((double) rowWeights() * conv.outChannels());
  }

  /** Returns the scales of the rows if weights are whole numbers times these, or null. */
  float @Nullable [] scales() {
    return all.scales(tensor());
  }

  /** Shows the weights {@code [k, k, I/groups]} of every output channel. */
  private void weights(WeightRows.Visitor visitor) {
    all.forEachRow(tensor(), visitor::row);
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

  /** Returns the surviving weights between such planes. */
  SparseConvolution compress(ConvolutionShape shape, Planes from, Planes to) {
    return SparseConvolution.of(shape, from, to, this::weights);
  }

  /**
   * Returns the surviving weights in whole numbers between such planes.
   *
   * @param rowScales the {@link #scales}
   * @param levels how many spikes are counted together at most
   * @param patterns whether single spikes of several channels are taken together
   */
  IntegerConvolution compress(
      ConvolutionShape shape,
      Planes from,
      Planes to,
      float[] rowScales,
      int levels,
      boolean patterns) {
    WeightRows rows = codes(rowScales);
    return patterns
        ? IntegerConvolution.ofPatterns(shape, from, to, rows)
        : IntegerConvolution.ofCounts(shape, from, to, rows, levels);
  }

  /**
   * Returns the surviving weights for counts in bytes between such planes.
   *
   * @param rowScales the {@link #scales}
   * @param levels how many spikes are counted together at most
   */
  ByteConvolution compress(
      ConvolutionShape shape, Planes from, Planes to, float[] rowScales, int levels) {
    return ByteConvolution.of(shape, from, to, codes(rowScales), levels);
  }

  /** Returns the weights as multiples of their scales. */
  private WeightRows codes(float[] rowScales) {
    float[] codes = new float[rowWeights()];
    return visitor ->
        weights(
            (out, weights) -> {
              for (int k = 0; k < codes.length; k++) {
                codes[k] = Math.round(weights[k] / rowScales[out]);
              }
              visitor.row(out, codes);
            });
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
    SparseConvolution rows = compress(same, same.input(1, same.inputBorder()), same.output(1, 0));
    return SpikeColumns.of(rows, shape.levels());
  }

  /** Returns how many surviving weights read an input of these spikes. */
  Reach reach(SpikeConvolution shape) {
    return new Reach(
        shape.height(), shape.width(), shape.in(), conv, shape.kernel(), this::weights);
  }

  /** Returns how many surviving weights read an input of the map. */
  Reach reach() {
    return new Reach(in.height(), in.width(), in.channels(), conv, conv.kernel(), this::weights);
  }

  /** Returns the weights for the spike-driven kernels. */
  MemorySegment pack(SpikeConvolution shape) {
    MemorySegment packed = shape.allocateWeights(Arena.ofAuto());
    try (Arena arena = Arena.ofConfined()) {
      int row = rowWeights();
      MemorySegment dense = arena.allocate(ValueLayout.JAVA_FLOAT, (long) row * conv.outChannels());
      weights(
          (out, weights) ->
              MemorySegment.copy(
                  weights, 0, dense, ValueLayout.JAVA_FLOAT, (long) out * row * Float.BYTES, row));
      shape.packWeights(dense, packed, 0, conv.outChannels());
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
    shape.packWeights(all.get(tensor()).data(), packed);
    return packed;
  }
}
