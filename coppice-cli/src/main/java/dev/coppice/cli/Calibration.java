package dev.coppice.cli;

import dev.coppice.graph.Graph;
import dev.coppice.graph.Initialization;
import dev.coppice.graph.Node;
import dev.coppice.graph.Op;
import dev.coppice.graph.Reset;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import dev.coppice.prune.PrunableLayers;
import dev.coppice.prune.Selection;
import dev.coppice.prune.Ties;
import dev.coppice.train.Engine;
import dev.coppice.train.Optimizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Makes networks that fire as trained ones do, without training them. The statistics of batch norms
 * become those of the network's own activations on some images, and a shift of all currents of a
 * neuron layer (in the bias of what precedes it) brings the layer to the rate that is wanted.
 */
final class Calibration {
  /** Neurons of a layer that its shift is found with. */
  private static final int MOST_NEURONS = 200_000;

  private static final int BISECTIONS = 40;

  private final Graph graph;
  private final float[] images;
  private final int count;
  private final int timeSteps;
  private final Engine.Options options;
  private Weights weights;

  /** The batch norm that was calibrated last, and what it gives. */
  private @Nullable String normalized;

  private float[] normalizedValues = {};

  private Calibration(
      Graph graph,
      Weights weights,
      float[] images,
      int count,
      int timeSteps,
      Engine.Options options) {
    this.graph = graph;
    this.weights = weights;
    this.images = images;
    this.count = count;
    this.timeSteps = timeSteps;
    this.options = options;
  }

  /**
   * Returns new weights without those of the smallest magnitude in the whole network.
   *
   * @param sparsity the share of the weights of convolutions and linear layers that are zero
   */
  static Weights pruned(Graph graph, double sparsity, long seed) {
    return withoutSmallest(
        initial(graph, seed), PrunableLayers.of(graph, Set.of()).layers(), sparsity, seed);
  }

  /** Returns weights without those of the smallest magnitude in some layers, taken together. */
  static Weights withoutSmallest(
      Weights weights, List<PrunableLayers.Layer> layers, double sparsity, long seed) {
    float[] magnitudes = new float[layers.stream().mapToInt(PrunableLayers.Layer::size).sum()];
    int count = 0;
    for (PrunableLayers.Layer layer : layers) {
      for (float weight : weights.get(layer.tensor()).data()) {
        magnitudes[count++] = Math.abs(weight);
      }
    }
    boolean[] all = new boolean[count];
    Arrays.fill(all, true);
    boolean[] kept = new boolean[count];
    int keep = count - (int) Math.round(sparsity * count);
    float _ = Selection.keep(Ties.EXACT, magnitudes, magnitudes, all, keep, seed, kept);
    Weights pruned = weights;
    int first = 0;
    for (PrunableLayers.Layer layer : layers) {
      float[] data = weights.get(layer.tensor()).data().clone();
      for (int i = 0; i < data.length; i++) {
        data[i] = kept[first + i] ? data[i] : 0;
      }
      pruned = pruned.with(layer.tensor(), new Tensor(layer.shape(), data));
      first += data.length;
    }
    return pruned;
  }

  /**
   * Returns weights whose magnitudes differ from layer to layer as after training: convolutions
   * keep the scale that training begins with, linear layers outgrow it.
   */
  private static Weights initial(Graph graph, long seed) {
    Weights weights = Weights.initialize(graph, seed, Initialization.KAIMING_NORMAL_FAN_OUT);
    Weights linear = Weights.initialize(graph, seed, Initialization.KAIMING_NORMAL_FAN_IN);
    for (Node node : graph.nodes()) {
      if (node.op() instanceof Op.Linear) {
        String name = node.name() + ".weight";
        weights = weights.with(name, linear.get(name));
      }
    }
    return weights;
  }

  /**
   * Returns the weights with other statistics and biases, under which every neuron layer fires at
   * its rate on these images, as near as one shift for all of its neurons brings it.
   *
   * @param images normalised, {@code [N, H, W, C]}
   * @param count N
   */
  static Weights calibrated(
      Graph graph,
      Weights weights,
      float[] images,
      int count,
      int timeSteps,
      WantedRates rates,
      Engine.Options options) {
    Calibration calibration = new Calibration(graph, weights, images, count, timeSteps, options);
    int layers =
        (int) graph.nodes().stream().filter(node -> node.op() instanceof Op.Neuron).count();
    int layer = 0;
    for (Node node : graph.nodes()) {
      switch (node.op()) {
        case Op.BatchNorm norm -> calibration.normalize(node, norm);
        case Op.Neuron neuron -> calibration.shift(node, neuron, rates.of(layer++, layers));
        default -> {}
      }
    }
    return calibration.weights;
  }

