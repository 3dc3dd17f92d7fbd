package dev.coppice.cli;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that name another library to measure. */
final class PeerOptions {
  private static final String SPIKINGJELLY = "spikingjelly";

  @Option(
      names = "--peer",
      paramLabel = "NAME",
      description = "measure another library on the same work: spikingjelly")
  @Nullable String peer;

  @Option(
      names = "--python",
      paramLabel = "PATH",
      description = "the Python that has the peer installed (default: ${DEFAULT-VALUE})")
  private String python = "python3";

  @Option(
      names = "--peer-settings",
      paramLabel = "SETTING",
      split = ",",
      description = "which of the peer's settings to try (default: all; the fastest one counts)")
  List<String> settings = new ArrayList<>();

  /**
   * Returns the peer's script for a task, {@code train} or {@code run}, or null if no peer is asked
   * for.
   *
   * @throws UsageException if it cannot be measured
   */
  @Nullable PeerScript script(String task, String device) {
    if (peer == null) {
      return null;
    }
    if (!peer.equals(SPIKINGJELLY)) {
      throw new UsageException("--peer: expected " + SPIKINGJELLY + ", found \"" + peer + "\"");
    }
    if (!device.equals("cpu")) {
      throw new UsageException("--peer goes with --device cpu only, not " + device);
    }
    return PeerScript.find(SPIKINGJELLY, task, python);
  }
}
