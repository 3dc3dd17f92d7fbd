package dev.coppice.prune.channels;

import dev.coppice.graph.Graph;
import dev.coppice.graph.Model;
import dev.coppice.graph.Node;
import dev.coppice.graph.Op;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Silences what a cut removes: the plain twin of {@link Shrinking}. */
final class Masking {
  private Masking() {}

  static Model mask(Model model, Cut cut) {
    Graph graph = model.graph();
    Map<String, Tensor> tensors = new LinkedHashMap<>(model.weights().asMap());
    for (Node node : graph.nodes()) {
      List<String> parts =
          switch (node.op()) {
            case Op.Conv2d _, Op.Linear _ -> List.of("weight", "bias");
            // The running variance stays: it is only divided by.
            case Op.BatchNorm _ -> List.of("weight", "bias", "running_mean");
            default -> List.of();
          };
      int[] kept = cut.left(node.name());
      for (String part : parts) {
        tensors.computeIfPresent(node.name() + "." + part, (_, tensor) -> keepRows(tensor, kept));
      }
    }
    return new Model(graph, Weights.of(tensors), model.metadata());
  }

  static Map<String, Tensor> masks(Graph graph, Cut cut) {
    Map<String, Tensor> masks = new LinkedHashMap<>();
    Weights.expected(graph)
        .forEach(
            (tensor, shape) -> {
              Node node = graph.node(tensor.substring(0, tensor.lastIndexOf('.')));
              if (shape.length > 1) {
                int[] read = cut.read(node, shape[shape.length - 1]);
                masks.put(tensor, new Tensor(shape, mask(shape, cut.left(node.name()), read)));
              }
            });
    masks.values().removeIf(mask -> mask.countNonZero() == mask.size());
    return masks;
  }

  private static float[] mask(int[] shape, int[] rows, int[] columns) {
    int inputs = shape[shape.length - 1];
    int row = IntStream.of(shape).skip(1).reduce(1, Math::multiplyExact);
    float[] mask = new float[row * shape[0]];
    for (int o : rows) {
      for (int tap = o * row; tap < (o + 1) * row; tap += inputs) {
        for (int column : columns) {
          mask[tap + column] = 1;
        }
      }
    }
    return mask;
  }

  private static Tensor keepRows(Tensor tensor, int[] rows) {
    if (rows.length == tensor.shape()[0]) {
      return tensor;
    }
    float[] data = new float[tensor.size()];
    int length = tensor.size() / tensor.shape()[0];
    for (int row : rows) {
      System.arraycopy(tensor.data(), row * length, data, row * length, length);
    }
    return new Tensor(tensor.shape().clone(), data);
  }
}
