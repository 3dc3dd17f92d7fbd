package dev.coppice.graph;

import java.util.HashMap;
import java.util.Map;

/**
 * Converts tensors between the order in memory, channels last, and that of files, PyTorch's:
 * convolutions are {@code [out, in, k, k]}, and what belongs to the elements of a flattened map
 * (the columns of a linear layer, the values of a batch norm) is in the order C, H, W.
 */
final class PyTorchOrder {
  private final Graph graph;

  /** The map that a vector was flattened from, by the name of the node that gives the vector. */
  private final Map<String, Shape.Map> flattened = new HashMap<>();

  PyTorchOrder(Graph graph) {
    this.graph = graph;
    for (Node node : graph.nodes()) {
      switch (node.op()) {
        case Op.Flatten _ -> {
          if (graph.shape(node.inputs().getFirst()) instanceof Shape.Map map) {
            flattened.put(node.name(), map);
          }
        }
        case Op.Neuron _, Op.BatchNorm _, Op.Dropout _, Op.Add _ ->
            node.inputs().stream()
                .filter(flattened::containsKey)
                .findFirst()
                .ifPresent(input -> flattened.computeIfAbsent(node.name(), _ -> from(input)));
        default -> {}
      }
    }
  }

  /** Returns a copy in memory's order of a tensor in the file's order. */
  Tensor read(String name, Tensor tensor) {
    return reading(name, tensor.shape()).apply(tensor);
  }

  /** Returns a copy in the file's order of a tensor in memory's order. */
  Tensor write(String name, Tensor tensor) {
    return order(name, tensor.shape(), false).apply(tensor);
  }

  private Shape.Map from(String name) {
    Shape.Map map = flattened.get(name);
    if (map == null) {
      throw new IllegalStateException(name);
    }
    return map;
  }

  /** Returns what puts a tensor of such a shape from the file's order into memory's. */
  ElementOrder reading(String name, int... shape) {
    return order(name, shape, true);
  }

  private ElementOrder order(String name, int[] shape, boolean read) {
    Node node = graph.node(name.substring(0, name.lastIndexOf('.')));
    if (node.op() instanceof Op.Conv2d && shape.length == 4) {
      return read
          ? new ElementOrder(shape[1], shape[2] * shape[3], shape[0], shape[2], shape[3], shape[1])
          : new ElementOrder(shape[1] * shape[2], shape[3], shape[0], shape[3], shape[1], shape[2]);
    }
    boolean perElement =
        (node.op() instanceof Op.Linear && shape.length == 2)
            || (node.op() instanceof Op.BatchNorm && shape.length == 1);
    if (perElement && flattened.containsKey(node.inputs().getFirst())) {
      Shape.Map map = from(node.inputs().getFirst());
      int area = map.height() * map.width();
      if (shape[shape.length - 1] == map.size()) {
        return read
            ? new ElementOrder(map.channels(), area, shape)
            : new ElementOrder(area, map.channels(), shape);
      }
    }
    return ElementOrder.same(shape);
  }
}
