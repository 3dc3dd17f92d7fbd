package dev.coppice.cli;

import dev.coppice.graph.Graph;
import dev.coppice.graph.Node;
import dev.coppice.graph.Op;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How often the neurons of each layer are to fire.
 *
 * @param rates mean spikes per neuron and time step, from the first layer to the last; networks of
 *     other depths take the rate at the same relative depth
 */
record WantedRates(double[] rates) {
  /**
   * What a trained VGG-16 does: measured on the test images at the end of
   *
   * <pre>coppice prune --net vgg16 --width 0.25 --data cifar10 --train-samples 4000 --epochs 10 \
   *   --sparsity 0.95 --scope global --method magnitude --lr 0.03 --batch 32 --threads 2</pre>
   *
   * on a part of CIFAR-10 with 4,000 training images. A short training: the rates are close to
   * those of new weights, whose batch norms make currents of mean 0 and deviation 1.
   */
  static final WantedRates TRAINED =
      new WantedRates(
          new double[] {
            0.259, 0.281, 0.295, 0.306, 0.296, 0.293, 0.299, 0.301, 0.296, 0.292, 0.307, 0.301,
            0.297
          });

  /** Throws {@link UsageException} for a rate that no neuron can have. */
  WantedRates {
    for (double rate : rates) {
      if (!(rate > 0 && rate < 1)) {
        throw new UsageException("--firing-rate must lie between 0 and 1, not " + rate);
      }
    }
  }

  /** Returns the rate of a layer of so many. */
  double of(int layer, int layers) {
    int last = rates.length - 1;
    return rates[layers == 1 ? 0 : (int) Math.round(layer * (double) last / (layers - 1))];
  }

  /** Returns the rate of every layer of neurons by its name. */
  Map<String, Double> byLayer(Graph graph) {
    List<String> layers =
        graph.nodes().stream()
            .filter(node -> node.op() instanceof Op.Neuron)
            .map(Node::name)
            .toList();
    Map<String, Double> byLayer = new LinkedHashMap<>();
    for (int i = 0; i < layers.size(); i++) {
      byLayer.put(layers.get(i), of(i, layers.size()));
    }
    return byLayer;
  }

  @Override
  public String toString() {
    return Arrays.toString(rates);
  }
}
