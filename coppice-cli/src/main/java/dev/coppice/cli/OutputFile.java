package dev.coppice.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Finds out whether a file can be written, before hours are spent on what goes into it. */
final class OutputFile {
  private OutputFile() {}

  /**
   * Checks a file that the user names by an option. Nothing is left behind.
   *
   * @throws UsageException if it is a folder, or its folder is not there or cannot be written to
   */
  static void check(String option, Path file) {
    if (Files.isDirectory(file)) {
      throw new UsageException(option + " " + file + ": is a folder, not a file");
    }
    if (isSpecial(file)) {
      return;
    }
    Path folder = file.toAbsolutePath().getParent();
    if (folder == null || !Files.isDirectory(folder)) {
      throw new UsageException(option + " " + file + ": there is no folder " + folder);
    }
    try {
      Path probe = Files.createTempFile(folder, ".coppice-", ".tmp");
      Files.delete(probe);
    } catch (IOException e) {
      throw new UsageException(option + ": cannot write to " + folder, e);
    }
  }

  /** Returns whether the file is there but no regular one, such as a device or a pipe. */
  static boolean isSpecial(Path file) {
    return Files.exists(file) && !Files.isRegularFile(file);
  }
}
