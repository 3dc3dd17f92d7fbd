package dev.coppice.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DigitsReaderTest {
  private static final String LINE = Samples.digitLine(i -> i % 17, 3);

  private static Images read(String text) throws IOException {
    return DigitsReader.read(
        new SourceFile("digits", text.getBytes(StandardCharsets.UTF_8)), "digits");
  }

  @Test
  void readsLines() throws IOException {
    Images images = read(LINE + LINE.replace("\n", "\r\n"));
    assertThat(images.labels()).containsExactly(3, 3);
    assertThat(images.pixels()[16]).isEqualTo((byte) 16);
    assertThat(images.divisor()).isEqualTo(16f);
  }

  /** Only what cuts off no more than the end of the line leaves a whole image. */
  @Test
  void everyTruncationIsFound() {
    for (int length = 0; length < LINE.length() - 1; length++) {
      String truncated = LINE.substring(0, length);
      assertThatThrownBy(() -> read(truncated))
          .isInstanceOf(DataFormatException.class)
          .hasMessageStartingWith("digits: ");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"17", "-1", "1.5", "", " 1", "x", "99999999999999999999", "٣"})
  void onlyNumbersInRangeArePixels(String pixel) {
    assertThatThrownBy(() -> read(pixel + LINE.substring(1)))
        .isInstanceOf(DataFormatException.class)
        .hasMessageStartingWith("digits: line 1: expected a number in 0..16, found");
  }

  @Test
  void labelsAreChecked() {
    assertThatThrownBy(() -> read(Samples.digitLine(i -> 0, 10)))
        .isInstanceOf(DataFormatException.class)
        .hasMessage("digits: line 1: expected a number in 0..9, found \"10\"");
  }

  @Test
  void aBombIsNotUnpacked() {
    byte[] bomb = Samples.gzip(new byte[(16 << 20) + 1]);
    assertThatThrownBy(() -> DigitsReader.read(new SourceFile("digits", bomb), "digits"))
        .isInstanceOf(DataFormatException.class)
        .hasMessage("digits: has more than the accepted 16777216 bytes");
  }
}
