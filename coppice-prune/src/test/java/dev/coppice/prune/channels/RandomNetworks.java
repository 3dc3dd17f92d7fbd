package dev.coppice.prune.channels;

import dev.coppice.graph.Charge;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Op;
import dev.coppice.graph.Reset;
import dev.coppice.graph.Shape;
import dev.coppice.graph.Surrogate;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Draws networks of every operation with branches, shared values and several ways to the output.
 */
final class RandomNetworks {
  private static final int CLASSES = 3;

  private final SplittableRandom random;
  private final Graph.Builder builder;
  private final Map<String, Shape> shapes = new LinkedHashMap<>();
  private final Set<String> unread = new HashSet<>();

  private RandomNetworks(long seed) {
    random = new SplittableRandom(seed);
    Shape.Map input = new Shape.Map(6, 6, 2);
    builder = Graph.builder(input);
    shapes.put("input", input);
    unread.add("input");
  }

  static Graph draw(long seed) {
    RandomNetworks drawn = new RandomNetworks(seed);
    drawn.convolve("input");
    int steps = 5 + drawn.random.nextInt(14);
    for (int i = 0; i < steps; i++) {
      drawn.step();
    }
    return drawn.finish();
  }

  /** Every value that nobody reads gets logits of its own; the output is their sum. */
  private Graph finish() {
    List<String> logits = new ArrayList<>();
    for (String name : List.copyOf(unread).stream().sorted().toList()) {
      logits.add(linear(vector(name), CLASSES));
    }
    if (logits.size() > 1) {
      add(new Op.Add(), new Shape.Vector(CLASSES), logits);
    }
    return builder.build();
  }

  private String vector(String name) {
    if (shape(name) instanceof Shape.Map map) {
      return random.nextBoolean()
          ? add(new Op.Flatten(), new Shape.Vector(map.size()), List.of(name))
          : add(new Op.GlobalAvgPool(), new Shape.Vector(map.channels()), List.of(name));
    }
    return name;
  }

  private void step() {
    List<String> names = List.copyOf(shapes.keySet());
    boolean branch = random.nextInt(4) == 0;
    String from = branch ? names.get(random.nextInt(names.size())) : names.getLast();
    switch (random.nextInt(9)) {
      case 0, 1 -> sum(from);
      case 2, 3, 4 -> {
        convolve(from);
        if (random.nextInt(3) > 0) {
          pass(new Op.BatchNorm(channels(last()), 1e-5f, 0.1f, 1), last());
        }
        if (random.nextInt(3) > 0) {
          pass(neuron(), last());
        }
      }
      case 5 -> {
        pass(Op.BatchNorm.of(channels(from)), from);
        pass(neuron(), last());
        convolve(last());
      }
      case 6 -> pool(from);
      case 7 ->
          pass(
              switch (random.nextInt(3)) {
                case 0 -> neuron();
                case 1 -> new Op.Dropout(0.2f);
                default -> new Op.Gate();
              },
              from);
      default -> {
        if (random.nextInt(3) == 0) {
          select(from);
        } else {
          residual(from);
        }
      }
    }
  }

  private void convolve(String from) {
    if (!(shape(from) instanceof Shape.Map map)) {
      linear(from, 1 + random.nextInt(8));
      return;
    }
    int in = map.channels();
    int kind = random.nextInt(8);
    int groups = kind == 0 ? in : kind == 1 && in % 2 == 0 ? 2 : 1;
    int out = groups == 1 ? 1 + random.nextInt(6) : groups * (1 + random.nextInt(2));
    convolve(from, map, out, groups, map.height() > 3 && random.nextInt(4) == 0 ? 2 : 1);
  }

  private String convolve(String from, Shape.Map map, int out, int groups, int stride) {
    int kernel = random.nextBoolean() ? 3 : 1;
    int side = (map.height() + 2 * (kernel / 2) - kernel) / stride + 1;
    return add(
        new Op.Conv2d(
            map.channels(), out, kernel, stride, kernel / 2, groups, random.nextBoolean()),
        new Shape.Map(side, side, out),
        List.of(from));
  }

  /** A block before or behind whose convolutions the neurons stand, and a shortcut around it. */
  private void residual(String from) {
    if (!(shape(from) instanceof Shape.Map map)) {
      return;
    }
    boolean first = random.nextBoolean();
    int inner = 1 + random.nextInt(4);
    String at = from;
    for (int width : new int[] {inner, map.channels()}) {
      if (first) {
        at = pass(neuron(), pass(Op.BatchNorm.of(channels(at)), at));
      }
      at = convolve(at, new Shape.Map(map.height(), map.width(), channels(at)), width, 1, 1);
      if (!first) {
        at = pass(Op.BatchNorm.of(width), at);
        at = width == inner && random.nextBoolean() ? pass(neuron(), at) : at;
      }
    }
    String added = add(new Op.Add(), map, List.of(at, from));
    if (!first) {
      pass(neuron(), added);
    }
  }

  private void sum(String from) {
    List<String> alike =
        shapes.keySet().stream()
            .filter(name -> !name.equals(from) && shape(name).equals(shape(from)))
            .toList();
    if (!alike.isEmpty()) {
      String other = alike.get(random.nextInt(alike.size()));
      add(new Op.Add(), shape(from), List.of(from, other));
    }
  }

  private void pool(String from) {
    if (!(shape(from) instanceof Shape.Map map)) {
      return;
    }
    if (map.height() < 3) {
      vector(from);
      return;
    }
    int side = (map.height() - 2) / 2 + 1;
    add(
        random.nextBoolean() ? new Op.AvgPool(2, 2) : new Op.MaxPool(2, 2),
        new Shape.Map(side, side, map.channels()),
        List.of(from));
  }

  private void select(String from) {
    int certain = random.nextInt(channels(from));
    List<Integer> channels =
        IntStream.range(0, channels(from))
            .filter(channel -> channel == certain || random.nextInt(4) > 0)
            .boxed()
            .toList();
    Shape selected =
        shape(from) instanceof Shape.Map map
            ? new Shape.Map(map.height(), map.width(), channels.size())
            : new Shape.Vector(channels.size());
    add(new Op.Select(channels), selected, List.of(from));
  }

  private String linear(String from, int features) {
    return add(
        new Op.Linear(channels(from), features, random.nextBoolean()),
        new Shape.Vector(features),
        List.of(from));
  }

  private Op.Neuron neuron() {
    Charge charge =
        switch (random.nextInt(3)) {
          case 0 -> new Charge.Decay(0.25f);
          case 1 -> new Charge.TimeConstant(4f / 3, random.nextBoolean());
          default -> new Charge.Integrate();
        };
    Reset reset =
        random.nextBoolean() ? new Reset.Soft() : new Reset.Hard(0.2f * random.nextInt(-1, 2));
    return new Op.Neuron(
        charge,
        0.4f + 0.3f * (float) random.nextDouble(),
        random.nextBoolean(),
        reset,
        random.nextBoolean(),
        new Surrogate.ATan(2));
  }

  private String pass(Op op, String from) {
    return add(op, shape(from), List.of(from));
  }

  private String add(Op op, Shape shape, List<String> inputs) {
    String name = "node" + shapes.size();
    builder.add(name, op, inputs.toArray(String[]::new));
    shapes.put(name, shape);
    inputs.forEach(unread::remove);
    unread.add(name);
    return name;
  }

  private String last() {
    return builder.last();
  }

  private int channels(String name) {
    return shape(name).channels();
  }

  private Shape shape(String name) {
    return Objects.requireNonNull(shapes.get(name));
  }
}
