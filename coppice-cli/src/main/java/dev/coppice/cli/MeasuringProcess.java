package dev.coppice.cli;

import com.google.gson.Gson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Runs programs of this jar that measure in processes of their own, with this one's options of the
 * JVM. A program gets the name of a file of settings, that of a file to write, and maybe more
 * arguments.
 */
final class MeasuringProcess {
  private MeasuringProcess() {}

  /**
   * Measures.
   *
   * @param program the class with the main method
   * @param settings are written as JSON
   * @param type of what the program writes as JSON
   * @param more arguments of the program
   * @throws RunFailedException if the process fails
   * @throws IOException if it cannot be started
   */
  static <T> T run(Class<?> program, Object settings, Class<T> type, String... more)
      throws IOException {
    Gson gson = new Gson();
    Path folder = Files.createTempDirectory("coppice-bench");
    Path input = folder.resolve("settings.json");
    Path output = folder.resolve("figures.json");
    try {
      Files.writeString(input, gson.toJson(settings));
      List<String> command = JavaProgram.command(program);
      command.addAll(List.of(input.toString(), output.toString()));
      command.addAll(List.of(more));
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
