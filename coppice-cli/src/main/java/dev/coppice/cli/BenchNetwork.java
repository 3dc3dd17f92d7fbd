package dev.coppice.cli;

import dev.coppice.graph.Graph;
import dev.coppice.graph.Initialization;
import dev.coppice.graph.Model;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import dev.coppice.prune.PrunableLayers;
import dev.coppice.prune.Scope;
import dev.coppice.prune.channels.ChannelGroup;
import dev.coppice.prune.channels.ChannelGroups;
import dev.coppice.prune.channels.Residual;
import dev.coppice.prune.channels.Surgery;
import dev.coppice.train.Engine;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/** Networks whose training is measured, as it begins: what is masked is zero. */
final class BenchNetwork {
  private BenchNetwork() {}

  /** Returns a network with new weights that fires as the settings say. */
  static Model of(BenchSettings settings, Engine.Options options) {
    Graph graph = settings.graph();
    Weights weights = Weights.initialize(graph, settings.seed(), Initialization.UNIFORM_FAN_IN);
    weights = pruned(graph, weights, settings);
    Double rate = settings.firingRate();
    if (rate != null) {
      weights =
          Calibration.calibrated(
              graph,
              weights,
              settings.images(),
              settings.batch(),
              settings.timeSteps(),
              new WantedRates(new double[] {rate}),
              options);
    }
    return new Model(graph, weights, Map.of());
  }

  private static Weights pruned(Graph graph, Weights weights, BenchSettings settings) {
    Scope.Pattern groups = settings.sparsity().groups();
    double sparsity = settings.sparsity().part();
    if (sparsity == 0) {
      return weights;
    }
    if (settings.channels()) {
      return withoutChannels(graph, weights, sparsity, settings.seed());
    }
    Weights pruned = weights;
    for (PrunableLayers.Layer layer : masked(graph)) {
      pruned =
          groups == null
              ? Calibration.withoutSmallest(pruned, List.of(layer), sparsity, settings.seed())
              : pruned.with(layer.tensor(), largest(pruned.get(layer.tensor()), groups));
    }
    return pruned;
  }

  /** Returns the largest of every group of weights that follow each other along the inputs. */
  private static Tensor largest(Tensor weights, Scope.Pattern groups) {
    int[] shape = weights.shape();
    int row = shape[shape.length - 1];
    float[] data = weights.data().clone();
    for (int first = 0; first < data.length; first += row) {
      for (int from = first; from < first + row; from += groups.m()) {
        int to = Math.min(from + groups.m(), first + row);
        IntStream.range(from, to)
            .boxed()
            .sorted(Comparator.comparingDouble(k -> -Math.abs(data[k])))
            .skip(groups.least(to - from))
            .forEach(k -> data[k] = 0);
      }
    }
    return new Tensor(shape, data);
  }

  /** Returns weights without channels drawn at random, and without those that read them. */
  private static Weights withoutChannels(Graph graph, Weights weights, double sparsity, long seed) {
    RandomGenerator random = new SplittableRandom(seed);
    Map<String, boolean[]> keep = new LinkedHashMap<>();
    for (ChannelGroup group : ChannelGroups.of(graph, Residual.GROUP)) {
      int count = Math.max(1, (int) Math.round(Math.sqrt(1 - sparsity) * group.channels()));
      boolean[] chosen = new boolean[group.channels()];
      for (int k = 0; k < count; ) {
        int channel = random.nextInt(chosen.length);
        k += chosen[channel] ? 0 : 1;
        chosen[channel] = true;
      }
      keep.put(group.name(), chosen);
    }
    Weights pruned = weights;
    for (Map.Entry<String, Tensor> mask : Surgery.masks(graph, Residual.GROUP, keep).entrySet()) {
      float[] data = weights.get(mask.getKey()).data().clone();
      for (int k = 0; k < data.length; k++) {
        data[k] *= mask.getValue().data()[k];
      }
      pruned = pruned.with(mask.getKey(), new Tensor(mask.getValue().shape(), data));
    }
    return pruned;
  }

  /** Returns the masks that leave what is not zero in convolutions and linear layers. */
  static Map<String, Tensor> masks(Model model) {
    Map<String, Tensor> masks = new LinkedHashMap<>();
    for (PrunableLayers.Layer layer : masked(model.graph())) {
      float[] mask = model.weights().get(layer.tensor()).data().clone();
      for (int k = 0; k < mask.length; k++) {
        mask[k] = mask[k] == 0 ? 0 : 1;
      }
      masks.put(layer.tensor(), new Tensor(layer.shape(), mask));
    }
    return masks;
  }

  private static List<PrunableLayers.Layer> masked(Graph graph) {
    return PrunableLayers.of(graph, Set.of()).layers();
  }
}
