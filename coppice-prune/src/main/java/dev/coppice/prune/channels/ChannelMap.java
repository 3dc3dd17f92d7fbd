package dev.coppice.prune.channels;

import dev.coppice.graph.Charge;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Node;
import dev.coppice.graph.Op;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which channel of which group every element of every node's output is. The element of a map is a
 * channel, that of a vector one of its values.
 */
final class ChannelMap {
  private final Graph graph;
  private final List<Family> families;
  private final Map<String, Family> familyOf;
  private final Map<String, int[]> channels;

  private ChannelMap(
      Graph graph,
      List<Family> families,
      Map<String, Family> familyOf,
      Map<String, int[]> channels) {
    this.graph = graph;
    this.families = families;
    this.familyOf = familyOf;
    this.channels = channels;
  }

  static ChannelMap of(Graph graph, Residual residual) {
    Set<String> starts = residual == Residual.SELECT ? selecting(graph) : Set.of();
    return build(graph, starts, residual);
  }

  Graph graph() {
    return graph;
  }

  /** Returns all groups in the order of their first nodes. */
  List<Family> families() {
    return families;
  }

  /** Returns the group of a node's output. */
  Family family(String node) {
    return Objects.requireNonNull(familyOf.get(node), node);
  }

  /** Returns the group's channel of every element of a node's output; not to be changed. */
  int[] channels(String node) {
    return Objects.requireNonNull(channels.get(node), node);
  }

  /** Whether a convolution keeps its input channels apart. */
  static boolean depthwise(Op.Conv2d conv) {
    return conv.groups() > 1 && conv.groups() == conv.inChannels();
  }

  /** Whether the output's channels are those of the inputs. */
  private static boolean passes(Op op) {
    return switch (op) {
      case Op.Input _, Op.Linear _ -> false;
      case Op.Conv2d conv -> depthwise(conv);
      case Op.BatchNorm _,
          Op.Neuron _,
          Op.AvgPool _,
          Op.MaxPool _,
          Op.GlobalAvgPool _,
          Op.Flatten _,
          Op.Add _,
          Op.Dropout _,
          Op.Gate _,
          Op.Select _ ->
          true;
    };
  }

  /**
   * Returns the batch norms that read channels of a residual stream, one that has additions,
   * without passing them on to an addition: those may select.
   */
  private static Set<String> selecting(Graph graph) {
    ChannelMap whole = build(graph, Set.of(), Residual.GROUP);
    Set<Family> streams = new HashSet<>();
    Set<String> leading = new HashSet<>();
    for (Node node : graph.nodes().reversed()) {
      if (node.op() instanceof Op.Add) {
        streams.add(whole.family(node.name()));
      }
      for (String consumer : graph.consumers(node.name())) {
        Op op = graph.node(consumer).op();
        if (op instanceof Op.Add || (passes(op) && leading.contains(consumer))) {
          leading.add(node.name());
        }
      }
    }
    Set<String> starts = new HashSet<>();
    Set<String> behind = new HashSet<>();
    for (Node node : graph.nodes()) {
      boolean follows = passes(node.op()) && node.inputs().stream().anyMatch(behind::contains);
      if (follows) {
        behind.add(node.name());
      } else if (node.op() instanceof Op.BatchNorm
          && !leading.contains(node.name())
          && streams.contains(whole.family(node.name()))) {
        starts.add(node.name());
        behind.add(node.name());
      }
    }
    return starts;
  }

  private static ChannelMap build(Graph graph, Set<String> starts, Residual residual) {
    // Elements with the same channel are united in one structure, those of the same group in the
    // other.
    DisjointSets same = new DisjointSets();
    DisjointSets together = new DisjointSets();
    Map<String, int[]> elements = new LinkedHashMap<>();
    for (Node node : graph.nodes()) {
      List<int[]> inputs = node.inputs().stream().map(name -> elements.get(name)).toList();
      boolean passes = passes(node.op()) && !starts.contains(node.name());
      int[] own =
          passes ? passed(graph, node, inputs.getFirst()) : made(graph, node, same, together);
      elements.put(node.name(), own);
      if (node.op() instanceof Op.Add) {
        for (int[] other : inputs) {
          for (int i = 0; i < own.length; i++) {
            same.unite(own[i], other[i]);
            together.unite(own[i], other[i]);
          }
        }
      }
    }
    Map<Integer, List<String>> members = new LinkedHashMap<>();
    elements.forEach(
        (name, own) ->
            members.computeIfAbsent(together.find(own[0]), _ -> new ArrayList<>()).add(name));
    List<Family> families = new ArrayList<>();
    Map<String, Family> familyOf = new HashMap<>();
    Map<String, int[]> channels = new HashMap<>();
    for (List<String> nodes : members.values()) {
      int count = number(nodes, elements, same, channels);
      Family family = family(graph, nodes, count, channels, residual);
      families.add(family);
      nodes.forEach(name -> familyOf.put(name, family));
    }
    return new ChannelMap(graph, List.copyOf(families), familyOf, channels);
  }

