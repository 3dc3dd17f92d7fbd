package dev.coppice.prune.channels;

import java.util.List;

/**
 * Channels that can only go together: channel {@code k} of a group is channel {@code k} of
 * everything that it names. Nodes that have several elements for a channel (behind a flattened map)
 * or not all channels (behind a selection) go along without being named.
 *
 * @param name of the first node, in the graph's order, whose output has these channels; with {@link
 *     Residual#SELECT} that of the batch norm that selects from a residual stream
 * @param channels how many there are
 * @param norms the batch norms of these channels, in the graph's order; may be empty
 * @param neurons the neuron layers of these channels, in the graph's order; may be empty
 */
public record ChannelGroup(String name, int channels, List<String> norms, List<String> neurons) {
  /** Copies the lists. */
  public ChannelGroup {
    norms = List.copyOf(norms);
    neurons = List.copyOf(neurons);
  }
}
