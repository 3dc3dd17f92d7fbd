package dev.coppice.prune.channels;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A group as {@link ChannelGroup} with all nodes whose outputs are made of its channels.
 *
 * @param nodes in the graph's order
 * @param fixed why none of its channels can be removed, or null if they can
 */
record Family(ChannelGroup group, List<String> nodes, @Nullable String fixed) {
  Family {
    nodes = List.copyOf(nodes);
  }
}
