package dev.coppice.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.data.CifarReader.Variant;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class CifarReaderTest {
  private static Images read(Variant variant, byte[]... files) throws IOException {
    List<SourceFile> sources =
        Arrays.stream(files).map(content -> new SourceFile("batch", content)).toList();
    return CifarReader.read(
        sources, variant, "made up", Samples.classes(variant == Variant.CIFAR10 ? 10 : 100));
  }

  @Test
  void planesBecomeChannels() throws IOException {
    byte[] file = Samples.cifar(1, 7, 9);
    Images images = read(Variant.CIFAR10, file);

    assertThat(images.labels()).containsExactly(7, 9);
    assertThat(images.shape()).hasToString("32x32x3");
    for (int n = 0; n < 2; n++) {
      for (int p = 0; p < 1024; p++) {
        for (int c = 0; c < 3; c++) {
          assertThat(images.pixels()[(n * 1024 + p) * 3 + c])
              .isEqualTo(file[n * 3073 + 1 + c * 1024 + p]);
        }
      }
    }
  }

  @Test
  void filesAreJoinedInOrder() throws IOException {
    assertThat(read(Variant.CIFAR10, Samples.cifar(1, 1, 2), Samples.cifar(1, 3)).labels())
        .containsExactly(1, 2, 3);
  }

  @Test
  void cifar100UsesTheFineLabel() throws IOException {
    Images images = read(Variant.CIFAR100, Samples.cifar(2, 19, 99, 0, 5));
    assertThat(images.labels()).containsExactly(99, 5);
    assertThat(images.pixels()[0]).isEqualTo((byte) 0);
  }

  @Test
  void everyTruncationIsFound() {
    byte[] file = Samples.cifar(1, 4);
    for (int length = 0; length < file.length; length++) {
      byte[] truncated = Arrays.copyOf(file, length);
      assertThatThrownBy(() -> read(Variant.CIFAR10, truncated))
          .isInstanceOf(DataFormatException.class)
          .hasMessage(
              "batch: expected a positive multiple of 3073 bytes (one record), found " + length);
    }
  }

  @Test
  void labelsAreChecked() {
    assertThatThrownBy(() -> read(Variant.CIFAR10, Samples.cifar(1, 0, 10)))
        .isInstanceOf(DataFormatException.class)
        .hasMessage("batch: label 10 at byte 3073 is not in 0..9");
    assertThatThrownBy(() -> read(Variant.CIFAR100, Samples.cifar(2, 20, 0)))
        .isInstanceOf(DataFormatException.class)
        .hasMessage("batch: label 20 at byte 0 is not in 0..19");
    assertThatThrownBy(() -> read(Variant.CIFAR100, Samples.cifar(2, 0, 200)))
        .isInstanceOf(DataFormatException.class)
        .hasMessage("batch: label 200 at byte 1 is not in 0..99");
  }
}
