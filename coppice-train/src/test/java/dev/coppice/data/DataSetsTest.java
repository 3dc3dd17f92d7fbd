package dev.coppice.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataSetsTest {
  @TempDir Path root;

  private void put(String path, byte[] content) throws IOException {
    Path file = root.resolve(path);
    Files.createDirectories(file.resolveSibling("."));
    Files.write(file, content);
  }

  private void putMnist(String folder) throws IOException {
    put(folder + "/train-images-idx3-ubyte", Samples.idxImages(3, 4, 4));
    put(folder + "/train-labels-idx1-ubyte.gz", Samples.gzip(Samples.idxLabels(1, 2, 9)));
    put(folder + "/t10k-images-idx3-ubyte.gz", Samples.gzip(Samples.idxImages(1, 4, 4)));
    put(folder + "/t10k-labels-idx1-ubyte", Samples.idxLabels(5));
  }

  @Test
  void mnistIsFoundInItsFolderAndFromAbove() throws IOException {
    putMnist("mnist");
    for (Path dataDir : new Path[] {root, root.resolve("mnist")}) {
      DataSet data = DataSets.load("mnist", dataDir);
      assertThat(data.train().labels()).containsExactly(1, 2, 9);
      assertThat(data.test().labels()).containsExactly(5);
    }
    assertThat(DataSets.find("mnist", root)).contains(root.resolve("mnist"));
    assertThat(DataSets.find("cifar10", root)).isEmpty();
    assertThat(DataVerifier.verify("mnist", root).files())
        .extracting(DataVerifier.Check::status)
        .containsExactly(
            DataVerifier.Status.UNKNOWN,
            DataVerifier.Status.DIFFERENT,
            DataVerifier.Status.DIFFERENT,
            DataVerifier.Status.UNKNOWN);
  }

  @Test
  void whatIsMissingIsNamedWithTheWayToGetIt() throws IOException {
    assertThatThrownBy(() -> DataSets.load("cifar100", root))
        .isInstanceOf(FileNotFoundException.class)
        .hasMessage(
            "cifar100 was found neither in "
                + root
                + " nor in its subfolders cifar-100-binary, cifar100, cifar-100; fetch it with:"
                + " coppice data fetch cifar100");
    putMnist("mnist");
    Files.delete(root.resolve("mnist/t10k-labels-idx1-ubyte"));
    assertThatThrownBy(() -> DataSets.load("mnist", root))
        .isInstanceOf(FileNotFoundException.class)
        .hasMessageContaining("expected t10k-labels-idx1-ubyte or t10k-labels-idx1-ubyte.gz");
  }

  @Test
  void cifar10TakesTheBatchesThatAreThere() throws IOException {
    put("cifar10/data_batch_2.bin", Samples.cifar(1, 2));
    put("cifar10/data_batch_5.bin", Samples.cifar(1, 5, 6));
    assertThatThrownBy(() -> DataSets.load("cifar10", root))
        .isInstanceOf(FileNotFoundException.class)
        .hasMessageContaining("test_batch.bin: does not exist");
    put("cifar10/test_batch.bin", Samples.cifar(1, 7));
    DataSet data = DataSets.load("cifar10", root);
    assertThat(data.train().labels()).containsExactly(2, 5, 6);
    assertThat(data.test().labels()).containsExactly(7);
    assertThat(data.sources())
        .extracting(DataSet.Source::file)
        .containsExactly("data_batch_2.bin", "data_batch_5.bin", "test_batch.bin");
  }

  @Test
  void cifar100() throws IOException {
    put("cifar-100-binary/train.bin", Samples.cifar(2, 0, 98, 1, 3));
    put("cifar-100-binary/test.bin", Samples.cifar(2, 19, 4));
    DataSet data = DataSets.load("cifar100", root);
    assertThat(data.train().labels()).containsExactly(98, 3);
    assertThat(data.test().classes()).hasSize(100).startsWith("apple").endsWith("worm").isSorted();
  }

  @Test
  void partsOfDifferentSizesAreNotADataSet() throws IOException {
    putMnist("mnist");
    put("mnist/t10k-images-idx3-ubyte.gz", Samples.gzip(Samples.idxImages(1, 4, 5)));
    assertThatThrownBy(() -> DataSets.load("mnist", root))
        .isInstanceOf(DataFormatException.class)
        .hasMessageContaining("holds images of 4x5x1 but the training images are 4x4x1");
  }

  @Test
  void unknownNamesAreRejected() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> DataSets.load("imagenet", root))
        .withMessage(
            "expected a data set of digits, mnist, fashion-mnist, cifar10, cifar100 or folder:PATH,"
                + " found \"imagenet\"");
  }

  @Test
  void theDefaultFolder() {
    assertThat(DataSets.defaultRoot(null, "home"))
        .isEqualTo(Path.of("home", ".cache", "coppice", "data"));
    assertThat(DataSets.defaultRoot("", "home"))
        .isEqualTo(Path.of("home", ".cache", "coppice", "data"));
    assertThat(DataSets.defaultRoot("elsewhere", "home")).isEqualTo(Path.of("elsewhere"));
  }
}
