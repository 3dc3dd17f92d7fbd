package dev.coppice.data;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** Loads data sets by name from wherever they lie on this machine. */
public final class DataSets {
  /** The environment variable that names the folder of the data sets. */
  public static final String ENVIRONMENT = "COPPICE_DATA";

  private static final String FOLDER = "folder:";
  private static final String DIGITS_FILE = "digits.csv.gz";
  private static final int DIGITS_TEST_IMAGES = 360;

  /** With this seed {@link Images#split} draws the 360 test images of the digits. */
  private static final long DIGITS_SPLIT_SEED = 1998;

  private DataSets() {}

  /** As {@link #load(String, Path, OptionalInt)}, with folders of pictures in their own size. */
  public static DataSet load(String spec, @Nullable Path dataDir) throws IOException {
    return load(spec, dataDir, OptionalInt.empty());
  }

  /**
   * Loads a data set.
   *
   * <ul>
   *   <li>{@code digits}: bundled; 1,437 training and 360 test images, drawn with every class in
   *       proportion by {@link Images#split} with the seed 1998;
   *   <li>{@code mnist}, {@code fashion-mnist}: the four IDX files, plain or compressed;
   *   <li>{@code cifar10}: the files {@code data_batch_1.bin} to {@code data_batch_5.bin} that are
   *       there, and {@code test_batch.bin};
   *   <li>{@code cifar100}: {@code train.bin} and {@code test.bin};
   *   <li>{@code folder:PATH}: see {@link FolderReader}.
   * </ul>
   *
   * @param dataDir the folder of the data set or the one above it; null for the one that the
   *     environment variable COPPICE_DATA names, or else {@code ~/.cache/coppice/data}
   * @param imageSize the side that the pictures of a {@code folder:} are resized to
   * @throws IllegalArgumentException if the name is unknown
   * @throws FileNotFoundException if the data set is not there; the message tells how to get it
   * @throws DataFormatException if a file is damaged
   * @throws IOException if a file cannot be read
   */
  public static DataSet load(String spec, @Nullable Path dataDir, OptionalInt imageSize)
      throws IOException {
    if (spec.startsWith(FOLDER)) {
      return FolderReader.read(Path.of(spec.substring(FOLDER.length())), imageSize);
    }
    DataCatalog.Entry entry = DataCatalog.entry(spec);
    return switch (entry.name()) {
      case "digits" -> digits();
      case "mnist" -> idx(entry, locate(entry, dataDir), ClassNames.DIGITS);
      case "fashion-mnist" -> idx(entry, locate(entry, dataDir), ClassNames.FASHION_MNIST);
      case "cifar10" -> cifar10(entry.name(), locate(entry, dataDir));
      case "cifar100" -> cifar100(entry.name(), locate(entry, dataDir));
      default -> throw new AssertionError("no loader for " + entry.name());
    };
  }

  /**
   * Returns the folder that holds a data set of the catalogue, if there is one. The subfolders that
   * go by its name come before the folder itself.
   *
   * @param dataDir as for {@link #load(String, Path)}
   * @throws IllegalArgumentException if the name is unknown
   */
  public static Optional<Path> find(String name, @Nullable Path dataDir) {
    DataCatalog.Entry entry = DataCatalog.entry(name);
    Path root = root(dataDir);
    for (String folder : entry.folders()) {
      if (holds(entry, root.resolve(folder))) {
        return Optional.of(root.resolve(folder));
      }
    }
    return holds(entry, root) ? Optional.of(root) : Optional.empty();
  }

  /** Returns the folder that data sets are looked for in and fetched into. */
  public static Path root(@Nullable Path dataDir) {
    return dataDir != null
        ? dataDir
        : defaultRoot(System.getenv(ENVIRONMENT), System.getProperty("user.home", "."));
  }

  static Path defaultRoot(@Nullable String environment, String home) {
    return environment != null && !environment.isBlank()
        ? Path.of(environment)
        : Path.of(home, ".cache", "coppice", "data");
  }

  private static boolean holds(DataCatalog.Entry entry, Path folder) {
    return switch (entry.name()) {
      case "mnist", "fashion-mnist" -> idxFile(folder, "train-images-idx3-ubyte").isPresent();
      case "cifar10" -> !cifarBatches(folder).isEmpty();
      case "cifar100" -> Files.exists(folder.resolve("train.bin"));
      default -> false;
    };
  }

