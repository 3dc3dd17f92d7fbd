package dev.coppice.data;

import dev.coppice.graph.Shape;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/**
 * Reads a folder of pictures with one subfolder per class. Three layouts are known:
 *
 * <ul>
 *   <li>{@code train/CLASS/…} with {@code test/CLASS/…} or {@code val/CLASS/…};
 *   <li>that of Tiny-ImageNet: {@code train/CLASS/images/…}, {@code val/images/…} and {@code
 *       val/val_annotations.txt}, whose lines begin with a file name, a tab and the class;
 *   <li>{@code CLASS/…} alone, of which a fixed stratified fifth becomes the test part.
 * </ul>
 *
 * All pictures become RGB, and must have one size unless one is asked for.
 */
public final class FolderReader {
  private static final int MAX_FILE_BYTES = 64 << 20;
  private static final int MAX_ANNOTATION_BYTES = 256 << 20;
  private static final long SPLIT_SEED = 1;
  private static final String ANNOTATIONS = "val_annotations.txt";
  private static final List<String> EXTENSIONS =
      List.of(".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff");

  private record Item(Path file, int label) {}

  private record Decoded(Images images, DataSet.Source manifest) {}

  private FolderReader() {}

  /**
   * Reads the training and the test part.
   *
   * @param imageSize the side of the square that every picture is resized to, by area averaging;
   *     empty to leave them as they are
   * @throws DataFormatException if no class or no picture is found, a picture cannot be decoded, or
   *     their sizes differ
   * @throws IOException if a file cannot be read
   */
  public static DataSet read(Path root, OptionalInt imageSize) throws IOException {
    if (imageSize.isPresent() && imageSize.getAsInt() < 1) {
      throw new IllegalArgumentException(
          "expected a positive image size, found " + imageSize.getAsInt());
    }
    if (!Files.isDirectory(root)) {
      throw new DataFormatException(root.toString(), "is not a folder");
    }
    Path named = root.toAbsolutePath().normalize().getFileName();
    String name = named == null ? root.toString() : named.toString();
    boolean divided = Files.isDirectory(root.resolve("train"));
    Path trainRoot = divided ? root.resolve("train") : root;
    List<String> classes =
        list(trainRoot).stream().filter(Files::isDirectory).map(FolderReader::nameOf).toList();
    if (classes.isEmpty()) {
      throw new DataFormatException(
          trainRoot.toString(), "expected a subfolder for each class, found none");
    }
    List<Item> trainItems = items(trainRoot, classes);
    List<Item> testItems = divided ? testItems(root, classes) : List.of();
    Decoded train = decode(trainItems, name, classes, imageSize, trainRoot);
    if (testItems.isEmpty()) {
      if (train.images.size() < 5) {
        throw new DataFormatException(
            root.toString(),
            "expected a test part or at least 5 pictures, found " + train.images.size());
      }
      Images.Split split = train.images.split(train.images.size() / 5, SPLIT_SEED);
      return DataSet.of(name, split.train(), split.test(), List.of(train.manifest));
    }
    Decoded test = decode(testItems, name, classes, imageSize, root);
    if (!test.images.shape().equals(train.images.shape())) {
      throw new DataFormatException(
          root.toString(),
          "its training pictures are "
              + train.images.shape()
              + " but its test pictures "
              + test.images.shape()
              + "; ask for one image size");
    }
    return DataSet.of(name, train.images, test.images, List.of(train.manifest, test.manifest));
  }

  private static List<Item> testItems(Path root, List<String> classes) throws IOException {
    Path validation = root.resolve("val");
    Path annotations = validation.resolve(ANNOTATIONS);
    if (Files.exists(annotations)) {
      return annotatedItems(annotations, validation.resolve("images"), classes);
    }
    for (String part : List.of("test", "val")) {
      if (Files.isDirectory(root.resolve(part))) {
        return items(root.resolve(part), classes);
      }
    }
    return List.of();
  }

  private static List<Item> items(Path root, List<String> classes) throws IOException {
    List<Item> items = new ArrayList<>();
    for (Path folder : list(root)) {
      if (!Files.isDirectory(folder)) {
        continue;
      }
      int label = classes.indexOf(nameOf(folder));
      if (label < 0) {
        throw new DataFormatException(folder.toString(), "is not a class of the training part");
      }
      Path nested = folder.resolve("images");
      for (Path file : list(Files.isDirectory(nested) ? nested : folder)) {
        String lower = nameOf(file).toLowerCase(Locale.ROOT);
        if (EXTENSIONS.stream().anyMatch(lower::endsWith)) {
          items.add(new Item(file, label));
        }
      }
    }
    return items;
  }

