package dev.coppice.data;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** Real data beside the repository; tests that need them are skipped where they are not. */
final class SharedData {
  private SharedData() {}

  /**
   * Returns the folder of the system property coppice.data, or ../shared/data of the repository.
   */
  static Path root() {
    String property = System.getProperty("coppice.data");
    Path root =
        property != null
            ? Path.of(property)
            : Path.of("").toAbsolutePath().resolve("../../shared/data").normalize();
    Assumptions.assumeTrue(
        Files.isDirectory(root), () -> "no data in " + root + "; set -Dcoppice.data=FOLDER");
    return root;
  }
}
