package dev.coppice.data;

import dev.coppice.graph.Shape;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Reads the 8x8 digits of the UCI repository: text, plain or gzip-compressed, a line per image with
 * 64 pixels 0..16, row by row, and the class 0..9, separated by commas.
 */
public final class DigitsReader {
  private static final Shape.Map SHAPE = new Shape.Map(8, 8, 1);
  private static final int MAX_PIXEL = 16;
  private static final int MAX_BYTES = 16 << 20;
  private static final List<String> CLASSES = ClassNames.DIGITS;

  private DigitsReader() {}

  /**
   * Reads the images; their divisor is 16.
   *
   * @throws DataFormatException if a line does not hold 64 pixels and a class, or there is none
   */
  public static Images read(SourceFile file, String name) throws IOException {
    byte[] text = file.decode(in -> SourceFile.read(file.name(), in, MAX_BYTES).content());
    List<String> lines = new String(text, StandardCharsets.US_ASCII).lines().toList();
    if (lines.isEmpty()) {
      throw new DataFormatException(file.name(), "holds no images");
    }
    int length = SHAPE.size();
    byte[] pixels = new byte[lines.size() * length];
    int[] labels = new int[lines.size()];
    for (int i = 0; i < labels.length; i++) {
      String[] fields = lines.get(i).split(",", -1);
      if (fields.length != length + 1) {
        throw new DataFormatException(
            file.name(),
            "line " + (i + 1) + ": expected " + (length + 1) + " numbers, found " + fields.length);
      }
      for (int p = 0; p < length; p++) {
        pixels[i * length + p] = (byte) number(file, i, fields[p], MAX_PIXEL);
      }
      labels[i] = number(file, i, fields[length], CLASSES.size() - 1);
    }
    return new Images(name, SHAPE, CLASSES, pixels, MAX_PIXEL, labels);
  }

  private static int number(SourceFile file, int line, String field, int max)
      throws DataFormatException {
    int value = 0;
    boolean valid = !field.isEmpty() && field.length() <= 2;
    for (int i = 0; i < field.length() && valid; i++) {
      int digit = field.charAt(i) - '0';
      valid = digit >= 0 && digit <= 9;
      value = 10 * value + digit;
    }
    if (!valid || value > max) {
      String shown = field.length() > 12 ? field.substring(0, 12) + "…" : field;
      throw new DataFormatException(
          file.name(),
          "line " + (line + 1) + ": expected a number in 0.." + max + ", found \"" + shown + "\"");
    }
    return value;
  }
}
