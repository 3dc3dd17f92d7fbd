package dev.coppice.cli;

import dev.coppice.graph.Graph;
import dev.coppice.graph.Initialization;
import dev.coppice.graph.Model;
import dev.coppice.graph.Node;
import dev.coppice.graph.Op;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import dev.coppice.train.Engine;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Networks whose training is measured, as it begins: what is masked is zero. */
final class BenchNetwork {
  private BenchNetwork() {}

  /** Returns a network with new weights that fires as the settings say. */
  static Model of(BenchSettings settings, Engine.Options options) {
    Graph graph = settings.graph();
    Weights weights = Weights.initialize(graph, settings.seed(), Initialization.UNIFORM_FAN_IN);
    if (settings.sparsity() > 0) {
      for (String name : masked(graph)) {
        weights = weights.with(name, withoutSmallest(weights.get(name), settings.sparsity()));
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
    for (String name : masked(model.graph())) {
      Tensor tensor = model.weights().get(name);
      float[] mask = tensor.data().clone();
      for (int k = 0; k < mask.length; k++) {
        mask[k] = mask[k] == 0 ? 0 : 1;
      }
      masks.put(name, new Tensor(tensor.shape(), mask));
    }
    return masks;
  }

  private static List<String> masked(Graph graph) {
    List<String> names = new ArrayList<>();
    for (Node node : graph.nodes()) {
      if (node.op() instanceof Op.Conv2d || node.op() instanceof Op.Linear) {
        names.add(node.name() + ".weight");
      }
    }
    return names;
  }

  private static Tensor withoutSmallest(Tensor tensor, double sparsity) {
    float[] data = tensor.data().clone();
    IntStream.range(0, data.length)
        .boxed()
        .sorted(Comparator.comparingDouble(k -> Math.abs(data[k])))
        .limit(Math.round(sparsity * data.length))
        .toList()
        .forEach(k -> data[k] = 0);
    return new Tensor(tensor.shape(), data);
  }
}
