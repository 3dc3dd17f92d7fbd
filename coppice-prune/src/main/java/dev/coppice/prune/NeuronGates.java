package dev.coppice.prune;

import dev.coppice.graph.Graph;
import dev.coppice.graph.Model;
import dev.coppice.graph.Node;
import dev.coppice.graph.Op;
import dev.coppice.graph.Shape;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The gates behind neurons, {@link Op.Gate}, by which {@link Method#UPR} prunes neurons: those of
 * maps, but for the ones that encode the input (Shi et al., ICLR 2024).
 */
public final class NeuronGates {
  private static final String SUFFIX = "_gate";

  private NeuronGates() {}

  /** Returns the network with an open gate behind every such neuron layer that has none yet. */
  public static Model into(Model model) {
    Graph graph = model.graph();
    Map<String, String> gates = new HashMap<>();
    Set<String> spiking = new HashSet<>();
    List<Node> nodes = new ArrayList<>();
    for (Node node : graph.nodes()) {
      List<String> inputs =
          node.inputs().stream().map(input -> gates.getOrDefault(input, input)).toList();
      nodes.add(new Node(node.name(), node.op(), inputs));
      boolean behind = node.inputs().stream().anyMatch(spiking::contains);
      if (node.op() instanceof Op.Neuron
          && behind
          && graph.shape(node.name()) instanceof Shape.Map
          && graph.consumers(node.name()).stream()
              .noneMatch(reader -> graph.node(reader).op() instanceof Op.Gate)) {
        String gate = node.name() + SUFFIX;
        gates.put(node.name(), gate);
        nodes.add(new Node(gate, new Op.Gate(), List.of(node.name())));
      }
      if (behind || node.op() instanceof Op.Neuron) {
        spiking.add(node.name());
      }
    }
    Graph gated = Graph.of(nodes, gates.getOrDefault(graph.output(), graph.output()));
    Map<String, Tensor> tensors = new LinkedHashMap<>(model.weights().asMap());
    for (String gate : gates.values()) {
      float[] open = new float[gated.shape(gate).size()];
      Arrays.fill(open, 1);
      tensors.put(tensor(gate), Tensor.of(open));
    }
    return new Model(gated, Weights.of(tensors), model.metadata());
  }

  /** Returns the name of a gate's tensor. */
  static String tensor(String gate) {
    return gate + ".gate";
  }

  /** Returns the gates of a network. */
  static List<String> of(Graph graph) {
    return graph.nodes().stream()
        .filter(node -> node.op() instanceof Op.Gate)
        .map(Node::name)
        .toList();
  }

  /**
   * Returns how many weights read a spike that passes a gate: {@code C_out·k²/stride²} of every
   * convolution behind it and the outputs of every linear layer, pools in between left out.
   */
  static float uses(Graph graph, String gate) {
    float uses = 0;
    Set<String> seen = new HashSet<>();
    Deque<String> pending = new ArrayDeque<>(graph.consumers(gate));
    while (!pending.isEmpty()) {
      Node node = graph.node(pending.pop());
      if (!seen.add(node.name())) {
        continue;
      }
      switch (node.op()) {
        case Op.Conv2d conv ->
            uses +=
                conv.outChannels()
                    / conv.groups()
                    * conv.kernel()
                    * conv.kernel()
                    / (float) (conv.stride() * conv.stride());
        case Op.Linear linear -> uses += linear.outFeatures();
        case Op.Neuron _ -> {}
        default -> pending.addAll(graph.consumers(node.name()));
      }
    }
    return uses;
  }
}
