package dev.coppice.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Op;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The tensors of a network on the device. What the optimizer trains lies in one flat array, so that
 * an update is a handful of operations whatever the number of layers; the layers see views of it.
 */
final class Parameters {
  private final NDManager manager;
  private final SequencedMap<String, int[]> trainable = new LinkedHashMap<>();
  private final Map<String, NDArray> views = new LinkedHashMap<>();
  private final List<String> scales;
  private final NDArray values;
  private @Nullable NDArray mask;

  /** What is not masked, where little is. */
  private @Nullable Survivors survivors;

  private Map<String, Tensor> masks = Map.of();
  private int maskVersion;

  Parameters(NDManager manager, Graph graph, Weights weights) {
    weights.check(graph);
    this.manager = manager;
    scales =
        graph.nodes().stream()
            .filter(node -> node.op() instanceof Op.BatchNorm)
            .map(node -> node.name() + ".weight")
            .toList();
    Weights.expected(graph)
        .forEach(
            (name, shape) -> {
              if (Weights.isTrainable(name)) {
                trainable.put(name, shape);
              } else {
                views.put(name, create(weights.get(name)));
              }
            });
    values =
        Memory.upload(manager, flatten((name, shape) -> weights.get(name)), new Shape(count()));
    long offset = 0;
    for (var entry : trainable.entrySet()) {
      long size = size(entry.getValue());
      NDArray view =
          values
              .get(new NDIndex("{}:{}", offset, offset + size))
              .reshape(new Shape(longs(entry.getValue())));
      view.attach(manager);
      views.put(entry.getKey(), view);
      offset += size;
    }
  }

  /** Returns the number of values of a tensor. */
  int size(String name) {
    return Math.toIntExact(view(name).size());
  }

  /** Returns the number of trained values. */
  int count() {
    return trainable.values().stream().mapToInt(Parameters::size).sum();
  }

  /** Returns the tensor of this name; layers must not keep it in a graph of libtorch's. */
  NDArray view(String name) {
    NDArray view = views.get(name);
    if (view == null) {
      throw new IllegalArgumentException("no tensor named " + name);
    }
    return view;
  }

  /**
   * Adds the subgradient of {@code strength·Σ|γ|} to the gradients of all scales of batch norms.
   */
  void penalizeScales(Map<String, NDArray> gradients, float strength) {
    for (String name : scales) {
      NDArray gradient = gradients.get(name);
      if (gradient != null) {
        try (NDArray penalty = view(name).sign()) {
          gradient.addi(penalty.muli(strength));
        }
      }
    }
  }

  /**
   * Returns the gradients as one flat array in the tensors' order, masked, for {@link #update}.
   *
   * @param gradients of whole tensors, or of what {@link #compact survives} of them
   */
  NDArray flatGradient(Map<String, NDArray> gradients) {
    Survivors few = survivors;
    if (few != null) {
      float[] flat = new float[few.count()];
      int offset = 0;
      int at = 0;
      for (String name : trainable.keySet()) {
        NDArray gradient = gradient(gradients, name);
        int size = size(name);
        at = few.copy(gradient, offset, size, flat, at);
        offset += size;
      }
      return Memory.upload(
          gradients.values().iterator().next().getManager(), flat, new Shape(flat.length));
    }
    NDList parts = new NDList();
    for (String name : trainable.keySet()) {
      parts.add(gradient(gradients, name).flatten());
    }
    NDArray flat = NDArrays.concat(parts);
    if (mask != null) {
      flat.muli(mask);
    }
    return flat;
  }

  private static NDArray gradient(Map<String, NDArray> gradients, String name) {
    NDArray gradient = gradients.get(name);
    if (gradient == null) {
      throw new IllegalStateException("no gradient for " + name);
    }
    return gradient;
  }

  /**
   * Has an optimizer update the values.
   *
   * @param gradient what {@link #flatGradient} returned, overwritten
   */
  void update(Optimizer optimizer, NDArray gradient, List<NDArray> state, double rate, long step) {
    if (survivors == null) {
      optimizer.update(values, gradient, state, rate, step);
    } else {
      survivors.update(optimizer, gradient, rate, step);
    }
  }

  /** Whether a gradient may be that of surviving weights alone, in the order of the tensor. */
  boolean compact() {
    return survivors != null;
  }

  /** Returns the gradient of a tensor with zeros where weights do not survive. */
  float[] whole(String name, NDArray gradient) {
    float[] given = gradient.toFloatArray();
    float[] whole = new float[size(name)];
    if (given.length == whole.length) {
      return given;
    }
    int[] kept = kept(name);
    for (int k = 0; k < kept.length; k++) {
      whole[kept[k]] = given[k];
    }
    return whole;
  }

