package dev.coppice.train;

import dev.coppice.graph.Graph;
import dev.coppice.graph.Node;
import dev.coppice.graph.Op;
import dev.coppice.graph.Shape;
import dev.coppice.kernels.ConvolutionShape;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Decides which convolutions run by their surviving weights alone. What two layers hand to each
 * other has the form that one of them wants, so that whole chains are decided together: the
 * cheapest way through them by a model of what the ways cost, whose constants were measured on one
 * machine.
 *
 * <p>The decision depends on nothing but the masks: a run that is resumed must go on as if it had
 * not been stopped. How many spikes come is therefore assumed here; where all weights are used, the
 * spikes of the step decide between their kernels and the library.
 */
final class ConvolutionChoice {
  /** Spikes per neuron and time step that are assumed. */
  private static final double RATE = 0.08;

  /** Nanoseconds of a processor for a weight at a position, forward and both ways back. */
  private static final double SPARSE = 0.09;

  /** Nanoseconds for a number of the output, and one of the input's gradient. */
  private static final double SPARSE_ELEMENT = 1.4;

  /** Nanoseconds for a weight at a position where the input is spikes, and more for each spike. */
  private static final double SPIKES = 0.0085;

  private static final double SPIKES_RATE = 0.05;

  /** Nanoseconds for a weight at a position by the library. */
  private static final double LIBRARY = 0.031;

  /** Nanoseconds that neurons and pools take longer for a number of an array than of planes. */
  private static final double ARRAY_ELEMENT = 1.5;

  /** Nanoseconds to take a number from planes to an array or back, and its gradient too. */
  private static final double EXCHANGE = 12;

  private final ConvolutionPath path;
  private final Parameters parameters;
  private final Map<String, Layer> layers = new LinkedHashMap<>();
  private final Map<String, Boolean> sparse = new HashMap<>();
  private int maskVersion = -1;

  /**
   * A convolution that has the choice.
   *
   * @param before the one whose planes it may read, or null
   * @param spiking whether the kernels of spikes compute it otherwise
   * @param read numbers of an image that it reads
   * @param left numbers of an image where planes end behind it; 0 where a convolution or a sum
   *     follows
   */
  private record Layer(
      String node,
      ConvolutionShape shape,
      @Nullable String before,
      boolean spiking,
      long read,
      long left) {
    double positions() {
      return (double) shape.outHeight() * shape.outWidth();
    }

    double dense() {
      double each = spiking ? SPIKES + SPIKES_RATE * RATE : LIBRARY;
      return each * positions() * shape.weights() + ARRAY_ELEMENT * positions() * shape.out();
    }

    double sparse(double density) {
      return SPARSE * positions() * shape.weights() * density
          + SPARSE_ELEMENT * positions() * shape.out();
    }
  }

  /** The cheapest way to have a layer done, with all before it, in either form. */
  private record Cost(double dense, double sparse) {}

  ConvolutionChoice(ConvolutionPath path, Parameters parameters) {
    this.path = path;
    this.parameters = parameters;
  }

  /**
   * Adds a convolution; those before it have been added.
   *
   * @param spiking whether the kernels of spikes compute it otherwise
   */
  void add(Graph graph, Node node, ConvolutionShape shape, boolean spiking) {
    Node source = graph.node(node.inputs().getFirst());
    while (staysInPlanes(graph, source)) {
      source = graph.node(source.inputs().getFirst());
    }
    String before = layers.containsKey(source.name()) ? source.name() : null;
    layers.put(
        node.name(),
        new Layer(
            node.name(),
            shape,
            before,
            spiking,
            graph.shape(node.inputs().getFirst()).size(),
            left(graph, node)));
  }

  private static boolean staysInPlanes(Graph graph, Node node) {
    return switch (node.op()) {
      case Op.Neuron _, Op.Add _ -> true;
      case Op.BatchNorm _ ->
          graph.consumers(node.name()).stream()
              .allMatch(reader -> graph.node(reader).op() instanceof Op.Neuron);
      case Op.AvgPool(int kernel, int stride) ->
          kernel == stride && graph.shape(node.name()) instanceof Shape.Map;
      default -> false;
    };
  }

  /**
   * Returns the most numbers that leave planes behind a node, none where all goes into convolutions
   * and sums: those of a stream leave once, behind its end.
   */
  private static long left(Graph graph, Node node) {
    long most = graph.consumers(node.name()).isEmpty() ? graph.shape(node.name()).size() : 0;
    for (String name : graph.consumers(node.name())) {
      Node reader = graph.node(name);
      if (!(reader.op() instanceof Op.Conv2d || reader.op() instanceof Op.Add)) {
        boolean stays = staysInPlanes(graph, reader);
        most = Math.max(most, stays ? left(graph, reader) : graph.shape(node.name()).size());
      }
    }
    return most;
  }

  /** Whether to compute a convolution with its surviving weights alone in a pass. */
  boolean sparse(String node, Pass pass) {
    // Dense gradients are those of pruned weights too.
    return !pass.probes().gradients().contains(node + ".weight") && sparse(node);
  }

  private boolean sparse(String node) {
    return switch (path) {
      case DENSE -> false;
      case SPARSE -> true;
      case AUTO -> {
        if (maskVersion != parameters.maskVersion()) {
          decide();
          maskVersion = parameters.maskVersion();
        }
        yield sparse.getOrDefault(node, false);
      }
    };
  }

  private void decide() {
    sparse.clear();
    Map<String, Cost> costs = new HashMap<>();
    for (Layer layer : layers.values()) {
      Cost before =
          layer.before() == null
              ? new Cost(0, Double.POSITIVE_INFINITY)
              : costs.getOrDefault(layer.before(), new Cost(0, 0));
      double exchange = EXCHANGE * layer.read();
      double density = parameters.density(layer.node() + ".weight");
      costs.put(
          layer.node(),
          new Cost(
              layer.dense() + Math.min(before.dense(), before.sparse() + exchange),
              layer.sparse(density)
                  + EXCHANGE * layer.left()
                  + Math.min(before.sparse(), before.dense() + exchange)));
    }
    for (Layer layer : new ArrayList<>(layers.values()).reversed()) {
      Cost cost = costs.getOrDefault(layer.node(), new Cost(0, 0));
      boolean chosen = sparse.computeIfAbsent(layer.node(), n -> cost.sparse() < cost.dense());
      Cost before = layer.before() == null ? null : costs.get(layer.before());
      if (layer.before() != null && before != null) {
        double exchange = EXCHANGE * layer.read();
        boolean earlier =
            before.sparse() + (chosen ? 0 : exchange) < before.dense() + (chosen ? exchange : 0);
        sparse.putIfAbsent(layer.before(), earlier);
      }
    }
  }

  /** Returns why a convolution runs as it does in a pass. */
  String reason(String node, Pass pass) {
    if (pass.probes().gradients().contains(node + ".weight")) {
      return "its dense gradient is wanted";
    }
    if (path != ConvolutionPath.AUTO) {
      return "asked for";
    }
    Layer layer = layers.get(node);
    double density = parameters.density(node + ".weight");
    return layer == null
        ? ""
        : String.format(
            Locale.ROOT,
            "%.1f %% of its weights survive: %.2f us an image expected, %.2f with all weights",
            100 * density,
            layer.sparse(density) / 1000,
            layer.dense() / 1000);
  }
}
