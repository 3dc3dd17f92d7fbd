package dev.coppice.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import dev.coppice.graph.Op;
import dev.coppice.kernels.ConvolutionShape;
import dev.coppice.kernels.Kernels;
import dev.coppice.kernels.PlaneMarks;
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
  private final boolean spiking;
  private final boolean inputGradient;
  private final Executor dense;
  private final ConvolutionChoice choice;
  private final ChannelUse use;
  private final Kernels kernels;
  private final PlaneStore store;

  /** By the images side by side; those of another mask are thrown away. */
  private final Map<Integer, Structure> structures = new HashMap<>();

  private int maskVersion = -1;

  /**
   * The surviving weights for both directions.
   *
   * @param order the entries as their weights lie, where the optimizer sees no others; or empty
   */
  private record Structure(
      SparseConvolution forward, @Nullable SparseConvolution turned, int[] order) {}

  /**
   * Makes an executor.
   *
   * @param spiking whether the input is 0 or 1
   */
  SparseConvExecutor(
      String node,
      ConvolutionShape shape,
      boolean spiking,
      Parameters parameters,
      boolean inputGradient,
      Executor dense,
      ConvolutionChoice choice,
      ChannelUse use,
      PlaneStore store) {
    this.node = node;
    this.weight = node + ".weight";
    this.shape = shape;
    this.parameters = parameters;
    this.spiking = spiking;
    this.inputGradient = inputGradient;
    this.dense = dense;
    this.choice = choice;
    this.use = use;
    this.kernels = store.kernels();
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
    LiveChannels live = use.of(node, pass);
    if (times != null && live.count() < shape.out()) {
      times.explainMore(
          node, "surviving weights", live.count() + " of " + shape.out() + " channels are of use");
    }
    Structure structure = structure(PlaneStore.group(pass.batch()));
    SparseConvolution c = structure.forward();
    Input read =
        spiking && kernels.prefersPlaneMarks() && PlaneMarks.fit(c)
            ? new Spikes(input.maps().marks(c.in(), store), kernels)
            : new Numbers(input.maps().planes(c.in(), store), kernels);
    read.begin();
    PlaneMaps out = store.take(c.out(), read.maps().images(), live);
    compute(c, read, out, 1);
    Activation activation = new Activation(Maps.of(out, pass.manager()), input.constant());
    if (!pass.training()) {
      out.then(read::release);
      return new Result(activation, null);
    }
    return new Result(
        activation, (PlaneBackward) gradient -> back(gradient, structure, read, pass));
  }

  /** What a convolution reads, from the moment that it {@linkplain #begin begins}. */
  private interface Input {
    PlaneMaps maps();

    /** Whether it stays in the second cache while rows read it one after the other. */
    boolean near();

    void forward(
        SparseConvolution c, MemorySegment out, int fromGroup, int toGroup, int from, int to);

    void weightGradient(
        SparseConvolution c, MemorySegment gradOut, float[] entries, int from, int to);

    default void begin() {
      maps().complete();
      maps().retain();
    }

    default void release() {
      maps().release();
    }
  }

  private record Numbers(PlaneMaps maps, Kernels kernels) implements Input {
    @Override
    public boolean near() {
      return (long) maps.groups() * maps.layout().groupFloats() <= FEW_FLOATS;
    }

    @Override
    public void forward(
        SparseConvolution c, MemorySegment out, int fromGroup, int toGroup, int from, int to) {
      kernels.sparseConvForward(c, maps.memory(), out, maps.groups(), fromGroup, toGroup, from, to);
    }

    @Override
    public void weightGradient(
        SparseConvolution c, MemorySegment gradOut, float[] entries, int from, int to) {
      kernels.sparseConvWeightGradient(c, maps.memory(), gradOut, entries, maps.groups(), from, to);
    }
  }

  private record Spikes(PlaneMaps maps, Kernels kernels) implements Input {
    @Override
    public boolean near() {
      return true;
    }

    @Override
    public void forward(
        SparseConvolution c, MemorySegment out, int fromGroup, int toGroup, int from, int to) {
      kernels.planeMarksForward(c, maps.memory(), out, maps.groups(), fromGroup, toGroup, from, to);
    }

    @Override
    public void weightGradient(
        SparseConvolution c, MemorySegment gradOut, float[] entries, int from, int to) {
      kernels.planeMarksWeightGradient(c, maps.memory(), gradOut, entries, maps.groups(), from, to);
    }
  }

  /**
   * Computes channels when they are read, or, where rows had better share what they read, all of
   * them now.
   *
   * @param side planes of a channel of the output
   */
  private void compute(SparseConvolution c, Input in, PlaneMaps out, int side) {
    int groups = out.groups();
    if (!wide(c, in)) {
      out.lazily(
          store.timed(
              node, (from, to) -> in.forward(c, out.memory(), 0, groups, from * side, to * side)));
      return;
    }
    LiveChannels live = out.live();
    int half = Math.ceilDiv(live.count(), WIDE_PARTS);
    PlaneMaps.Filler work =
        store.timed(
            node,
            (from, to) -> {
              for (int part = from; part < to; part++) {
                int group = part / WIDE_PARTS;
                int first = part % WIDE_PARTS * half;
                live.part(
                    first,
                    Math.min(first + half, live.count()),
                    (channel, end) ->
                        in.forward(c, out.memory(), group, group + 1, channel * side, end * side));
              }
            });
    store.crew().run((long) groups * WIDE_PARTS, 1, (from, to) -> work.fill((int) from, (int) to));
  }

  private static boolean wide(SparseConvolution c, Input in) {
    return !in.near() || (in instanceof Numbers && c.entries() > WIDE * c.rows());
  }

  private @Nullable Maps back(Maps gradient, Structure structure, Input in, Pass pass) {
    SparseConvolution c = structure.forward();
    PlaneMaps gradOut = gradient.takePlanes(c.out(), store);
    float[] entries = new float[c.entries()];
    PlaneMaps.Filler work =
        store.timed(node, (from, to) -> in.weightGradient(c, gradOut.memory(), entries, from, to));
    if (wide(c, in)) {
      gradOut.complete();
      int part = Math.ceilDiv(c.rows(), WIDE_PARTS * store.crew().threads());
      store.crew().run(c.rows(), part, (from, to) -> work.fill((int) from, (int) to));
    } else {
      gradOut.each(work);
    }
    pass.gradients().put(weight, weightGradient(structure, entries, pass));
    SparseConvolution turned = structure.turned();
    LiveChannels live = in.maps().live();
    in.release();
    if (turned == null) {
      gradOut.release();
      return null;
    }
    PlaneMaps gradIn = store.takeUnclean(turned.out(), gradOut.images(), live);
    Input read = new Numbers(gradOut, kernels);
    read.begin();
    compute(turned, read, gradIn, shape.stride() * shape.stride());
    gradIn.then(read::release);
    gradOut.release();
    return Maps.of(gradIn, pass.manager());
  }

  private NDArray weightGradient(Structure structure, float[] entries, Pass pass) {
    if (parameters.compact()) {
      int[] order = structure.order();
      float[] few = new float[order.length];
      for (int k = 0; k < order.length; k++) {
        few[k] = entries[order[k]];
      }
      return Memory.upload(pass.manager(), few, new Shape(few.length));
    }
    NDArray whole = pass.manager().zeros(parameters.view(weight).getShape());
    structure.forward().scatter(entries, Memory.of(whole));
    return whole;
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
      known =
          new Structure(
              forward,
              inputGradient ? forward.transposed(out, in) : null,
              parameters.compact() ? forward.order() : new int[0]);
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
