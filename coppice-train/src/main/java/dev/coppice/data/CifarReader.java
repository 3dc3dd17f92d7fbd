package dev.coppice.data;

import dev.coppice.graph.Shape;
import java.io.IOException;
import java.util.List;

/**
 * Reads the binary versions of CIFAR-10 and CIFAR-100: records without header or padding, each one
 * or two label bytes and then the red, green and blue planes of a 32x32 image, row by row. The
 * number of records follows from the size of the file.
 */
public final class CifarReader {
  /** The two variants. */
  public enum Variant {
    /** One label byte, 0..9. */
    CIFAR10(1, 10),
    /** A coarse label byte, 0..19, which is checked and dropped, then a fine one, 0..99. */
    CIFAR100(2, 100);

    private final int labelBytes;
    private final int classCount;

    Variant(int labelBytes, int classCount) {
      this.labelBytes = labelBytes;
      this.classCount = classCount;
    }

    int recordBytes() {
      return labelBytes + PLANE * 3;
    }
  }

  private static final int PLANE = 32 * 32;
  private static final int COARSE_CLASSES = 20;
  private static final Shape.Map SHAPE = new Shape.Map(32, 32, 3);

  private CifarReader() {}

  /**
   * Reads the records of all files, in order.
   *
   * @param classes the names of the variant's 10 or 100 classes
   * @throws DataFormatException if a file is empty, is not a whole number of records or has a label
   *     out of range, or if all of them exceed 2 GiB
   */
  public static Images read(
      List<SourceFile> files, Variant variant, String name, List<String> classes)
      throws IOException {
    if (classes.size() != variant.classCount) {
      throw new IllegalArgumentException(
          "expected " + variant.classCount + " class names, found " + classes.size());
    }
    int recordBytes = variant.recordBytes();
    long total = 0;
    for (SourceFile file : files) {
      int length = file.content().length;
      if (length == 0 || length % recordBytes != 0) {
        throw new DataFormatException(
            file.name(),
            "expected a positive multiple of "
                + recordBytes
                + " bytes (one record), found "
                + length);
      }
      total += length / recordBytes;
    }
    if (total * SHAPE.size() > Images.MAX_PIXELS) {
      throw new DataFormatException(
          name, "its " + total + " images exceed the 2 GiB of pixels that fit");
    }
    byte[] pixels = new byte[(int) total * SHAPE.size()];
    int[] labels = new int[(int) total];
    int image = 0;
    for (SourceFile file : files) {
      byte[] content = file.content();
      for (int at = 0; at < content.length; at += recordBytes) {
        if (variant == Variant.CIFAR100) {
          checkedLabel(file, at, COARSE_CLASSES);
        }
        int planes = at + variant.labelBytes;
        labels[image] = checkedLabel(file, planes - 1, variant.classCount);
        int target = image * SHAPE.size();
        for (int p = 0; p < PLANE; p++) {
          pixels[target++] = content[planes + p];
          pixels[target++] = content[planes + PLANE + p];
          pixels[target++] = content[planes + 2 * PLANE + p];
        }
        image++;
      }
    }
    return new Images(name, SHAPE, classes, pixels, 255f, labels);
  }

  private static int checkedLabel(SourceFile file, int at, int classCount)
      throws DataFormatException {
    int label = file.content()[at] & 0xff;
    if (label >= classCount) {
      throw new DataFormatException(
          file.name(), "label " + label + " at byte " + at + " is not in 0.." + (classCount - 1));
    }
    return label;
  }
}
