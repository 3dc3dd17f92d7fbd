package dev.coppice.cli;

import dev.coppice.graph.Model;
import dev.coppice.graph.ModelInput;
import dev.coppice.runtime.SpikingRuntime;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of commands that run a model without the training engine. */
final class RuntimeOptions {
  private static final int MAX_BATCH = 10_000;
  private static final int MAX_THREADS = 1024;

  @Option(
      names = "--T",
      paramLabel = "N",
      description = "time steps (default: those of the training)")
  private @Nullable Integer timeSteps;

  @Option(
      names = "--batch",
      paramLabel = "N",
      description = "images at a time; memory grows with it (default: 16)")
  private int batch = 16;

  /**
   * Compiles a model.
   *
   * @param images how many there are to run: the batch is not larger
   * @throws UsageException if an option is out of its range, or T is not known
   * @throws dev.coppice.graph.GraphException if the model cannot be run
   */
  ModelRunner runner(Model model, int images, GlobalOptions global) {
    if (!global.device.equals("cpu")) {
      throw new UsageException("--device " + global.device + ": models are run on the cpu");
    }
    int threads =
        global.threads == null ? Runtime.getRuntime().availableProcessors() : global.threads;
    if (timeSteps != null) {
      check("--T", timeSteps, ModelInput.MAX_TIME_STEPS);
    }
    check("--batch", batch, MAX_BATCH);
    check("--threads", threads, MAX_THREADS);
    SpikingRuntime network =
        SpikingRuntime.of(
            model,
            SpikingRuntime.Options.DEFAULT
                .withTimeSteps(timeSteps == null ? 0 : timeSteps)
                .withBatch(Math.min(batch, images))
                .withThreads(threads));
    if (network.timeSteps() == 0) {
      throw new UsageException("the model does not say its time steps; give them by --T");
    }
    return new ModelRunner(model, network, global.seed);
  }

  private static void check(String option, int value, int most) {
    if (value < 1 || value > most) {
      throw new UsageException(option + " must lie between 1 and " + most + ", not " + value);
    }
  }
}
