package dev.coppice.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A run of a comparison that is to be done in a process of its own.
 *
 * @param command the arguments of {@code coppice}, but for the folder
 * @param comparison the folder of the comparison
 */
record ComparisonJob(Cell cell, List<String> command, Path comparison) {
  /** How an exit status tells of a signal. */
  private static final int SIGNAL = 128;

  private static final int SIGKILL = 9;

  /** Statuses of a run that was asked to end, by SIGINT or SIGTERM, and left a checkpoint. */
  private static final List<Integer> STOPPED = List.of(SIGNAL + 2, SIGNAL + 15);

  private static final String ERROR = "coppice: ";

  /** Copies the list. */
  ComparisonJob {
    command = List.copyOf(command);
  }

  /** Returns its run folder, relative to that of the comparison. */
  String folder() {
    String name =
        cell.isDense()
            ? cell.method() + "-" + cell.seed()
            : cell.method() + "-" + cell.sparsityTarget() + "-" + cell.seed();
    return "jobs/" + name.replaceAll("[^\\p{L}\\p{N}._+=,-]", "_");
  }

  RunDirectory directory() {
    return new RunDirectory(comparison.resolve(folder()));
  }

  /** Returns the outcome if the job was done before. */
  Optional<ComparedRun.Outcome> done() throws IOException {
    return directory().result().isPresent()
        ? Optional.of(ComparedRun.Finished.read(directory().path(), cell.describe()))
        : Optional.empty();
  }

  /** Returns the run with its outcome. */
  ComparedRun with(ComparedRun.Outcome outcome) {
    return new ComparedRun(cell, command, folder(), outcome);
  }

  /**
   * Runs the job, from its checkpoint if it has one.
   *
   * @param listener gets the lines of standard error
   * @return how it ended, or nothing if it was asked to stop
   * @throws IOException if the process cannot be started or its result cannot be read
   */
  Optional<ComparedRun.Outcome> run(Consumer<String> listener) throws IOException {
    List<String> process = JavaProgram.command(JobProcess.class);
    process.add(Long.toString(ProcessHandle.current().pid()));
    process.add(ComparisonLock.file(comparison).toString());
    process.addAll(arguments());
    LastWords said = new LastWords();
    int status =
        Child.run(
            new ProcessBuilder(process).redirectOutput(ProcessBuilder.Redirect.DISCARD),
            child ->
                child
                    .errorReader()
                    .lines()
                    .forEach(
                        line -> {
                          said.add(line);
                          listener.accept(line);
                        }));
    if (STOPPED.contains(status)) {
      return Optional.empty();
    }
    return Optional.of(
        status == 0 && directory().result().isPresent()
            ? ComparedRun.Finished.read(directory().path(), cell.describe())
            : new ComparedRun.Failed(Math.max(status, Failure.FAILED), said.of(status)));
  }

  private List<String> arguments() {
    String folder = directory().path().toString();
    if (Files.isRegularFile(directory().resolve(Configuration.FILE))) {
      return List.of(command.getFirst(), "--resume", folder);
    }
    List<String> arguments = new ArrayList<>(command);
    arguments.addAll(List.of("--run", folder, "--force"));
    return arguments;
  }

  /** What a process said that tells why it failed. */
  private static final class LastWords {
    private String last = "it said nothing";
    private @Nullable String error;

    void add(String line) {
      if (line.startsWith(ERROR)) {
        error = line.substring(ERROR.length());
      } else if (!line.isBlank()) {
        last = line.strip();
      }
    }

    String of(int status) {
      if (error != null) {
        return error;
      }
      return (status == SIGNAL + SIGKILL ? "killed" : "ended with status " + status)
          + "; its last line: "
          + last;
    }
  }
}
