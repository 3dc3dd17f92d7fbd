package dev.coppice.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** The facts that the authors of the data sets, or whoever cut the subsets, state about them. */
class PublishedDataTest {
  @Test
  void fashionMnist() throws IOException {
    DataSet data = DataSets.load("fashion-mnist", SharedData.root());

    assertThat(data.train().size()).isEqualTo(60_000);
    assertThat(data.test().size()).isEqualTo(10_000);
    assertThat(data.train().shape()).hasToString("28x28x1");
    assertThat(data.train().classes()).hasSize(10).startsWith("T-shirt/top").endsWith("Ankle boot");
    assertThat(data.train().histogram()).containsOnly(6_000);
    assertThat(data.test().histogram()).containsOnly(1_000);
    assertThat(firstLabels(data.train())).containsExactly(9, 0, 0, 3, 0, 2, 7, 2, 5, 5);
    assertThat(firstLabels(data.test())).containsExactly(9, 2, 1, 1, 6, 1, 4, 6, 5, 7);
    assertClose(data.normalization().mean(), 0.28604060);
    assertClose(data.normalization().std(), 0.35302424);
    assertThat(data.sources())
        .extracting(DataSet.Source::sha256)
        .startsWith("3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84");
  }

  @Test
  void fashionMnistIsVerified() throws IOException {
    DataVerifier.Result result = DataVerifier.verify("fashion-mnist", SharedData.root());

    assertThat(result.files())
        .hasSize(4)
        .extracting(DataVerifier.Check::status)
        .containsOnly(DataVerifier.Status.AS_PUBLISHED);
    assertThat(result.asPublished()).isTrue();
    assertThat(result.trainHistogram()).containsOnly(6_000);
  }

  @Test
  void fashionMnistDoesNotPassForMnist() {
    Path fashion = SharedData.root().resolve("fashion-mnist");

    assertThatThrownBy(() -> DataSets.load("mnist", fashion))
        .isInstanceOf(DataFormatException.class)
        .hasMessageContaining("belongs to fashion-mnist, not to mnist");
  }

  @Test
  void cifar10Subset() throws IOException {
    DataSet data = DataSets.load("cifar10", SharedData.root());

    assertThat(data.train().size()).isEqualTo(4_000);
    assertThat(data.test().size()).isEqualTo(1_000);
    assertThat(data.train().shape()).hasToString("32x32x3");
    assertThat(data.train().histogram()).containsOnly(400);
    assertThat(data.test().histogram()).containsOnly(100);
    assertThat(firstLabels(data.train())).containsExactly(6, 9, 9, 4, 1, 1, 2, 7, 8, 3);
    assertThat(firstLabels(data.test())).containsExactly(3, 8, 8, 0, 6, 6, 1, 6, 3, 1);
    assertClose(data.normalization().mean(), 0.49122556, 0.48082877, 0.44420782);
    assertClose(data.normalization().std(), 0.24739360, 0.24465614, 0.26281339);
    assertThat(DataVerifier.verify("cifar10", SharedData.root()).asPublished()).isFalse();
  }

  @Test
  void digits() throws IOException {
    DataSet data = DataSets.load("digits", null);

    assertThat(data.train().size()).isEqualTo(1_437);
    assertThat(data.test().size()).isEqualTo(360);
    assertThat(data.train().shape()).hasToString("8x8x1");
    int[] all = data.train().histogram();
    int[] test = data.test().histogram();
    Arrays.setAll(all, c -> all[c] + test[c]);
    assertThat(all).containsExactly(178, 182, 177, 183, 181, 182, 181, 179, 174, 180);
    assertThat(test).containsExactly(36, 37, 35, 37, 36, 36, 36, 36, 35, 36);
    assertThat(data.sources())
        .containsExactly(
            new DataSet.Source(
                "digits.csv.gz",
                57_512,
                "46abec6b12486ad9e51943373abcf22bbea1b5a51a1619b361570d8893f1464a"));
    assertThat(DataVerifier.verify("digits", null).files())
        .extracting(DataVerifier.Check::status)
        .containsExactly(DataVerifier.Status.AS_PUBLISHED);
  }

  /** The published figures are over the lines in their order, not over the split. */
  @Test
  void digitsInTheOrderOfTheFile() throws IOException {
    Images all;
    try (var in = DataSets.class.getResourceAsStream("digits.csv.gz")) {
      assertThat(in).isNotNull();
      all = DigitsReader.read(SourceFile.read("digits", in, 1 << 20), "digits");
    }
    Normalization overAll = Normalization.of(all);
    assertClose(overAll.mean(), 0.30526029);
    assertClose(overAll.std(), 0.37604922);
    int[] first = new int[1_437];
    Arrays.setAll(first, i -> i);
    Normalization overFirst = Normalization.of(all.select(first));
    assertClose(overFirst.mean(), 0.30538611);
    assertClose(overFirst.std(), 0.37550711);
  }

  private static void assertClose(float[] actual, double... expected) {
    assertThat(actual).hasSize(expected.length);
    for (int c = 0; c < expected.length; c++) {
      assertThat((double) actual[c]).isCloseTo(expected[c], within(1e-6));
    }
  }

  private static int[] firstLabels(Images images) {
    return Arrays.copyOf(images.labels(), 10);
  }
}
