package dev.coppice.bench;

import dev.coppice.kernels.Kernels;
import dev.coppice.kernels.PlaneNumbers;
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

/** Time of one sparse convolution in one thread. */
@State(Scope.Thread)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class SparseConvolutionBenchmark {
  @Param({"scalar", "best"})
  public String kernels = "";

  private Kernels chosen = Kernels.scalar();

  /** Explicit for the benchmark harness. */
  public SparseConvolutionBenchmark() {}

  /** Picks the kernels and names them in the output. */
  @Setup
  public void choose() {
    chosen = kernels.equals("scalar") ? Kernels.scalar() : Kernels.best();
    System.out.println(chosen.describe());
  }

  /** Planes to planes. */
  @Benchmark
  public void forward(SparseConvolutionArrays a) {
    chosen.sparseConvForward(
        a.forward, a.input, a.output, a.groups, 0, a.groups, 0, a.forward.rows());
  }

  /** The gradient of the output to that of the input. */
  @Benchmark
  public void inputGradient(SparseConvolutionArrays a) {
    chosen.sparseConvForward(
        a.backward, a.output, a.input, a.groups, 0, a.groups, 0, a.backward.rows());
  }

  /** The gradient of the surviving weights. */
  @Benchmark
  public void weightGradient(SparseConvolutionArrays a) {
    chosen.sparseConvWeightGradient(
        a.forward, a.input, a.output, a.gradient, a.groups, 0, a.forward.rows());
  }

  /** Spikes as marks to planes; 64 images only. */
  @Benchmark
  public void forwardOfMarks(SparseConvolutionArrays a) {
    chosen.planeMarksForward(
        a.forward, a.marks, a.output, a.groups, 0, a.groups, 0, a.forward.rows());
  }

  /** The gradient of the surviving weights from spikes as marks; 64 images only. */
  @Benchmark
  public void weightGradientOfMarks(SparseConvolutionArrays a) {
    chosen.planeMarksWeightGradient(
        a.forward, a.marks, a.output, a.gradient, a.groups, 0, a.forward.rows());
  }

  /** Packed spikes to channels last, by what every spike adds. */
  @Benchmark
  public void spikeColumns(SparseConvolutionArrays a) {
    chosen.spikeColumnsForward(a.columns, a.packed, a.maps, a.images, 0, a.images);
  }

  /** Packed spikes to planes. */
  @Benchmark
  public void fromSpikes(SparseConvolutionArrays a) {
    a.forward.in().fromSpikes(a.packed, 1, PlaneNumbers.FLOATS, a.input, a.images);
  }

  /** Channels last to planes. */
  @Benchmark
  public void fromMaps(SparseConvolutionArrays a) {
    a.forward.in().fromMaps(a.maps, a.input, a.images);
  }
}
