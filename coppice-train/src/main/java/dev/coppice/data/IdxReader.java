package dev.coppice.data;

import dev.coppice.graph.Shape;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * Reads the IDX files of MNIST and its relatives, plain or gzip-compressed: a big-endian magic
 * number (0x00000803 for images, 0x00000801 for labels), one big-endian int32 per dimension, then
 * unsigned bytes, row by row.
 */
public final class IdxReader {
  private static final int IMAGES_MAGIC = 0x00000803;
  private static final int LABELS_MAGIC = 0x00000801;

  /** Keeps the product of three dimensions within a long, and is far above any image. */
  private static final int MAX_SIDE = 1 << 14;

  private record Idx(int[] dimensions, byte[] data) {}

  private IdxReader() {}

  /**
   * Reads a file of images and the file of their labels.
   *
   * @throws DataFormatException if a file is damaged, or the two do not belong together
   * @throws IOException if a file cannot be read
   */
  public static Images read(Path images, Path labels, String name, List<String> classes)
      throws IOException {
    return read(SourceFile.read(images), SourceFile.read(labels), name, classes);
  }

  /**
   * Reads images and their labels from the bytes of two files.
   *
   * @throws DataFormatException if a file is damaged, or the two do not belong together
   */
  public static Images read(SourceFile images, SourceFile labels, String name, List<String> classes)
      throws IOException {
    Idx labelData = labels.decode(in -> parse(in, labels, LABELS_MAGIC, 1));
    Idx imageData = images.decode(in -> parse(in, images, IMAGES_MAGIC, 3));
    int count = imageData.dimensions[0];
    if (count != labelData.dimensions[0]) {
      throw new DataFormatException(
          images.name(),
          "holds "
              + count
              + " images but "
              + labels.name()
              + " holds "
              + labelData.dimensions[0]
              + " labels");
    }
    int[] classOf = new int[count];
    for (int i = 0; i < count; i++) {
      classOf[i] = labelData.data[i] & 0xff;
      if (classOf[i] >= classes.size()) {
        throw new DataFormatException(
            labels.name(),
            "label " + classOf[i] + " at position " + i + " is not in 0.." + (classes.size() - 1));
      }
    }
    Shape.Map shape = new Shape.Map(imageData.dimensions[1], imageData.dimensions[2], 1);
    return new Images(name, shape, classes, imageData.data, 255f, classOf);
  }

  private static Idx parse(InputStream in, SourceFile file, int magic, int rank)
      throws IOException {
    int headerLength = 4 + 4 * rank;
    byte[] header = in.readNBytes(headerLength);
    if (header.length >= 4 && ByteBuffer.wrap(header).getInt() != magic) {
      throw new DataFormatException(
          file.name(),
          String.format(
              Locale.ROOT,
              "expected the IDX magic number 0x%08x, found 0x%08x",
              magic,
              ByteBuffer.wrap(header).getInt()));
    }
    if (header.length < headerLength) {
      throw new DataFormatException(
          file.name(),
          "truncated: expected a header of " + headerLength + " bytes, found " + header.length);
    }
    ByteBuffer fields = ByteBuffer.wrap(header, 4, 4 * rank);
    int[] dimensions = new int[rank];
    long bytes = 1;
    for (int i = 0; i < rank; i++) {
      dimensions[i] = fields.getInt();
      if (dimensions[i] < 1 || (i > 0 && dimensions[i] > MAX_SIDE)) {
        throw new DataFormatException(
            file.name(), "dimension " + i + " of " + dimensions[i] + " is out of range");
      }
      bytes *= dimensions[i];
    }
    if (bytes > Images.MAX_PIXELS) {
      throw new DataFormatException(
          file.name(), "declares " + bytes + " bytes of data, more than the 2 GiB that fit");
    }
    if (headerLength + bytes > file.maxDecodedBytes()) {
      throw truncated(file, bytes, "at most " + (file.maxDecodedBytes() - headerLength));
    }
    byte[] data = in.readNBytes((int) bytes);
    if (data.length < bytes) {
      throw truncated(file, bytes, Integer.toString(data.length));
    }
    if (in.read() >= 0) {
      throw new DataFormatException(
          file.name(), "has more than the declared " + bytes + " bytes of data");
    }
    return new Idx(dimensions, data);
  }

  private static DataFormatException truncated(SourceFile file, long declared, String found) {
    return new DataFormatException(
        file.name(), "truncated: declares " + declared + " bytes of data, holds " + found);
  }
}