  private static Path locate(DataCatalog.Entry entry, @Nullable Path dataDir)
      throws FileNotFoundException {
    Optional<Path> found = find(entry.name(), dataDir);
    if (found.isPresent()) {
      return found.get();
    }
    throw new FileNotFoundException(
        entry.name()
            + " was found neither in "
            + root(dataDir)
            + " nor in its subfolders "
            + String.join(", ", entry.folders())
            + "; fetch it with: coppice data fetch "
            + entry.name());
  }

  private static DataSet digits() throws IOException {
    SourceFile file;
    try (InputStream in = DataSets.class.getResourceAsStream(DIGITS_FILE)) {
      if (in == null) {
        throw new AssertionError(DIGITS_FILE + " is bundled");
      }
      file = SourceFile.read(DIGITS_FILE, in, 1 << 20);
    }
    Images.Split split =
        DigitsReader.read(file, "digits").split(DIGITS_TEST_IMAGES, DIGITS_SPLIT_SEED);
    return DataSet.of("digits", split.train(), split.test(), List.of(source(DIGITS_FILE, file)));
  }

  private static DataSet idx(DataCatalog.Entry entry, Path folder, List<String> classes)
      throws IOException {
    List<SourceFile> files = new ArrayList<>();
    List<DataSet.Source> sources = new ArrayList<>();
    for (String stem :
        List.of(
            "train-images-idx3-ubyte",
            "train-labels-idx1-ubyte",
            "t10k-images-idx3-ubyte",
            "t10k-labels-idx1-ubyte")) {
      Path path =
          idxFile(folder, stem)
              .orElseThrow(
                  () ->
                      new FileNotFoundException(
                          folder + ": expected " + stem + " or " + stem + ".gz, found neither"));
      SourceFile file = SourceFile.read(path);
      DataSet.Source source = source(String.valueOf(path.getFileName()), file);
      // MNIST and its relatives share file names, so that a wrong folder would load unnoticed.
      Optional<DataCatalog.Entry> publisher = DataCatalog.publisherOf(source.sha256());
      if (publisher.isPresent() && !publisher.get().equals(entry)) {
        throw new DataFormatException(
            file.name(), "belongs to " + publisher.get().name() + ", not to " + entry.name());
      }
      files.add(file);
      sources.add(source);
    }
    Images train = IdxReader.read(files.get(0), files.get(1), entry.name(), classes);
    Images test = IdxReader.read(files.get(2), files.get(3), entry.name(), classes);
    if (!train.shape().equals(test.shape())) {
      throw new DataFormatException(
          files.get(2).name(),
          "holds images of " + test.shape() + " but the training images are " + train.shape());
    }
    return DataSet.of(entry.name(), train, test, sources);
  }

  private static Optional<Path> idxFile(Path folder, String stem) {
    for (String name : List.of(stem + ".gz", stem)) {
      if (Files.exists(folder.resolve(name))) {
        return Optional.of(folder.resolve(name));
      }
    }
    return Optional.empty();
  }

  private static List<Path> cifarBatches(Path folder) {
    List<Path> batches = new ArrayList<>();
    for (int i = 1; i <= 5; i++) {
      Path batch = folder.resolve("data_batch_" + i + ".bin");
      if (Files.exists(batch)) {
        batches.add(batch);
      }
    }
    return batches;
  }

  private static DataSet cifar10(String name, Path folder) throws IOException {
    return cifar(
        name,
        CifarReader.Variant.CIFAR10,
        cifarBatches(folder),
        folder.resolve("test_batch.bin"),
        ClassNames.CIFAR_10);
  }

  private static DataSet cifar100(String name, Path folder) throws IOException {
    return cifar(
        name,
        CifarReader.Variant.CIFAR100,
        List.of(folder.resolve("train.bin")),
        folder.resolve("test.bin"),
        ClassNames.CIFAR_100);
  }

  private static DataSet cifar(
      String name,
      CifarReader.Variant variant,
      List<Path> trainPaths,
      Path testPath,
      List<String> classes)
      throws IOException {
    List<SourceFile> trainFiles = new ArrayList<>();
    List<DataSet.Source> sources = new ArrayList<>();
    for (Path path : trainPaths) {
      SourceFile file = SourceFile.read(path);
      trainFiles.add(file);
      sources.add(source(String.valueOf(path.getFileName()), file));
    }
    SourceFile testFile = SourceFile.read(testPath);
    sources.add(source(String.valueOf(testPath.getFileName()), testFile));
    return DataSet.of(
        name,
        CifarReader.read(trainFiles, variant, name, classes),
        CifarReader.read(List.of(testFile), variant, name, classes),
        sources);
  }

  private static DataSet.Source source(String fileName, SourceFile file) {
    return new DataSet.Source(fileName, file.content().length, file.sha256());
  }
}
