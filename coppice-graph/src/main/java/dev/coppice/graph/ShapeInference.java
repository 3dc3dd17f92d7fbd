package dev.coppice.graph;

import java.util.List;

/** Works out what a node gives from what it reads. */
final class ShapeInference {
  private ShapeInference() {}

  /**
   * Returns the shape that {@code node} gives.
   *
   * @param shapes those of its inputs, in order
   * @throws GraphException if the node cannot read them
   */
  static Shape infer(Node node, List<Shape> shapes) {
    checkInputCount(node);
    return switch (node.op()) {
      case Op.Input input -> input.shape();
      case Op.Conv2d conv -> convolve(node, conv, map(node, shapes));
      case Op.Linear linear -> multiply(node, linear, shapes.getFirst());
      case Op.BatchNorm norm -> {
        checkChannels(node, "channels", norm.channels(), shapes.getFirst());
        yield shapes.getFirst();
      }
      case Op.AvgPool pool ->
          slide(node, map(node, shapes), pool.kernel(), pool.stride(), 0, shapes.getFirst());
      case Op.MaxPool pool ->
          slide(node, map(node, shapes), pool.kernel(), pool.stride(), 0, shapes.getFirst());
      case Op.GlobalAvgPool _ -> new Shape.Vector(map(node, shapes).channels());
      case Op.Flatten _ -> new Shape.Vector(map(node, shapes).size());
      case Op.Add _ -> add(node, shapes);
      case Op.Neuron _, Op.Dropout _, Op.Gate _ -> shapes.getFirst();
      case Op.Select select -> select(node, select, shapes.getFirst());
    };
  }

  private static void checkInputCount(Node node) {
    int count = node.inputs().size();
    boolean right =
        switch (node.op()) {
          case Op.Input _ -> count == 0;
          case Op.Add _ -> count >= 2;
          default -> count == 1;
        };
    if (!right) {
      String expected =
          switch (node.op()) {
            case Op.Input _ -> "no inputs";
            case Op.Add _ -> "two or more inputs";
            default -> "one input";
          };
      throw new GraphException(node.name() + ": needs " + expected + ", has " + count);
    }
  }

  private static Shape.Map map(Node node, List<Shape> shapes) {
    if (shapes.getFirst() instanceof Shape.Map map) {
      return map;
    }
    throw new GraphException(
        node.name()
            + ": needs a feature map, "
            + node.inputs().getFirst()
            + " gives a vector of "
            + shapes.getFirst());
  }

  private static Shape convolve(Node node, Op.Conv2d conv, Shape.Map map) {
    checkChannels(node, "input channels", conv.inChannels(), map);
    Shape.Map kept = slide(node, map, conv.kernel(), conv.stride(), conv.padding(), map);
    return map(node, kept.height(), kept.width(), conv.outChannels());
  }

  private static Shape.Map slide(
      Node node, Shape.Map map, int kernel, int stride, int padding, Shape read) {
    long height = (long) map.height() + 2L * padding - kernel;
    long width = (long) map.width() + 2L * padding - kernel;
    if (height < 0 || width < 0) {
      throw new GraphException(
          node.name()
              + ": a "
              + kernel
              + "x"
              + kernel
              + " window does not fit the "
              + map.height()
              + "x"
              + map.width()
              + " map of "
              + node.inputs().getFirst());
    }
    return map(node, height / stride + 1, width / stride + 1, read.channels());
  }

  private static Shape.Map map(Node node, long height, long width, int channels) {
    try {
      return new Shape.Map(Math.toIntExact(height), Math.toIntExact(width), channels);
    } catch (ArithmeticException | IllegalArgumentException e) {
      throw new GraphException(
          node.name()
              + ": its output of "
              + height
              + "x"
              + width
              + "x"
              + channels
              + " is too large",
          e);
    }
  }

  private static Shape multiply(Node node, Op.Linear linear, Shape shape) {
    if (shape instanceof Shape.Map) {
      throw new GraphException(
          node.name()
              + ": needs a vector, "
              + node.inputs().getFirst()
              + " gives "
              + shape
              + "; flatten or pool it first");
    }
    checkChannels(node, "inputs", linear.inFeatures(), shape);
    return new Shape.Vector(linear.outFeatures());
  }

  private static Shape add(Node node, List<Shape> shapes) {
    for (int i = 1; i < shapes.size(); i++) {
      if (!shapes.get(i).equals(shapes.getFirst())) {
        throw new GraphException(
            node.name()
                + ": adds equal shapes, but "
                + node.inputs().getFirst()
                + " gives "
                + shapes.getFirst()
                + " and "
                + node.inputs().get(i)
                + " gives "
                + shapes.get(i));
      }
    }
    return shapes.getFirst();
  }

  private static Shape select(Node node, Op.Select select, Shape read) {
    int last = select.channels().getLast();
    if (last >= read.channels()) {
      throw new GraphException(
          node.name()
              + ": selects channel "
              + last
              + " of "
              + node.inputs().getFirst()
              + ", which has channels 0 to "
              + (read.channels() - 1));
    }
    int count = select.channels().size();
    return switch (read) {
      case Shape.Map map -> new Shape.Map(map.height(), map.width(), count);
      case Shape.Vector _ -> new Shape.Vector(count);
    };
  }

  private static void checkChannels(Node node, String what, int expected, Shape found) {
    if (expected != found.channels()) {
      throw new GraphException(
          node.name()
              + ": expects "
              + expected
              + " "
              + what
              + ", "
              + node.inputs().getFirst()
              + " gives "
              + found.channels());
    }
  }
}
