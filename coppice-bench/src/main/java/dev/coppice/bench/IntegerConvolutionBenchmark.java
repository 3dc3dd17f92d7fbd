package dev.coppice.bench;

import dev.coppice.kernels.ByteConvolution;
import dev.coppice.kernels.ConvolutionShape;
import dev.coppice.kernels.IntegerConvolution;
import dev.coppice.kernels.Kernels;
import dev.coppice.kernels.PlaneNumbers;
import dev.coppice.kernels.PlanePool;
import dev.coppice.kernels.Planes;
import dev.coppice.kernels.WeightRows;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** Time of one convolution in whole numbers, of an image at four time steps, in one thread. */
@State(Scope.Thread)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class IntegerConvolutionBenchmark {
  private static final int STEPS = 4;

  @Param({"scalar", "best"})
  public String kernels = "";

  /** Height and width, and channels of both input and output. */
  @Param({"32x64", "16x128", "8x256", "4x512"})
  public String map = "";

  /** Percent of the weights that are gone. */
  @Param({"50", "90", "95", "98"})
  public int sparsity;

  private final Arena arena = Arena.ofShared();
  private Kernels chosen = Kernels.scalar();
  private IntegerConvolution counts =
      of(new ConvolutionShape(1, 1, 1, 1, 1, 1, 0), new float[1], 1);
  private IntegerConvolution patterns = counts;
  private ByteConvolution bytes = bytes(new ConvolutionShape(1, 1, 1, 1, 1, 1, 0), new float[1]);
  private MemorySegment counted = MemorySegment.NULL;
  private MemorySegment byteCounts = MemorySegment.NULL;
  private MemorySegment byteSums = MemorySegment.NULL;
  private MemorySegment countElements = MemorySegment.NULL;
  private MemorySegment patternElements = MemorySegment.NULL;
  private MemorySegment sums = MemorySegment.NULL;
  private MemorySegment pooled = MemorySegment.NULL;
  private PlanePool pool =
      new PlanePool(true, 1, 1, counts.in(), counts.out(), PlaneNumbers.COUNTS);

  /** Explicit for the benchmark harness. */
  public IntegerConvolutionBenchmark() {}

  /** Fills the planes with 28 % spikes, compresses random weights, and names the kernels. */
  @Setup
  public void fill() {
    chosen = kernels.equals("scalar") ? Kernels.scalar() : Kernels.best();
    System.out.println(chosen.describe());
    int size = Integer.parseInt(map.substring(0, map.indexOf('x')));
    int channels = Integer.parseInt(map.substring(map.indexOf('x') + 1));
    var shape = new ConvolutionShape(size, size, channels, channels, 3, 1, 1);
    SplittableRandom random = new SplittableRandom(1);
    float[] weights = new float[shape.weights()];
    for (int k = 0; k < weights.length; k++) {
      weights[k] = random.nextInt(100) < sparsity ? 0 : random.nextInt(1, 128);
    }
    Planes in = shape.input(1, 0).stacked(STEPS);
    Planes out = shape.output(1, 0).stacked(STEPS);
    counts = of(shape, weights, STEPS);
    patterns = IntegerConvolution.ofPatterns(shape, in, out, rows(shape, weights));
    counted = in.allocate(arena, 1);
    long[] spikes = new long[STEPS * size * size * Math.ceilDiv(channels, Long.SIZE)];
    for (int k = 0; k < spikes.length; k++) {
      for (int bit = 0; bit < Long.SIZE; bit++) {
        spikes[k] |= (random.nextInt(100) < 28 ? 1L : 0) << bit;
      }
    }
    in.fromSpikes(spikes, 1, PlaneNumbers.COUNTS, counted, 1);
    countElements = arena.allocate(counts.foldedBytes(1), Long.SIZE);
    patternElements = arena.allocate(patterns.foldedBytes(1), Long.SIZE);
    foldCounts();
    shiftPatterns();
    sums = out.allocate(arena, 1);
    bytes = bytes(shape, weights);
    byteCounts = bytes.in().allocate(arena, 1);
    bytes.in().fromSpikes(spikes, 1, PlaneNumbers.BYTES, byteCounts, 1);
    byteSums = bytes.out().allocate(arena, 1);
    Planes half = new Planes(channels, size / 2, size / 2, 1, 0, 1, STEPS);
    pool = new PlanePool(true, 2, 2, in, half, PlaneNumbers.COUNTS);
    pooled = half.allocate(arena, 1);
    System.out.printf("dense: %d sums of weights%n", (long) STEPS * size * size * shape.weights());
  }

  private static IntegerConvolution of(ConvolutionShape shape, float[] weights, int steps) {
    Planes in = shape.input(1, 0).stacked(steps);
    Planes out = shape.output(1, 0).stacked(steps);
    return IntegerConvolution.ofCounts(shape, in, out, rows(shape, weights), 1);
  }

  private static ByteConvolution bytes(ConvolutionShape shape, float[] weights) {
    int border = shape.inputBorder();
    Planes in = shape.input(1, border).stacked(STEPS);
    Planes out = shape.output(1, border).stacked(STEPS);
    return ByteConvolution.of(shape, in, out, rows(shape, weights), 1);
  }

  private static WeightRows rows(ConvolutionShape shape, float[] weights) {
    int row = weights.length / shape.out();
    return visitor -> {
      for (int o = 0; o < shape.out(); o++) {
        visitor.row(o, Arrays.copyOfRange(weights, o * row, (o + 1) * row));
      }
    };
  }

  /** Every surviving weight times counts. */
  @Benchmark
  public void ofCounts() {
    chosen.integerConvForward(counts, countElements, sums, 1, 0, 1, 0, counts.rows());
  }

  /** Sums of six channels' weights, looked up. */
  @Benchmark
  public void ofPatterns() {
    chosen.integerConvForward(patterns, patternElements, sums, 1, 0, 1, 0, patterns.rows());
  }

  /** Every surviving weight that spikes in bytes select. */
  @Benchmark
  public void ofBytes() {
    chosen.byteConvForward(bytes, byteCounts, byteSums, 1, 0, 1, 0, bytes.rows());
  }

  /** Counts to what the first of them reads. */
  @Benchmark
  public void foldCounts() {
    chosen.foldCounts(counts, counted, countElements, 1, 0, counts.foldedPlanes());
  }

  /** Counts to patterns. */
  @Benchmark
  public void shiftPatterns() {
    chosen.foldCounts(patterns, counted, patternElements, 1, 0, patterns.foldedPlanes());
  }

  /** Pooling of counts in windows of 2×2. */
  @Benchmark
  public void poolCounts() {
    chosen.planePoolForward(pool, counted, pooled, 1, 0, pool.out().planes());
  }

  /** Frees the arrays. */
  @TearDown(Level.Trial)
  public void close() {
    arena.close();
  }
}
