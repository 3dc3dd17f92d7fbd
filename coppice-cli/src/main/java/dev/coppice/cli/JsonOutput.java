package dev.coppice.cli;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import dev.coppice.graph.AtomicFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/** Writes results as JSON files, whole or not at all. */
final class JsonOutput {
  private static final Gson GSON =
      new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();

  private JsonOutput() {}

  /**
   * Finds out whether a result can be written, before hours are spent on it.
   *
   * @param file null for none
   * @throws UsageException if not
   */
  static void check(@Nullable Path file) {
    if (file != null) {
      OutputFile.check("--json", file);
    }
  }

  /**
   * Writes a result.
   *
   * @param file null for none
   * @throws RunFailedException if that fails
   */
  static void write(@Nullable Path file, JsonElement result) {
    if (file == null) {
      return;
    }
    byte[] text = (GSON.toJson(result) + "\n").getBytes(StandardCharsets.UTF_8);
    try {
      if (OutputFile.isSpecial(file)) {
        // A device or a pipe must not be replaced by a file.
        Files.write(file, text, StandardOpenOption.WRITE);
      } else {
        AtomicFile.write(file, out -> out.write(text));
      }
    } catch (IOException e) {
      throw new RunFailedException(
          "the result could not be written to " + file + ": " + Failure.describe(e), e);
    }
  }
}
