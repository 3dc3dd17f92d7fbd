package dev.coppice.bench;

import dev.coppice.kernels.Kernels;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** Time of one layer of neurons over all steps, in one thread. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 4, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class NeuronBenchmark {
  @Param({"scalar", "best"})
  public String kernels = "";

  private Kernels chosen = Kernels.scalar();

  /** Explicit for the benchmark harness. */
  public NeuronBenchmark() {}

  /** Picks the kernels and names them in the output. */
  @Setup
  public void choose() {
    chosen = kernels.equals("scalar") ? Kernels.scalar() : Kernels.best();
    System.out.println(chosen.describe());
  }

  /** Input, potential and spikes in three arrays. */
  @Benchmark
  public void forward(NeuronArrays a) {
    chosen.neuronForward(
        a.detached, a.x, false, a.h, a.s, NeuronArrays.STEPS, a.n, 0, a.n, null, null);
  }

  /** As {@link #forward}, the potential in the place of the input. */
  @Benchmark
  public void forwardInPlace(NeuronArrays a) {
    chosen.neuronForward(
        a.detached, a.h, false, a.h, a.s, NeuronArrays.STEPS, a.n, 0, a.n, null, null);
  }

  /** As {@link #forward}, with the criticality of the layer. */
  @Benchmark
  public void forwardProbe(NeuronArrays a) {
    chosen.neuronForward(
        a.detached, a.x, false, a.h, a.s, NeuronArrays.STEPS, a.n, 0, a.n, null, a.probe);
  }

  /** The gradient of the spikes to that of the input. */
  @Benchmark
  public void backwardDetached(NeuronArrays a) {
    chosen.neuronBackward(a.detached, a.h, a.gradient, a.s, NeuronArrays.STEPS, a.n, 0, a.n, false);
  }

  /** As {@link #backwardDetached}, with the gradient through the reset. */
  @Benchmark
  public void backwardAttached(NeuronArrays a) {
    chosen.neuronBackward(a.attached, a.h, a.gradient, a.s, NeuronArrays.STEPS, a.n, 0, a.n, false);
  }
}
