package dev.coppice.cli;

import java.io.IOException;
import java.util.List;

/** A process that ends with this one. */
final class Child {
  /** What watches the output of a process. */
  interface Watcher {
    /** Reads the output to its end. */
    void watch(Process process) throws IOException;
  }

  private Child() {}

  /**
   * Runs a process to its end. Its standard input is empty, and ends when this process does.
   *
   * @return its exit status
   * @throws RunFailedException if this process is asked to end before it has begun
   * @throws IOException if it cannot be started
   */
  static int run(ProcessBuilder builder, Watcher watcher) throws IOException {
    Process process = builder.start();
    Thread hook = Thread.ofPlatform().unstarted(() -> kill(process));
    try {
      Runtime.getRuntime().addShutdownHook(hook);
      watcher.watch(process);
      return process.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new RunFailedException("interrupted", e);
    } catch (IllegalStateException e) {
      throw new RunFailedException("interrupted", e); // This process is ending.
    } finally {
      kill(process);
      process.getOutputStream().close();
      try {
        Runtime.getRuntime().removeShutdownHook(hook);
      } catch (IllegalStateException e) {
        // This process is ending, and the hook with it.
      }
    }
  }

  /** Returns the last line that is not blank. */
  static String lastLine(List<String> lines) {
    return lines.reversed().stream()
        .map(String::strip)
        .filter(line -> !line.isEmpty())
        .findFirst()
        .orElse("it said nothing");
  }

  /** Asks a process to end. {@link Process#destroy} would also close what its watcher reads. */
  private static void kill(Process process) {
    process.descendants().forEach(ProcessHandle::destroy);
    process.toHandle().destroy();
  }
}
