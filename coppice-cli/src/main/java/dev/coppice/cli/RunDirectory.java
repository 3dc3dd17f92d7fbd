package dev.coppice.cli;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.coppice.graph.AtomicFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The folder in which a run keeps its configuration, records, checkpoints and model. */
record RunDirectory(Path path) {
  /** The file that a run writes last but for its report. */
  static final String RESULT = "result.json";

  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss", Locale.ROOT);

  /** What a run writes, and so what may be removed to start over. */
  private static final List<String> OWN =
      List.of(
          Configuration.FILE,
          "metrics.csv",
          "pruning.csv",
          "pruning.json",
          RESULT,
          "model.safetensors",
          "report.html",
          "events",
          "checkpoints");

  /**
   * Makes the folder of a new run and writes its configuration.
   *
   * @param path null for one named after the command and the time
   * @param force whether the records of another run there are removed
   * @throws UsageException if it is not empty or cannot be written
   */
  static RunDirectory create(
      @Nullable Path path, String command, boolean force, String configuration) {
    Path folder = path == null ? unused(command) : path;
    try {
      if (Files.exists(folder) && !Files.isDirectory(folder)) {
        throw new UsageException("cannot make the run folder " + folder + ": it is a file");
      }
      if (Files.isDirectory(folder) && !isEmpty(folder)) {
        if (!force) {
          throw new UsageException(
              "the run folder "
                  + folder
                  + " is not empty; go on with it by --resume, or start over by --force");
        }
        for (String name : OWN) {
          delete(folder.resolve(name));
        }
      }
      Files.createDirectories(folder);
      RunDirectory directory = new RunDirectory(folder);
      directory.writeText(Configuration.FILE, configuration);
      return directory;
    } catch (IOException e) {
      throw new UsageException(
          "cannot write to the run folder " + folder + ": " + Failure.describe(e), e);
    }
  }

  private static Path unused(String command) {
    Path path =
        Path.of("runs", command + "-" + LocalDateTime.now(ZoneId.systemDefault()).format(TIME));
    Path free = path;
    for (int i = 2; Files.exists(free); i++) {
      free = path.resolveSibling(path.getFileName() + "-" + i);
    }
    return free;
  }

  private static boolean isEmpty(Path folder) throws IOException {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.findAny().isEmpty();
    }
  }

  private static void delete(Path path) throws IOException {
    if (!Files.exists(path)) {
      return;
    }
    try (Stream<Path> tree = Files.walk(path)) {
      for (Path part : tree.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(part);
      }
    }
  }

  /** Removes what a process that was killed may have left half-written. */
  void removeDrafts() throws IOException {
    for (Path folder : List.of(path, checkpoints())) {
      if (Files.isDirectory(folder)) {
        try (Stream<Path> entries = Files.list(folder)) {
          for (Path entry : entries.toList()) {
            String name = entry.getFileName().toString();
            if (name.startsWith(".draft-") || (name.startsWith(".") && name.endsWith(".tmp"))) {
              delete(entry);
            }
          }
        }
      }
    }
  }

  /** Returns the result of a run that has ended, if all of it is saved. */
  Optional<JsonObject> result() throws IOException {
    Path file = path.resolve(RESULT);
    if (!Files.isRegularFile(file) || !Files.isRegularFile(model())) {
      return Optional.empty();
    }
    try {
      return Optional.of(JsonParser.parseString(Files.readString(file)).getAsJsonObject());
    } catch (JsonParseException | IllegalStateException e) {
      return Optional.empty();
    }
  }

  Path checkpoints() {
    return path.resolve("checkpoints");
  }

  Path model() {
    return path.resolve("model.safetensors");
  }

  Path report() {
    return path.resolve("report.html");
  }

  Path resolve(String name) {
    return path.resolve(name);
  }

  /** Writes a text file, whole or not at all. */
  void writeText(String name, String text) throws IOException {
    AtomicFile.write(path.resolve(name), out -> out.write(text.getBytes(StandardCharsets.UTF_8)));
  }

  /** Writes a JSON file, whole or not at all. */
  void writeJson(String name, JsonElement json) {
    JsonOutput.write(path.resolve(name), json);
  }
}
