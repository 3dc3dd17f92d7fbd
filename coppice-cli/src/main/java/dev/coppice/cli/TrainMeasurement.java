package dev.coppice.cli;

import com.google.gson.Gson;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Model;
import dev.coppice.graph.Node;
import dev.coppice.graph.Op;
import dev.coppice.graph.Surrogate;
import dev.coppice.kernels.Kernels;
import dev.coppice.train.CriticalityProbe;
import dev.coppice.train.Engine;
import dev.coppice.train.LossFunction;
import dev.coppice.train.Optimizer;
import dev.coppice.train.Probes;
import dev.coppice.train.ProcessMemory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * Measures training in a process that does nothing else, so that its peak memory is that of
 * training alone: random images, forward, backward and an update by stochastic gradient descent.
 */
final class TrainMeasurement {
  private static final double RATE = 0.01;
  private static final float MOMENTUM = 0.9f;

  private final BenchSettings settings;
  private final Engine engine;
  private final Probes criticality;
  private final Engine.StepSettings step;
  private final float[] images;
  private final int[] labels;

  /**
   * What was measured.
   *
   * @param secondsPerStep the median
   * @param secondsFastestStep the minimum
   * @param imagesPerSecond from the median step
   * @param cpusUsed processor time over wall time: well below the threads, something else kept the
   *     machine busy
   * @param peakMegabytes the greatest resident set, in 10^6 bytes
   * @param spikeRates of every neuron layer: spikes per neuron and time step
   * @param layers how the layers run and what they take in a step; empty if not asked for
   * @param kernels the neuron kernels in use
   * @param djl the version of the Deep Java Library
   * @param pytorch the version of PyTorch
   */
  record Figures(
      double secondsPerStep,
      double secondsFastestStep,
      double secondsFirstStep,
      double imagesPerSecond,
      double cpusUsed,
      double peakMegabytes,
      double firstLoss,
      double lastLoss,
      Map<String, Double> spikeRates,
      List<Engine.LayerReport> layers,
      String kernels,
      String djl,
      String pytorch) {}

  /**
   * What it costs to measure the criticality of all neurons in a step.
   *
   * @param steps of either kind, one of each in turn
   * @param secondsPerStep the median of the steps that measure nothing
   * @param secondsPerMeasuredStep the median of the others
   * @param medianPercent by how much the one median exceeds the other
   * @param meanPercent by how much the one mean exceeds the other
   * @param fastestPercent by how much the one minimum exceeds the other, which a busy machine
   *     disturbs least
   */
  record Overhead(
      int steps,
      double secondsPerStep,
      double secondsPerMeasuredStep,
      double medianPercent,
      double meanPercent,
      double fastestPercent) {}

  private TrainMeasurement(BenchSettings settings, Graph graph, Engine engine) {
    this.settings = settings;
    this.engine = engine;
    criticality = probes(graph);
    step = new Engine.StepSettings(settings.timeSteps(), new LossFunction.MeanLogits(), 0, 0, 0);
    images = settings.images();
    int classes = graph.shape(graph.output()).size();
    labels = new SplittableRandom(settings.seed()).ints(settings.batch(), 0, classes).toArray();
  }

  /**
   * Measures what is asked for and writes it as JSON.
   *
   * @param args the file of the settings, the file to write, that of the network, {@code train} or
   *     {@code overhead}
   * @throws IOException if a file cannot be read or written
   */
  public static void main(String[] args) throws IOException {
    Gson gson = new Gson();
    BenchSettings settings = gson.fromJson(Files.readString(Path.of(args[0])), BenchSettings.class);
    Model model = Model.load(Path.of(args[2]));
    Optimizer optimizer = new Optimizer.Sgd(MOMENTUM, false, 0);
    Engine.Options options =
        new Engine.Options(
            settings.device(), settings.threads(), Kernels.best(), settings.convolutions());
    try (Engine engine = new Engine(model.graph(), model.weights(), optimizer, options)) {
      if (settings.sparsity().part() > 0) {
        engine.mask(BenchNetwork.masks(model));
      }
      TrainMeasurement measurement = new TrainMeasurement(settings, model.graph(), engine);
      Object result = args[3].equals("overhead") ? measurement.overhead() : measurement.train();
      Files.writeString(Path.of(args[1]), gson.toJson(result));
    }
  }

