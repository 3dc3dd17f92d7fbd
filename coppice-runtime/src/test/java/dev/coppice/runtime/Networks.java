package dev.coppice.runtime;

import dev.coppice.graph.Charge;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Model;
import dev.coppice.graph.Op;
import dev.coppice.graph.Reset;
import dev.coppice.graph.Shape;
import dev.coppice.graph.Surrogate;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import dev.coppice.graph.zoo.Zoo;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** Networks, weights and images for the tests. */
final class Networks {
  static final Shape.Map IMAGE = new Shape.Map(8, 8, 2);
  static final int CLASSES = 5;

  private Networks() {}

  static Op.Neuron neuron(Charge charge, boolean strict, Reset reset) {
    return new Op.Neuron(charge, 0.5f, strict, reset, false, new Surrogate.ATan(2));
  }

  /** Every charge with every reset, strict and not. */
  static List<Op.Neuron> neurons() {
    List<Op.Neuron> neurons = new ArrayList<>();
    for (Charge charge :
        List.of(
            new Charge.Decay(0.25f),
            new Charge.TimeConstant(4f / 3, true),
            new Charge.TimeConstant(2, false),
            new Charge.Integrate())) {
      for (Reset reset : List.of(new Reset.Hard(0), new Reset.Hard(-0.2f), new Reset.Soft())) {
        for (boolean strict : List.of(true, false)) {
          neurons.add(neuron(charge, strict, reset));
        }
      }
    }
    return neurons;
  }

  static final Op.Neuron NEURON = neuron(new Charge.Decay(0.5f), false, new Reset.Soft());

  /** Every kind of node that a chain may have. */
  static Graph chain(Op.Neuron neuron) {
    return Graph.builder(IMAGE)
        .add("conv1", Op.Conv2d.same(2, 4, 3, 1))
        .add("bn1", Op.BatchNorm.of(4))
        .add("neuron1", neuron)
        .add("dropout", new Op.Dropout(0.2f))
        .add("pool1", new Op.AvgPool(2, 2))
        .add("conv2", new Op.Conv2d(4, 6, 3, 1, 1, 2, true))
        .add("neuron2", neuron)
        .add("conv3", new Op.Conv2d(6, 70, 3, 1, 1, 1, true))
        .add("bn3", Op.BatchNorm.of(70))
        .add("neuron3", neuron)
        .add("pool2", new Op.MaxPool(2, 1))
        .add("flatten", new Op.Flatten())
        .add("fc1", new Op.Linear(630, 9, true))
        .add("neuron4", neuron)
        .add("fc2", new Op.Linear(9, CLASSES, true))
        .build();
  }

  /** Sums of constant and changing terms, of currents and of spikes. */
  static Graph residual() {
    return Graph.builder(IMAGE)
        .add("stem", Op.Conv2d.same(2, 4, 3, 1))
        .add("bn0", Op.BatchNorm.of(4))
        .add("neuron0", NEURON)
        .add("conv1", Op.Conv2d.same(4, 4, 3, 1))
        .add("bn1", Op.BatchNorm.of(4))
        .add("add1", new Op.Add(), "bn1", "bn0", "neuron0")
        .add("neuron1", NEURON)
        .add("conv2", Op.Conv2d.same(4, 6, 3, 2))
        .add("bn2", Op.BatchNorm.of(6))
        .add("short2", new Op.Conv2d(4, 6, 1, 2, 0, 1, true), "neuron1")
        .add("add2", new Op.Add(), "short2", "bn2")
        .add("neuron2", NEURON)
        .add("gap", new Op.GlobalAvgPool())
        .add("fc", new Op.Linear(6, CLASSES, true))
        .build();
  }

