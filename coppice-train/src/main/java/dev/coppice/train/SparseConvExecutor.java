package dev.coppice.train;

import ai.djl.ndarray.NDArray;
import dev.coppice.graph.Op;
import dev.coppice.kernels.ConvolutionShape;
import dev.coppice.kernels.Kernels;
import dev.coppice.kernels.Planes;
import dev.coppice.kernels.SparseConvolution;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A convolution by its surviving weights alone, all three ways: the output, the gradient of the
 * input, and the gradient of the weights, which is zero where a weight does not survive.
 */
final class SparseConvExecutor implements Executor {
  /** Entries of a row from which on many rows had better be computed together. */
  private static final int WIDE = 24;

  /** Floats of a group of inputs that stay in the second cache while rows read them. */
  private static final int FEW_FLOATS = 384 << 10;

  /** Parts of the rows for every group, or for every thread. */
  private static final int WIDE_PARTS = 2;

  private final String node;
  private final String weight;
  private final ConvolutionShape shape;
  private final Parameters parameters;
  private final boolean inputGradient;
  private final Executor dense;
  private final ConvolutionChoice choice;
  private final Kernels kernels;
  private final PlaneStore store;

  /** By the images side by side; those of another mask are thrown away. */
  private final Map<Integer, Structure> structures = new HashMap<>();

  private int maskVersion = -1;

  /** The surviving weights for both directions. */
  private record Structure(SparseConvolution forward, @Nullable SparseConvolution turned) {}

  SparseConvExecutor(
      String node,
      ConvolutionShape shape,
      Parameters parameters,
      boolean inputGradient,
      Executor dense,
      ConvolutionChoice choice,
      Kernels kernels,
      PlaneStore store) {
    this.node = node;
    this.weight = node + ".weight";
    this.shape = shape;
    this.parameters = parameters;
    this.inputGradient = inputGradient;
    this.dense = dense;
    this.choice = choice;
    this.kernels = kernels;
    this.store = store;
  }

  /** Returns the shape of a convolution that can be computed so, or null. */
  static @Nullable ConvolutionShape shape(Op.Conv2d conv, dev.coppice.graph.Shape.Map in) {
    if (conv.groups() != 1 || conv.bias() || conv.padding() >= conv.kernel()) {
      return null;
    }
    try {
      ConvolutionShape shape =
          new ConvolutionShape(
              in.height(),
              in.width(),
              conv.inChannels(),
              conv.outChannels(),
              conv.kernel(),
              conv.stride(),
              conv.padding());
      int border = Math.max(shape.inputBorder(), shape.outputBorder());
      var _ = shape.input(Planes.LANES, border);
      var _ = shape.output(Planes.LANES, border);
      return shape;
    } catch (IllegalArgumentException e) {
      return null; // Larger than the kernels can address.
    }
  }

  @Override
  public Result forward(List<Activation> inputs, Pass pass) {
    Activation input = inputs.getFirst();
    boolean sparse = choice.sparse(node, pass);
    LayerTimes times = store.times();
    if (times != null) {
      times.explain(node, sparse ? "surviving weights" : "all weights", choice.reason(node, pass));
    }
    if (!sparse) {
      return dense.forward(inputs, pass);
    }
    Structure structure = structure(PlaneStore.group(pass.batch()));
    SparseConvolution c = structure.forward();
    PlaneMaps in = input.maps().planes(c.in(), store);
    in.complete();
    PlaneMaps out = store.take(c.out(), in.images());
    compute(c, in, out, 1);
    Activation activation = new Activation(Maps.of(out, pass.manager()), input.constant());
    if (!pass.training()) {
      return new Result(activation, null);
    }
    in.retain();
    return new Result(activation, (PlaneBackward) gradient -> back(gradient, structure, in, pass));
  }

  /**
   * Computes channels when they are read, or, where rows have so many entries that they had better
   * share what they read, all of them now.
   *
   * @param side planes of a channel of the output
   */
  private void compute(SparseConvolution c, PlaneMaps in, PlaneMaps out, int side) {
    int groups = in.groups();
    if (!wide(c)) {
      out.lazily(
          store.timed(
              node,
              (from, to) ->
                  kernels.sparseConvForward(
                      c, in.memory(), out.memory(), groups, 0, groups, from * side, to * side)),
          in);
      return;
    }
    int half = Math.ceilDiv(c.rows(), WIDE_PARTS);
    PlaneMaps.Filler work =
        store.timed(
            node,
            (from, to) -> {
              for (int part = from; part < to; part++) {
                int group = part / WIDE_PARTS;
                int row = part % WIDE_PARTS * half;
                kernels.sparseConvForward(
                    c,
                    in.memory(),
                    out.memory(),
                    groups,
                    group,
                    group + 1,
                    Math.min(row, c.rows()),
                    Math.min(row + half, c.rows()));
              }
            });
    store
        .parallel()
        .run((long) groups * WIDE_PARTS, 1, (from, to) -> work.fill((int) from, (int) to));
  }

  private static boolean wide(SparseConvolution c) {
    return c.entries() > WIDE * c.rows() || c.in().groupFloats() > FEW_FLOATS;
  }

  private @Nullable Maps back(Maps gradient, Structure structure, PlaneMaps in, Pass pass) {
    SparseConvolution c = structure.forward();
    PlaneMaps gradOut = gradient.takePlanes(c.out(), store);
    float[] entries = new float[c.entries()];
    int groups = in.groups();
    PlaneMaps.Filler work =
        store.timed(
            node,
            (from, to) ->
                kernels.sparseConvWeightGradient(
                    c, in.memory(), gradOut.memory(), entries, groups, from, to));
    if (wide(c)) {
      gradOut.complete();
      int part = Math.ceilDiv(c.rows(), WIDE_PARTS * store.parallel().threads());
      store.parallel().run(c.rows(), part, (from, to) -> work.fill((int) from, (int) to));
    } else {
      gradOut.each(work);
    }
    in.release();
    NDArray weightGradient = pass.manager().zeros(parameters.view(weight).getShape());
    c.scatter(entries, Memory.of(weightGradient));
    pass.gradients().put(weight, weightGradient);
    SparseConvolution turned = structure.turned();
    if (turned == null) {
      gradOut.release();
      return null;
    }
    PlaneMaps gradIn = store.takeUnclean(turned.out(), in.images());
    compute(turned, gradOut, gradIn, shape.stride() * shape.stride());
    gradOut.release();
    return Maps.of(gradIn, pass.manager());
  }

  /** Returns the structure with the weights' present values. */
  private Structure structure(int group) {
    if (maskVersion != parameters.maskVersion()) {
      structures.clear();
      maskVersion = parameters.maskVersion();
    }
    MemorySegment weights = Memory.of(parameters.view(weight));
    Structure known = structures.get(group);
    if (known == null) {
      Planes in = shape.input(group, store.border());
      Planes out = shape.output(group, store.border());
      SparseConvolution forward =
          SparseConvolution.of(shape, in, out, weights, parameters.survivors(weight));
      known = new Structure(forward, inputGradient ? forward.transposed(out, in) : null);
      structures.put(group, known);
    } else {
      known.forward().refresh(weights);
      if (known.turned() != null) {
        known.turned().refresh(weights);
      }
    }
    return known;
  }
}
