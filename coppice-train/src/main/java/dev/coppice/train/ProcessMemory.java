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
    try {
      for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
        if (line.startsWith("VmHWM:")) {
          return Long.parseLong(line.replaceAll("\\D", "")) * 1024 / 1e6;
        }
      }
    } catch (IOException e) {
      return 0;
    }
    return 0;
  }
}