  /** Selections from currents, from spikes and from a vector. */
  static Graph selecting() {
    return Graph.builder(IMAGE)
        .add("stem", Op.Conv2d.same(2, 6, 3, 1))
        .add("bn0", Op.BatchNorm.of(6))
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

  /** Gates of spikes, of their averages, of currents and of a vector, open, shut and half open. */
  static Graph gated() {
    return Graph.builder(IMAGE)
        .add("stem", Op.Conv2d.same(2, 6, 3, 1))
        .add("bn0", Op.BatchNorm.of(6))
        .add("neuron0", NEURON)
        .add("gate0", new Op.Gate())
        .add("conv1", Op.Conv2d.same(6, 70, 3, 1))
        .add("bn1", Op.BatchNorm.of(70))
        .add("neuron1", NEURON)
        .add("pool1", new Op.AvgPool(2, 2))
        .add("gate1", new Op.Gate())
        .add("conv2", Op.Conv2d.same(70, 5, 3, 1))
        .add("soft2", new Op.Gate())
        .add("neuron2", NEURON)
        .add("soft3", new Op.Gate())
        .add("flatten", new Op.Flatten())
        .add("fc1", new Op.Linear(80, 20, true))
        .add("neuron4", NEURON)
        .add("gate4", new Op.Gate())
        .add("fc2", new Op.Linear(20, CLASSES, true))
        .build();
  }

  /** Batch norms and biases whose readers cannot apply them, and pools of what is no spike. */
  static Graph awkward() {
    return Graph.builder(new Shape.Map(6, 10, 3))
        .add("bn0", Op.BatchNorm.of(3))
        .add("conv1", new Op.Conv2d(3, 5, 3, 1, 4, 1, true))
        .add("max1", new Op.MaxPool(2, 2))
        .add("bn1", Op.BatchNorm.of(5))
        .add("average1", new Op.AvgPool(2, 1))
        .add("neuron1", NEURON)
        .add("average2", new Op.AvgPool(3, 1))
        .add("average3", new Op.AvgPool(2, 1))
        .add("bn3", Op.BatchNorm.of(5))
        .add("flatten", new Op.Flatten())
        .add("neuron2", NEURON)
        .add("fc", new Op.Linear(40, CLASSES, false))
        .add("bn4", Op.BatchNorm.of(CLASSES))
        .build();
  }

  /** A network whose output is spikes, of a vector and of a map that is not square. */
  static Graph spikingOutput() {
    return Graph.builder(new Shape.Map(2, 3, 1))
        .add("neuron0", NEURON)
        .add("flatten", new Op.Flatten())
        .add("fc", new Op.Linear(6, 70, true))
        .add("neuron1", NEURON)
        .build();
  }

  /** A classifier alone: constant in time to the end. */
  static Graph classifier() {
    return Graph.builder(IMAGE)
        .add("flatten", new Op.Flatten())
        .add("fc", new Op.Linear(IMAGE.size(), CLASSES, true))
        .build();
  }

  static List<Graph> small() {
    return List.of(
        chain(NEURON), residual(), selecting(), gated(), awkward(), spikingOutput(), classifier());
  }

  static Graph zoo(String name) {
    int size = name.startsWith("vgg") ? 32 : 16;
    return Zoo.create(name, new Shape.Map(size, size, 3), 10, Op.Neuron.decay(), 0.125);
  }

  /**
   * Random values for every tensor, batch norms near 1, weights large enough for neurons to fire,
   * and of each weight tensor such a share set to zero; gates are open or shut, half open if soft.
   */
  static Model model(Graph graph, long seed, double sparsity) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    Weights.expected(graph)
        .forEach(
            (name, shape) -> {
              int size = 1;
              for (int dimension : shape) {
                size *= dimension;
              }
              boolean weight = shape.length > 1;
              boolean scale =
                  name.endsWith(".running_var") || (!weight && name.endsWith(".weight"));
              double fanIn = weight ? size / (double) shape[0] * (1 - sparsity) : 1;
              double spread = weight ? 1.5 / Math.sqrt(Math.max(1, fanIn)) : scale ? 0.1 : 0.3;
              float[] data = normal(seed + name.hashCode(), size, spread);
              SplittableRandom random = new SplittableRandom(seed ^ name.hashCode());
              for (int i = 0; i < size; i++) {
                if (name.endsWith(".gate")) {
                  data[i] = name.startsWith("soft") ? Math.abs(data[i]) : random.nextInt(2);
                } else if (scale) {
                  data[i] = Math.abs(1 + data[i]);
                } else if (weight && random.nextDouble() < sparsity) {
                  data[i] = 0;
                }
              }
              tensors.put(name, new Tensor(shape, data));
            });
    return new Model(graph, Weights.of(tensors), Map.of());
  }

  static float[] images(Graph graph, int count) {
    return normal(17, count * graph.shape(graph.input().name()).size(), 1);
  }

  static float[] normal(long seed, int count, double spread) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian(0, spread);
    }
    return values;
  }
}
