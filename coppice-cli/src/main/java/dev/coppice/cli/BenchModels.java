package dev.coppice.cli;

import dev.coppice.graph.Compression;
import dev.coppice.train.Engine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** The files of the networks whose training is measured, each made when it is first asked for. */
final class BenchModels implements AutoCloseable {
  private final Engine.Options options;
  private final Map<BenchSettings, Path> files = new HashMap<>();

  BenchModels(Engine.Options options) {
    this.options = options;
  }

  Path of(BenchSettings settings) throws IOException {
    Path known = files.get(settings);
    if (known == null) {
      known = Files.createTempFile("coppice-bench", ".safetensors");
      files.put(settings, known);
      BenchNetwork.of(settings, options).save(known, Compression.DENSE);
    }
    return known;
  }

  @Override
  public void close() throws IOException {
    for (Path file : files.values()) {
      Files.deleteIfExists(file);
    }
  }
}
