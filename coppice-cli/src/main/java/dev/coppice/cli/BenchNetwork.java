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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

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
    PrunableLayers layers = PrunableLayers.of(graph, Set.of());
    if (groups != null) {
      float[] magnitudes = layers.gather(weights::get);
      for (int k = 0; k < magnitudes.length; k++) {
        magnitudes[k] = Math.abs(magnitudes[k]);
      }
      return masked(weights, layers.tensors(groups.best(layers, magnitudes, settings.seed())));
    }
    if (settings.channels()) {
      return masked(weights, withoutChannels(graph, sparsity, settings.seed()));
    }
    Weights pruned = weights;
    if (sparsity > 0) {
      for (PrunableLayers.Layer layer : layers.layers()) {
        pruned = Calibration.withoutSmallest(pruned, List.of(layer), sparsity, settings.seed());
      }
    }
    return pruned;
  }

  /** Returns the masks without channels drawn at random, and without what reads them. */
  private static Map<String, Tensor> withoutChannels(Graph graph, double sparsity, long seed) {
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
    return Surgery.masks(graph, Residual.GROUP, keep);
  }

  private static Weights masked(Weights weights, Map<String, Tensor> masks) {
    Weights masked = weights;
    for (Map.Entry<String, Tensor> mask : masks.entrySet()) {
      float[] data = weights.get(mask.getKey()).data().clone();
      for (int k = 0; k < data.length; k++) {
        data[k] *= mask.getValue().data()[k];
      }
      masked = masked.with(mask.getKey(), new Tensor(mask.getValue().shape(), data));
    }
    return masked;
  }

  /** Returns the masks that leave what is not zero in convolutions and linear layers. */
  static Map<String, Tensor> masks(Model model) {
    Map<String, Tensor> masks = new LinkedHashMap<>();
    for (PrunableLayers.Layer layer : PrunableLayers.of(model.graph(), Set.of()).layers()) {
      float[] mask = model.weights().get(layer.tensor()).data().clone();
      for (int k = 0; k < mask.length; k++) {
        mask[k] = mask[k] == 0 ? 0 : 1;
      }
      masks.put(layer.tensor(), new Tensor(layer.shape(), mask));
    }
    return masks;
  }
}
