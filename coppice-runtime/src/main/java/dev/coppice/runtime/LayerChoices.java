package dev.coppice.runtime;

import static java.util.Objects.requireNonNull;

import dev.coppice.graph.Graph;
import dev.coppice.graph.Model;
import dev.coppice.graph.Node;
import dev.coppice.graph.Op;
import dev.coppice.graph.Shape;
import dev.coppice.graph.Weights;
import dev.coppice.kernels.ByteConvolution;
import dev.coppice.kernels.ConvolutionShape;
import dev.coppice.kernels.IntegerConvolution;
import dev.coppice.kernels.Kernels;
import dev.coppice.kernels.PlaneNumbers;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * How the layers of a network are computed, and so where spikes had better be counted in planes:
 * where all that reads them computes with whole numbers.
 */
final class LayerChoices {
  /** The most spikes that are counted together. */
  static final int MAX_LEVELS = 16;

  private final Graph graph;
  private final Weights weights;
  private final ExpectedSpikes densities;
  private final int timeSteps;

  /** How spikes lie that are counted. */
  private final PlaneNumbers quantised;

  /** How layers go on that read counts, by name. */
  private final Map<String, LayerChoice> whole = new HashMap<>();

  LayerChoices(Model model, int timeSteps, Kernels kernels) {
    this.graph = model.graph();
    this.weights = model.weights();
    this.densities = new ExpectedSpikes(model);
    this.timeSteps = timeSteps;
    this.quantised = kernels.quantised();
  }

  /**
   * Chooses for a layer.
   *
   * @param source the node that it reads
   * @param driven whether it can be computed from packed spikes
   * @param planes whether it can be computed between planes
   */
  LayerChoice of(Layer layer, String source, Value in, boolean driven, boolean planes) {
    if (!driven) {
      return LayerChoice.ofNumbers(facts(layer, in, 1), planes, isCounted(layer.node()));
    }
    return in instanceof Value.Planar planar && planar.counted()
        ? requireNonNull(whole.get(layer.node()))
        : LayerChoice.ofSpikes(facts(layer, in, densities.of(source)), planes);
  }

  private LayerChoice.Facts facts(Layer layer, Value in, double spikes) {
    boolean planar = in instanceof Value.Planar;
    // Averages of spikes as floats would have to be counted first.
    int levels = planar ? 0 : in.levels();
    return facts(layer, in.shape(), in.constant(), spikes, planar, levels);
  }

  private LayerChoice.Facts facts(
      Layer layer, Shape in, boolean constant, double spikes, boolean planar, int levels) {
    Shape out = graph.shape(layer.node());
    return new LayerChoice.Facts(
        layer.density(),
        spikes,
        constant ? 1 : Math.max(1, timeSteps),
        in.size(),
        out.size() / out.channels(),
        out.channels(),
        layer.rowWeights(),
        planar,
        whole(layer, in, levels));
  }

  /** Returns which kernels for whole numbers compute a layer that reads counts of spikes. */
  private LayerChoice.Whole whole(Layer layer, Shape in, int levels) {
    ConvolutionShape shape = in instanceof Shape.Map ? layer.forPlanes() : null;
    if (layer.scales() == null || shape == null) {
      return LayerChoice.Whole.NONE;
    }
    boolean fits =
        switch (quantised) {
          case FLOATS -> false;
          case COUNTS -> IntegerConvolution.fits(shape, levels);
          case BYTES -> ByteConvolution.fits(shape, levels);
        };
    if (!fits) {
      return LayerChoice.Whole.NONE;
    }
    return levels > 1
        ? LayerChoice.Whole.COUNTS
        : quantised == PlaneNumbers.BYTES
            ? LayerChoice.Whole.SPIKES
            : LayerChoice.Whole.SPIKES_AND_PATTERNS;
  }

  /**
   * Whether all readers of spikes had better have them counted in planes; notes how they go on.
   *
   * @param levels how many spikes are counted together
   */
  boolean takesCounts(String name, int levels) {
    List<String> readers = graph.consumers(name);
    return !readers.isEmpty()
        && !name.equals(graph.output())
        && graph.shape(name) instanceof Shape.Map map
        && readers.stream().map(graph::node).allMatch(reader -> takesCounts(reader, map, levels));
  }

  private boolean takesCounts(Node reader, Shape.Map map, int levels) {
    String name = reader.name();
    return switch (reader.op()) {
      case Op.Conv2d conv -> {
        // A reader is asked about for its neurons and for the layer before them.
        LayerChoice choice =
            whole.computeIfAbsent(
                name,
                _ -> {
                  Layer layer = new Layer(name, map, conv, weights);
                  double spikes = densities.of(reader.inputs().getFirst());
                  return LayerChoice.ofSpikes(facts(layer, map, false, spikes, true, levels), true);
                });
        yield choice.whole();
      }
      case Op.AvgPool(int kernel, _) ->
          levels * kernel * kernel <= MAX_LEVELS && takesCounts(name, levels * kernel * kernel);
      case Op.MaxPool _, Op.Dropout _ -> takesCounts(name, levels);
      case Op.GlobalAvgPool _ -> true;
      default -> false;
    };
  }

  /** Whether all that reads currents are neurons whose spikes are counted. */
  boolean isCounted(String name) {
    return !name.equals(graph.output())
        && graph.consumers(name).stream()
            .map(graph::node)
            .allMatch(
                reader ->
                    switch (reader.op()) {
                      case Op.Neuron _ -> takesCounts(reader.name(), 1);
                      case Op.BatchNorm _, Op.Dropout _ -> isCounted(reader.name());
                      default -> false;
                    });
  }
}
