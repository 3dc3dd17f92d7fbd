package dev.coppice.prune.channels;

import dev.coppice.graph.Graph;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * Which channels of a network can only go together, from the graph alone.
 *
 * <p>A convolution and a linear layer make new channels. Batch norms, neurons, pools, dropout,
 * flattening, selections and depthwise convolutions pass those of their input on; an addition makes
 * those of all its inputs the same; everything that reads a value has its channels in common. The
 * network's input and output keep all their channels, and so does what is tied to them, to a
 * convolution with groups (unless depthwise), or to neurons that fire without input.
 */
public final class ChannelGroups {
  private ChannelGroups() {}

  /** Returns the groups whose channels can be removed, in the order of their first nodes. */
  public static List<ChannelGroup> of(Graph graph, Residual residual) {
    List<ChannelGroup> groups = new ArrayList<>();
    for (Family family : ChannelMap.of(graph, residual).families()) {
      if (family.fixed() == null) {
        groups.add(family.group());
      }
    }
    return List.copyOf(groups);
  }

  /**
   * Returns the names of the groups whose channels cannot be removed, in the order of their first
   * nodes, each with the reason as a clause that names a node.
   */
  public static SequencedMap<String, String> fixed(Graph graph, Residual residual) {
    SequencedMap<String, String> reasons = new LinkedHashMap<>();
    for (Family family : ChannelMap.of(graph, residual).families()) {
      String reason = family.fixed();
      if (reason != null) {
        reasons.put(family.group().name(), reason);
      }
    }
    return Collections.unmodifiableSequencedMap(reasons);
  }
}
