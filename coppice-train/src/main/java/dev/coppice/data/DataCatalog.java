package dev.coppice.data;

import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The data sets that are known by name: where their authors publish them, and what the published
 * files look like.
 */
public final class DataCatalog {
  /**
   * A published file.
   *
   * @param sha256 its checksum in lower-case hexadecimal
   */
  public record RemoteFile(URI uri, long bytes, String sha256) {
    /** Returns the last part of the address. */
    public String fileName() {
      String path = uri.getPath();
      return path.substring(path.lastIndexOf('/') + 1);
    }
  }

  /** A file inside a published archive, by its path there. */
  public record Member(String path, long bytes) {
    /** Returns the last part of the path. */
    public String fileName() {
      return path.substring(path.lastIndexOf('/') + 1);
    }
  }

  /**
   * A known data set.
   *
   * @param name what it is loaded by
   * @param title what it is called in full
   * @param licence under which terms it is published
   * @param folders the names of the folders in which it is looked for; it is fetched into the first
   * @param files what is to be fetched, nothing for what is bundled
   * @param members what is taken out of the one {@code .tar.gz} file, empty if the files are used
   *     as they are
   */
  public record Entry(
      String name,
      String title,
      String licence,
      List<String> folders,
      List<RemoteFile> files,
      List<Member> members) {
    /** Copies the lists. */
    public Entry {
      folders = List.copyOf(folders);
      files = List.copyOf(files);
      members = List.copyOf(members);
    }

    /** Returns the number of bytes to be fetched. */
    public long bytes() {
      return files.stream().mapToLong(RemoteFile::bytes).sum();
    }
  }

  private static final String FASHION =
      "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/";
  private static final String MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist/";
  private static final String CIFAR = "https://www.cs.toronto.edu/~kriz/";

  private static final List<Entry> ENTRIES =
      List.of(
          new Entry(
              "digits",
              "Optical Recognition of Handwritten Digits (1,797 grey images, 8x8)",
              "CC BY 4.0",
              List.of(),
              List.of(),
              List.of()),
          new Entry(
              "mnist",
              "MNIST handwritten digits (60,000 + 10,000 grey images, 28x28)",
              "CC BY-SA 3.0",
              List.of("mnist", "MNIST/raw"),
              List.of(
                  file(
                      MNIST,
                      "train-images-idx3-ubyte.gz",
                      9_912_422,
                      "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
                  file(
                      MNIST,
                      "train-labels-idx1-ubyte.gz",
                      28_881,
                      "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
                  file(
                      MNIST,
                      "t10k-images-idx3-ubyte.gz",
                      1_648_877,
                      "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
                  file(
                      MNIST,
                      "t10k-labels-idx1-ubyte.gz",
                      4_542,
                      "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6")),
              List.of()),
          new Entry(
              "fashion-mnist",
              "Fashion-MNIST (60,000 + 10,000 grey images, 28x28)",
              "MIT",
              List.of("fashion-mnist", "FashionMNIST/raw"),
              List.of(
                  file(
                      FASHION,
                      "train-images-idx3-ubyte.gz",
                      26_421_880,
                      "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
                  file(
                      FASHION,
                      "train-labels-idx1-ubyte.gz",
                      29_515,
                      "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
                  file(
                      FASHION,
                      "t10k-images-idx3-ubyte.gz",
                      4_422_102,
                      "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
                  file(
                      FASHION,
                      "t10k-labels-idx1-ubyte.gz",
                      5_148,
                      "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5")),
              List.of()),
          new Entry(
              "cifar10",
              "CIFAR-10 (50,000 + 10,000 colour images, 32x32)",
              "none stated; cite Krizhevsky, 2009",
              List.of("cifar-10-batches-bin", "cifar10", "cifar-10", "cifar-10-subset"),
              List.of(
                  // MD5 by its author: c32a1d4ab5d03f1284b67883e8d87530.
                  file(
                      CIFAR,
                      "cifar-10-binary.tar.gz",
                      170_052_171,
                      "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd")),
              List.of(
                  new Member("cifar-10-batches-bin/data_batch_1.bin", 30_730_000),
                  new Member("cifar-10-batches-bin/data_batch_2.bin", 30_730_000),
                  new Member("cifar-10-batches-bin/data_batch_3.bin", 30_730_000),
                  new Member("cifar-10-batches-bin/data_batch_4.bin", 30_730_000),
                  new Member("cifar-10-batches-bin/data_batch_5.bin", 30_730_000),
                  new Member("cifar-10-batches-bin/test_batch.bin", 30_730_000))),
          new Entry(
              "cifar100",
              "CIFAR-100 (50,000 + 10,000 colour images, 32x32)",
              "none stated; cite Krizhevsky, 2009",
              List.of("cifar-100-binary", "cifar100", "cifar-100"),
              List.of(
                  // MD5 by its author: 03b5dce01913d631647c71ecec9e9cb8.
                  file(
                      CIFAR,
                      "cifar-100-binary.tar.gz",
                      168_513_733,
                      "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec")),
              List.of(
                  new Member("cifar-100-binary/train.bin", 153_700_000),
                  new Member("cifar-100-binary/test.bin", 30_740_000))));

  private DataCatalog() {}

  private static RemoteFile file(String base, String name, long bytes, String sha256) {
    return new RemoteFile(URI.create(base + name), bytes, sha256);
  }

  /** Returns all data sets that are known by name. */
  public static List<Entry> entries() {
    return ENTRIES;
  }

  /**
   * Returns the data set of that name.
   *
   * @throws IllegalArgumentException if there is none
   */
  public static Entry entry(String name) {
    for (Entry entry : ENTRIES) {
      if (entry.name().equals(name)) {
        return entry;
      }
    }
    List<String> known = new ArrayList<>();
    ENTRIES.forEach(entry -> known.add(entry.name()));
    throw new IllegalArgumentException(
        "expected a data set of "
            + String.join(", ", known)
            + " or folder:PATH, found \""
            + name
            + "\"");
  }

  /** Returns the data set that publishes a file of that checksum. */
  static Optional<Entry> publisherOf(String sha256) {
    return ENTRIES.stream()
        .filter(entry -> entry.files().stream().anyMatch(file -> file.sha256().equals(sha256)))
        .findFirst();
  }
}