  private static int[] made(Graph graph, Node node, DisjointSets same, DisjointSets together) {
    int count = graph.shape(node.name()).channels();
    int first = same.add(count);
    together.add(count);
    int[] own = new int[count];
    for (int i = 0; i < count; i++) {
      own[i] = first + i;
      together.unite(first, first + i);
    }
    return own;
  }

  private static int[] passed(Graph graph, Node node, int[] input) {
    return switch (node.op()) {
      case Op.Flatten _ -> {
        int[] own = new int[graph.shape(node.name()).channels()];
        for (int i = 0; i < own.length; i++) {
          own[i] = input[i % input.length];
        }
        yield own;
      }
      case Op.Select(List<Integer> selected) ->
          selected.stream().mapToInt(channel -> input[channel]).toArray();
      case Op.Conv2d conv -> {
        int perInput = conv.outChannels() / conv.inChannels();
        if (perInput == 1) {
          yield input;
        }
        int[] own = new int[conv.outChannels()];
        for (int i = 0; i < own.length; i++) {
          own[i] = input[i / perInput];
        }
        yield own;
      }
      default -> input;
    };
  }

  /** Numbers the channels of a group in the order in which its nodes first have them. */
  private static int number(
      List<String> nodes,
      Map<String, int[]> elements,
      DisjointSets same,
      Map<String, int[]> channels) {
    Map<Integer, Integer> numbers = new HashMap<>();
    for (String name : nodes) {
      int[] own = Objects.requireNonNull(elements.get(name));
      int[] numbered = new int[own.length];
      for (int i = 0; i < own.length; i++) {
        Integer known = numbers.putIfAbsent(same.find(own[i]), numbers.size());
        numbered[i] = known == null ? numbers.size() - 1 : known;
      }
      channels.put(name, numbered);
    }
    return numbers.size();
  }

  private static Family family(
      Graph graph, List<String> nodes, int count, Map<String, int[]> channels, Residual residual) {
    List<String> norms = new ArrayList<>();
    List<String> neurons = new ArrayList<>();
    String fixed = null;
    for (String name : nodes) {
      Op op = graph.node(name).op();
      boolean alike = inOrder(Objects.requireNonNull(channels.get(name)), count);
      if (alike && op instanceof Op.BatchNorm) {
        norms.add(name);
      }
      if (alike && op instanceof Op.Neuron) {
        neurons.add(name);
      }
      if (fixed == null) {
        fixed = reason(graph, graph.node(name), residual);
      }
    }
    return new Family(new ChannelGroup(nodes.getFirst(), count, norms, neurons), nodes, fixed);
  }

  private static boolean inOrder(int[] channels, int count) {
    boolean inOrder = channels.length == count;
    for (int i = 0; inOrder && i < count; i++) {
      inOrder = channels[i] == i;
    }
    return inOrder;
  }

  /** Returns why a node's output keeps all its channels, or null if it need not. */
  private static @Nullable String reason(Graph graph, Node node, Residual residual) {
    String name = node.name();
    if (node.op() instanceof Op.Input) {
      return name + " is the network's input";
    }
    if (name.equals(graph.output())) {
      return name + " is the network's output";
    }
    if (residual == Residual.SELECT && node.op() instanceof Op.Add) {
      return "the residual stream through " + name + " keeps its width";
    }
    if (node.op() instanceof Op.Neuron neuron && firesAtRest(neuron)) {
      return "the neurons " + name + " fire without input and cannot be silenced";
    }
    if (node.op() instanceof Op.Conv2d conv && conv.groups() > 1 && !depthwise(conv)) {
      return groups(name, conv);
    }
    for (String consumer : graph.consumers(name)) {
      if (graph.node(consumer).op() instanceof Op.Conv2d conv
          && conv.groups() > 1
          && !depthwise(conv)) {
        return groups(consumer, conv);
      }
    }
    return null;
  }

  private static String groups(String name, Op.Conv2d conv) {
    return "the convolution "
        + name
        + " has "
        + conv.groups()
        + " groups of "
        + conv.inChannels() / conv.groups()
        + " to "
        + conv.outChannels() / conv.groups()
        + " channels, which cannot be cut";
  }

  /**
   * Whether a neuron spikes although its input current stays 0. From rest, the potential moves
   * towards 0 or stays, so that the first step decides.
   */
  static boolean firesAtRest(Op.Neuron neuron) {
    Charge charge = neuron.charge();
    float rest = neuron.reset().potential();
    float first = charge.leak() * rest + charge.drift(rest);
    return neuron.strict() ? first > neuron.threshold() : first >= neuron.threshold();
  }
}
