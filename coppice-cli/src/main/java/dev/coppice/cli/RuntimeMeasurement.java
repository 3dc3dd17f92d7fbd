package dev.coppice.cli;

import com.google.gson.Gson;
import dev.coppice.runtime.BatchInference;
import dev.coppice.runtime.LayerActivity;
import dev.coppice.runtime.Session;
import dev.coppice.runtime.SpikingRuntime;
import dev.coppice.runtime.StepTime;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Measures how fast the runtime answers, in a process that does nothing else: no kernel has seen
 * another network before, and the heap is the runtime's own.
 */
final class RuntimeMeasurement {
  private RuntimeMeasurement() {}

  /**
   * What was measured.
   *
   * @param nanoseconds of each counted run
   * @param cpusUsed processor time over wall time of the counted runs
   * @param heapGrowthBytes how much more was on the heap after them, garbage left out
   * @param logits of all images {@code [N, K]}
   * @param layers what the layers did for all images together
   * @param plan the steps and how long each took in the last run
   */
  record Figures(
      long[] nanoseconds,
      double cpusUsed,
      long heapGrowthBytes,
      float[] logits,
      List<LayerActivity> layers,
      List<StepTime> plan,
      String kernels) {}

  /**
   * Measures and writes the figures as JSON.
   *
   * @param args the file of the {@link RuntimeWork}, the file to write
   * @throws IOException if a file cannot be read or written
   */
  public static void main(String[] args) throws IOException {
    Gson gson = new Gson();
    RuntimeWork work = gson.fromJson(Files.readString(Path.of(args[0])), RuntimeWork.class);
    Files.writeString(Path.of(args[1]), gson.toJson(measure(work)));
  }

  private static Figures measure(RuntimeWork work) throws IOException {
    BenchImages images = BenchImages.read(Path.of(work.images()));
    SpikingRuntime network =
        SpikingRuntime.load(
            Path.of(work.model()),
            new SpikingRuntime.Options(work.timeSteps(), work.threads(), work.batch()));
    List<float[]> inputs = new ArrayList<>();
    for (int first = 0; first < images.count(); first += work.batch()) {
      inputs.add(images.batch(first, work.batch()));
    }
    try (Session session = network.session()) {
      BatchInference answers = session.run(images.pixels(), images.count());
      for (int i = 0; i < work.warmup(); i++) {
        answer(session, inputs.get(i % inputs.size()), work.batch());
      }
      long[] nanoseconds = new long[work.runs()];
      long heap = heapBytes();
      Duration cpu = TrainMeasurement.cpuTime();
      long start = System.nanoTime();
      long before = start;
      for (int i = 0; i < nanoseconds.length; i++) {
        answer(session, inputs.get(i % inputs.size()), work.batch());
        long after = System.nanoTime();
        nanoseconds[i] = after - before;
        before = after;
      }
      double used = TrainMeasurement.cpuTime().minus(cpu).toNanos() / (double) (before - start);
      return new Figures(
          nanoseconds,
          used,
          heapBytes() - heap,
          answers.logits(),
          answers.layers(),
          session.explain(),
          network.describeKernels());
    }
  }

  private static void answer(Session session, float[] images, int count) {
    if (count == 1) {
      int _ = session.classify(images);
    } else {
      int[] _ = session.classify(images, count);
    }
  }

  private static long heapBytes() {
    System.gc();
    return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
  }
}
