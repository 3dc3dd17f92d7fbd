package dev.coppice.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Node;
import dev.coppice.graph.Op;
import dev.coppice.graph.Shape;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Counts synaptic operations and firing rates over evaluation passes. A layer's operations depend
 * on its inputs only through how often each input element was not zero, so that one count per
 * element and one walk over the weights at the end give the exact number.
 */
final class OperationCounter implements Engine.Observer {
  private final Graph graph;
  private final int steps;
  private final Set<String> binary = new HashSet<>();
  private final Map<String, double[]> activity = new LinkedHashMap<>();
  private final Map<String, Double> spikes = new LinkedHashMap<>();
  private long samples;

  /**
   * Makes a counter.
   *
   * @param spikingInput whether the network's input is spikes, as random and latency encoders give
   */
  OperationCounter(Graph graph, int steps, boolean spikingInput) {
    this.graph = graph;
    this.steps = steps;
    for (Node node : graph.nodes()) {
      boolean spiking =
          switch (node.op()) {
            case Op.Input _ -> spikingInput;
            case Op.Neuron _ -> true;
            case Op.MaxPool _, Op.Flatten _, Op.Dropout _, Op.Gate _, Op.Select _ ->
                binary.contains(node.inputs().getFirst());
            default -> false;
          };
      if (spiking) {
        binary.add(node.name());
      }
    }
  }

  /** Notes that a batch of so many samples has passed. */
  void addSamples(int count) {
    samples += count;
  }

  @Override
  public void observe(Node node, Activation input, Activation output) {
    switch (node.op()) {
      case Op.Conv2d _, Op.Linear _ -> {
        float[] counts = nonZero(input.array()).toFloatArray();
        double[] sums = activity.computeIfAbsent(node.name(), name -> new double[counts.length]);
        int copies = input.constant() ? steps : 1;
        for (int i = 0; i < counts.length; i++) {
          sums[i] += (double) counts[i] * copies;
        }
      }
      case Op.Neuron _ -> {
        double sum = 0;
        for (float count : nonZero(output.array()).toFloatArray()) {
          sum += count;
        }
        spikes.merge(node.name(), sum, Double::sum);
      }
      default -> {}
    }
  }

  private static NDArray nonZero(NDArray array) {
    return array.neq(0).toType(DataType.FLOAT32, false).sum(new int[] {0});
  }

  /** Returns the mean number of spikes per neuron and time step, by layer. */
  Map<String, Double> firingRates() {
    Map<String, Double> rates = new LinkedHashMap<>();
    spikes.forEach(
        (name, sum) ->
            rates.put(name, sum / ((double) samples * steps * graph.shape(name).size())));
    return rates;
  }

  /** Returns the operations per image with these weights. */
  Operations operations(Weights weights) {
    List<Operations.Layer> layers = new ArrayList<>();
    for (Node node : graph.nodes()) {
      double[] active = activity.get(node.name());
      if (active == null) {
        continue;
      }
      double[] all = new double[active.length];
      Arrays.fill(all, (double) steps * samples);
      String source = node.inputs().getFirst();
      Tensor weight = weights.get(node.name() + ".weight");
      double effective = count(node, weight, active, true) / samples;
      boolean spiking = binary.contains(source);
      layers.add(
          new Operations.Layer(
              node.name(),
              count(node, weight, all, false) / samples,
              count(node, weight, all, true) / samples,
              spiking ? effective : 0,
              spiking ? 0 : effective));
    }
    return new Operations(layers);
  }

  private double count(Node node, Tensor weight, double[] active, boolean skipZeros) {
    return switch (node.op()) {
      case Op.Conv2d conv ->
          convolution(
              conv,
              (Shape.Map) graph.shape(node.inputs().getFirst()),
              (Shape.Map) graph.shape(node.name()),
              fanOut(weight, conv.groups(), skipZeros),
              active);
      case Op.Linear _ -> {
        double[] fanOut = fanOut(weight, 1, skipZeros);
        double sum = 0;
        for (int i = 0; i < active.length; i++) {
          sum += fanOut[i] * active[i];
        }
        yield sum;
      }
      default -> throw new IllegalArgumentException(node.name() + " has no synapses");
    };
  }

  /** Returns how many weights read each input of a window, {@code [k, k, I]} or {@code [I]}. */
  private static double[] fanOut(Tensor weight, int groups, boolean skipZeros) {
    int rows = weight.shape()[0];
    int perGroup = weight.shape()[weight.shape().length - 1];
    int positions = weight.size() / rows / perGroup;
    double[] counts = new double[positions * perGroup * groups];
    for (int i = 0; i < weight.size(); i++) {
      if (!skipZeros || weight.data()[i] != 0) {
        int group = i / (weight.size() / groups);
        int position = i / perGroup % positions;
        counts[(position * groups + group) * perGroup + i % perGroup]++;
      }
    }
    return counts;
  }

  private static double convolution(
      Op.Conv2d conv, Shape.Map in, Shape.Map out, double[] fanOut, double[] active) {
    double sum = 0;
    int kernel = conv.kernel();
    for (int y = 0; y < out.height(); y++) {
      for (int x = 0; x < out.width(); x++) {
        for (int ky = 0; ky < kernel; ky++) {
          int row = y * conv.stride() + ky - conv.padding();
          if (row < 0 || row >= in.height()) {
            continue;
          }
          for (int kx = 0; kx < kernel; kx++) {
            int column = x * conv.stride() + kx - conv.padding();
            if (column < 0 || column >= in.width()) {
              continue;
            }
            int from = (row * in.width() + column) * in.channels();
            int tap = (ky * kernel + kx) * in.channels();
            for (int c = 0; c < in.channels(); c++) {
              sum += fanOut[tap + c] * active[from + c];
            }
          }
        }
      }
    }
    return sum;
  }
}
