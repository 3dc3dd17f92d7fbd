package dev.coppice.cli;

import com.google.gson.Gson;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Runs {@link TrainMeasurement} in processes of their own, with this one's options of the JVM. */
final class MeasuringProcess {
  private final BenchSettings settings;

  MeasuringProcess(BenchSettings settings) {
    this.settings = settings;
  }

  /**
   * Measures training.
   *
   * @throws RunFailedException if the process fails
   * @throws IOException if it cannot be started
   */
  TrainMeasurement.Figures train() throws IOException {
    return run("train", TrainMeasurement.Figures.class);
  }

  /**
   * Measures what scores cost.
   *
   * @throws RunFailedException if the process fails
   * @throws IOException if it cannot be started
   */
  TrainMeasurement.Overhead overhead() throws IOException {
    return run("overhead", TrainMeasurement.Overhead.class);
  }

  private <T> T run(String what, Class<T> type) throws IOException {
    Gson gson = new Gson();
    Path folder = Files.createTempDirectory("coppice-bench");
    Path input = folder.resolve("settings.json");
    Path output = folder.resolve("figures.json");
    try {
      Files.writeString(input, gson.toJson(settings));
      List<String> command = new ArrayList<>();
      command.add(Path.of(System.getProperty("java.home", ""), "bin", "java").toString());
      command.addAll(virtualMachineOptions());
      command.addAll(List.of("-cp", System.getProperty("java.class.path", "")));
      command.addAll(List.of(TrainMeasurement.class.getName(), what));
      command.addAll(List.of(input.toString(), output.toString()));
      List<String> said = new ArrayList<>();
      int status =
          Child.run(
              new ProcessBuilder(command).redirectErrorStream(true),
              process -> process.inputReader().lines().forEach(said::add));
      if (status != 0) {
        throw new RunFailedException(
            "the measurement ended with status " + status + ": " + message(said));
      }
      return gson.fromJson(Files.readString(output), type);
    } finally {
      for (Path file : List.of(input, output, folder)) {
        Files.deleteIfExists(file);
      }
    }
  }

  /** Options that open a port or a file would clash with those of this process. */
  private static List<String> virtualMachineOptions() {
    return ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(
            option ->
                !option.startsWith("-agent")
                    && !option.startsWith("-javaagent")
                    && !option.startsWith("-Xrunjdwp")
                    && !option.startsWith("-XX:AOTCacheOutput")
                    && !option.startsWith("-Dcom.sun.management"))
        .toList();
  }

  /** Returns the exception that ended the process, rather than the end of its stack trace. */
  private static String message(List<String> said) {
    String marker = "Exception in thread \"main\" ";
    return said.stream()
        .filter(line -> line.startsWith(marker))
        .map(line -> line.substring(marker.length()))
        .findFirst()
        .orElseGet(() -> Child.lastLine(said));
  }
}
