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
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The folder in which a run, or a stage of one, keeps its configuration, records, checkpoints and
 * model.
 *
 * @param path the folder
 * @param run the folder of the whole run, the same if it has no stages
 */
record RunDirectory(Path path, Path run) {
  /** The file that a run writes last but for its report. */
  static final String RESULT = "result.json";

  /** What a shell takes for one word as it is. */
  private static final Pattern PLAIN = Pattern.compile("[\\p{L}\\p{N}._/:+=,@%-]+");

  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss", Locale.ROOT);

  /** Folders of stages. */
  private static final Pattern STAGE = Pattern.compile("pretrain|(round|search)-[0-9]+");

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

  /** What a comparison writes. */
  private static final List<String> OF_COMPARISON =
      List.of(
          Configuration.FILE,
          "jobs",
          "results.csv",
          Comparison.RESULTS,
          "summary.csv",
          "summary.md",
          "costs.csv",
          "report.html");

  /** The folder of a run as a whole. */
  RunDirectory(Path path) {
    this(path, path);
  }

  /** Returns the folder of a stage, which is made if need be. */
  RunDirectory stage(String name) throws IOException {
    Path folder = Files.createDirectories(path.resolve(name));
    if (!Files.exists(folder.resolve(Configuration.FILE))) {
      Files.copy(path.resolve(Configuration.FILE), folder.resolve(Configuration.FILE));
    }
    return new RunDirectory(folder, run);
  }

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
                  + " is not empty; give another one by --run"
                  + (command.equals("quickstart")
                      ? ""
                      : ", go on with it by --resume, or start over by --force"));
        }
        for (String name : command.equals("compare") ? OF_COMPARISON : OWN) {
          delete(folder.resolve(name));
        }
        for (Path stage : stages(folder)) {
          delete(stage);
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

  private static List<Path> stages(Path folder) throws IOException {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries
          .filter(entry -> STAGE.matcher(entry.getFileName().toString()).matches())
          .toList();
    }
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

  /** Returns whether there is a checkpoint to go on from. */
  boolean hasCheckpoint() throws IOException {
    return Files.isDirectory(checkpoints()) && !isEmpty(checkpoints());
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

  /** Returns the command line that goes on with the whole run, for a shell to read. */
  String resuming(String command) {
    String folder = run.toString();
    String word =
        PLAIN.matcher(folder).matches() ? folder : "'" + folder.replace("'", "'\\''") + "'";
    return "coppice " + command + " --resume " + word;
  }
}
