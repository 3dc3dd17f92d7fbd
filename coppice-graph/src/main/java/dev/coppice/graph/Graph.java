package dev.coppice.graph;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * An immutable network: nodes in topological order, of which one is the input and one the output.
 * Every node leads to the output, and the shape of what each gives is known.
 */
public final class Graph {
  /** The greatest number of nodes. */
  public static final int MAX_NODES = 10_000;

  private final List<Node> nodes;
  private final String output;
  private final Node input;
  private final Map<String, Node> byName;
  private final Map<String, Shape> shapes;
  private final Map<String, List<String>> consumers;

  private Graph(List<Node> nodes, String output) {
    if (nodes.size() > MAX_NODES) {
      throw new GraphException(
          "a network has at most " + MAX_NODES + " nodes, not " + nodes.size());
    }
    this.byName = index(nodes);
    this.input = onlyInput(nodes);
    this.nodes = sort(nodes, byName);
    this.output = output;
    this.shapes = inferShapes(this.nodes);
    this.consumers = consumers(this.nodes);
    checkAllLeadToOutput();
  }

  /**
   * Returns the network of the given nodes, which may come in any order; an order that is already
   * topological is kept.
   *
   * @throws GraphException if they do not make a network
   */
  public static Graph of(List<Node> nodes, String output) {
    return new Graph(nodes, output);
  }

  /** Returns a builder whose first node is {@code input}, the input of the given shape. */
  public static Builder builder(Shape input) {
    return new Builder(input);
  }

  /**
   * Reads what {@link #toJson} wrote.
   *
   * @throws GraphException if the text is not a network in that form
   */
  public static Graph fromJson(String json) {
    return GraphJson.read(json);
  }

  /** Returns the network as JSON, in the form {@code coppice-graph/1}. */
  public String toJson() {
    return GraphJson.write(this);
  }

  /** Returns the nodes in topological order. */
  public List<Node> nodes() {
    return nodes;
  }

  /**
   * Returns the node of that name.
   *
   * @throws GraphException if there is none
   */
  public Node node(String name) {
    return find(byName, name);
  }

  /** Returns whether there is a node of that name. */
  public boolean contains(String name) {
    return byName.containsKey(name);
  }

  /** Returns the node whose op is {@link Op.Input}. */
  public Node input() {
    return input;
  }

  /** Returns the name of the node whose value is the network's output. */
  public String output() {
    return output;
  }

  /**
   * Returns the shape of what the node gives for one sample at one time step.
   *
   * @throws GraphException if there is no such node
   */
  public Shape shape(String name) {
    return find(shapes, name);
  }

  /**
   * Returns the names of the nodes that read the node's value, in topological order.
   *
   * @throws GraphException if there is no such node
   */
  public List<String> consumers(String name) {
    return find(consumers, name);
  }

  /**
   * Returns the neuron whose potential scores the output channels of a weight: the first in
   * topological order that reads the output of the convolution or linear layer directly or through
   * nodes that keep channels apart (normalisation, pooling, flattening, dropout, addition,
   * selection); empty for a classifier.
   *
   * @throws GraphException if the node is not a {@link Op.Conv2d} or {@link Op.Linear}
   */
  public Optional<String> scoringNeuron(String weightNode) {
    Op weighted = node(weightNode).op();
    if (!(weighted instanceof Op.Conv2d || weighted instanceof Op.Linear)) {
      throw new GraphException(weightNode + ": is not a convolution or a linear layer");
    }
    Set<String> reached = new HashSet<>(consumers(weightNode));
    for (Node node : nodes) {
      if (reached.contains(node.name())) {
        switch (node.op()) {
          case Op.Neuron _ -> {
            return Optional.of(node.name());
          }
          case Op.BatchNorm _,
              Op.AvgPool _,
              Op.MaxPool _,
              Op.GlobalAvgPool _,
              Op.Flatten _,
              Op.Dropout _,
              Op.Gate _,
              Op.Select _,
              Op.Add _ ->
              reached.addAll(consumers(node.name()));
          case Op.Input _, Op.Conv2d _, Op.Linear _ -> {}
        }
      }
    }
    return Optional.empty();
  }

