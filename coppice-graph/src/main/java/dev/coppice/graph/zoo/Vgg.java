package dev.coppice.graph.zoo;

import dev.coppice.graph.Graph;
import dev.coppice.graph.GraphException;
import dev.coppice.graph.Op;
import dev.coppice.graph.Shape;

/**
 * Spiking VGG: stages of 3x3 convolutions without bias, each followed by batch norm and neuron, an
 * average pool after every stage, then the mean over the map and one linear layer. Nodes are {@code
 * conv1, bn1, neuron1, pool1, …, gap, fc}.
 */
public final class Vgg {
  private static final int[][] VGG11 = {{64}, {128}, {256, 256}, {512, 512}, {512, 512}};
  private static final int[][] VGG16 = {
    {64, 64}, {128, 128}, {256, 256, 256}, {512, 512, 512}, {512, 512, 512}
  };

  private Vgg() {}

  /**
   * Returns VGG-11: 8 convolutions.
   *
   * @param width the multiplier of all channels
   * @throws GraphException if the input is too small for the five pools, or a number is absurd
   */
  public static Graph vgg11(Shape.Map input, int classes, Op.Neuron neuron, double width) {
    return build(VGG11, input, classes, neuron, new Width(width));
  }

  /**
   * Returns VGG-16 as in the experiments of arXiv 2311.16141: 13 convolutions; 14,724,042
   * parameters for 3 input channels, 10 classes and width 1.
   *
   * @param width the multiplier of all channels
   * @throws GraphException if the input is too small for the five pools, or a number is absurd
   */
  public static Graph vgg16(Shape.Map input, int classes, Op.Neuron neuron, double width) {
    return build(VGG16, input, classes, neuron, new Width(width));
  }

  private static Graph build(
      int[][] stages, Shape.Map input, int classes, Op.Neuron neuron, Width width) {
    Graph.Builder builder = Graph.builder(input);
    int channels = input.channels();
    int layer = 0;
    for (int stage = 0; stage < stages.length; stage++) {
      for (int base : stages[stage]) {
        layer++;
        int next = width.of(base);
        builder
            .add("conv" + layer, Op.Conv2d.same(channels, next, 3, 1))
            .add("bn" + layer, Op.BatchNorm.of(next))
            .add("neuron" + layer, neuron);
        channels = next;
      }
      builder.add("pool" + (stage + 1), new Op.AvgPool(2, 2));
    }
    return builder
        .add("gap", new Op.GlobalAvgPool())
        .add("fc", new Op.Linear(channels, classes, true))
        .build();
  }
}
