package dev.coppice.cli;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Sees to it that one comparison at a time works in a folder. The system lets go of the locks of a
 * process that ends, even if it is killed. The first byte of the file is the comparison's; its jobs
 * share the second.
 */
final class ComparisonLock implements AutoCloseable {
  private static final String NAME = ".lock";

  private final FileChannel channel;

  private ComparisonLock(FileChannel channel) {
    this.channel = channel;
  }

  /** Returns the file in the folder of a comparison. */
  static Path file(Path comparison) {
    return comparison.resolve(NAME);
  }

  /**
   * Takes the folder, and waits for jobs of a comparison that was killed, which end by themselves.
   *
   * @throws UsageException if another comparison is at work there
   * @throws IOException if the file cannot be made
   */
  static ComparisonLock take(Path comparison) throws IOException {
    FileChannel channel =
        FileChannel.open(
            file(comparison),
            StandardOpenOption.CREATE,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE);
    if (channel.tryLock(0, 1, false) == null) {
      channel.close();
      throw new UsageException("another comparison is at work in " + comparison);
    }
    channel.lock(1, 1, false).release();
    return new ComparisonLock(channel);
  }

  /** Takes the share of a job. */
  static FileLock share(Path file) throws IOException {
    return FileChannel.open(file, StandardOpenOption.READ).lock(1, 1, true);
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
