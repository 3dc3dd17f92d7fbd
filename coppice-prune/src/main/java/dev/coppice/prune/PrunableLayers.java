package dev.coppice.prune;

import dev.coppice.graph.Graph;
import dev.coppice.graph.GraphException;
import dev.coppice.graph.Node;
import dev.coppice.graph.Op;
import dev.coppice.graph.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The weights that may be pruned, laid out one layer after the other as one index range: the
 * weights of convolutions and linear layers, not biases and batch norms.
 */
public final class PrunableLayers {
  private final List<Layer> layers;
  private final int size;

  /**
   * A layer's place.
   *
   * @param node the convolution or linear node
   * @param offset of its first weight
   * @param shape {@code [O, k, k, I]} or {@code [O, I]}
   * @param neuron the first neuron layer that its output channels drive, null for a classifier
   * @param channels of every element of that layer (a channel of a map, a value of a vector), the
   *     output channel that it has; null for a classifier. Behind a flattened map a channel has
   *     several elements, behind a selection it may have none
   */
  public record Layer(
      String node, int offset, int[] shape, @Nullable String neuron, int @Nullable [] channels) {
    /** Returns the name of the weight tensor. */
    public String tensor() {
      return node + ".weight";
    }

    /** Returns the number of weights. */
    public int size() {
      int size = 1;
      for (int dimension : shape) {
        size *= dimension;
      }
      return size;
    }

    /** Returns the index after the last weight. */
    public int end() {
      return offset + size();
    }

    /** Returns the layer's part of an array of all weights. */
    float[] part(float[] all) {
      return Arrays.copyOfRange(all, offset, end());
    }

    /** Whether its connections may be regrown by what they do to neurons. */
    public boolean classifier() {
      return neuron == null;
    }
  }

  private PrunableLayers(List<Layer> layers) {
    this.layers = List.copyOf(layers);
    this.size = layers.isEmpty() ? 0 : layers.getLast().end();
  }

  /**
   * Returns the layers of a network but those excluded.
   *
   * @throws GraphException if a name to exclude is not a convolution or linear node, or none is
   *     left
   */
  public static PrunableLayers of(Graph graph, Set<String> excluded) {
    Map<String, Node> candidates = new LinkedHashMap<>();
    for (Node node : graph.nodes()) {
      if (node.op() instanceof Op.Conv2d || node.op() instanceof Op.Linear) {
        candidates.put(node.name(), node);
      }
    }
    for (String name : excluded) {
      if (!candidates.containsKey(name)) {
        throw new GraphException(
            "cannot exclude " + name + ": the layers with weights are " + candidates.keySet());
      }
    }
    List<Layer> layers = new ArrayList<>();
    long offset = 0;
    for (Node node : candidates.values()) {
      if (!excluded.contains(node.name())) {
        int[] shape = shape(node.op());
        Readout readout = Readout.of(graph, node.name());
        Layer layer =
            new Layer(
                node.name(),
                Math.toIntExact(offset),
                shape,
                readout == null ? null : readout.neuron(),
                readout == null ? null : readout.channels());
        layers.add(layer);
        offset += layer.size();
      }
    }
    if (layers.isEmpty()) {
      throw new GraphException("nothing to prune: every layer with weights is excluded");
    }
    Math.toIntExact(offset);
    return new PrunableLayers(layers);
  }

  private static int[] shape(Op op) {
    return switch (op) {
      case Op.Conv2d conv ->
          new int[] {
            conv.outChannels(), conv.kernel(), conv.kernel(), conv.inChannels() / conv.groups()
          };
      case Op.Linear linear -> new int[] {linear.outFeatures(), linear.inFeatures()};
      default -> throw new IllegalArgumentException(op + " has no weights to prune");
    };
  }

  /** Returns layers that are given one by one, their offsets set. */
  static PrunableLayers of(List<Layer> layers) {
    return new PrunableLayers(layers);
  }

  /** Returns the layers in the order of the graph. */
  public List<Layer> layers() {
    return layers;
  }

  /** Returns the number of prunable weights. */
  public int size() {
    return size;
  }

  /** Returns all weights as one array. */
  public float[] gather(Function<String, Tensor> weights) {
    float[] flat = new float[size];
    for (Layer layer : layers) {
      System.arraycopy(weights.apply(layer.tensor()).data(), 0, flat, layer.offset(), layer.size());
    }
    return flat;
  }

  /** Returns the share of weights alive, by layer. */
  public Map<String, Double> density(boolean[] mask) {
    Map<String, Double> density = new LinkedHashMap<>();
    for (Layer layer : layers) {
      int alive = 0;
      for (int i = layer.offset(); i < layer.end(); i++) {
        alive += mask[i] ? 1 : 0;
      }
      density.put(layer.node(), alive / (double) layer.size());
    }
    return density;
  }

  /** Returns a mask as 0/1 tensors by name, as {@link dev.coppice.train.Engine#mask} wants them. */
  public Map<String, Tensor> tensors(boolean[] mask) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Layer layer : layers) {
      float[] data = new float[layer.size()];
      for (int i = 0; i < data.length; i++) {
        data[i] = mask[layer.offset() + i] ? 1 : 0;
      }
      tensors.put(layer.tensor(), new Tensor(layer.shape(), data));
    }
    return tensors;
  }
}
