package dev.coppice.cli;

import dev.coppice.graph.Safetensors;
import dev.coppice.runtime.Session;
import dev.coppice.runtime.SpikingRuntime;
import dev.coppice.train.ProcessMemory;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;

/**
 * A process that answers images and then says how much memory it takes. It runs with the jars of
 * the runtime and little else on its class path: see {@link ResidentMemory}.
 */
final class ResidentProcess {
  /** The exit status of a process whose heap is too small. */
  static final int OUT_OF_MEMORY = 3;

  private ResidentProcess() {}

  /**
   * Answers, and prints megabytes now, at the most, and milliseconds from the start to the first
   * answer.
   *
   * @param args the model, a file of {@link BenchImages}, T, threads, how often to answer
   * @throws IOException if a file cannot be read
   */
  public static void main(String[] args) throws IOException {
    try {
      answer(args);
    } catch (OutOfMemoryError e) {
      System.exit(OUT_OF_MEMORY);
    }
  }

  private static void answer(String[] args) throws IOException {
    float[] pixels = Safetensors.read(Path.of(args[1])).get("pixels").floats();
    SpikingRuntime.Options options =
        new SpikingRuntime.Options(Integer.parseInt(args[2]), Integer.parseInt(args[3]), 1);
    SpikingRuntime loaded = SpikingRuntime.load(Path.of(args[0]), options);
    try (Session session = loaded.session()) {
      float[] image = new float[loaded.inputShape().size()];
      double first = 0;
      int runs = Integer.parseInt(args[4]);
      for (int i = 0; i < runs; i++) {
        System.arraycopy(
            pixels, i % (pixels.length / image.length) * image.length, image, 0, image.length);
        int _ = session.classify(image);
        if (i == 0) {
          first = sinceStart();
        }
      }
      System.out.println(
          ProcessMemory.residentMegabytes() + " " + ProcessMemory.peakMegabytes() + " " + first);
    }
  }

  private static double sinceStart() {
    Instant now = Instant.now();
    Instant start = ProcessHandle.current().info().startInstant().orElse(now);
    return Duration.between(start, now).toNanos() / 1e6;
  }
}
