package dev.coppice.cli;

import dev.coppice.data.DataSet;
import dev.coppice.data.DataSets;
import dev.coppice.data.Images;
import java.io.IOException;
import java.nio.file.Path;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that name the images. */
final class DataOptions {
  private static final String FOLDER = "folder:";

  @Option(
      names = "--data",
      paramLabel = "NAME",
      description =
          "digits, mnist, fashion-mnist, cifar10, cifar100 or folder:PATH (default: digits)")
  @Nullable String data;

  @Option(
      names = "--data-dir",
      paramLabel = "DIR",
      description = "where the data are (default: $COPPICE_DATA or ~/.cache/coppice/data)")
  @Nullable Path dataDir;

  @Option(
      names = "--train-samples",
      paramLabel = "N",
      description = "use so many training images, every class in proportion (default: all)")
  @Nullable Integer trainSamples;

  @Option(
      names = "--test-samples",
      paramLabel = "N",
      description = "use so many test images, every class in proportion (default: all)")
  @Nullable Integer testSamples;

  @Option(
      names = "--image-size",
      paramLabel = "N",
      description = "resize the pictures of a folder to N x N")
  @Nullable Integer imageSize;

  /** Returns the name of the data set. */
  String name() {
    return data == null ? "digits" : data;
  }

  /** Fills in the default name and makes paths independent of the folder one is in. */
  void resolve() {
    data = name();
    if (data.startsWith(FOLDER)) {
      data = FOLDER + Path.of(data.substring(FOLDER.length())).toAbsolutePath().normalize();
    }
    if (dataDir != null) {
      dataDir = dataDir.toAbsolutePath().normalize();
    }
  }

  /**
   * Loads the images.
   *
   * @throws IOException as {@link DataSets#load(String, Path)} does
   */
  DataSet load() throws IOException {
    if (imageSize != null && !name().startsWith(FOLDER)) {
      throw new UsageException("--image-size goes with --data folder:PATH only");
    }
    if (imageSize != null && imageSize < 1) {
      throw new UsageException("--image-size must be positive, not " + imageSize);
    }
    DataSet all =
        DataSets.load(
            name(), dataDir, imageSize == null ? OptionalInt.empty() : OptionalInt.of(imageSize));
    if (trainSamples == null && testSamples == null) {
      return all;
    }
    return DataSet.of(
        all.name(),
        subset("--train-samples", all.train(), trainSamples),
        subset("--test-samples", all.test(), testSamples),
        all.sources());
  }

  private static Images subset(String option, Images images, @Nullable Integer count) {
    if (count == null) {
      return images;
    }
    if (count < 1 || count > images.size()) {
      throw new UsageException(
          option + " must lie between 1 and " + images.size() + ", not " + count);
    }
    return images.subset(count);
  }
}