  /** Overwrites the gradient of a tensor, or of what survives of it. */
  void replace(String name, NDArray gradient, float[] whole) {
    if (gradient.size() == whole.length) {
      Memory.overwrite(gradient, whole);
      return;
    }
    int[] kept = kept(name);
    float[] few = new float[kept.length];
    for (int k = 0; k < kept.length; k++) {
      few[k] = whole[kept[k]];
    }
    Memory.overwrite(gradient, few);
  }

  private int[] kept(String name) {
    return IntStream.range(0, size(name)).filter(survivors(name)).toArray();
  }

  /** Has the optimizer's state in the arrays that {@link #mask} was given. */
  void writeState() {
    if (survivors != null) {
      survivors.writeState();
    }
  }

  /** Takes the optimizer's state from these arrays, which have been overwritten. */
  void readState() {
    if (survivors != null) {
      survivors.readState();
    }
  }

  /**
   * Fixes the masked weights at zero: they, and the given optimizer state at them, are zeroed now,
   * and their gradients from now on.
   *
   * @param masks 0/1 tensors by name; tensors not named are not masked
   * @throws IllegalArgumentException if a mask is not that of a trained tensor
   */
  void mask(Map<String, Tensor> masks, List<NDArray> optimizerState) {
    masks.forEach(
        (name, tensor) -> {
          int[] shape = trainable.get(name);
          if (shape == null || !Arrays.equals(shape, tensor.shape())) {
            throw new IllegalArgumentException(
                "the mask of " + name + " does not fit the network's tensor: " + tensor);
          }
        });
    this.masks = Map.copyOf(masks);
    maskVersion++;
    if (mask != null) {
      mask.close();
    }
    if (survivors != null) {
      survivors.writeState();
      survivors.close();
    }
    float[] flat =
        flatten(
            (name, shape) -> {
              Tensor tensor = masks.get(name);
              return tensor == null ? ones(shape) : tensor;
            });
    NDArray created = Memory.upload(manager, flat, new Shape(flat.length));
    mask = created;
    values.muli(created);
    optimizerState.forEach(state -> state.muli(created));
    boolean few = !manager.getDevice().isGpu() && Survivors.pay(flat);
    survivors = few ? new Survivors(flat, values, optimizerState) : null;
  }

  /** Returns a number that changes with the mask. */
  int maskVersion() {
    return maskVersion;
  }

  /** Returns whether the weight of an index into a tensor is not masked. */
  IntPredicate survivors(String name) {
    Tensor tensor = masks.get(name);
    if (tensor == null) {
      return k -> true;
    }
    float[] data = tensor.data();
    return k -> data[k] != 0;
  }

  /** Returns the part of a tensor's weights that are not masked. */
  double density(String name) {
    Tensor tensor = masks.get(name);
    return tensor == null ? 1 : tensor.countNonZero() / (double) tensor.size();
  }

  /** Overwrites all tensors. */
  void restore(Weights weights) {
    Memory.overwrite(values, flatten((name, shape) -> weights.get(name)));
    views.forEach(
        (name, view) -> {
          if (!trainable.containsKey(name)) {
            Memory.overwrite(view, weights.get(name).data());
          }
        });
    readValues();
  }

  /** Overwrites one tensor. */
  void assign(String name, float[] values) {
    NDArray view = view(name);
    if (view.size() != values.length) {
      throw new IllegalArgumentException(
          "there is no tensor " + name + " of " + values.length + " values");
    }
    Memory.overwrite(view, values);
    readValues();
  }

  private void readValues() {
    if (survivors != null) {
      survivors.readValues();
    }
  }

  /** Returns a copy of one tensor. */
  Tensor tensor(String name) {
    NDArray view = view(name);
    int[] shape = Arrays.stream(view.getShape().getShape()).mapToInt(Math::toIntExact).toArray();
    return new Tensor(shape, view.toFloatArray());
  }

  /** Returns a copy of all tensors. */
  Weights weights() {
    SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();
    views.keySet().forEach(name -> tensors.put(name, tensor(name)));
    return Weights.of(tensors);
  }

  private interface Source {
    Tensor get(String name, int[] shape);
  }

  private float[] flatten(Source source) {
    float[] flat = new float[count()];
    int offset = 0;
    for (var entry : trainable.entrySet()) {
      float[] data = source.get(entry.getKey(), entry.getValue()).data();
      System.arraycopy(data, 0, flat, offset, data.length);
      offset += data.length;
    }
    return flat;
  }

  private static Tensor ones(int[] shape) {
    float[] ones = new float[size(shape)];
    Arrays.fill(ones, 1);
    return new Tensor(shape, ones);
  }

  private NDArray create(Tensor tensor) {
    return Memory.upload(manager, tensor.data(), new Shape(longs(tensor.shape())));
  }

  private static long[] longs(int[] shape) {
    return Arrays.stream(shape).asLongStream().toArray();
  }

  private static int size(int[] shape) {
    return Arrays.stream(shape).reduce(1, Math::multiplyExact);
  }

  /** Returns the names of the trained tensors and their shapes. */
  SequencedMap<String, int[]> trainable() {
    return trainable;
  }
}
