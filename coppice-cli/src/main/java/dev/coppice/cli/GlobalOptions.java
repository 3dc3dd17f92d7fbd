package dev.coppice.cli;

import dev.coppice.kernels.Kernels;
import dev.coppice.train.Engine;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that every command has. */
final class GlobalOptions {
  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "the source of all randomness (default: 1)")
  long seed = 1;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "CPU threads (default: all processors; 1 for quickstart and compare)")
  @Nullable Integer threads;

  @Option(
      names = "--device",
      paramLabel = "NAME",
      description = "cpu, gpu, gpu0, gpu1, … (default: cpu)")
  String device = "cpu";

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description = "write the result to a file, machine-readable")
  @Nullable Path json;

  @Option(
      names = "--config",
      paramLabel = "FILE",
      description = "read options from a YAML file; those on the command line go before them")
  @Nullable Path config;

  @Option(names = "--debug", description = "show the stack trace of an error")
  boolean debug;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "show this help")
  boolean help;

  /**
   * Returns where to run, and fills in the threads.
   *
   * @throws IllegalArgumentException if there is no such device
   */
  Engine.Options engine() {
    if (threads == null) {
      threads = Runtime.getRuntime().availableProcessors();
    }
    Engine.Options options = new Engine.Options(device, threads, Kernels.best());
    if (!device.equals("cpu")) {
      int gpus = ai.djl.engine.Engine.getEngine("PyTorch").getGpuCount();
      String number = device.substring("gpu".length());
      int wanted = number.isEmpty() ? 0 : Integer.parseInt(number);
      if (wanted >= gpus) {
        throw new UsageException(
            "device " + device + " is not there: PyTorch as built in sees " + gpus + " GPUs");
      }
    }
    return options;
  }
}
