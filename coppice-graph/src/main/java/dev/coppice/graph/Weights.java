package dev.coppice.graph;

import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.jspecify.annotations.Nullable;

/**
 * The named tensors of a network, in order. The map does not change, but its tensors share their
 * arrays with whoever gave them; those that {@link Model#loadPacked} left compressed have none, and
 * are made anew whenever they are asked for.
 */
public final class Weights {
  private final SequencedMap<String, StoredTensor> tensors;

  /** By the names of the tensors that are quantised. */
  private final Map<String, Tensor> scales;

  private Weights(SequencedMap<String, StoredTensor> tensors, Map<String, Tensor> scales) {
    this.tensors = tensors;
    this.scales = scales;
  }

  /** Returns weights with these tensors, in the map's order. */
  public static Weights of(Map<String, Tensor> tensors) {
    SequencedMap<String, StoredTensor> stored = new LinkedHashMap<>();
    tensors.forEach((name, tensor) -> stored.put(name, new StoredTensor.Full(tensor)));
    return ofStored(stored);
  }

  /** Returns weights with these tensors, in the map's order; it must not change any more. */
  static Weights ofStored(SequencedMap<String, StoredTensor> tensors) {
    return new Weights(tensors, Map.of());
  }

  /**
   * Returns the tensor of that name.
   *
   * @throws GraphException if there is none
   */
  public Tensor get(String name) {
    return stored(name).tensor();
  }

  /**
   * Returns how many elements of the tensor of that name are not zero.
   *
   * @throws GraphException if there is none
   */
  public int countNonZero(String name) {
    return stored(name).countNonZero();
  }

  /**
   * Shows the rows of the tensor of that name, which lie behind each other in its first dimension,
   * in order. A compressed tensor is never made in full for that.
   *
   * @throws GraphException if there is none
   */
  public void forEachRow(String name, RowVisitor visitor) {
    stored(name).forEachRow(visitor);
  }

