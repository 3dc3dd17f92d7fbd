package dev.coppice.prune;

import dev.coppice.graph.Graph;
import dev.coppice.graph.Node;
import dev.coppice.graph.Op;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The first neuron layer that a convolution or linear layer drives, see {@link
 * Graph#scoringNeuron}.
 *
 * @param channels of every element of the neuron layer, the output channel that it has
 */
record Readout(String neuron, int[] channels) {
  /** Returns where a layer is read, or null if no neuron reads it: it is a classifier. */
  static @Nullable Readout of(Graph graph, String layer) {
    String neuron = graph.scoringNeuron(layer).orElse(null);
    if (neuron == null) {
      return null;
    }
    Map<String, int[]> reached = new HashMap<>();
    reached.put(layer, IntStream.range(0, graph.shape(layer).channels()).toArray());
    for (Node node : graph.nodes()) {
      if (!(node.op() instanceof Op.Conv2d || node.op() instanceof Op.Linear)) {
        for (String input : node.inputs()) {
          int[] read = reached.get(input);
          if (read != null) {
            reached.put(node.name(), passed(graph, node, read));
          }
        }
      }
    }
    return new Readout(neuron, Objects.requireNonNull(reached.get(neuron)));
  }

  private static int[] passed(Graph graph, Node node, int[] read) {
    return switch (node.op()) {
      case Op.Flatten _ ->
          IntStream.range(0, graph.shape(node.name()).channels())
              .map(i -> read[i % read.length])
              .toArray();
      case Op.Select(List<Integer> selected) -> selected.stream().mapToInt(i -> read[i]).toArray();
      default -> read;
    };
  }
}
