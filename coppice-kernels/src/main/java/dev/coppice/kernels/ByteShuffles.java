package dev.coppice.kernels;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;

/**
 * Whether bytes and shorts move freely within vectors of 512 bit. The first processors with such
 * vectors lack the instructions, without which the compiler calls methods for every vector.
 */
final class ByteShuffles {
  private static final Path PROCESSORS = Path.of("/proc/cpuinfo");

  private ByteShuffles() {}

  /** Whether the processor has them, or does not tell. */
  static boolean exist() {
    try (Stream<String> lines = Files.lines(PROCESSORS)) {
      return exist(lines);
    } catch (IOException | UncheckedIOException e) {
      return true;
    }
  }

  /** The same of a description such as Linux gives. */
  static boolean exist(Stream<String> lines) {
    return lines
        .filter(line -> line.startsWith("flags"))
        .findFirst()
        .map(flags -> Arrays.asList(flags.split("\\s+")))
        .map(flags -> !flags.contains("avx512bw") || flags.contains("avx512_vbmi2"))
        .orElse(true);
  }
}