  private StoredTensor stored(String name) {
    StoredTensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new GraphException("there is no tensor " + Quote.of(name));
    }
    return tensor;
  }

  /** Returns whether there is a tensor of that name. */
  public boolean contains(String name) {
    return tensors.containsKey(name);
  }

  /** Returns the names in order. */
  public List<String> names() {
    return List.copyOf(tensors.keySet());
  }

  /** Returns an unmodifiable map of all tensors, in full. */
  public SequencedMap<String, Tensor> asMap() {
    SequencedMap<String, Tensor> map = new LinkedHashMap<>();
    tensors.forEach((name, stored) -> map.put(name, stored.tensor()));
    return Collections.unmodifiableSequencedMap(map);
  }

  /**
   * Returns a copy with the tensor in the place of the one of that name, or else at the end. It has
   * no scales.
   */
  public Weights with(String name, Tensor tensor) {
    SequencedMap<String, StoredTensor> changed = new LinkedHashMap<>(tensors);
    changed.put(name, new StoredTensor.Full(tensor));
    Map<String, Tensor> left = new LinkedHashMap<>(scales);
    left.remove(name);
    return new Weights(changed, left);
  }

  /**
   * Returns a copy in which a tensor is marked as quantised: its values in row {@code i} of the
   * first dimension are {@code q · scale[i]}, rounded to a float, with whole numbers {@code q} in
   * [-127, 127]. Files store {@code q}, and whoever runs the network gets it back as {@code
   * Math.round(value / scale[i])}.
   *
   * @param scale {@code [first dimension]}
   * @throws GraphException if there is no such tensor, it has fewer than two dimensions, a scale is
   *     not positive, finite and of full precision, or a value is not such a product
   */
  public Weights withScales(String name, float... scale) {
    Quantization.check(name, stored(name), scale);
    Map<String, Tensor> more = new LinkedHashMap<>(scales);
    more.put(name, Tensor.of(scale.clone()));
    return new Weights(tensors, more);
  }

  /**
   * Returns the scales of a tensor's rows, which the caller must not change, or null if the tensor
   * is not quantised; see {@link #withScales}.
   */
  public float @Nullable [] scales(String name) {
    Tensor scale = scales.get(name);
    return scale == null ? null : scale.data();
  }

  /**
   * Returns the names and shapes of all tensors that a network needs, in the order of its nodes:
   * {@code [out, k, k, in/groups]} for a convolution, {@code [out, in]} for a linear layer, {@code
   * [channels]} for biases and batch norms, {@code [H·W·C]} for gates.
   */
  public static SequencedMap<String, int[]> expected(Graph graph) {
    SequencedMap<String, int[]> shapes = new LinkedHashMap<>();
    for (Node node : graph.nodes()) {
      String name = node.name();
      switch (node.op()) {
        case Op.Conv2d conv -> {
          int kernel = conv.kernel();
          int[] shape = {conv.outChannels(), kernel, kernel, conv.inChannels() / conv.groups()};
          shapes.put(name + ".weight", shape);
          if (conv.bias()) {
            shapes.put(name + ".bias", new int[] {conv.outChannels()});
          }
        }
        case Op.Linear linear -> {
          shapes.put(name + ".weight", new int[] {linear.outFeatures(), linear.inFeatures()});
          if (linear.bias()) {
            shapes.put(name + ".bias", new int[] {linear.outFeatures()});
          }
        }
        case Op.BatchNorm norm -> {
          for (String part : List.of("weight", "bias", "running_mean", "running_var")) {
            shapes.put(name + "." + part, new int[] {norm.channels()});
          }
        }
        case Op.Gate _ -> shapes.put(name + ".gate", new int[] {graph.shape(name).size()});
        case Op.Input _,
            Op.Neuron _,
            Op.AvgPool _,
            Op.MaxPool _,
            Op.GlobalAvgPool _,
            Op.Flatten _,
            Op.Add _,
            Op.Dropout _,
            Op.Select _ -> {}
      }
    }
    return shapes;
  }

  /**
   * Returns whether an optimizer changes the tensor: false for gates and the statistics of batch
   * norms.
   */
  public static boolean isTrainable(String tensorName) {
    return !tensorName.endsWith(".running_mean")
        && !tensorName.endsWith(".running_var")
        && !tensorName.endsWith(".gate");
  }

  /** Returns the number of trainable values of a network. */
  public static long countTrainable(Graph graph) {
    long count = 0;
    for (Map.Entry<String, int[]> entry : expected(graph).entrySet()) {
      if (isTrainable(entry.getKey())) {
        count += size(entry.getValue());
      }
    }
    return count;
  }

  /** Returns the number of weights of a network's convolutions and linear layers, biases apart. */
  public static long countConnections(Graph graph) {
    return expected(graph).values().stream()
        .filter(shape -> shape.length > 1)
        .mapToLong(Weights::size)
        .sum();
  }

  /**
   * Checks that these are the weights of the network.
   *
   * @throws GraphException if a tensor is missing, unexpected, of the wrong shape or not finite, or
   *     a variance is negative
   */
  public void check(Graph graph) {
    SequencedMap<String, int[]> expected = expected(graph);
    expected.forEach(
        (name, shape) -> {
          StoredTensor tensor = tensors.get(name);
          if (tensor == null) {
            throw new GraphException(
                name + ": the network needs this tensor, but the weights have none");
          }
          checkTensor(name, shape, tensor);
        });
    for (String name : tensors.keySet()) {
      if (!expected.containsKey(name)) {
        throw new GraphException("the network has no place for the tensor " + Quote.of(name));
      }
    }
  }

  private static void checkTensor(String name, int[] shape, StoredTensor tensor) {
    if (!Arrays.equals(shape, tensor.shape())) {
      throw new GraphException(
          name
              + ": expected the shape "
              + Arrays.toString(shape)
              + ", found "
              + Arrays.toString(tensor.shape()));
    }
    boolean variance = name.endsWith(".running_var");
    tensor.forEachRow(
        (row, values) -> {
          for (int i = 0; i < values.length; i++) {
            int element = row * values.length + i;
            if (!Float.isFinite(values[i])) {
              throw new GraphException(
                  name + ": value " + element + " is not finite but " + values[i]);
            }
            if (variance && values[i] < 0) {
              throw new GraphException(
                  name + ": variance " + element + " is negative: " + values[i]);
            }
          }
        });
  }

  /**
   * Returns new weights for a network. The same graph, seed and scheme give the same weights on
   * every machine.
   */
  public static Weights initialize(Graph graph, long seed, Initialization scheme) {
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();
    expected(graph)
        .forEach(
            (name, shape) -> {
              float[] data = new float[Math.toIntExact(size(shape))];
              String node = name.substring(0, name.lastIndexOf('.'));
              boolean weight = name.endsWith(".weight");
              switch (graph.node(node).op()) {
                case Op.Conv2d conv -> {
                  double area = (double) conv.kernel() * conv.kernel();
                  double fanIn = area * conv.inChannels() / conv.groups();
                  double fanOut = area * conv.outChannels();
                  fill(data, random, scheme, weight, fanIn, Math.sqrt(2 / fanOut));
                }
                case Op.Linear linear ->
                    fill(data, random, scheme, weight, linear.inFeatures(), 0.01);
                case Op.BatchNorm norm -> {
                  if (weight) {
                    Arrays.fill(data, norm.initialScale());
                  } else if (name.endsWith(".running_var")) {
                    Arrays.fill(data, 1);
                  }
                }
                case Op.Gate _ -> Arrays.fill(data, 1);
                default -> throw new AssertionError(name);
              }
              tensors.put(name, new Tensor(shape, data));
            });
    return of(tensors);
  }

  private static void fill(
      float[] data,
      RandomGenerator random,
      Initialization scheme,
      boolean weight,
      double fanIn,
      double fanOutDeviation) {
    switch (scheme) {
      case UNIFORM_FAN_IN -> {
        double bound = 1 / Math.sqrt(fanIn);
        for (int i = 0; i < data.length; i++) {
          data[i] = (float) (bound * (2 * random.nextDouble() - 1));
        }
      }
      case KAIMING_NORMAL_FAN_IN -> fillNormal(data, random, weight, Math.sqrt(2 / fanIn));
      case KAIMING_NORMAL_FAN_OUT -> fillNormal(data, random, weight, fanOutDeviation);
    }
  }

  private static void fillNormal(
      float[] data, RandomGenerator random, boolean weight, double deviation) {
    if (weight) {
      for (int i = 0; i < data.length; i++) {
        data[i] = (float) (deviation * random.nextGaussian());
      }
    }
  }

  /**
   * Returns the weights of a network from tensors in PyTorch's order: convolutions {@code [out,
   * in/groups, k, k]}, and a flattened map in the order C, H, W.
   *
   * @throws GraphException if a tensor is missing, unexpected, of the wrong shape or not finite
   */
  public static Weights fromPyTorch(Graph graph, Map<String, Tensor> tensors) {
    PyTorchOrder order = new PyTorchOrder(graph);
    SequencedMap<String, Tensor> converted = new LinkedHashMap<>();
    for (String name : expected(graph).keySet()) {
      Tensor tensor = tensors.get(name);
      if (tensor != null) {
        converted.put(name, order.read(name, tensor));
      }
    }
    tensors.forEach(converted::putIfAbsent);
    Weights weights = of(converted);
    weights.check(graph);
    return weights;
  }

  /**
   * Returns copies of the tensors in PyTorch's order; see {@link #fromPyTorch}. Rows stay rows, so
   * that {@link #scales} hold for them too.
   *
   * @throws GraphException if these are not the weights of the network
   */
  public SequencedMap<String, Tensor> toPyTorch(Graph graph) {
    check(graph);
    PyTorchOrder order = new PyTorchOrder(graph);
    SequencedMap<String, Tensor> converted = new LinkedHashMap<>();
    expected(graph).keySet().forEach(name -> converted.put(name, order.write(name, get(name))));
    return converted;
  }

  /** Weights are equal if they have equal tensors and scales by name. */
  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Weights weights
        && asMap().equals(weights.asMap())
        && scales.equals(weights.scales);
  }

  @Override
  public int hashCode() {
    return 31 * asMap().hashCode() + scales.hashCode();
  }

  @Override
  public String toString() {
    return "Weights" + asMap().values();
  }

  private static long size(int[] shape) {
    long size = 1;
    for (int dimension : shape) {
      size *= dimension;
    }
    return size;
  }
}
