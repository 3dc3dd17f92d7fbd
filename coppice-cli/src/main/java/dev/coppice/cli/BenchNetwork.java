package dev.coppice.cli;

import dev.coppice.graph.Graph;
import dev.coppice.graph.Initialization;
import dev.coppice.graph.Model;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import dev.coppice.prune.PrunableLayers;
import dev.coppice.train.Engine;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Networks whose training is measured, as it begins: what is masked is zero. */
final class BenchNetwork {
  private BenchNetwork() {}

  /** Returns a network with new weights that fires as the settings say. */
  static Model of(BenchSettings settings, Engine.Options options) {
    Graph graph = settings.graph();
    Weights weights = Weights.initialize(graph, settings.seed(), Initialization.UNIFORM_FAN_IN);
    if (settings.sparsity() > 0) {
      for (PrunableLayers.Layer layer : masked(graph)) {
        weights =
            Calibration.withoutSmallest(
                weights, List.of(layer), settings.sparsity(), settings.seed());
      }
    }
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
