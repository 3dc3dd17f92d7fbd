package dev.coppice.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Runs every fuzz target for some seconds, in a JVM of its own because Jazzer ends it. */
class FuzzTest {
  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(classes = {IdxFuzz.class, CifarFuzz.class})
  void targetFindsNothing(Class<?> target) throws IOException, InterruptedException {
    Path corpus = Files.createDirectory(folder.resolve("corpus"));
    byte[] labels = Samples.idxLabels(1, 2);
    byte[] images = Samples.idxImages(2, 3, 3);
    byte[] length = {(byte) labels.length};
    Files.write(corpus.resolve("idx"), Samples.concat(length, labels, images));
    Files.write(corpus.resolve("compressed"), Samples.concat(length, labels, Samples.gzip(images)));
    Files.write(corpus.resolve("cifar"), new byte[] {2, 0, 1, 3});

    Path log = folder.resolve("log");
    Process process =
        new ProcessBuilder(
                List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "--enable-native-access=ALL-UNNAMED",
                    "-Xmx1g",
                    "-cp",
                    classPath(),
                    "com.code_intelligence.jazzer.Jazzer",
                    "--target_class=" + target.getName(),
                    "--instrumentation_includes=dev.coppice.data.**",
                    "-runs=20000",
                    "-max_total_time=8",
                    corpus.toString()))
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    int exit = process.waitFor();
    String output = Files.readString(log, StandardCharsets.ISO_8859_1);
    assertThat(exit).as(output).isZero();
    assertThat(output).contains("Done ");
  }

  /** Jazzer looks into everything on the class path, and the native libraries there are huge. */
  private static String classPath() {
    return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator, -1))
        .filter(entry -> !entry.contains("pytorch") && !entry.contains("djl"))
        .collect(Collectors.joining(File.pathSeparator));
  }
}
