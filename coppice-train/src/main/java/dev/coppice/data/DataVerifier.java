package dev.coppice.data;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Reads a data set through and compares its files with the published ones. */
public final class DataVerifier {
  /** How a file compares with what the catalogue says. */
  public enum Status {
    /** The checksum is the published one. */
    AS_PUBLISHED,
    /** The size is the published one; no checksum of this file is published. */
    SIZE_AS_PUBLISHED,
    /** Size or checksum differ from the published ones. */
    DIFFERENT,
    /** Nothing is published to compare it with. */
    UNKNOWN
  }

  /** A file and how it compares. */
  public record Check(DataSet.Source file, Status status) {}

  /**
   * What was found.
   *
   * @param files the files in the order of reading
   * @param trainHistogram training images of each class, {@code [classes]}
   * @param testHistogram test images of each class, {@code [classes]}
   */
  public record Result(
      String name,
      List<Check> files,
      List<String> classes,
      int[] trainHistogram,
      int[] testHistogram) {
    /** Copies the lists. */
    public Result {
      files = List.copyOf(files);
      classes = List.copyOf(classes);
    }

    /** Returns whether no file differs from its published form. */
    public boolean asPublished() {
      return files.stream().noneMatch(check -> check.status() == Status.DIFFERENT);
    }
  }

  /** The bundled file, which no address of the catalogue leads to. */
  private static final String DIGITS_SHA256 =
      "46abec6b12486ad9e51943373abcf22bbea1b5a51a1619b361570d8893f1464a";

  private DataVerifier() {}

  /**
   * Loads a data set and compares its files.
   *
   * @param spec as for {@link DataSets#load(String, Path)}
   * @param dataDir as for {@link DataSets#load(String, Path)}
   * @throws IOException as {@link DataSets#load(String, Path)} does
   */
  public static Result verify(String spec, @Nullable Path dataDir) throws IOException {
    DataSet data = DataSets.load(spec, dataDir);
    Optional<DataCatalog.Entry> entry =
        DataCatalog.entries().stream().filter(known -> known.name().equals(spec)).findFirst();
    List<Check> checks = new ArrayList<>();
    for (DataSet.Source source : data.sources()) {
      checks.add(
          new Check(source, entry.map(known -> compare(known, source)).orElse(Status.UNKNOWN)));
    }
    return new Result(
        data.name(),
        checks,
        data.train().classes(),
        data.train().histogram(),
        data.test().histogram());
  }

  private static Status compare(DataCatalog.Entry entry, DataSet.Source source) {
    if (entry.name().equals("digits")) {
      return source.sha256().equals(DIGITS_SHA256) ? Status.AS_PUBLISHED : Status.DIFFERENT;
    }
    for (DataCatalog.RemoteFile file : entry.files()) {
      if (file.fileName().equals(source.file())) {
        return file.bytes() == source.bytes() && file.sha256().equals(source.sha256())
            ? Status.AS_PUBLISHED
            : Status.DIFFERENT;
      }
    }
    for (DataCatalog.Member member : entry.members()) {
      if (member.fileName().equals(source.file())) {
        return member.bytes() == source.bytes() ? Status.SIZE_AS_PUBLISHED : Status.DIFFERENT;
      }
    }
    return Status.UNKNOWN;
  }
}
