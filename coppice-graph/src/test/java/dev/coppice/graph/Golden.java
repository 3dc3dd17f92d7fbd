package dev.coppice.graph;

import java.nio.file.Path;

/** Files that the reference implementations wrote. */
final class Golden {
  /** In {@code coppice.golden}, a folder, or else among the test resources. */
  static final Path NETWORK =
      Path.of(
          System.getProperty("coppice.golden", "src/test/resources/golden"),
          "network-decay.safetensors");

  private Golden() {}
}
