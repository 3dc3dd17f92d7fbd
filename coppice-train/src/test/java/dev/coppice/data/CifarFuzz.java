package dev.coppice.data;

import dev.coppice.data.CifarReader.Variant;
import java.io.IOException;
import java.util.List;

/** Whatever a file holds, the reader gives images or one sentence. */
public final class CifarFuzz {
  private CifarFuzz() {}

  /**
   * The first byte chooses the variant and a number of records, the second how many bytes there are
   * beyond them; what follows fills the file over and over, as records are longer than most inputs.
   */
  public static void fuzzerTestOneInput(byte[] input) {
    if (input.length < 3) {
      return;
    }
    Variant variant = (input[0] & 1) == 0 ? Variant.CIFAR10 : Variant.CIFAR100;
    byte[] content = new byte[(input[0] >> 1 & 3) * variant.recordBytes() + (input[1] & 0xff) % 3];
    for (int i = 0; i < content.length; i++) {
      content[i] = input[2 + i % (input.length - 2)];
    }
    List<String> classes = variant == Variant.CIFAR10 ? ClassNames.CIFAR_10 : ClassNames.CIFAR_100;
    try {
      Images read =
          CifarReader.read(List.of(new SourceFile("batch", content)), variant, "fuzz", classes);
      if (read.size() != content.length / variant.recordBytes()) {
        throw new AssertionError("accepted " + content.length + " bytes as " + read.size());
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
