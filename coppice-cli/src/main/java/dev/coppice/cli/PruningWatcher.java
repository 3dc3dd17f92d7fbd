package dev.coppice.cli;

import dev.coppice.prune.PruningIteration;
import dev.coppice.prune.PruningMethod;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Tells the user of every pruning iteration and keeps the records of a run up to date. */
final class PruningWatcher implements Consumer<PruningIteration> {
  private final RunDirectory directory;
  private final int iterations;
  private final PrintWriter err;
  private @Nullable PruningMethod method;

  PruningWatcher(RunDirectory directory, int iterations, PrintWriter err) {
    this.directory = directory;
    this.iterations = iterations;
    this.err = err;
  }

  /** Says whose records are kept. */
  void watch(PruningMethod watched) {
    method = watched;
  }

  @Override
  public void accept(PruningIteration iteration) {
    err.println("prune: " + PruningRecords.describe(iteration, iterations));
    err.flush();
    if (method != null) {
      try {
        new PruningRecords(method.history()).write(directory);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
