package dev.coppice.bench;

import dev.coppice.kernels.ConvolutionShape;
import dev.coppice.kernels.Kernels;
import dev.coppice.kernels.PlaneMarks;
import dev.coppice.kernels.Planes;
import dev.coppice.kernels.SparseConvolution;
import dev.coppice.kernels.SpikeColumns;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Locale;
import java.util.SplittableRandom;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** A 3×3 convolution of stride 1 with random weights and spikes. */
@State(Scope.Thread)
public class SparseConvolutionArrays {
  /** Height and width, and channels of both input and output. */
  @Param({"32x64", "16x128", "8x256", "4x512"})
  public String map = "";

  /** T·B. */
  @Param({"4", "64"})
  public int images;

  /** Percent of the weights that are gone. */
  @Param({"90", "95", "98", "99"})
  public int sparsity;

  /** Percent of the inputs that are spikes. */
  @Param("10")
  public int spikes;

  final Arena arena = Arena.ofShared();
  MemorySegment maps = MemorySegment.NULL;
  MemorySegment input = MemorySegment.NULL;
  MemorySegment output = MemorySegment.NULL;
  SparseConvolution forward =
      compressed(new ConvolutionShape(1, 1, 1, 1, 1, 1, 0), 1, new float[1]);
  SparseConvolution backward = forward;
  MemorySegment marks = MemorySegment.NULL;
  int groups;
  float[] gradient = new float[0];
  SpikeColumns columns = SpikeColumns.of(forward, 1);
  long[] packed = new long[0];

  /** Explicit for the benchmark harness. */
  public SparseConvolutionArrays() {}

  /** Fills the planes and compresses the weights, and says what a dense convolution would do. */
  @Setup
  public void fill() {
    int size = Integer.parseInt(map.substring(0, map.indexOf('x')));
    int channels = Integer.parseInt(map.substring(map.indexOf('x') + 1));
    var shape = new ConvolutionShape(size, size, channels, channels, 3, 1, 1);
    SplittableRandom random = new SplittableRandom(1);
    float[] weights = new float[shape.weights()];
    for (int k = 0; k < weights.length; k++) {
      weights[k] = random.nextInt(100) < sparsity ? 0 : (float) random.nextGaussian();
    }
    forward = compressed(shape, Planes.group(images), weights);
    backward = forward.transposed(forward.out(), forward.in());
    gradient = new float[forward.entries()];
    groups = forward.in().groups(images);
    long floats = (long) images * size * size * channels;
    maps = arena.allocate(floats * Float.BYTES, 64);
    for (long k = 0; k < floats; k++) {
      maps.setAtIndex(ValueLayout.JAVA_FLOAT, k, random.nextInt(100) < spikes ? 1 : 0);
    }
    input = forward.in().allocate(arena, images);
    output = forward.out().allocate(arena, images);
    forward.in().fromMaps(maps, input, images);
    forward.out().fromMaps(maps, output, images);
    marks = PlaneMarks.allocate(forward.in(), arena, images);
    if (PlaneMarks.fit(forward)) {
      Kernels.best().packPlaneMarks(forward.in(), input, marks, groups, 0, forward.in().planes());
    }
    columns = SpikeColumns.of(forward, 1);
    packed = new long[images * size * size * Math.ceilDiv(channels, Long.SIZE)];
    forward.in().toSpikes(input, packed, images);
    System.out.printf(
        Locale.ROOT,
        "dense: %.3f GFLOP; surviving: %d weights%n",
        2e-9 * floats * 9 * channels,
        forward.entries());
  }

  private static SparseConvolution compressed(ConvolutionShape shape, int group, float[] weights) {
    return SparseConvolution.of(
        shape, shape.input(group, 1), shape.output(group, 1), MemorySegment.ofArray(weights));
  }

  /** Frees the arrays. */
  @TearDown(Level.Trial)
  public void close() {
    arena.close();
  }
}
