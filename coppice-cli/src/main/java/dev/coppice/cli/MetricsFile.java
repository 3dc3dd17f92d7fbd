package dev.coppice.cli;

import dev.coppice.train.EpochMetrics;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;

/** {@code metrics.csv} of a run: a line per epoch, each once however often the run was resumed. */
final class MetricsFile {
  /** Its name in the folder of a run. */
  static final String NAME = "metrics.csv";

  private final RunDirectory directory;
  private final List<String> lines = new ArrayList<>();

  MetricsFile(RunDirectory directory) throws IOException {
    this.directory = directory;
    if (Files.exists(directory.resolve(NAME))) {
      Files.readAllLines(directory.resolve(NAME)).stream().skip(1).forEach(lines::add);
    }
  }

  /** Adds an epoch; lines of it or of later ones stem from before a resume and go. */
  void add(EpochMetrics metrics) throws IOException {
    lines.removeIf(line -> epoch(line) >= metrics.epoch());
    lines.add(metrics.csv());
    write(lines);
  }

  /** Writes the lines of the whole run. */
  void write(List<String> all) throws IOException {
    directory.writeText(NAME, EpochMetrics.csvHeader() + "\n" + String.join("\n", all) + "\n");
  }

  private static int epoch(String line) {
    try {
      return Integer.parseInt(line.substring(0, Math.max(0, line.indexOf(','))));
    } catch (NumberFormatException e) {
      return Integer.MAX_VALUE;
    }
  }
}
