package dev.coppice.data;

import dev.coppice.graph.Shape;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import java.util.zip.GZIPOutputStream;

/** Small made-up files and images. */
final class Samples {
  private Samples() {}

  static List<String> classes(int count) {
    return IntStream.range(0, count).mapToObj(i -> "class " + i).toList();
  }

  static Images images(int count, Shape.Map shape, int classes, long seed) {
    Random random = new Random(seed);
    byte[] pixels = new byte[count * shape.size()];
    random.nextBytes(pixels);
    int[] labels = random.ints(count, 0, classes).toArray();
    return new Images("made up", shape, classes(classes), pixels, 255f, labels);
  }

  static byte[] idxImages(int count, int rows, int columns) {
    ByteBuffer buffer = ByteBuffer.allocate(16 + count * rows * columns);
    buffer.putInt(0x803).putInt(count).putInt(rows).putInt(columns);
    for (int i = 0; buffer.hasRemaining(); i++) {
      buffer.put((byte) i);
    }
    return buffer.array();
  }

  static byte[] idxLabels(int... labels) {
    ByteBuffer buffer = ByteBuffer.allocate(8 + labels.length);
    buffer.putInt(0x801).putInt(labels.length);
    for (int label : labels) {
      buffer.put((byte) label);
    }
    return buffer.array();
  }

  /** CIFAR records whose pixels count up; {@code labels} gives the label bytes in order. */
  static byte[] cifar(int labelBytes, int... labels) {
    int records = labels.length / labelBytes;
    ByteBuffer buffer = ByteBuffer.allocate(records * (labelBytes + 3072));
    for (int r = 0; r < records; r++) {
      for (int i = 0; i < labelBytes; i++) {
        buffer.put((byte) labels[r * labelBytes + i]);
      }
      for (int i = 0; i < 3072; i++) {
        buffer.put((byte) (i + r));
      }
    }
    return buffer.array();
  }

  static String digitLine(IntUnaryOperator pixel, int label) {
    StringBuilder line = new StringBuilder();
    for (int i = 0; i < 64; i++) {
      line.append(pixel.applyAsInt(i)).append(',');
    }
    return line.append(label).append('\n').toString();
  }

  static byte[] gzip(byte[] content) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (OutputStream out = new GZIPOutputStream(bytes)) {
      out.write(content);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  /** One ustar entry: header, content, padding. */
  static byte[] tarEntry(String path, char type, byte[] content) {
    byte[] entry = new byte[512 + (content.length + 511) / 512 * 512];
    put(entry, 0, path);
    put(entry, 124, String.format(Locale.ROOT, "%011o", content.length));
    entry[156] = (byte) type;
    put(entry, 257, "ustar");
    int sum = 8 * ' ';
    for (int i = 0; i < 512; i++) {
      sum += entry[i] & 0xff;
    }
    put(entry, 148, String.format(Locale.ROOT, "%06o", sum));
    System.arraycopy(content, 0, entry, 512, content.length);
    return entry;
  }

  static byte[] concat(byte[]... parts) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      bytes.writeBytes(part);
    }
    return bytes.toByteArray();
  }

  private static void put(byte[] target, int at, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(bytes, 0, target, at, bytes.length);
  }
}
