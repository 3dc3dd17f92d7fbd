package dev.coppice.train;

import dev.coppice.data.DataSet;
import dev.coppice.data.Images;
import dev.coppice.graph.Charge;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Op;
import dev.coppice.graph.Reset;
import dev.coppice.graph.Shape;
import dev.coppice.graph.Surrogate;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import dev.coppice.kernels.Kernels;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** Small networks, weights and images that the tests share. */
final class Small {
  static final Engine.Options ONE_THREAD = new Engine.Options("cpu", 1, Kernels.best());
  static final Optimizer PLAIN = new Optimizer.Sgd(0, false, 0);
  static final Shape.Map IMAGE = new Shape.Map(6, 6, 2);
  static final int CLASSES = 3;

  /** A neuron that fires and does not for inputs of about 1, and remembers. */
  static final Op.Neuron NEURON =
      new Op.Neuron(
          new Charge.Decay(0.5f), 0.5f, false, new Reset.Soft(), false, new Surrogate.ATan(2));

  private Small() {}

  /** Every kind of node that a chain may have. */
  static Graph chain(Op.Neuron neuron) {
    return Graph.builder(IMAGE)
        .add("conv1", Op.Conv2d.same(2, 4, 3, 1))
        .add("bn1", Op.BatchNorm.of(4))
        .add("neuron1", neuron)
        .add("dropout", new Op.Dropout(0.2f))
        .add("pool1", new Op.AvgPool(2, 2))
        .add("conv2", new Op.Conv2d(4, 6, 3, 2, 1, 2, true))
        .add("neuron2", neuron)
        .add("pool2", new Op.MaxPool(2, 1))
        .add("flatten", new Op.Flatten())
        .add("fc1", new Op.Linear(6, 5, true))
        .add("neuron3", neuron)
        .add("fc2", new Op.Linear(5, CLASSES, true))
        .build();
  }

  /**
   * Two residual blocks: one whose shortcut is constant in time where the branch is not, one with a
   * convolution in its shortcut.
   */
  static Graph residual() {
    return Graph.builder(IMAGE)
        .add("stem", Op.Conv2d.same(2, 4, 3, 1))
        .add("bn0", Op.BatchNorm.of(4))
        .add("neuron0", NEURON)
        .add("conv1", Op.Conv2d.same(4, 4, 3, 1))
        .add("bn1", Op.BatchNorm.of(4))
        .add("add1", new Op.Add(), "bn1", "bn0")
        .add("neuron1", NEURON)
        .add("conv2", Op.Conv2d.same(4, 6, 3, 2))
        .add("bn2", Op.BatchNorm.of(6))
        .add("short2", new Op.Conv2d(4, 6, 1, 2, 0, 1, false), "neuron1")
        .add("add2", new Op.Add(), "short2", "bn2")
        .add("neuron2", NEURON)
        .add("gap", new Op.GlobalAvgPool())
        .add("fc", new Op.Linear(6, CLASSES, true))
        .build();
  }

  /** Selections from a real-valued stream, from spikes before a convolution and from a vector. */
  static Graph selecting() {
    return Graph.builder(IMAGE)
        .add("stem", Op.Conv2d.same(2, 6, 3, 1))
        .add("select0", new Op.Select(List.of(0, 2, 5)))
        .add("bn1", Op.BatchNorm.of(3))
        .add("neuron1", NEURON)
        .add("select1", new Op.Select(List.of(1, 2)))
        .add("conv1", Op.Conv2d.same(2, 6, 3, 1))
        .add("add", new Op.Add(), "conv1", "stem")
        .add("neuron2", NEURON)
        .add("flatten", new Op.Flatten())
        .add("select2", new Op.Select(List.of(3, 50, 100, 101)))
        .add("fc", new Op.Linear(4, CLASSES, true))
        .build();
  }

  /** Random values for every tensor; scales and variances about 1. */
  static Weights weights(Graph graph, long seed) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    Weights.expected(graph)
        .forEach(
            (name, shape) -> {
              int size = 1;
              for (int dimension : shape) {
                size *= dimension;
              }
              boolean scale =
                  name.endsWith(".running_var") || (shape.length == 1 && name.endsWith(".weight"));
              float[] data = normal(seed + name.hashCode(), size, scale ? 0.1 : 0.6);
              for (int i = 0; scale && i < size; i++) {
                data[i] = Math.abs(1 + data[i]);
              }
              tensors.put(name, new Tensor(shape, data));
            });
    return Weights.of(tensors);
  }

  static float[] normal(long seed, int count, double spread) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian(0, spread);
    }
    return values;
  }

  /** Images {@code [B, H, W, C]} of {@link #IMAGE}. */
  static float[] images(int batch) {
    return normal(17, batch * IMAGE.size(), 1.5);
  }

  /** The same images at every time step, {@code [T·B, H, W, C]}. */
  static float[] repeat(float[] images, int steps) {
    float[] repeated = new float[images.length * steps];
    for (int t = 0; t < steps; t++) {
      System.arraycopy(images, 0, repeated, t * images.length, images.length);
    }
    return repeated;
  }

  static int[] labels(int batch) {
    int[] labels = new int[batch];
    for (int i = 0; i < batch; i++) {
      labels[i] = i % CLASSES;
    }
    return labels;
  }

  static Engine engine(Graph graph, Weights weights, Optimizer optimizer) {
    return new Engine(graph, weights, optimizer, ONE_THREAD);
  }

  static Engine engine(Graph graph) {
    return engine(graph, weights(graph, 1), PLAIN);
  }

  static Engine.StepSettings settings(int steps) {
    return new Engine.StepSettings(steps, new LossFunction.MeanLogits(), 0, 0, 0);
  }

  /** Images of {@link #IMAGE} with one bright quarter that tells the class, and noise. */
  static DataSet data(int train, int test) {
    return DataSet.of("quarters", quarters(train, 1), quarters(test, 2), List.of());
  }

  private static Images quarters(int count, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    byte[] pixels = new byte[count * IMAGE.size()];
    int[] labels = labels(count);
    for (int i = 0; i < pixels.length; i++) {
      int position = i % IMAGE.size() / IMAGE.channels();
      int quarter = position / IMAGE.width() / 3 * 2 + position % IMAGE.width() / 3;
      int bright = quarter == labels[i / IMAGE.size()] ? 120 : 0;
      pixels[i] = (byte) (bright + random.nextInt(100));
    }
    return new Images("quarters", IMAGE, List.of("a", "b", "c"), pixels, 255, labels);
  }
}
