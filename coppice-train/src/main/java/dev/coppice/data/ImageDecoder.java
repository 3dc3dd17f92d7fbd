package dev.coppice.data;

import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Iterator;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;

/** Decodes one picture (PNG, JPEG, GIF, BMP, TIFF) to 8-bit RGB with the JDK's readers. */
final class ImageDecoder {
  /** The most pixels of a picture. */
  static final long MAX_AREA = 1L << 24;

  private static final int MAX_SIDE = 8192;
  private static final byte START_OF_SCAN = (byte) 0xda;
  private static final byte END_OF_IMAGE = (byte) 0xd9;

  /**
   * A decoded picture.
   *
   * @param rgb unsigned bytes {@code [H, W, 3]}
   */
  record Picture(int height, int width, byte[] rgb) {
    /**
     * Returns the picture in another size, every target pixel being the mean of the area of the
     * source that it covers; the ratio of the sides is not kept.
     */
    Picture resized(int newHeight, int newWidth) {
      if (newHeight == height && newWidth == width) {
        return this;
      }
      byte[] target = new byte[newHeight * newWidth * 3];
      double stepY = (double) height / newHeight;
      double stepX = (double) width / newWidth;
      double[] sum = new double[3];
      for (int y = 0; y < newHeight; y++) {
        for (int x = 0; x < newWidth; x++) {
          addArea(y * stepY, (y + 1) * stepY, x * stepX, (x + 1) * stepX, sum);
          for (int c = 0; c < 3; c++) {
            target[(y * newWidth + x) * 3 + c] = (byte) Math.round(sum[c] / (stepY * stepX));
            sum[c] = 0;
          }
        }
      }
      return new Picture(newHeight, newWidth, target);
    }

    private void addArea(double top, double bottom, double left, double right, double[] sum) {
      for (int y = (int) top; y < Math.min(height, Math.ceil(bottom)); y++) {
        double rows = Math.min(bottom, y + 1) - Math.max(top, y);
        for (int x = (int) left; x < Math.min(width, Math.ceil(right)); x++) {
          double area = rows * (Math.min(right, x + 1) - Math.max(left, x));
          for (int c = 0; c < 3; c++) {
            sum[c] += area * (rgb[(y * width + x) * 3 + c] & 0xff);
          }
        }
      }
    }
  }

  private ImageDecoder() {}

  /**
   * Decodes a picture after checking the dimensions that its header declares.
   *
   * @throws DataFormatException if no reader knows the format, the picture is damaged, or it has
   *     more than 8,192 pixels a side or 2^24 in all
   */
  static Picture decode(SourceFile file) throws IOException {
    try (ImageInputStream in =
        new MemoryCacheImageInputStream(new ByteArrayInputStream(file.content()))) {
      Iterator<ImageReader> readers = ImageIO.getImageReaders(in);
      if (!readers.hasNext()) {
        throw new DataFormatException(
            file.name(), "is not a picture in a known format (PNG, JPEG, GIF, BMP, TIFF)");
      }
      ImageReader reader = readers.next();
      try {
        if (isTruncatedJpeg(file.content())) {
          throw new DataFormatException(file.name(), "the picture is truncated");
        }
        reader.setInput(in, true, true);
        int width = reader.getWidth(0);
        int height = reader.getHeight(0);
        if (width < 1
            || height < 1
            || width > MAX_SIDE
            || height > MAX_SIDE
            || (long) width * height > MAX_AREA) {
          throw new DataFormatException(
              file.name(), "a picture of " + width + "x" + height + " pixels is not accepted");
        }
        return rgb(reader.read(0));
      } finally {
        reader.dispose();
      }
    } catch (DataFormatException e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      // The JDK's readers answer damaged files with unchecked exceptions of many kinds.
      throw new DataFormatException(
          file.name(), "the picture cannot be decoded (" + e.getMessage() + ")", e);
    }
  }

  /**
   * The JDK fills what is missing of a JPEG with grey. Neither marker can occur within the data of
   * a scan, and the thumbnails that may hold them come before the picture's own scan (ITU T.81,
   * B.1).
   */
  private static boolean isTruncatedJpeg(byte[] content) {
    boolean jpeg = content.length >= 2 && content[0] == (byte) 0xff && content[1] == (byte) 0xd8;
    int at = content.length - 2;
    while (jpeg && at >= 0 && (content[at] != (byte) 0xff || !isScanOrEnd(content[at + 1]))) {
      at--;
    }
    return jpeg && (at < 0 || content[at + 1] != END_OF_IMAGE);
  }

  private static boolean isScanOrEnd(byte marker) {
    return marker == START_OF_SCAN || marker == END_OF_IMAGE;
  }

  private static Picture rgb(BufferedImage image) {
    int width = image.getWidth();
    int height = image.getHeight();
    byte[] rgb = new byte[height * width * 3];
    ColorModel model = image.getColorModel();
    if (!(model instanceof IndexColorModel)
        && model.getColorSpace().getType() == ColorSpace.TYPE_GRAY) {
      // getRGB would take linear grey for sRGB and brighten it.
      Raster raster = image.getRaster();
      int max = (1 << model.getComponentSize(0)) - 1;
      for (int i = 0; i < height * width; i++) {
        byte grey = (byte) (raster.getSample(i % width, i / width, 0) * 255L / max);
        rgb[3 * i] = grey;
        rgb[3 * i + 1] = grey;
        rgb[3 * i + 2] = grey;
      }
    } else {
      int[] row = new int[width];
      int target = 0;
      for (int y = 0; y < height; y++) {
        image.getRGB(0, y, width, 1, row, 0, width);
        for (int pixel : row) {
          rgb[target++] = (byte) (pixel >> 16);
          rgb[target++] = (byte) (pixel >> 8);
          rgb[target++] = (byte) pixel;
        }
      }
    }
    return new Picture(height, width, rgb);
  }
}
