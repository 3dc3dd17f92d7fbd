package dev.coppice.bench;

import dev.coppice.kernels.NeuronConstants;
import dev.coppice.kernels.Probe;
import dev.coppice.kernels.SurrogateFunction;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/**
 * The arrays of one layer of neurons: {@code [T=4, B=16, H, W, C]}, in memory aligned like DJL's.
 */
@State(Scope.Thread)
public class NeuronArrays {
  static final int STEPS = 4;
  static final int BATCH = 16;
  private static final int ALIGNMENT = 64;

  @Param({"32x32x64", "16x16x128", "8x8x256"})
  public String map = "";

  @Param({"ATan", "Tanh"})
  public String surrogate = "";

  int n;
  int inner;
  MemorySegment x = MemorySegment.NULL;
  MemorySegment h = MemorySegment.NULL;
  MemorySegment s = MemorySegment.NULL;
  MemorySegment gradient = MemorySegment.NULL;
  NeuronConstants detached = constants(new SurrogateFunction.ATan(2), false);
  NeuronConstants attached = detached;
  Probe probe = probe(1, 1);

  /** Explicit for the benchmark harness. */
  public NeuronArrays() {}

  /** Fills the arrays with currents of which about one in six makes a spike. */
  @Setup(Level.Trial)
  public void fill() {
    String[] sizes = map.split("x", -1);
    int channels = Integer.parseInt(sizes[2]);
    inner = Integer.parseInt(sizes[0]) * Integer.parseInt(sizes[1]) * channels;
    n = BATCH * inner;
    SurrogateFunction function =
        surrogate.equals("ATan") ? new SurrogateFunction.ATan(2) : new SurrogateFunction.Tanh(3);
    detached = constants(function, false);
    attached = constants(function, true);
    probe = probe(inner, channels);
    x = allocate();
    h = allocate();
    s = allocate();
    gradient = allocate();
    SplittableRandom random = new SplittableRandom(1);
    for (long i = 0; i < (long) STEPS * n; i++) {
      x.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextGaussian(0, 0.5));
      h.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextGaussian(0, 0.5));
      gradient.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextGaussian(0, 1));
    }
  }

  private MemorySegment allocate() {
    return Arena.ofAuto().allocate((long) STEPS * n * Float.BYTES, ALIGNMENT);
  }

  private static NeuronConstants constants(SurrogateFunction function, boolean attached) {
    return new NeuronConstants(0.25f, 1, 0, 0.5f, false, 0, 0, 0, attached, function);
  }

  private static Probe probe(int inner, int channels) {
    return new Probe(
        new SurrogateFunction.ATan(2),
        0.5f,
        Probe.Response.DERIVATIVE,
        Probe.Pooling.MAX,
        inner,
        channels,
        new float[BATCH * channels]);
  }
}
