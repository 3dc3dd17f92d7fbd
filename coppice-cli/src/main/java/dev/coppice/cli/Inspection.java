package dev.coppice.cli;

import dev.coppice.graph.Charge;
import dev.coppice.graph.DenseOperations;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Node;
import dev.coppice.graph.Op;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import dev.coppice.prune.channels.ChannelPruning;
import dev.coppice.prune.channels.KeptChannels;
import dev.coppice.train.Evaluation;
import dev.coppice.train.Operations;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What there is to know about a network, layer by layer. Operations and energy are per image, over
 * all time steps; what was not measured is null.
 *
 * @param parameters trainable values
 * @param weights those of convolutions and linear layers, which density and pruning are about
 * @param nonZero weights that are not zero
 * @param connectionSparsity the share of zeros among the weights
 * @param footprintBytes of all tensors as 32-bit floats
 * @param denseSops with every weight and every input
 * @param sopsPerImage the effective ones, of both kinds
 * @param energyNanojoule arithmetic only, see {@link Operations#nanojoules}
 * @param removed layers of the original network that surgery took away, with their channels
 */
record Inspection(
    String input,
    int timeSteps,
    long parameters,
    long weights,
    long nonZero,
    double density,
    double connectionSparsity,
    long footprintBytes,
    long denseSops,
    @Nullable Double sopsPerImage,
    @Nullable Double effectiveAcs,
    @Nullable Double effectiveMacs,
    @Nullable Double energyNanojoule,
    @Nullable Double accuracy,
    @Nullable Integer samples,
    List<Layer> layers,
    Map<String, Integer> removed) {

  /**
   * A node.
   *
   * @param channels of the original network and those left; null unless surgery took some
   * @param density the share of its weights that is not zero, null without weights
   * @param firingRate mean spikes per neuron and time step
   */
  record Layer(
      String node,
      String op,
      String output,
      ChannelPruning.@Nullable Width channels,
      long parameters,
      @Nullable Double density,
      long denseSops,
      @Nullable Double effectiveAcs,
      @Nullable Double effectiveMacs,
      @Nullable Double energyNanojoule,
      @Nullable Double firingRate) {

    /** Returns all effective operations, or null. */
    @Nullable Double effectiveSops() {
      return effectiveAcs == null || effectiveMacs == null ? null : effectiveAcs + effectiveMacs;
    }
  }

  /**
   * Inspects a network.
   *
   * @param weights null for a network without any, which counts as dense
   * @param kept what is left of the channels that it had before it was shrunk
   * @param timeSteps T
   * @param evaluation null for none
   */
  static Inspection of(
      Graph graph,
      @Nullable Weights weights,
      KeptChannels kept,
      int timeSteps,
      @Nullable Evaluation evaluation) {
    Map<String, int[]> expected = Weights.expected(graph);
    List<Layer> layers = new ArrayList<>();
    long all = 0;
    long nonZero = 0;
    long dense = 0;
    for (Node node : graph.nodes()) {
      long steps = DenseOperations.perStep(graph, node) * timeSteps;
      Double density = null;
      int[] shape = expected.get(node.name() + ".weight");
      if (shape != null && shape.length > 1) {
        Tensor tensor = weights == null ? null : weights.get(node.name() + ".weight");
        long alive = tensor == null ? size(shape) : tensor.countNonZero();
        density = alive / (double) size(shape);
        all += size(shape);
        nonZero += alive;
        dense += steps;
      } else if (node.op() instanceof Op.Gate && weights != null) {
        Tensor gates = weights.get(node.name() + ".gate");
        density = gates.countNonZero() / (double) gates.size();
      }
      layers.add(layer(graph, node, kept, expected, density, steps, evaluation));
    }
    Operations operations = evaluation == null ? null : evaluation.operations();
    double density = all == 0 ? 1 : nonZero / (double) all;
    return new Inspection(
        graph.shape(graph.input().name()).toString(),
        timeSteps,
        Weights.countTrainable(graph),
        all,
        nonZero,
        density,
        1 - density,
        Float.BYTES * expected.values().stream().mapToLong(Inspection::size).sum(),
        dense,
        operations == null ? null : operations.synaptic(),
        operations == null ? null : operations.effectiveAcs(),
        operations == null ? null : operations.effectiveMacs(),
        operations == null ? null : operations.nanojoules(),
        evaluation == null ? null : evaluation.accuracy(),
        evaluation == null ? null : evaluation.samples(),
        layers,
        removed(kept));
  }

  private static Map<String, Integer> removed(KeptChannels kept) {
    Map<String, Integer> removed = new LinkedHashMap<>();
    kept.layers()
        .forEach(
            (name, layer) -> {
              if (layer.kept().length == 0) {
                removed.put(name, layer.of());
              }
            });
    return removed;
  }

  private static Layer layer(
      Graph graph,
      Node node,
      KeptChannels kept,
      Map<String, int[]> expected,
      @Nullable Double density,
      long dense,
      @Nullable Evaluation evaluation) {
    long parameters =
        expected.entrySet().stream()
            .filter(entry -> entry.getKey().startsWith(node.name() + "."))
            .filter(entry -> entry.getKey().lastIndexOf('.') == node.name().length())
            .filter(entry -> Weights.isTrainable(entry.getKey()))
            .mapToLong(entry -> size(entry.getValue()))
            .sum();
    Operations.Layer measured = measured(node, evaluation);
    KeptChannels.Layer shrunk = kept.layers().get(node.name());
    return new Layer(
        node.name(),
        describe(node.op()),
        graph.shape(node.name()).toString(),
        shrunk == null ? null : new ChannelPruning.Width(shrunk.of(), shrunk.kept().length),
        parameters,
        density,
        dense,
        measured == null ? null : measured.effectiveAcs(),
        measured == null ? null : measured.effectiveMacs(),
        measured == null ? null : new Operations(List.of(measured)).nanojoules(),
        evaluation == null ? null : evaluation.firingRates().get(node.name()));
  }

  private static Operations.@Nullable Layer measured(Node node, @Nullable Evaluation evaluation) {
    if (evaluation == null) {
      return null;
    }
    for (Operations.Layer layer : evaluation.operations().layers()) {
      if (layer.node().equals(node.name())) {
        return layer;
      }
    }
    return null;
  }

  private static long size(int[] shape) {
    long size = 1;
    for (int dimension : shape) {
      size *= dimension;
    }
    return size;
  }

  private static String describe(Op op) {
    return switch (op) {
      case Op.Input _ -> "input";
      case Op.Conv2d conv ->
          "conv "
              + conv.kernel()
              + "x"
              + conv.kernel()
              + (conv.stride() == 1 ? "" : " stride " + conv.stride())
              + (conv.groups() == 1 ? "" : " groups " + conv.groups());
      case Op.Linear _ -> "linear";
      case Op.BatchNorm _ -> "batch norm";
      case Op.Neuron neuron ->
          switch (neuron.charge()) {
            case Charge.Decay(float lambda) -> "neuron, decay " + lambda;
            case Charge.TimeConstant(float tau, boolean _) -> "neuron, tau " + tau;
            case Charge.Integrate() -> "neuron, integrating";
          };
      case Op.AvgPool pool -> "average pool " + pool.kernel();
      case Op.MaxPool pool -> "max pool " + pool.kernel();
      case Op.GlobalAvgPool _ -> "global average";
      case Op.Flatten _ -> "flatten";
      case Op.Add _ -> "add";
      case Op.Gate _ -> "gate";
      case Op.Dropout(float rate) -> "dropout " + rate;
      case Op.Select select -> "select " + select.channels().size() + " channels";
    };
  }
}