  /** Two graphs are equal if their nodes, in order, and their outputs are. */
  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Graph graph && nodes.equals(graph.nodes) && output.equals(graph.output);
  }

  @Override
  public int hashCode() {
    return 31 * nodes.hashCode() + output.hashCode();
  }

  @Override
  public String toString() {
    return "Graph[" + nodes.size() + " nodes, output " + output + "]";
  }

  private static <T> T find(Map<String, T> map, String name) {
    T found = map.get(name);
    if (found == null) {
      throw new GraphException("the network has no node " + Quote.of(name));
    }
    return found;
  }

  private static Map<String, Node> index(List<Node> nodes) {
    Map<String, Node> byName = new HashMap<>();
    for (Node node : nodes) {
      if (byName.put(node.name(), node) != null) {
        throw new GraphException(node.name() + ": two nodes have this name");
      }
    }
    return byName;
  }

  private static Node onlyInput(List<Node> nodes) {
    List<Node> inputs = nodes.stream().filter(node -> node.op() instanceof Op.Input).toList();
    return switch (inputs.size()) {
      case 0 -> throw new GraphException("the network has no input node");
      case 1 -> inputs.getFirst();
      default ->
          throw new GraphException(
              "a network has one input node, but "
                  + inputs.get(0).name()
                  + " and "
                  + inputs.get(1).name()
                  + " are both");
    };
  }

  /** Sorts topologically; of the nodes that are ready, the first of the list comes first. */
  private static List<Node> sort(List<Node> nodes, Map<String, Node> byName) {
    Map<String, List<Integer>> readers = new HashMap<>();
    int[] waiting = new int[nodes.size()];
    PriorityQueue<Integer> ready = new PriorityQueue<>();
    for (int i = 0; i < waiting.length; i++) {
      Node node = nodes.get(i);
      Set<String> seen = new HashSet<>();
      for (String name : node.inputs()) {
        if (!byName.containsKey(name)) {
          throw new GraphException(
              node.name() + ": reads " + Quote.of(name) + ", which does not exist");
        }
        if (!seen.add(name)) {
          throw new GraphException(node.name() + ": reads " + name + " twice");
        }
        readers.computeIfAbsent(name, _ -> new ArrayList<>()).add(i);
      }
      waiting[i] = seen.size();
      if (waiting[i] == 0) {
        ready.add(i);
      }
    }
    List<Node> sorted = new ArrayList<>(waiting.length);
    for (Integer next = ready.poll(); next != null; next = ready.poll()) {
      Node node = nodes.get(next);
      sorted.add(node);
      for (int reader : readers.getOrDefault(node.name(), List.of())) {
        if (--waiting[reader] == 0) {
          ready.add(reader);
        }
      }
    }
    for (int i = 0; i < waiting.length; i++) {
      if (waiting[i] > 0) {
        throw new GraphException(nodes.get(i).name() + ": is part of a cycle, or reads from one");
      }
    }
    return List.copyOf(sorted);
  }

  private static Map<String, Shape> inferShapes(List<Node> nodes) {
    Map<String, Shape> shapes = new HashMap<>();
    for (Node node : nodes) {
      List<Shape> inputs = node.inputs().stream().map(name -> find(shapes, name)).toList();
      shapes.put(node.name(), ShapeInference.infer(node, inputs));
    }
    return shapes;
  }

  private static Map<String, List<String>> consumers(List<Node> nodes) {
    Map<String, List<String>> consumers = new HashMap<>();
    for (Node node : nodes) {
      consumers.put(node.name(), new ArrayList<>());
      node.inputs().forEach(name -> find(consumers, name).add(node.name()));
    }
    consumers.replaceAll((_, names) -> Collections.unmodifiableList(names));
    return consumers;
  }

  private void checkAllLeadToOutput() {
    Set<String> leading = new HashSet<>(Set.of(output));
    Deque<Node> pending = new ArrayDeque<>(List.of(node(output)));
    while (!pending.isEmpty()) {
      for (String name : pending.pop().inputs()) {
        if (leading.add(name)) {
          pending.push(node(name));
        }
      }
    }
    for (Node node : nodes) {
      if (!leading.contains(node.name())) {
        throw new GraphException(node.name() + ": does not lead to the output " + output);
      }
    }
  }

  /** Adds node after node; see {@link Graph#builder}. */
  public static final class Builder {
    private final List<Node> nodes = new ArrayList<>();

    private Builder(Shape input) {
      nodes.add(new Node("input", new Op.Input(input), List.of()));
    }

    /**
     * Adds a node that reads the node added last.
     *
     * @throws GraphException if the name is not a proper one
     */
    public Builder add(String name, Op op) {
      return add(name, op, last());
    }

    /**
     * Adds a node that reads the given nodes.
     *
     * @throws GraphException if the name is not a proper one
     */
    public Builder add(String name, Op op, String... inputs) {
      nodes.add(new Node(name, op, Arrays.asList(inputs)));
      return this;
    }

    /** Returns the name of the node added last. */
    public String last() {
      return nodes.getLast().name();
    }

    /**
     * Returns the network whose output is the node added last.
     *
     * @throws GraphException if the nodes do not make a network
     */
    public Graph build() {
      return build(last());
    }

    /**
     * Returns the network with the given output.
     *
     * @throws GraphException if the nodes do not make a network
     */
    public Graph build(String output) {
      return new Graph(nodes, output);
    }
  }
}
