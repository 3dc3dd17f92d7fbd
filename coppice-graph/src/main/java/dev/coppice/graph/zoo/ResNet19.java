package dev.coppice.graph.zoo;

import dev.coppice.graph.Graph;
import dev.coppice.graph.GraphException;
import dev.coppice.graph.Op;
import dev.coppice.graph.Shape;

/**
 * The two networks that the literature calls ResNet-19: a stem of 64 channels and three stages of
 * 3, 3 and 2 blocks with 128, 256 and 512 channels.
 */
public final class ResNet19 {
  private static final int STEM = 64;
  private static final int[] CHANNELS = {128, 256, 512};
  private static final int[] BLOCKS = {3, 3, 2};

  private ResNet19() {}

  /**
   * Returns the form of arXiv 2311.16141: neurons before convolutions, shortcuts that carry real
   * values, stride 2 in all three stages, one linear layer; 12,500,298 parameters for 3 input
   * channels, 10 classes and width 1. Nodes are {@code conv1} (the stem), {@code block1.bn1,
   * .neuron1, .conv1, .bn2, .neuron2, .conv2, .shortcut, .add, …, bn, neuron, gap, fc}.
   *
   * @param width the multiplier of all channels
   * @throws GraphException if a number is absurd
   */
  public static Graph preActivation(Shape.Map input, int classes, Op.Neuron neuron, double width) {
    Width scale = new Width(width);
    int channels = scale.of(STEM);
    Graph.Builder builder =
        Graph.builder(input).add("conv1", Op.Conv2d.same(input.channels(), channels, 3, 1));
    int number = 0;
    for (int stage = 0; stage < CHANNELS.length; stage++) {
      for (int i = 0; i < BLOCKS[stage]; i++) {
        String block = "block" + ++number;
        int next = scale.of(CHANNELS[stage]);
        int stride = i == 0 ? 2 : 1;
        String raw = builder.last();
        builder
            .add(block + ".bn1", Op.BatchNorm.of(channels))
            .add(block + ".neuron1", neuron)
            .add(block + ".conv1", Op.Conv2d.same(channels, next, 3, stride))
            .add(block + ".bn2", Op.BatchNorm.of(next))
            .add(block + ".neuron2", neuron)
            .add(block + ".conv2", Op.Conv2d.same(next, next, 3, 1));
        String shortcut = raw;
        if (stride != 1 || channels != next) {
          shortcut = block + ".shortcut";
          builder.add(shortcut, Op.Conv2d.same(channels, next, 1, stride), raw);
        }
        builder.add(block + ".add", new Op.Add(), block + ".conv2", shortcut);
        channels = next;
      }
    }
    return builder
        .add("bn", Op.BatchNorm.of(channels))
        .add("neuron", neuron)
        .add("gap", new Op.GlobalAvgPool())
        .add("fc", new Op.Linear(channels, classes, true))
        .build();
  }

  /**
   * Returns the form of TET (arXiv 2202.11946): neurons after batch norms and after the additions,
   * strides 1, 2 and 2, a hidden linear layer of 256; 12,630,858 parameters for 3 input channels,
   * 10 classes and width 1. Nodes are {@code conv1, bn1, neuron1} (the stem), {@code block1.conv1,
   * .bn1, .neuron1, .conv2, .bn2, .shortcut, .shortcut_bn, .add, .neuron2, …, gap, fc1, neuron,
   * fc2}.
   *
   * @param width the multiplier of all channels and of the hidden layer
   * @throws GraphException if a number is absurd
   */
  public static Graph postActivation(Shape.Map input, int classes, Op.Neuron neuron, double width) {
    Width scale = new Width(width);
    int channels = scale.of(STEM);
    Graph.Builder builder =
        Graph.builder(input)
            .add("conv1", Op.Conv2d.same(input.channels(), channels, 3, 1))
            .add("bn1", Op.BatchNorm.of(channels))
            .add("neuron1", neuron);
    int number = 0;
    for (int stage = 0; stage < CHANNELS.length; stage++) {
      for (int i = 0; i < BLOCKS[stage]; i++) {
        String block = "block" + ++number;
        int next = scale.of(CHANNELS[stage]);
        int stride = i == 0 && stage > 0 ? 2 : 1;
        String spikes = builder.last();
        builder
            .add(block + ".conv1", Op.Conv2d.same(channels, next, 3, stride))
            .add(block + ".bn1", Op.BatchNorm.of(next))
            .add(block + ".neuron1", neuron)
            .add(block + ".conv2", Op.Conv2d.same(next, next, 3, 1))
            .add(block + ".bn2", Op.BatchNorm.of(next));
        String shortcut = spikes;
        if (stride != 1 || channels != next) {
          shortcut = block + ".shortcut_bn";
          builder
              .add(block + ".shortcut", Op.Conv2d.same(channels, next, 1, stride), spikes)
              .add(shortcut, Op.BatchNorm.of(next));
        }
        builder
            .add(block + ".add", new Op.Add(), block + ".bn2", shortcut)
            .add(block + ".neuron2", neuron);
        channels = next;
      }
    }
    int hidden = scale.of(256);
    return builder
        .add("gap", new Op.GlobalAvgPool())
        .add("fc1", new Op.Linear(channels, hidden, true))
        .add("neuron", neuron)
        .add("fc2", new Op.Linear(hidden, classes, true))
        .build();
  }
}
