package dev.coppice.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.coppice.graph.Shape;
import java.util.Arrays;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class ImagesTest {
  private static final Shape.Map SHAPE = new Shape.Map(2, 3, 2);

  @Test
  void partsMustFitTogether() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> new Images("x", SHAPE, Samples.classes(2), new byte[23], 255f, new int[2]))
        .withMessage("x: 2 labels of 2x3x2 images need 24 pixels, not 23");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> new Images("x", SHAPE, Samples.classes(2), new byte[12], 255f, new int[] {2}))
        .withMessage("x: label 2 of image 0 is not in 0..1");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Images("x", SHAPE, Samples.classes(2), new byte[0], 0f, new int[0]))
        .withMessageContaining("divisor");
  }

  @Property(tries = 100)
  void subsetKeepsProportionsAndOrder(
      @ForAll @IntRange(min = 1, max = 60) int size,
      @ForAll @IntRange(max = 60) int wanted,
      @ForAll long seed) {
    Images images = Samples.images(size, SHAPE, 4, seed);
    int count = Math.min(wanted, size);
    Images subset = images.subset(count);

    assertThat(subset.size()).isEqualTo(count);
    int[] all = images.histogram();
    int[] part = subset.histogram();
    for (int c = 0; c < 4; c++) {
      double exact = (double) count * all[c] / size;
      assertThat((double) part[c]).isCloseTo(exact, within(0.9999));
    }
    int from = 0;
    for (int i = 0; i < count; i++) {
      from = positionOf(images, subset, i, from) + 1;
    }
  }

  @Property(tries = 100)
  void splitIsAPartition(
      @ForAll @IntRange(min = 1, max = 60) int size,
      @ForAll @IntRange(max = 60) int wanted,
      @ForAll long seed) {
    Images images = Samples.images(size, SHAPE, 3, seed);
    int count = Math.min(wanted, size);
    Images.Split split = images.split(count, seed);

    assertThat(split.test().size()).isEqualTo(count);
    assertThat(split.train().size()).isEqualTo(size - count);
    boolean[] seen = new boolean[size];
    for (Images part : new Images[] {split.train(), split.test()}) {
      int from = 0;
      for (int i = 0; i < part.size(); i++) {
        int position = positionOf(images, part, i, from);
        assertThat(seen[position]).isFalse();
        seen[position] = true;
        from = position + 1;
      }
    }
    assertThat(split.test().pixels()).isEqualTo(images.split(count, seed).test().pixels());
  }

  @Test
  void anotherSeedDrawsAnotherSplit() {
    Images images = Samples.images(60, SHAPE, 3, 5);
    assertThat(images.split(20, 1).test().pixels())
        .isNotEqualTo(images.split(20, 2).test().pixels());
  }

  /** Random pixels of 12 bytes are practically unique, so that an image can be told by them. */
  private static int positionOf(Images images, Images part, int i, int from) {
    int length = SHAPE.size();
    for (int p = from; p < images.size(); p++) {
      if (Arrays.equals(
          images.pixels(),
          p * length,
          (p + 1) * length,
          part.pixels(),
          i * length,
          (i + 1) * length)) {
        assertThat(part.labels()[i]).isEqualTo(images.labels()[p]);
        return p;
      }
    }
    throw new AssertionError("image " + i + " is not in the set from " + from + " on");
  }

  @Property(tries = 50)
  void normalizationEqualsTheTextbook(
      @ForAll @IntRange(min = 1, max = 30) int n, @ForAll long seed) {
    Images images = Samples.images(n, SHAPE, 2, seed);
    Normalization normalization = Normalization.of(images);
    int perChannel = images.pixels().length / 2;
    for (int c = 0; c < 2; c++) {
      double sum = 0;
      for (int i = c; i < images.pixels().length; i += 2) {
        sum += (images.pixels()[i] & 0xff) / 255.0;
      }
      double mean = sum / perChannel;
      double squares = 0;
      for (int i = c; i < images.pixels().length; i += 2) {
        squares += Math.pow((images.pixels()[i] & 0xff) / 255.0 - mean, 2);
      }
      assertThat((double) normalization.mean()[c]).isCloseTo(mean, within(1e-6));
      assertThat((double) normalization.std()[c])
          .isCloseTo(Math.sqrt(squares / perChannel), within(1e-6));
    }
  }

  @Test
  void aConstantChannelIsNotDividedByZero() {
    Images black = new Images("black", SHAPE, Samples.classes(1), new byte[12], 255f, new int[1]);
    assertThat(Normalization.of(black).std()).containsExactly(1f, 1f);
  }

  @Test
  void normalizationRejectsWhatCannotBeDividedBy() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Normalization(new float[] {0f}, new float[] {0f}));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Normalization(new float[] {0f}, new float[] {1f, 1f}));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Normalization(new float[] {Float.NaN}, new float[] {1f}));
  }
}
