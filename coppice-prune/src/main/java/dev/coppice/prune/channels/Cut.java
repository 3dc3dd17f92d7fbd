package dev.coppice.prune.channels;

import dev.coppice.graph.Graph;
import dev.coppice.graph.GraphException;
import dev.coppice.graph.Node;
import dev.coppice.graph.Op;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * What a choice of channels means for every node. A node is dead if none of its channels is kept,
 * or if all that it reads is dead: its output is 0 by definition.
 */
final class Cut {
  private final ChannelMap map;
  private final Map<String, boolean[]> keep;
  private final Map<String, int[]> kept = new HashMap<>();
  private final Set<String> dead = new HashSet<>();

  /**
   * Makes a cut.
   *
   * @param keep the channels to keep by group; all of a group that is not named
   */
  Cut(ChannelMap map, Map<String, boolean[]> keep) {
    this.map = map;
    this.keep = keep;
    for (Node node : map.graph().nodes()) {
      String name = node.name();
      int[] channels = map.channels(name);
      boolean[] chosen = keep.get(map.family(name).group().name());
      int[] own =
          IntStream.range(0, channels.length)
              .filter(i -> chosen == null || chosen[channels[i]])
              .toArray();
      kept.put(name, own);
      boolean unfed = !node.inputs().isEmpty() && dead.containsAll(node.inputs());
      if (own.length == 0 || unfed) {
        dead.add(name);
      }
    }
  }

  /**
   * Checks a choice of channels against the groups.
   *
   * @throws GraphException if a name is no group's, a length is wrong, or channels are to go from a
   *     group that cannot lose any
   */
  static void check(ChannelMap map, Map<String, boolean[]> keep) {
    Map<String, Family> families = new HashMap<>();
    map.families().forEach(family -> families.put(family.group().name(), family));
    keep.forEach(
        (name, chosen) -> {
          Family family = families.get(name);
          if (family == null) {
            throw new GraphException("the network has no group of channels named " + name);
          }
          if (chosen.length != family.group().channels()) {
            throw new GraphException(
                name
                    + ": the group has "
                    + family.group().channels()
                    + " channels, but "
                    + chosen.length
                    + " are chosen from");
          }
          if (family.fixed() != null
              && IntStream.range(0, chosen.length).anyMatch(i -> !chosen[i])) {
            throw new GraphException(
                name + ": its channels cannot be removed, because " + family.fixed());
          }
        });
  }

  ChannelMap map() {
    return map;
  }

  /** Returns the elements of a node's output that its group keeps. */
  int[] kept(String node) {
    return Objects.requireNonNull(kept.get(node), node);
  }

  /** Returns the channels that a group keeps. */
  int[] left(Family family) {
    boolean[] chosen = keep.get(family.group().name());
    return IntStream.range(0, family.group().channels())
        .filter(i -> chosen == null || chosen[i])
        .toArray();
  }

  /** Returns the elements of a node's output that may differ from 0. */
  int[] left(String node) {
    return dead(node) ? new int[0] : kept(node);
  }

  /**
   * Returns the inputs, of so many, that the weights of a convolution or linear layer are left
   * with: those of a group of channels are all.
   */
  int[] read(Node layer, int inputs) {
    return layer.op() instanceof Op.Conv2d conv && conv.groups() > 1
        ? IntStream.range(0, inputs).toArray()
        : left(layer.inputs().getFirst());
  }

  boolean dead(String node) {
    return dead.contains(node);
  }

  /** Whether nothing leads from the input to the output any more. */
  boolean severed() {
    return dead.contains(map.graph().output());
  }

  /** Returns what a dead node is dead for: a group that keeps nothing, or a node of one. */
  String lost(String node) {
    String origin = origin(node);
    Family family = map.family(origin);
    return left(family).length == 0 ? family.group().name() : origin;
  }

  /** Returns the node without channels that a dead node is dead for. */
  String origin(String node) {
    String at = node;
    while (kept(at).length > 0) {
      at = map.graph().node(at).inputs().getFirst();
    }
    return at;
  }

  /**
   * Checks that the cut can be made.
   *
   * @throws GraphException if it severs the network, or neurons that are to be silent fire without
   *     input
   */
  void check() {
    Graph graph = map.graph();
    if (severed()) {
      throw new GraphException(
          "without any channel of "
              + lost(graph.output())
              + " nothing leads to the output "
              + graph.output()
              + "; at least one must be kept");
    }
    for (Node node : graph.nodes()) {
      boolean silenced =
          dead(node.name()) || kept(node.name()).length < map.channels(node.name()).length;
      if (silenced && node.op() instanceof Op.Neuron neuron && ChannelMap.firesAtRest(neuron)) {
        throw new GraphException(
            node.name() + ": these neurons fire without input and cannot be silenced");
      }
    }
  }

  /** Returns where the kept elements of a node lie among some elements, both increasing. */
  static int[] positions(int[] elements, int[] among) {
    return Arrays.stream(elements).map(element -> Arrays.binarySearch(among, element)).toArray();
  }
}