  private static List<Item> annotatedItems(Path annotations, Path folder, List<String> classes)
      throws IOException {
    SourceFile file = SourceFile.read(annotations, MAX_ANNOTATION_BYTES);
    List<String> lines = new String(file.content(), StandardCharsets.UTF_8).lines().toList();
    List<Item> items = new ArrayList<>();
    for (int i = 0; i < lines.size(); i++) {
      String[] fields = lines.get(i).split("\t", 3);
      // A name with a separator could lead out of the folder.
      if (fields.length < 2 || fields[0].isEmpty() || fields[0].matches(".*[/\\\\:\0].*")) {
        throw new DataFormatException(
            file.name(), "line " + (i + 1) + ": expected a file name, a tab and a class");
      }
      int label = classes.indexOf(fields[1]);
      if (label < 0) {
        throw new DataFormatException(
            file.name(), "line " + (i + 1) + ": its class is not a class of the training part");
      }
      items.add(new Item(folder.resolve(fields[0]), label));
    }
    return items;
  }

  private static List<Path> list(Path folder) throws IOException {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.filter(path -> !nameOf(path).startsWith(".")).sorted().toList();
    }
  }

  private static String nameOf(Path path) {
    return String.valueOf(path.getFileName());
  }

  private static Decoded decode(
      List<Item> items, String name, List<String> classes, OptionalInt imageSize, Path root)
      throws IOException {
    if (items.isEmpty()) {
      throw new DataFormatException(root.toString(), "holds no pictures");
    }
    SourceFile first = SourceFile.read(items.getFirst().file, MAX_FILE_BYTES);
    Shape.Map shape = shapeOf(picture(first, imageSize));
    if ((long) items.size() * shape.size() > Images.MAX_PIXELS) {
      throw new DataFormatException(
          root.toString(),
          "its " + items.size() + " pictures of " + shape + " exceed the 2 GiB of pixels that fit");
    }
    byte[] pixels = new byte[items.size() * shape.size()];
    long[] lengths = new long[items.size()];
    String[] checksums = new String[items.size()];
    try {
      IntStream.range(0, items.size())
          .parallel()
          .forEach(
              i -> {
                try {
                  SourceFile file = SourceFile.read(items.get(i).file, MAX_FILE_BYTES);
                  lengths[i] = file.content().length;
                  checksums[i] = file.sha256();
                  ImageDecoder.Picture picture = picture(file, imageSize);
                  if (!shapeOf(picture).equals(shape)) {
                    throw new DataFormatException(
                        file.name(),
                        "expected a picture of "
                            + shape
                            + " like the first one, found "
                            + shapeOf(picture)
                            + "; ask for one image size");
                  }
                  System.arraycopy(picture.rgb(), 0, pixels, i * shape.size(), shape.size());
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              });
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
    int[] labels = items.stream().mapToInt(Item::label).toArray();
    Images images = new Images(name, shape, classes, pixels, 255f, labels);
    return new Decoded(images, manifest(items, lengths, checksums, root));
  }

  private static ImageDecoder.Picture picture(SourceFile file, OptionalInt imageSize)
      throws IOException {
    ImageDecoder.Picture picture = ImageDecoder.decode(file);
    return imageSize.isPresent()
        ? picture.resized(imageSize.getAsInt(), imageSize.getAsInt())
        : picture;
  }

  private static Shape.Map shapeOf(ImageDecoder.Picture picture) {
    return new Shape.Map(picture.height(), picture.width(), 3);
  }

  /** One entry for all files: the SHA-256 of a list of their own, as sha256sum writes it. */
  private static DataSet.Source manifest(
      List<Item> items, long[] lengths, String[] checksums, Path root) {
    MessageDigest digest = SourceFile.newSha256();
    for (int i = 0; i < checksums.length; i++) {
      String path = root.relativize(items.get(i).file).toString().replace('\\', '/');
      digest.update((checksums[i] + "  " + path + "\n").getBytes(StandardCharsets.UTF_8));
    }
    return new DataSet.Source(
        nameOf(root) + "/**",
        LongStream.of(lengths).sum(),
        HexFormat.of().formatHex(digest.digest()));
  }
}
