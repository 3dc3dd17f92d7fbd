package dev.coppice.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.withPrecision;

import dev.coppice.graph.Shape;
import java.awt.image.BufferedImage;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PictureReaderTest {
  @TempDir Path folder;

  private Path png(int type, int width, int... rgb) throws IOException {
    BufferedImage image = new BufferedImage(width, rgb.length / width, type);
    for (int i = 0; i < rgb.length; i++) {
      image.setRGB(i % width, i / width, rgb[i]);
    }
    Path file = folder.resolve("picture.png");
    ImageIO.write(image, "png", file.toFile());
    return file;
  }

  @Test
  void readsColours() throws IOException {
    Path file = png(BufferedImage.TYPE_INT_RGB, 1, 0xff0033, 0x00ff00);
    assertThat(PictureReader.read(file, new Shape.Map(2, 1, 3)))
        .containsExactly(1, 0, 0.2f, 0, 1, 0);
  }

  @Test
  void weighsColoursForGrey() throws IOException {
    Path file = png(BufferedImage.TYPE_INT_RGB, 2, 0xff0000, 0x00ff00, 0x0000ff, 0x333333);
    assertThat(PictureReader.read(file, new Shape.Map(2, 2, 1)))
        .containsExactly(new float[] {0.299f, 0.587f, 0.114f, 0.2f}, withPrecision(1e-6f));
  }

  @Test
  void scalesToTheShape() throws IOException {
    Path file = png(BufferedImage.TYPE_INT_RGB, 2, 0, 0xffffff, 0xffffff, 0);
    assertThat(PictureReader.read(file, new Shape.Map(1, 1, 1))).containsExactly(128 / 255f);
    assertThat(PictureReader.read(file, new Shape.Map(4, 4, 1))).startsWith(0, 0, 1, 1, 0);
  }

  @Test
  void refusesWhatIsNoPicture() throws IOException {
    Path text = Files.writeString(folder.resolve("text.png"), "text");
    Shape.Map shape = new Shape.Map(2, 2, 1);
    assertThatThrownBy(() -> PictureReader.read(text, shape))
        .isInstanceOf(DataFormatException.class)
        .hasMessageContaining("is not a picture in a known format");
    assertThatThrownBy(() -> PictureReader.read(folder, shape))
        .isInstanceOf(DataFormatException.class)
        .hasMessageContaining("is not a regular file");
    assertThatThrownBy(() -> PictureReader.read(folder.resolve("none.png"), shape))
        .isInstanceOf(FileNotFoundException.class);
  }

  @Test
  void refusesShapesThatNoPictureHas() {
    for (Shape shape :
        new Shape[] {new Shape.Map(2, 2, 2), new Shape.Vector(4), new Shape.Map(5000, 5000, 1)}) {
      assertThat(PictureReader.fits(shape)).isFalse();
      assertThatThrownBy(() -> PictureReader.read(folder, shape))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }
}
