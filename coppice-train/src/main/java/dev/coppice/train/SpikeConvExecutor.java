package dev.coppice.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import dev.coppice.graph.Op;
import dev.coppice.kernels.Crew;
import dev.coppice.kernels.InputGradient;
import dev.coppice.kernels.Kernels;
import dev.coppice.kernels.SpikeConvolution;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A convolution of spikes, or of averages over windows of them: the output and the gradient of the
 * weights are sums over the spikes that there are, by the kernels; the gradient of the input, which
 * is not sparse, is computed by Winograd's method, or by libtorch where that does not fit. Batches
 * with more spikes than pay off go the dense way.
 */
final class SpikeConvExecutor implements Executor {
  /** The density of spikes above which libtorch's dense convolution is faster. */
  static final double MOST_DENSE = 0.28;

  private static final int CHANNELS_PER_TASK = 64;

  /** Floats of a cache line. */
  private static final int CACHE_LINE = 16;

  private final String node;
  private final String weight;
  private final Op.Conv2d conv;
  private final dev.coppice.graph.Shape.Map in;
  private final SpikeConvolution geometry;
  private final Parameters parameters;
  private final boolean inputGradient;
  private final @Nullable InputGradient fast;
  private final Executor dense;
  private final Kernels kernels;
  private final Crew crew;
  private final PlaneStore store;
  private final Workspace workspace;

  /**
   * Makes an executor; see {@link #covers}.
   *
   * @param levels the spikes that an input is an average of
   */
  SpikeConvExecutor(
      String node,
      Op.Conv2d conv,
      dev.coppice.graph.Shape.Map in,
      int levels,
      Parameters parameters,
      boolean inputGradient,
      Kernels kernels,
      PlaneStore store,
      Workspace workspace) {
    this.weight = node + ".weight";
    this.conv = conv;
    this.in = in;
    this.geometry =
        new SpikeConvolution(
            in.height(),
            in.width(),
            in.channels(),
            conv.outChannels(),
            conv.kernel(),
            conv.stride(),
            conv.padding(),
            levels);
    this.parameters = parameters;
    this.inputGradient = inputGradient;
    this.dense = LibraryExecutor.of(node, conv, parameters, inputGradient, store.arrays());
    this.kernels = kernels;
    this.crew = store.crew();
    this.store = store;
    this.node = node;
    this.workspace = workspace;
    boolean fits =
        InputGradient.fits(
            in.height(),
            in.width(),
            in.channels(),
            conv.outChannels(),
            conv.kernel(),
            conv.stride(),
            conv.padding());
    this.fast =
        fits
            ? new InputGradient(
                in.height(), in.width(), in.channels(), conv.outChannels(), conv.padding())
            : null;
  }

  /** Whether the kernels compute such a convolution. */
  static boolean covers(Op.Conv2d conv, dev.coppice.graph.Shape.Map in, int levels) {
    return conv.groups() == 1
        && !conv.bias()
        && conv.stride() == 1
        && conv.padding() < conv.kernel()
        && SpikeConvolution.fits(
            in.height(), in.width(), in.channels(), conv.outChannels(), conv.kernel(), levels);
  }

  @Override
  public Result forward(List<Activation> inputs, Pass pass) {
    Activation input = inputs.getFirst();
    int images = Math.toIntExact(input.peek().getShape().get(0));
    long[] packed = new long[Math.multiplyExact(images, geometry.imageWords())];
    pack(Memory.of(input.peek()), packed, images);
    double density = density(packed, images);
    boolean few = density <= MOST_DENSE;
    LayerTimes times = store.times();
    if (times != null) {
      times.explainMore(
          node,
          few ? "spikes" : "library",
          String.format(Locale.ROOT, "%.1f %% of its inputs are spikes", 100 * density));
    }
    if (!few) {
      return dense.forward(inputs, pass);
    }
    NDArray output =
        store
            .arrays()
            .take(
                pass,
                new Shape(images, geometry.outHeight(), geometry.outWidth(), conv.outChannels()));
    MemorySegment out = Memory.of(output);
    try (Arena arena = Arena.ofShared()) {
      MemorySegment packedWeights = geometry.allocateWeights(arena);
      MemorySegment weights = Memory.of(parameters.view(weight));
      crew.run(
          conv.outChannels(),
          SpikeConvolution.TILE,
          (from, to) -> geometry.packWeights(weights, packedWeights, (int) from, (int) to));
      crew.run(
          images,
          1,
          (from, to) ->
              kernels.spikeConvForward(
                  geometry, packed, packedWeights, out, images, (int) from, (int) to));
    }
    return new Result(
        new Activation(Maps.of(output, store.arrays()), input.constant()),
        pass.training() ? gradient -> backward(gradient, packed, images, pass) : null);
  }

