package dev.coppice.train;

import dev.coppice.graph.Graph;
import dev.coppice.graph.Node;
import dev.coppice.graph.Op;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * Which channels of convolutions are of any use under the present masks. One is not if no weight of
 * its own survives, so that it is zero, and none that reads what becomes of it: whatever its
 * neurons do, nobody notices, and all gradients are zero.
 */
final class ChannelUse {
  private final Graph graph;
  private final Parameters parameters;
  private final Map<String, LiveChannels> known = new HashMap<>();
  private int maskVersion = -1;

  ChannelUse(Graph graph, Parameters parameters) {
    this.graph = graph;
    this.parameters = parameters;
  }

  /**
   * Returns the channels of a convolution without groups and bias that a pass computes: all where
   * somebody looks at more than the result.
   */
  LiveChannels of(String convolution, Pass pass) {
    if (pass.watched()) {
      return LiveChannels.all(graph.shape(convolution).channels());
    }
    if (maskVersion != parameters.maskVersion()) {
      known.clear();
      maskVersion = parameters.maskVersion();
    }
    return known.computeIfAbsent(convolution, this::find);
  }

  private LiveChannels find(String convolution) {
    int channels = graph.shape(convolution).channels();
    BitSet live = withWeights(convolution, channels);
    if (live.cardinality() < channels) {
      addReaders(convolution, channels, live);
    }
    return new LiveChannels(channels, live);
  }

  private BitSet withWeights(String convolution, int channels) {
    IntPredicate survives = parameters.survivors(convolution + ".weight");
    int row = parameters.size(convolution + ".weight") / channels;
    BitSet found = new BitSet(channels);
    for (int channel = 0; channel < channels; channel++) {
      int first = channel * row;
      found.set(channel, IntStream.range(first, first + row).anyMatch(survives));
    }
    return found;
  }

  /** Adds the channels that are read behind a node. */
  private void addReaders(String name, int channels, BitSet read) {
    if (graph.consumers(name).isEmpty()) {
      read.set(0, channels);
    }
    for (String consumer : graph.consumers(name)) {
      Node node = graph.node(consumer);
      switch (node.op()) {
        case Op.BatchNorm _,
            Op.Neuron _,
            Op.AvgPool _,
            Op.MaxPool _,
            Op.GlobalAvgPool _,
            Op.Dropout _,
            Op.Flatten _ ->
            addReaders(consumer, channels, read);
        case Op.Conv2d conv when conv.groups() == 1 -> addColumns(consumer, channels, read);
        case Op.Linear _ -> addColumns(consumer, channels, read);
        default -> read.set(0, channels);
      }
    }
  }

  /** Adds those that surviving weights read; channels come last, in flattened maps too. */
  private void addColumns(String reader, int channels, BitSet read) {
    IntPredicate survives = parameters.survivors(reader + ".weight");
    int size = parameters.size(reader + ".weight");
    for (int k = 0; k < size; k++) {
      if (survives.test(k)) {
        read.set(k % channels);
      }
    }
  }
}
