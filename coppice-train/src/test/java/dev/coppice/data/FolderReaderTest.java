package dev.coppice.data;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.OptionalInt;
import java.util.zip.CRC32;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FolderReaderTest {
  @TempDir Path root;

  private static byte[] png(int width, int height, int type, int rgb) throws IOException {
    BufferedImage image = new BufferedImage(width, height, type);
    for (int i = 0; i < width * height; i++) {
      image.setRGB(i % width, i / width, rgb);
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    ImageIO.write(image, "png", bytes);
    return bytes.toByteArray();
  }

  private static byte[] red(int width, int height) throws IOException {
    return png(width, height, BufferedImage.TYPE_INT_RGB, 0xff0000);
  }

  private void put(String path, byte[] content) throws IOException {
    Path file = root.resolve(path);
    Files.createDirectories(file.resolveSibling("."));
    Files.write(file, content);
  }

  private DataSet read() throws IOException {
    return FolderReader.read(root, OptionalInt.empty());
  }

  @Test
  void trainAndTestFolders() throws IOException {
    put("train/cat/1.png", red(3, 2));
    put("train/dog/1.PNG", png(3, 2, BufferedImage.TYPE_INT_ARGB, 0xff0000ff));
    put("train/dog/notes.txt", new byte[4]);
    put("test/dog/1.png", red(3, 2));
    DataSet data = read();

    assertThat(data.train().classes()).containsExactly("cat", "dog");
    assertThat(data.train().shape()).hasToString("2x3x3");
    assertThat(data.train().labels()).containsExactly(0, 1);
    assertThat(data.test().labels()).containsExactly(1);
    assertThat(Arrays.copyOf(data.train().pixels(), 6)).containsExactly(255, 0, 0, 255, 0, 0);
    assertThat(Arrays.copyOfRange(data.train().pixels(), 18, 21)).containsExactly(0, 0, 255);
    assertThat(data.sources()).hasSize(2);
  }

  @Test
  void theLayoutOfTinyImageNet() throws IOException {
    put("train/n01/images/n01_0.JPEG", red(4, 4));
    put("train/n02/images/n02_0.JPEG", red(4, 4));
    put("train/n02/n02_boxes.txt", new byte[3]);
    put("val/images/val_0.JPEG", red(4, 4));
    put("val/images/val_1.JPEG", red(4, 4));
    put(
        "val/val_annotations.txt",
        "val_1.JPEG\tn01\t0\t0\t3\t3\nval_0.JPEG\tn02\n".getBytes(UTF_8));
    put("test/images/test_0.JPEG", red(4, 4));
    DataSet data = read();

    assertThat(data.train().classes()).containsExactly("n01", "n02");
    assertThat(data.test().labels()).containsExactly(0, 1);
  }

  @Test
  void annotationsCannotLeaveTheirFolder() throws IOException {
    put("train/n01/images/n01_0.JPEG", red(4, 4));
    put("val/val_annotations.txt", "../../train/n01/images/n01_0.JPEG\tn01\n".getBytes(UTF_8));
    assertThatThrownBy(this::read)
        .isInstanceOf(DataFormatException.class)
        .hasMessageContaining("val_annotations.txt: line 1: expected a file name");
    put("val/val_annotations.txt", "val_0.JPEG\tn99\n".getBytes(UTF_8));
    assertThatThrownBy(this::read)
        .isInstanceOf(DataFormatException.class)
        .hasMessageContaining("line 1: its class is not a class of the training part");
  }

  @Test
  void withoutATestPartAFifthIsSetAside() throws IOException {
    for (int i = 0; i < 10; i++) {
      put("a/" + i + ".png", red(2, 2));
      put("b/" + i + ".png", red(2, 2));
    }
    DataSet data = DataSets.load("folder:" + root, null);
    assertThat(data.train().histogram()).containsExactly(8, 8);
    assertThat(data.test().histogram()).containsExactly(2, 2);
    assertThat(DataVerifier.verify("folder:" + root, null).files())
        .extracting(DataVerifier.Check::status)
        .containsExactly(DataVerifier.Status.UNKNOWN);
  }

  @Test
  void greyKeepsItsValues() throws IOException {
    BufferedImage grey = new BufferedImage(2, 1, BufferedImage.TYPE_BYTE_GRAY);
    grey.getRaster().setSample(0, 0, 0, 100);
    grey.getRaster().setSample(1, 0, 0, 3);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    ImageIO.write(grey, "png", bytes);
    assertThat(ImageDecoder.decode(new SourceFile("grey", bytes.toByteArray())).rgb())
        .containsExactly(100, 100, 100, 3, 3, 3);
  }

  @Test
  void sizesMustAgreeUnlessOneIsAskedFor() throws IOException {
    put("train/a/1.png", red(4, 4));
    put("train/a/2.png", red(8, 4));
    put("test/a/1.png", red(5, 5));
    assertThatThrownBy(this::read)
        .isInstanceOf(DataFormatException.class)
        .hasMessageContaining("2.png: expected a picture of 4x4x3 like the first one, found 4x8x3");
    DataSet data = FolderReader.read(root, OptionalInt.of(3));
    assertThat(data.train().shape()).hasToString("3x3x3");
    for (int i = 0; i < data.train().pixels().length; i++) {
      assertThat(data.train().pixels()[i]).isEqualTo((byte) (i % 3 == 0 ? 255 : 0));
    }
  }

  @Test
  void resizingTakesTheMeanOfTheArea() {
    byte[] source = new byte[4 * 4 * 3];
    for (int i = 0; i < 16; i++) {
      source[3 * i] = (byte) (16 * i);
    }
    ImageDecoder.Picture half = new ImageDecoder.Picture(4, 4, source).resized(2, 2);
    // Pixels 0, 1, 4, 5 of the first quarter have the mean 2.5 * 16.
    assertThat(half.rgb()).containsExactly(40, 0, 0, 72, 0, 0, 168, 0, 0, 200, 0, 0);
    ImageDecoder.Picture third = new ImageDecoder.Picture(1, 3, new byte[9]).resized(1, 2);
    assertThat(third.rgb()).containsOnly(0);
  }

  @Test
  void everyTruncationIsAnErrorOrDoesNoHarm() throws IOException {
    BufferedImage image = new BufferedImage(16, 16, BufferedImage.TYPE_INT_RGB);
    for (int i = 0; i < 256; i++) {
      image.setRGB(i % 16, i / 16, i * 0x010203);
    }
    // The end of a PNG is checksums and an end mark: its pixels are complete without them.
    assertTruncationsFail(image, "png", 20);
    assertTruncationsFail(image, "jpg", 0);
  }

  private static void assertTruncationsFail(BufferedImage image, String format, int dispensable)
      throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    ImageIO.write(image, format, bytes);
    byte[] whole = bytes.toByteArray();
    byte[] rgb = ImageDecoder.decode(new SourceFile("whole", whole)).rgb();
    for (int length = 0; length < whole.length; length++) {
      SourceFile truncated = new SourceFile("truncated", Arrays.copyOf(whole, length));
      if (length < whole.length - dispensable) {
        assertThatThrownBy(() -> ImageDecoder.decode(truncated))
            .isInstanceOf(DataFormatException.class)
            .hasMessageStartingWith("truncated: ");
      } else {
        assertThat(ImageDecoder.decode(truncated).rgb()).isEqualTo(rgb);
      }
    }
  }

  @Test
  void declaredDimensionsAreCheckedBeforeDecoding() throws IOException {
    byte[] picture = red(3, 3);
    ByteBuffer buffer = ByteBuffer.wrap(picture);
    buffer.putInt(16, 60_000).putInt(20, 60_000);
    CRC32 crc = new CRC32();
    crc.update(picture, 12, 17);
    buffer.putInt(29, (int) crc.getValue());
    assertThatThrownBy(() -> ImageDecoder.decode(new SourceFile("huge", picture)))
        .isInstanceOf(DataFormatException.class)
        .hasMessage("huge: a picture of 60000x60000 pixels is not accepted");
  }

  @Test
  void emptyFoldersAndStrangeClassesAreErrors() throws IOException {
    assertThatThrownBy(this::read)
        .isInstanceOf(DataFormatException.class)
        .hasMessageContaining("expected a subfolder for each class, found none");
    Files.createDirectories(root.resolve("a"));
    assertThatThrownBy(this::read)
        .isInstanceOf(DataFormatException.class)
        .hasMessageContaining("holds no pictures");
    put("a/1.png", red(1, 1));
    assertThatThrownBy(this::read)
        .isInstanceOf(DataFormatException.class)
        .hasMessageContaining("at least 5 pictures, found 1");
    put("train/a/1.png", red(1, 1));
    put("test/b/1.png", red(1, 1));
    assertThatThrownBy(this::read)
        .isInstanceOf(DataFormatException.class)
        .hasMessageContaining("is not a class of the training part");
    assertThatThrownBy(() -> DataSets.load("folder:" + root.resolve("none"), null))
        .isInstanceOf(DataFormatException.class)
        .hasMessageContaining("is not a folder");
  }
}