  private void pack(MemorySegment spikes, long[] packed, int images) {
    long pixels = (long) images * in.height() * in.width();
    crew.run(
        pixels,
        1,
        (from, to) ->
            kernels.packSpikes(spikes, in.channels(), geometry.levels(), packed, pixels, from, to));
  }

  private double density(long[] packed, int images) {
    long spikes = 0;
    for (long word : packed) {
      spikes += Long.bitCount(word);
    }
    return spikes / ((double) images * in.size());
  }

  private List<@Nullable NDArray> backward(NDArray gradient, long[] packed, int images, Pass pass) {
    NDArray weightGradient =
        pass.manager().create(parameters.view(weight).getShape(), DataType.FLOAT32);
    MemorySegment gradOut = Memory.of(gradient);
    try (Arena arena = Arena.ofShared()) {
      MemorySegment sums = geometry.allocateWeights(arena);
      crew.run(
          in.channels(),
          taskChannels(),
          (from, to) ->
              kernels.spikeConvWeightGradient(
                  geometry, packed, gradOut, sums, images, (int) from, (int) to));
      MemorySegment unpacked = Memory.of(weightGradient);
      crew.run(
          conv.outChannels(),
          SpikeConvolution.TILE,
          (from, to) -> geometry.unpackGradient(sums, unpacked, (int) from, (int) to));
    }
    pass.gradients().put(weight, weightGradient);
    NDArray result = inputGradient ? inputGradient(gradient, images, pass) : null;
    store.arrays().giveBack(gradient);
    return Collections.singletonList(result);
  }

  /** Channels that a thread takes at a time: 64 where there are enough of them. */
  private int taskChannels() {
    return Math.clamp(in.channels() / 2, 1, CHANNELS_PER_TASK);
  }

  private NDArray inputGradient(NDArray gradient, int images, Pass pass) {
    return fast == null ? turned(gradient, pass) : winograd(fast, gradient, images, pass);
  }

  private NDArray winograd(InputGradient g, NDArray gradient, int images, Pass pass) {
    NDArray result =
        store.arrays().take(pass, new Shape(images, in.height(), in.width(), in.channels()));
    float[] transformed = workspace.floats(g.transformedFloats());
    MemorySegment weights = Memory.of(parameters.view(weight));
    MemorySegment gradOut = Memory.of(gradient);
    MemorySegment gradIn = Memory.of(result);
    crew.run(
        conv.outChannels(),
        1,
        (from, to) -> kernels.inputGradientWeights(g, weights, transformed, (int) from, (int) to));
    crew.run(
        g.tiles(images),
        InputGradient.GRAIN,
        (from, to) -> kernels.inputGradient(g, gradOut, transformed, gradIn, images, from, to));
    return result;
  }

  /**
   * The input's gradient of a convolution of stride 1 is the convolution of the output's gradient
   * with the kernel turned by half a circle, inputs and outputs exchanged.
   */
  private NDArray turned(NDArray gradient, Pass pass) {
    int k = conv.kernel();
    Shape turned = new Shape(conv.inChannels(), k, k, conv.outChannels());
    try (NDArray kernel = pass.manager().create(turned, DataType.FLOAT32)) {
      MemorySegment from = Memory.of(parameters.view(weight));
      MemorySegment to = Memory.of(kernel);
      crew.run(
          conv.inChannels(), CACHE_LINE, (first, end) -> turn(from, to, (int) first, (int) end));
      int padding = k - 1 - conv.padding();
      PtNDArray result =
          JniUtils.convolution(
              LibraryExecutor.channelsFirst(gradient),
              LibraryExecutor.channelsFirst(kernel),
              null,
              new Shape(1, 1),
              new Shape(padding, padding),
              new Shape(1, 1),
              1);
      return LibraryExecutor.channelsLast(result);
    }
  }

  /** Turns the weights {@code [O, k, k, I]} of some input channels into {@code [I, k, k, O]}. */
  private void turn(MemorySegment from, MemorySegment to, int firstInput, int endInput) {
    int taps = conv.kernel() * conv.kernel();
    int inputs = conv.inChannels();
    int outputs = conv.outChannels();
    for (int first = firstInput; first < endInput; first += CACHE_LINE) {
      int end = Math.min(endInput, first + CACHE_LINE);
      for (int tap = 0; tap < taps; tap++) {
        for (int o = 0; o < outputs; o++) {
          long source = ((long) o * taps + tap) * inputs;
          for (int i = first; i < end; i++) {
            long target = ((long) i * taps + taps - 1 - tap) * outputs + o;
            to.setAtIndex(
                ValueLayout.JAVA_FLOAT,
                target,
                from.getAtIndex(ValueLayout.JAVA_FLOAT, source + i));
          }
        }
      }
    }
  }
}
