package dev.coppice.cli;

import java.io.IOException;
import java.nio.channels.FileLock;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * Where the process of a comparison's job enters: it goes on to {@link Main}, and ends when the
 * comparison does, however that ends. As long as it lives it holds a lock, so that a comparison
 * that goes on waits for what is left of the one before.
 */
final class JobProcess {
  /** The status after SIGTERM. */
  private static final int TERMINATED = 143;

  private JobProcess() {}

  /**
   * Runs the command line.
   *
   * @param args the process of the comparison, its lock, and the arguments of {@code coppice}
   * @throws IOException if the lock cannot be had
   */
  public static void main(String[] args) throws IOException {
    try (FileLock lock = ComparisonLock.share(Path.of(args[1]))) {
      long parent = ProcessHandle.current().parent().map(ProcessHandle::pid).orElse(-1L);
      if (!lock.isValid() || parent != Long.parseLong(args[0])) {
        return; // Another comparison may be at work by now.
      }
      Thread.ofPlatform().daemon().name("coppice-parent").start(JobProcess::endWithParent);
      Main.main(Arrays.copyOfRange(args, 2, args.length));
    }
  }

  /** Nothing is ever written to standard input, which ends with the comparison. */
  private static void endWithParent() {
    try {
      while (System.in.read() >= 0) {}
    } catch (IOException e) {
      // It cannot be read any more, which means the same.
    }
    System.exit(TERMINATED);
  }
}