  /** Returns the spikes per neuron and time step of every neuron layer in a training step. */
  private Map<String, Double> rates() {
    Set<String> neurons = criticality.criticality().keySet();
    Map<String, float[]> outputs =
        engine
            .train(images, labels, step, RATE, settings.seed(), Probes.outputs(neurons))
            .measured()
            .outputs();
    Map<String, Double> rates = new LinkedHashMap<>();
    for (String neuron : criticality.criticality().keySet()) {
      float[] spikes = outputs.get(neuron);
      double sum = 0;
      for (int i = 0; spikes != null && i < spikes.length; i++) {
        sum += spikes[i];
      }
      rates.put(neuron, spikes == null ? 0 : sum / spikes.length);
    }
    return rates;
  }

  /** Returns what the layers of a step take, or nothing if not asked for. */
  private List<Engine.LayerReport> layers() {
    if (!settings.explain()) {
      return List.of();
    }
    engine.recordTimes();
    for (int i = 0; i < settings.steps(); i++) {
      run(Probes.NONE, new double[1], 0);
    }
    return engine.layers().stream()
        .map(
            layer ->
                new Engine.LayerReport(
                    layer.node(), layer.way(), layer.reason(), layer.seconds() / settings.steps()))
        .toList();
  }

  private Figures train() {
    double[] first = new double[1];
    double firstLoss = run(Probes.NONE, first, 0);
    for (int i = 1; i < settings.warmup(); i++) {
      run(Probes.NONE, new double[1], 0);
    }
    double[] seconds = new double[settings.steps()];
    double lastLoss = firstLoss;
    Duration cpu = cpuTime();
    long start = System.nanoTime();
    for (int i = 0; i < seconds.length; i++) {
      lastLoss = run(Probes.NONE, seconds, i);
    }
    double wall = (System.nanoTime() - start) / 1e9;
    double used = cpuTime().minus(cpu).toNanos() / 1e9;
    double median = median(seconds);
    return new Figures(
        median,
        fastest(seconds),
        first[0],
        settings.batch() / median,
        used / wall,
        ProcessMemory.peakMegabytes(),
        firstLoss,
        lastLoss,
        rates(),
        layers(),
        Kernels.best().describe(),
        ai.djl.engine.Engine.getDjlVersion(),
        ai.djl.engine.Engine.getEngine("PyTorch").getVersion());
  }

  private Overhead overhead() {
    for (int i = 0; i < settings.warmup(); i++) {
      run(Probes.NONE, new double[1], 0);
      run(criticality, new double[1], 0);
    }
    double[] plain = new double[settings.steps()];
    double[] measured = new double[settings.steps()];
    for (int i = 0; i < plain.length; i++) {
      // Whichever comes second may find warmer caches, so that they take turns.
      if (i % 2 == 0) {
        run(Probes.NONE, plain, i);
        run(criticality, measured, i);
      } else {
        run(criticality, measured, i);
        run(Probes.NONE, plain, i);
      }
    }
    return new Overhead(
        settings.steps(),
        median(plain),
        median(measured),
        excess(median(measured), median(plain)),
        excess(mean(measured), mean(plain)),
        excess(fastest(measured), fastest(plain)));
  }

  /** Runs a step, puts its seconds where they belong and returns its loss. */
  private double run(Probes probes, double[] seconds, int index) {
    long start = System.nanoTime();
    double loss = engine.train(images, labels, step, RATE, settings.seed(), probes).loss();
    seconds[index] = (System.nanoTime() - start) / 1e9;
    return loss;
  }

  /** The paper's measure (arXiv 2311.16141) of every neuron layer. */
  private static Probes probes(Graph graph) {
    Map<String, CriticalityProbe> probes = new LinkedHashMap<>();
    for (Node node : graph.nodes()) {
      if (node.op() instanceof Op.Neuron neuron) {
        probes.put(
            node.name(),
            new CriticalityProbe(
                new Surrogate.ATan(2), neuron.threshold(), true, CriticalityProbe.Pooling.MAX));
      }
    }
    return Probes.criticality(probes, Set.of());
  }

  /** Returns the processor time that this process has used. */
  static Duration cpuTime() {
    return ProcessHandle.current().info().totalCpuDuration().orElse(Duration.ZERO);
  }

  private static double excess(double value, double base) {
    return 100 * (value / base - 1);
  }

  private static double mean(double[] values) {
    return Arrays.stream(values).average().orElseThrow();
  }

  private static double fastest(double[] values) {
    return Arrays.stream(values).min().orElseThrow();
  }

  static double median(double... values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