  private void normalize(Node node, Op.BatchNorm norm) {
    float[] values = values(node.inputs().getFirst());
    int channels = norm.channels();
    double[] mean = new double[channels];
    double[] variance = new double[channels];
    double n = values.length / (double) channels;
    for (int i = 0; i < values.length; i++) {
      mean[i % channels] += values[i] / n;
    }
    for (int i = 0; i < values.length; i++) {
      double difference = values[i] - mean[i % channels];
      variance[i % channels] += difference * difference / n;
    }
    set(node.name() + ".running_mean", mean);
    set(node.name() + ".running_var", variance);
    float[] scale = weights.get(node.name() + ".weight").data();
    float[] bias = weights.get(node.name() + ".bias").data();
    for (int i = 0; i < values.length; i++) {
      int c = i % channels;
      values[i] =
          (float) ((values[i] - mean[c]) / Math.sqrt(variance[c] + norm.eps()) * scale[c])
              + bias[c];
    }
    normalized = node.name();
    normalizedValues = values;
  }

  private void shift(Node node, Op.Neuron neuron, double rate) {
    String input = node.inputs().getFirst();
    String bias = biasOf(input);
    if (bias == null) {
      return;
    }
    float[] currents = input.equals(normalized) ? normalizedValues : values(input);
    double shift = shiftFor(neuron, currents, timeSteps, rate);
    float[] data = weights.get(bias).data();
    double[] shifted = new double[data.length];
    Arrays.setAll(shifted, c -> data[c] + shift);
    set(bias, shifted);
  }

  /** Returns the bias that shifts all of what a node gives, or null if there is none. */
  private @Nullable String biasOf(String name) {
    Node node = graph.node(name);
    return switch (node.op()) {
      case Op.BatchNorm _ -> name + ".bias";
      case Op.Conv2d conv -> conv.bias() ? name + ".bias" : null;
      case Op.Linear linear -> linear.bias() ? name + ".bias" : null;
      case Op.Add _,
          Op.AvgPool _,
          Op.MaxPool _,
          Op.GlobalAvgPool _,
          Op.Flatten _,
          Op.Dropout _,
          Op.Gate _,
          Op.Select _ ->
          node.inputs().stream()
              .map(this::biasOf)
              .filter(bias -> bias != null)
              .findFirst()
              .orElse(null);
      case Op.Input _, Op.Neuron _ -> null;
    };
  }

  private void set(String name, double[] values) {
    float[] data = new float[values.length];
    for (int i = 0; i < data.length; i++) {
      data[i] = (float) values[i];
    }
    weights = weights.with(name, new Tensor(new int[] {data.length}, data));
  }

  /**
   * Returns what a node gives for the images, {@code [T·N, …]}, with the weights as they are now.
   */
  private float[] values(String name) {
    Set<String> wanted = new HashSet<>(Set.of(name));
    List<Node> nodes = new ArrayList<>();
    for (Node node : graph.nodes().reversed()) {
      if (wanted.contains(node.name())) {
        wanted.addAll(node.inputs());
        nodes.add(node);
      }
    }
    Collections.reverse(nodes);
    Graph part = Graph.of(nodes, name);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    Weights.expected(part).keySet().forEach(tensor -> tensors.put(tensor, weights.get(tensor)));
    try (Engine engine =
        new Engine(part, Weights.of(tensors), new Optimizer.Sgd(0, false, 0), options)) {
      return engine.logits(images, count, timeSteps);
    }
  }

  /** Returns what, added to all currents {@code [T·N, …]}, makes the neurons fire at a rate. */
  private static double shiftFor(Op.Neuron neuron, float[] currents, int timeSteps, double rate) {
    int neurons = currents.length / timeSteps;
    int[] sample =
        neurons <= MOST_NEURONS
            ? IntStream.range(0, neurons).toArray()
            : new SplittableRandom(1).ints(MOST_NEURONS, 0, neurons).toArray();
    double largest = 0;
    for (float current : currents) {
      largest = Math.max(largest, Math.abs(current));
    }
    // At the one end no neuron fires, at the other each does at every step.
    double low = -largest - 10 * neuron.threshold() / neuron.charge().gain();
    double high = -low;
    for (int i = 0; i < BISECTIONS; i++) {
      double middle = (low + high) / 2;
      if (rate(neuron, currents, timeSteps, sample, middle) < rate) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return (low + high) / 2;
  }

  private static double rate(
      Op.Neuron neuron, float[] currents, int timeSteps, int[] sample, double shift) {
    int neurons = currents.length / timeSteps;
    double rest = neuron.reset() instanceof Reset.Hard(float potential) ? potential : 0;
    double leak = neuron.charge().leak();
    double gain = neuron.charge().gain();
    double drift = neuron.charge().drift((float) rest);
    double threshold = neuron.threshold();
    long spikes = 0;
    for (int element : sample) {
      double potential = rest;
      for (int t = 0; t < timeSteps; t++) {
        potential = leak * potential + gain * (currents[t * neurons + element] + shift) + drift;
        if (potential > threshold || (potential == threshold && !neuron.strict())) {
          spikes++;
          potential = neuron.reset() instanceof Reset.Hard ? rest : potential - threshold;
        }
      }
    }
    return spikes / ((double) sample.length * timeSteps);
  }
}
