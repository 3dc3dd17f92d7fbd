package dev.coppice.cli;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A script of {@code benchmarks/peers} that measures another library.
 *
 * @param name of the library
 * @param python the interpreter that has the library
 */
record PeerScript(String name, Path file, String python) {
  private static final Path FOLDER = Path.of("benchmarks", "peers");

  /**
   * Finds the script of a library for a task, {@code train} or {@code run}, above the jar of this
   * class, or else above the current folder.
   *
   * @throws UsageException if it is in neither, or there is no such interpreter
   */
  static PeerScript find(String name, String task, String python) {
    if (!isProgram(python)) {
      throw new UsageException("--python " + python + ": is no program");
    }
    Path script = FOLDER.resolve(name + "_" + task + ".py");
    for (Path start : Stream.of(home(), Path.of("")).filter(path -> path != null).toList()) {
      for (Path at = start.toAbsolutePath(); at != null; at = at.getParent()) {
        if (Files.isRegularFile(at.resolve(script))) {
          return new PeerScript(name, at.resolve(script), python);
        }
      }
    }
    throw new UsageException(
        "--peer " + name + " needs " + script + " of the source repository, which is not here");
  }

  private static boolean isProgram(String python) {
    return python.indexOf('/') >= 0
        ? Files.isExecutable(Path.of(python))
        : Arrays.stream(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
            .map(folder -> Path.of(folder, python))
            .anyMatch(program -> Files.isRegularFile(program) && Files.isExecutable(program));
  }

  private static @Nullable Path home() {
    CodeSource source = PeerScript.class.getProtectionDomain().getCodeSource();
    try {
      return source == null ? null : Path.of(source.getLocation().toURI());
    } catch (URISyntaxException e) {
      return null;
    }
  }

  /**
   * Runs the script and returns what it measured.
   *
   * @param arguments what to measure
   * @param settings those of the script to try, empty for all
   * @param err gets what the script says on the way
   * @throws RunFailedException if the script fails
   * @throws IOException if it cannot be started
   */
  JsonObject run(List<String> arguments, List<String> settings, PrintWriter err)
      throws IOException {
    Path output = Files.createTempFile("coppice-peer", ".json");
    try {
      List<String> command = new ArrayList<>(List.of(python, file.toString()));
      command.addAll(arguments);
      command.addAll(List.of("--json", output.toString()));
      if (!settings.isEmpty()) {
        command.add("--settings");
        command.addAll(settings);
      }
      List<String> said = new ArrayList<>();
      int status = start(command, err, said);
      if (status != 0) {
        throw new RunFailedException(
            file.getFileName() + " ended with status " + status + ": " + Child.lastLine(said));
      }
      return JsonParser.parseString(Files.readString(output)).getAsJsonObject();
    } catch (JsonParseException | IllegalStateException e) {
      throw new RunFailedException(file.getFileName() + " wrote no figures", e);
    } finally {
      Files.deleteIfExists(output);
    }
  }

  private int start(List<String> command, PrintWriter err, List<String> said) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectOutput(ProcessBuilder.Redirect.DISCARD);
    return Child.run(
        builder,
        process ->
            process
                .errorReader()
                .lines()
                .forEach(
                    line -> {
                      said.add(line);
                      err.println("  " + line);
                      err.flush();
                    }));
  }
}
