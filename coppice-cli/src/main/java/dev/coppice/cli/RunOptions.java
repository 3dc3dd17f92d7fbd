package dev.coppice.cli;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;

/** The options about the folder of a run. */
final class RunOptions {
  @Option(
      names = "--run",
      paramLabel = "DIR",
      description = "where the run is kept (default: runs/COMMAND-TIME)")
  @Nullable Path run;

  @Option(
      names = "--resume",
      arity = "0..1",
      fallbackValue = "",
      paramLabel = "DIR",
      description = "go on with the run in DIR, or in that of --run, from its newest checkpoint")
  @Nullable String resume;

  @Option(names = "--force", description = "start over in a run folder that is not empty")
  boolean force;

  @Option(
      names = "--checkpoint-interval",
      paramLabel = "N",
      description = "optimizer steps between checkpoints; every epoch has one (default: 500)")
  int checkpointInterval = 500;

  /** Returns the folder of the run to resume, or null to begin one. */
  @Nullable Path resumed() {
    if (resume == null) {
      return null;
    }
    if (resume.isEmpty() && run == null) {
      throw new UsageException("--resume needs the folder of the run: --resume DIR");
    }
    if (!resume.isEmpty() && run != null && !run.equals(Path.of(resume))) {
      throw new UsageException("--run and --resume name two folders; give one of them");
    }
    return resume.isEmpty() ? run : Path.of(resume);
  }

  /**
   * Returns the folder of the run: that to resume, or a new one with the command's options in it.
   *
   * @throws UsageException if it cannot be written or holds another run
   */
  RunDirectory directory(CommandSpec command) {
    if (checkpointInterval < 1) {
      throw new UsageException(
          "--checkpoint-interval must be at least 1, not " + checkpointInterval);
    }
    Path resumed = resumed();
    return resumed != null
        ? new RunDirectory(resumed)
        : RunDirectory.create(run, command.name(), force, Configuration.yaml(command));
  }
}
