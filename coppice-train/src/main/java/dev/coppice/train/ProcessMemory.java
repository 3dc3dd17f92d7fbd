package dev.coppice.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The memory of this process, native memory included. */
public final class ProcessMemory {
  private ProcessMemory() {}

  /**
   * Returns the greatest resident set so far in megabytes (10^6 bytes), or 0 where the system does
   * not tell (it is read from {@code /proc}).
   */
  public static double peakMegabytes() {
    return megabytes("VmHWM:");
  }

  /** Returns the resident set now, as {@link #peakMegabytes} does the greatest. */
  public static double residentMegabytes() {
    return megabytes("VmRSS:");
  }

  private static double megabytes(String key) {
    try {
      for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
        if (line.startsWith(key)) {
          return Long.parseLong(line.replaceAll("\\D", "")) * 1024 / 1e6;
        }
      }
    } catch (IOException e) {
      return 0;
    }
    return 0;
  }
}
