package dev.coppice.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TarGzTest {
  private static final DataCatalog.Member MEMBER = new DataCatalog.Member("a/b.bin", 700);
  private static final byte[] TAR =
      Samples.concat(Samples.tarEntry("a/b.bin", '0', new byte[700]), new byte[1024]);

  @TempDir Path root;

  private AbstractThrowableAssert<?, ?> failure(byte[] archive) throws IOException {
    Path path = root.resolve("archive.tar.gz");
    Files.write(path, archive);
    return assertThatThrownBy(() -> TarGz.extract(path, root, List.of(MEMBER)))
        .isInstanceOf(DataFormatException.class)
        .satisfies(e -> assertThat(root).isDirectoryNotContaining("glob:**b.bin*"));
  }

  @Test
  void everyTruncationIsFound() throws IOException {
    for (int length = 0; length < 512 + 700; length += length < 512 ? 1 : 17) {
      failure(Samples.gzip(Arrays.copyOf(TAR, length)));
    }
    byte[] compressed = Samples.gzip(Samples.concat(TAR, new byte[64]));
    for (int length = 0; length < 40; length++) {
      failure(Arrays.copyOf(compressed, length));
    }
  }

  @Test
  void damagedHeadersAreFound() throws IOException {
    for (int at : new int[] {0, 124, 130, 148, 300}) {
      byte[] damaged = TAR.clone();
      damaged[at] ^= 1;
      failure(Samples.gzip(damaged)).hasMessageContaining("a header of the archive is damaged");
    }
    failure(TAR).hasMessageContaining("the compressed data are damaged");
  }

  @Test
  void missingAndMisfittingMembersAreFound() throws IOException {
    failure(Samples.gzip(new byte[1024])).hasMessageContaining("lacks [a/b.bin]");
    failure(Samples.gzip(Samples.tarEntry("a/b.bin", '0', new byte[699])))
        .hasMessageContaining("expected a/b.bin of 700 bytes, found 699");
    // A link of that name is not the file.
    failure(
            Samples.gzip(
                Samples.concat(Samples.tarEntry("a/b.bin", '2', new byte[0]), new byte[1024])))
        .hasMessageContaining("lacks [a/b.bin]");
  }

  @Test
  void aBombIsNotUnpacked() throws IOException {
    byte[] filler = Samples.tarEntry("filler", '0', new byte[(64 << 20) + 1]);
    failure(Samples.gzip(Samples.concat(filler, TAR)))
        .hasMessageContaining("holds far more than the expected files");
  }
}
