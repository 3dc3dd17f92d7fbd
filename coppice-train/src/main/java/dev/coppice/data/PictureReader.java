package dev.coppice.data;

import dev.coppice.graph.Shape;
import java.io.IOException;
import java.nio.file.Path;

/** Reads single pictures (PNG, JPEG, GIF, BMP, TIFF) as a network takes them. */
public final class PictureReader {
  private static final int MAX_FILE_BYTES = 64 << 20;

  private PictureReader() {}

  /**
   * Returns whether a picture can become an image of that shape: one of grey or of red, green and
   * blue, and of at most 2^24 pixels.
   */
  public static boolean fits(Shape shape) {
    return shape instanceof Shape.Map map
        && (map.channels() == 1 || map.channels() == 3)
        && (long) map.height() * map.width() <= ImageDecoder.MAX_AREA;
  }

  /**
   * Reads a picture and makes it fit: it is scaled to height and width by area averaging, which
   * does not keep the ratio of the sides, and becomes RGB or, for one channel, grey by the weights
   * of ITU-R BT.601.
   *
   * @return pixels in 0..1, {@code [H, W, C]}
   * @throws IllegalArgumentException unless {@link #fits}
   * @throws DataFormatException if it is not a picture, or one of more than 8,192 pixels a side or
   *     2^24 in all
   * @throws IOException if the file cannot be read
   */
  public static float[] read(Path file, Shape shape) throws IOException {
    if (!(shape instanceof Shape.Map map) || !fits(shape)) {
      throw new IllegalArgumentException("no picture is an image of the shape " + shape);
    }
    ImageDecoder.Picture picture =
        ImageDecoder.decode(SourceFile.read(file, MAX_FILE_BYTES))
            .resized(map.height(), map.width());
    byte[] rgb = picture.rgb();
    float[] pixels = new float[map.size()];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (map.channels() == 3 ? rgb[i] & 0xff : grey(rgb, 3 * i)) / 255f;
    }
    return pixels;
  }

  private static float grey(byte[] rgb, int at) {
    int sum = 299 * (rgb[at] & 0xff) + 587 * (rgb[at + 1] & 0xff) + 114 * (rgb[at + 2] & 0xff);
    return sum / 1000f;
  }
}
