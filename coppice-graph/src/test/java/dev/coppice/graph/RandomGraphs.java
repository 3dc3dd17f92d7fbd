package dev.coppice.graph;

import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/** Draws small networks that use every operation. */
final class RandomGraphs {
  private final Random random;
  private final Graph.Builder builder;
  private Shape shape;
  private int count;

  private RandomGraphs(long seed) {
    random = new Random(seed);
    Shape.Map input = new Shape.Map(between(4, 9), between(4, 9), between(1, 4));
    shape = input;
    builder = Graph.builder(input);
  }

  static Graph draw(long seed) {
    RandomGraphs drawn = new RandomGraphs(seed);
    int steps = drawn.between(1, 10);
    for (int i = 0; i < steps; i++) {
      drawn.step();
    }
    if (drawn.shape instanceof Shape.Map map) {
      boolean pool = drawn.random.nextBoolean();
      drawn.add(pool ? new Op.GlobalAvgPool() : new Op.Flatten());
      drawn.shape = new Shape.Vector(pool ? map.channels() : map.size());
      drawn.step();
    }
    drawn.add(new Op.Linear(drawn.shape.size(), drawn.between(1, 5), drawn.random.nextBoolean()));
    return drawn.builder.build();
  }

  private void step() {
    switch (random.nextInt(8)) {
      case 0 -> add(neuron());
      case 1 -> add(new Op.Dropout(random.nextFloat()));
      case 2 ->
          add(
              new Op.BatchNorm(
                  shape.channels(),
                  0.001f + random.nextFloat(),
                  random.nextFloat(),
                  random.nextFloat()));
      case 3 -> {
        String branch = builder.last();
        add(neuron());
        String other = builder.last();
        builder.add("node" + ++count, new Op.Add(), other, branch);
      }
      case 4 -> select();
      case 5 -> add(new Op.Gate());
      default -> weigh();
    }
  }

  private void select() {
    int certain = random.nextInt(shape.channels());
    List<Integer> channels =
        IntStream.range(0, shape.channels())
            .filter(channel -> channel == certain || random.nextBoolean())
            .boxed()
            .toList();
    add(new Op.Select(channels));
    shape =
        shape instanceof Shape.Map map
            ? new Shape.Map(map.height(), map.width(), channels.size())
            : new Shape.Vector(channels.size());
  }

  private void weigh() {
    if (shape instanceof Shape.Map map) {
      int smallest = Math.min(map.height(), map.width());
      int kernel = between(1, Math.min(4, smallest));
      int stride = between(1, 3);
      int padding = 0;
      int channels = map.channels();
      switch (random.nextInt(4)) {
        case 0 -> add(new Op.AvgPool(kernel, stride));
        case 1 -> add(new Op.MaxPool(kernel, stride));
        default -> {
          padding = between(0, 2);
          int groups = random.nextBoolean() ? 1 : map.channels();
          channels = groups * between(1, 2);
          boolean bias = random.nextBoolean();
          add(new Op.Conv2d(map.channels(), channels, kernel, stride, padding, groups, bias));
        }
      }
      shape =
          new Shape.Map(
              positions(map.height() + 2 * padding, kernel, stride),
              positions(map.width() + 2 * padding, kernel, stride),
              channels);
    } else {
      int features = between(1, 8);
      add(new Op.Linear(shape.size(), features, random.nextBoolean()));
      shape = new Shape.Vector(features);
    }
  }

  /** Counts the places of a window by sliding it. */
  static int positions(int size, int kernel, int stride) {
    int count = 0;
    for (int start = 0; start + kernel <= size; start += stride) {
      count++;
    }
    return count;
  }

  private Op.Neuron neuron() {
    Charge charge =
        switch (random.nextInt(3)) {
          case 0 -> new Charge.Decay(random.nextFloat());
          case 1 -> new Charge.TimeConstant(1 + random.nextFloat(), random.nextBoolean());
          default -> new Charge.Integrate();
        };
    Reset reset =
        random.nextBoolean() ? new Reset.Hard((float) random.nextGaussian()) : new Reset.Soft();
    float positive = 0.01f + random.nextFloat();
    Surrogate surrogate =
        switch (random.nextInt(5)) {
          case 0 -> new Surrogate.ATan(positive);
          case 1 -> new Surrogate.Sigmoid(positive);
          case 2 -> new Surrogate.Tanh(positive);
          case 3 -> new Surrogate.Triangle(positive);
          default -> new Surrogate.Rectangle(positive);
        };
    return new Op.Neuron(
        charge,
        0.01f + random.nextFloat(),
        random.nextBoolean(),
        reset,
        random.nextBoolean(),
        surrogate);
  }

  private void add(Op op) {
    builder.add("node" + ++count, op);
  }

  private int between(int least, int most) {
    return least + random.nextInt(most - least + 1);
  }
}
