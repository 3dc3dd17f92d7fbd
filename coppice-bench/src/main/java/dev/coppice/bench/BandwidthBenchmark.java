package dev.coppice.bench;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What the memory allows: the limit that the neurons' times are to be read against. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 4, time = 1)
@Fork(1)
public class BandwidthBenchmark {
  private static final int BLOCK = 2048;

  private final float[] scratch = new float[BLOCK];

  /** Explicit for the benchmark harness. */
  public BandwidthBenchmark() {}

  /** One array read, one written. */
  @Benchmark
  public void copy(NeuronArrays a) {
    MemorySegment.copy(a.x, 0, a.h, 0, a.x.byteSize());
  }

  /** One array read, two written: the traffic of a forward pass, as block copies. */
  @Benchmark
  public void readOneWriteTwo(NeuronArrays a) {
    long bytes = (long) BLOCK * Float.BYTES;
    for (long at = 0; at < a.x.byteSize(); at += bytes) {
      MemorySegment.copy(a.x, ValueLayout.JAVA_FLOAT, at, scratch, 0, BLOCK);
      MemorySegment.copy(scratch, 0, a.h, ValueLayout.JAVA_FLOAT, at, BLOCK);
      MemorySegment.copy(scratch, 0, a.s, ValueLayout.JAVA_FLOAT, at, BLOCK);
    }
  }

  /** Two arrays read, one written: the traffic of a backward pass, as block copies. */
  @Benchmark
  public void readTwoWriteOne(NeuronArrays a) {
    long bytes = (long) BLOCK * Float.BYTES;
    for (long at = 0; at < a.x.byteSize(); at += bytes) {
      MemorySegment.copy(a.h, ValueLayout.JAVA_FLOAT, at, scratch, 0, BLOCK);
      MemorySegment.copy(a.gradient, ValueLayout.JAVA_FLOAT, at, scratch, 0, BLOCK);
      MemorySegment.copy(scratch, 0, a.s, ValueLayout.JAVA_FLOAT, at, BLOCK);
    }
  }
}
