package dev.coppice.runtime;

import dev.coppice.graph.GraphException;
import dev.coppice.graph.Model;
import dev.coppice.graph.Node;
import dev.coppice.graph.Op;
import dev.coppice.graph.SpikeDensities;
import java.util.HashMap;
import java.util.Map;

/**
 * How many spikes come out of nodes, per element and time step: what was measured if the model
 * tells it, else what is usual.
 */
final class ExpectedSpikes {
  private static final double USUAL = 0.1;

  private final Map<String, Double> byNode = new HashMap<>();

  /**
   * Makes those of a model.
   *
   * @throws GraphException if the metadata on them are damaged
   */
  ExpectedSpikes(Model model) {
    Map<String, Double> measured = SpikeDensities.of(model);
    for (Node node : model.graph().nodes()) {
      double input = node.inputs().isEmpty() ? 1 : of(node.inputs().getFirst());
      double output =
          switch (node.op()) {
            case Op.Neuron _ -> measured.getOrDefault(node.name(), USUAL);
            case Op.AvgPool(int kernel, _) -> input * kernel * kernel;
            case Op.MaxPool(int kernel, _) -> 1 - Math.pow(1 - Math.min(1, input), kernel * kernel);
            default -> input;
          };
      byNode.put(node.name(), output);
    }
  }

  /** Returns the spikes that a node gives per element and time step; more than 1 of averages. */
  double of(String node) {
    return byNode.getOrDefault(node, 1.0);
  }
}
