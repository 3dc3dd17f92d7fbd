package dev.coppice.data;

import java.io.IOException;
import java.util.Arrays;

/** Whatever two files hold, the reader gives images or one sentence. */
public final class IdxFuzz {
  private IdxFuzz() {}

  /** The first byte is the length of the labels' file, which comes next, then the images' file. */
  public static void fuzzerTestOneInput(byte[] input) {
    int labelBytes = input.length == 0 ? 0 : Math.min(input[0] & 0xff, input.length - 1);
    int split = Math.min(1 + labelBytes, input.length);
    SourceFile labels =
        new SourceFile("labels", Arrays.copyOfRange(input, Math.min(1, split), split));
    SourceFile images = new SourceFile("images", Arrays.copyOfRange(input, split, input.length));
    try {
      Images read = IdxReader.read(images, labels, "fuzz", ClassNames.DIGITS);
      if (read.size() < 1 || read.pixels().length != read.size() * read.shape().size()) {
        throw new AssertionError("accepted " + read.size() + " images of " + read.shape());
      }
    } catch (DataFormatException e) {
      if (e.getMessage() == null || e.getMessage().contains("\n")) {
        throw new AssertionError("not one line", e);
      }
    } catch (IOException e) {
      throw new AssertionError("bytes in memory can always be read", e);
    }
  }
}
