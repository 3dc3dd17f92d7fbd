package dev.coppice.bench;

import dev.coppice.kernels.InputGradient;
import dev.coppice.kernels.Kernels;
import dev.coppice.kernels.SpikeConvolution;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
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

/**
 * Time of a 3×3 convolution of 64 images (T = 4, B = 16) of as many channels out as in, and of both
 * its gradients, in one thread.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 4, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class ConvolutionBenchmark {
  private static final int IMAGES = 64;

  /** Height and width, then channels. */
  @Param({"32x64", "16x128", "8x256"})
  public String map = "";

  private final Kernels kernels = Kernels.best();
  private final SplittableRandom random = new SplittableRandom(1);
  private final Arena arena = Arena.ofShared();
  private int size;
  private int channels;
  private SpikeConvolution spikes = new SpikeConvolution(1, 1, 1, 1, 1, 1, 0);
  private InputGradient gradient = new InputGradient(4, 4, 16, 16, 1);
  private MemorySegment x = MemorySegment.NULL;
  private MemorySegment y = MemorySegment.NULL;
  private MemorySegment weights = MemorySegment.NULL;
  private MemorySegment packedWeights = MemorySegment.NULL;
  private float[] transformed = new float[0];

  /** Explicit for the benchmark harness. */
  public ConvolutionBenchmark() {}

  /** Spikes of a share of all neurons. */
  @State(Scope.Thread)
  public static class Spikes {
    /** The share that fires. */
    @Param({"0.05", "0.1", "0.2", "0.3"})
    public double density;

    private long[] packed = new long[0];

    /** Explicit for the benchmark harness. */
    public Spikes() {}

    /** Draws the spikes. */
    @Setup
    public void draw(ConvolutionBenchmark layer) {
      SplittableRandom random = new SplittableRandom(2);
      packed = new long[IMAGES * layer.spikes.imageWords()];
      for (int i = 0; i < packed.length * Long.SIZE; i++) {
        if (random.nextDouble() < density) {
          packed[i / Long.SIZE] |= 1L << i;
        }
      }
    }
  }

  /** Makes the arrays. */
  @Setup(Level.Trial)
  public void allocate() {
    size = Integer.parseInt(map.split("x", 2)[0]);
    channels = Integer.parseInt(map.split("x", 2)[1]);
    spikes = new SpikeConvolution(size, size, channels, channels, 3, 1, 1);
    gradient = new InputGradient(size, size, channels, channels, 1);
    x = normal(IMAGES * size * size * channels);
    y = normal(IMAGES * size * size * channels);
    weights = normal(9 * channels * channels);
    packedWeights = spikes.allocateWeights(arena);
    spikes.packWeights(weights, packedWeights, 0, channels);
    transformed = new float[gradient.transformedFloats()];
  }

  private MemorySegment normal(int count) {
    MemorySegment segment = arena.allocate((long) count * Float.BYTES, 64);
    for (int i = 0; i < count; i++) {
      segment.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextGaussian());
    }
    return segment;
  }

  /** Frees the arrays. */
  @TearDown
  public void free() {
    arena.close();
  }

  /** The output, by the spikes. */
  @Benchmark
  public void spikeForward(Spikes s) {
    kernels.spikeConvForward(spikes, s.packed, packedWeights, y, IMAGES, 0, IMAGES);
  }

  /** The gradient of the weights, by the spikes. */
  @Benchmark
  public void spikeWeightGradient(Spikes s) {
    kernels.spikeConvWeightGradient(spikes, s.packed, x, packedWeights, IMAGES, 0, channels);
  }

  /** The gradient of the input, by Winograd's method, the transform of the weights included. */
  @Benchmark
  public void inputGradient() {
    kernels.inputGradientWeights(gradient, weights, transformed, 0, channels);
    kernels.inputGradient(gradient, x, transformed, y, IMAGES, 0, gradient.tiles(IMAGES));
  }
}
