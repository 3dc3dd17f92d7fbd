package dev.coppice.data;

import java.util.List;

/**
 * A training and a test part of the same kind of images.
 *
 * @param normalization the mean and standard deviation of every channel of the training part
 * @param sources the files that the images came from, for the record of a run
 */
public record DataSet(
    String name, Images train, Images test, Normalization normalization, List<Source> sources) {

  /**
   * A file, or a folder of pictures taken as one.
   *
   * @param file its name without its folder
   * @param bytes its size on the disk
   * @param sha256 the checksum of its bytes in lower-case hexadecimal; for a folder, of the list of
   *     its files' checksums
   */
  public record Source(String file, long bytes, String sha256) {}

  /**
   * Checks that the parts fit together.
   *
   * @throws IllegalArgumentException if a part is empty, or they differ in shape, classes or
   *     divisor
   */
  public DataSet {
    sources = List.copyOf(sources);
    if (train.size() == 0 || test.size() == 0) {
      throw new IllegalArgumentException(
          name + ": needs training and test images, found " + train.size() + " and " + test.size());
    }
    if (!train.shape().equals(test.shape())
        || !train.classes().equals(test.classes())
        || train.divisor() != test.divisor()) {
      throw new IllegalArgumentException(
          name + ": the training and the test part differ in shape, classes or range");
    }
  }

  /** Creates a data set with the normalisation of its training part. */
  public static DataSet of(String name, Images train, Images test, List<Source> sources) {
    return new DataSet(name, train, test, Normalization.of(train), sources);
  }
}
