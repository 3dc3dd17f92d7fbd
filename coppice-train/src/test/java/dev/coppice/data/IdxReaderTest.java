package dev.coppice.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;

class IdxReaderTest {
  private static final byte[] IMAGES = Samples.idxImages(3, 4, 5);
  private static final byte[] LABELS = Samples.idxLabels(2, 0, 1);

  private static Images read(byte[] images, byte[] labels) throws IOException {
    return IdxReader.read(
        new SourceFile("images", images),
        new SourceFile("labels", labels),
        "made up",
        Samples.classes(3));
  }

  private static AbstractThrowableAssert<?, ?> failure(byte[] images, byte[] labels) {
    return assertThatThrownBy(() -> read(images, labels)).isInstanceOf(DataFormatException.class);
  }

  private static byte[] withInt(byte[] file, int at, int value) {
    byte[] changed = file.clone();
    ByteBuffer.wrap(changed).putInt(at, value);
    return changed;
  }

  @Test
  void readsPlainAndCompressedFiles() throws IOException {
    Images plain = read(IMAGES, LABELS);
    assertThat(plain.shape()).hasToString("4x5x1");
    assertThat(plain.labels()).containsExactly(2, 0, 1);
    assertThat(plain.pixels()).isEqualTo(Arrays.copyOfRange(IMAGES, 16, IMAGES.length));

    Images compressed = read(Samples.gzip(IMAGES), Samples.gzip(LABELS));
    assertThat(compressed.pixels()).isEqualTo(plain.pixels());
    assertThat(compressed.labels()).isEqualTo(plain.labels());
  }

  @Test
  void everyTruncationIsFound() {
    for (int length = 0; length < IMAGES.length; length++) {
      failure(Arrays.copyOf(IMAGES, length), LABELS).hasMessageStartingWith("images: truncated");
    }
    for (int length = 0; length < LABELS.length; length++) {
      failure(IMAGES, Arrays.copyOf(LABELS, length)).hasMessageStartingWith("labels: truncated");
    }
    byte[] compressed = Samples.gzip(IMAGES);
    for (int length = 0; length < compressed.length; length++) {
      failure(Arrays.copyOf(compressed, length), LABELS).hasMessageStartingWith("images: ");
    }
  }

  @Test
  void damagedCompressionIsFound() {
    byte[] compressed = Samples.gzip(IMAGES);
    compressed[compressed.length - 6] ^= 1;
    failure(compressed, LABELS).hasMessageStartingWith("images: the compressed data are damaged");
  }

  @Test
  void anythingBehindTheDataIsFound() {
    failure(Arrays.copyOf(IMAGES, IMAGES.length + 1), LABELS)
        .hasMessage("images: has more than the declared 60 bytes of data");
  }

  @Test
  void theMagicNumberIsChecked() {
    failure(LABELS, LABELS)
        .hasMessage("images: expected the IDX magic number 0x00000803, found 0x00000801");
    failure(IMAGES, IMAGES)
        .hasMessage("labels: expected the IDX magic number 0x00000801, found 0x00000803");
  }

  @Test
  void absurdDimensionsAllocateNothing() {
    failure(withInt(IMAGES, 4, Integer.MAX_VALUE), LABELS)
        .hasMessageContaining("more than the 2 GiB");
    failure(withInt(IMAGES, 4, 100_000_000), LABELS)
        .hasMessage("images: truncated: declares 2000000000 bytes of data, holds at most 60");
    failure(withInt(Samples.idxImages(3, 1, 1), 4, Integer.MAX_VALUE - 8), LABELS)
        .hasMessage("images: truncated: declares 2147483639 bytes of data, holds at most 3");
    for (int at = 4; at < 16; at += 4) {
      failure(withInt(IMAGES, at, 0), LABELS).hasMessageContaining("out of range");
      failure(withInt(IMAGES, at, -1), LABELS).hasMessageContaining("out of range");
    }
    failure(withInt(IMAGES, 8, 1 << 15), LABELS)
        .hasMessage("images: dimension 1 of 32768 is out of range");
    failure(IMAGES, withInt(LABELS, 4, Integer.MAX_VALUE)).hasMessageStartingWith("labels: ");
  }

  @Test
  void aCompressedFileCannotDeclareMoreThanItCanHold() {
    byte[] bomb = Samples.gzip(withInt(IMAGES, 4, 50_000_000));
    failure(bomb, LABELS).hasMessageContaining("holds at most " + (bomb.length * 1032L - 16));
  }

  @Test
  void labelsAreChecked() {
    failure(IMAGES, Samples.idxLabels(2, 3, 1))
        .hasMessage("labels: label 3 at position 1 is not in 0..2");
    failure(IMAGES, Samples.idxLabels(2, 0))
        .hasMessage("images: holds 3 images but labels holds 2 labels");
  }
}
