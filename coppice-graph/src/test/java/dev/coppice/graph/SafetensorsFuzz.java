package dev.coppice.graph;

import java.io.ByteArrayInputStream;
import java.io.IOException;

/** Jazzer's way into the readers of safetensors and of models. */
public final class SafetensorsFuzz {
  private SafetensorsFuzz() {}

  /** Reads the bytes as a file; only {@link ModelFormatException} may come out. */
  public static void fuzzerTestOneInput(byte[] bytes) throws IOException {
    try {
      ByteArrayInputStream in = new ByteArrayInputStream(bytes);
      Safetensors.Content content = Safetensors.read(in, bytes.length, "fuzz");
      content.arrays().values().forEach(Safetensors.Array::floats);
      Model model = ModelFile.read(content, "fuzz", false);
      if (!ModelFile.read(content, "fuzz", true).equals(model)) {
        throw new AssertionError("differs when it is packed");
      }
    } catch (ModelFormatException e) {
      if (e.getMessage() == null || e.getMessage().contains("\n")) {
        throw new AssertionError("not one line: " + e.getMessage(), e);
      }
    }
  }
}
