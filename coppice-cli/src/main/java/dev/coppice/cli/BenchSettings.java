package dev.coppice.cli;

import dev.coppice.graph.Charge;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Op;
import dev.coppice.graph.Reset;
import dev.coppice.graph.Shape;
import dev.coppice.graph.Surrogate;
import dev.coppice.train.ConvolutionPath;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * What a measurement of training runs.
 *
 * @param net in {@link Notation}
 * @param timeSteps T
 * @param batch images in a step
 * @param warmup steps that are not counted
 * @param steps steps that are counted
 * @param sparsity the part of every layer's weights that is masked
 * @param channels whether these are those of whole channels
 * @param firingRate spikes per neuron and time step that training begins with, or null: as new
 *     weights fire
 * @param convolutions how convolutions run
 * @param explain whether to measure the time of every layer in further steps
 */
record BenchSettings(
    String net,
    Shape.Map input,
    int timeSteps,
    int batch,
    String device,
    int threads,
    int warmup,
    int steps,
    long seed,
    BenchSparsity sparsity,
    boolean channels,
    @Nullable Double firingRate,
    ConvolutionPath convolutions,
    boolean explain) {

  /**
   * The neuron that the peers measure with: time constant 2, threshold 1, hard reset whose gradient
   * is cut, ATan surrogate.
   */
  private static final Op.Neuron NEURON =
      new Op.Neuron(
          new Charge.TimeConstant(2, true),
          1,
          false,
          new Reset.Hard(0),
          true,
          new Surrogate.ATan(2));

  private static final int MAX = 10_000;

  /** Of a network that goes by its name. */
  private static final int CLASSES = 10;

  /** Throws {@link UsageException} for a number out of its range. */
  BenchSettings {
    check("--T", timeSteps, MAX);
    check("--batch", batch, MAX);
    check("--threads", threads, MAX);
    check("--warmup", warmup, MAX);
    check("--steps", steps, MAX);
    if (!(sparsity.part() >= 0 && sparsity.part() < 1)) {
      throw new UsageException("--sparsity must lie from 0 to below 1, not " + sparsity.part());
    }
    if (channels && sparsity.groups() != null) {
      throw new UsageException(
          "--channels goes with a part of the weights, not with " + sparsity.groups());
    }
    if (firingRate != null) {
      var _ = new WantedRates(new double[] {firingRate});
    }
    if ((long) batch * input.size() > Integer.MAX_VALUE) {
      throw new UsageException("--batch " + batch + " of " + input + " images is too large");
    }
  }

  /** Throws {@link UsageException} unless the value lies between 1 and the greatest. */
  static void check(String option, int value, int greatest) {
    if (value < 1 || value > greatest) {
      throw new UsageException(option + " must lie between 1 and " + greatest + ", not " + value);
    }
  }

  /**
   * Returns the network.
   *
   * @throws dev.coppice.graph.GraphException if the name or notation and the input do not make one
   */
  Graph graph() {
    return NetworkOptions.graph(net, input, CLASSES, NEURON, 1);
  }

  /** Returns the images of every step, {@code [B, H, W, C]}. */
  float[] images() {
    RandomGenerator random = new SplittableRandom(seed);
    float[] images = new float[batch * input.size()];
    for (int i = 0; i < images.length; i++) {
      images[i] = random.nextFloat();
    }
    return images;
  }

  /** Returns what is pruned, as people read it: {@code " at 90.0 %"}. */
  String where() {
    return sparsity.groups() != null
        ? " at " + sparsity.groups()
        : String.format(
            Locale.ROOT, " at %.1f %%%s", 100 * sparsity.part(), channels ? " by channels" : "");
  }

  /** Returns the same work with another part of the weights masked. */
  BenchSettings at(BenchSparsity other) {
    return new BenchSettings(
        net,
        input,
        timeSteps,
        batch,
        device,
        threads,
        warmup,
        steps,
        seed,
        other,
        channels,
        firingRate,
        convolutions,
        explain);
  }

  /**
   * Returns the options of a peer's script for the same work.
   *
   * @param model holds the network
   */
  List<String> arguments(Path model) {
    List<String> arguments = new ArrayList<>(List.of("--model", model.toString()));
    arguments.addAll(List.of("--T", Integer.toString(timeSteps)));
    arguments.addAll(List.of("--batch", Integer.toString(batch)));
    arguments.addAll(List.of("--threads", Integer.toString(threads)));
    arguments.addAll(List.of("--warmup", Integer.toString(warmup)));
    arguments.addAll(List.of("--steps", Integer.toString(steps)));
    arguments.addAll(List.of("--seed", Long.toString(seed)));
    return arguments;
  }
}
