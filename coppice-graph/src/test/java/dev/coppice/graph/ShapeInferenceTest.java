package dev.coppice.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class ShapeInferenceTest {
  private static Graph.Builder input(int height, int width, int channels) {
    return Graph.builder(new Shape.Map(height, width, channels));
  }

  @Property(tries = 300)
  void agreesWithSlidingWindowsByHand(@ForAll long seed) {
    Graph graph = RandomGraphs.draw(seed);
    for (Node node : graph.nodes()) {
      assertThat(graph.shape(node.name())).isEqualTo(naive(graph, node));
    }
  }

  private static Shape naive(Graph graph, Node node) {
    if (node.op() instanceof Op.Input(Shape shape)) {
      return shape;
    }
    Shape read = graph.shape(node.inputs().getFirst());
    return switch (node.op()) {
      case Op.Conv2d conv -> {
        Shape.Map map = (Shape.Map) read;
        int around = 2 * conv.padding();
        yield new Shape.Map(
            RandomGraphs.positions(map.height() + around, conv.kernel(), conv.stride()),
            RandomGraphs.positions(map.width() + around, conv.kernel(), conv.stride()),
            conv.outChannels());
      }
      case Op.AvgPool(int kernel, int stride) -> pooled((Shape.Map) read, kernel, stride);
      case Op.MaxPool(int kernel, int stride) -> pooled((Shape.Map) read, kernel, stride);
      case Op.Linear linear -> new Shape.Vector(linear.outFeatures());
      case Op.GlobalAvgPool _ -> new Shape.Vector(read.channels());
      case Op.Flatten _ -> new Shape.Vector(read.size());
      case Op.Select(List<Integer> channels) ->
          read instanceof Shape.Map(int height, int width, int _)
              ? new Shape.Map(height, width, channels.size())
              : new Shape.Vector(channels.size());
      default -> read;
    };
  }

  private static Shape pooled(Shape.Map map, int kernel, int stride) {
    return new Shape.Map(
        RandomGraphs.positions(map.height(), kernel, stride),
        RandomGraphs.positions(map.width(), kernel, stride),
        map.channels());
  }

  @Test
  void namesBothNodesOfAMismatch() {
    assertThatThrownBy(
            () ->
                input(8, 8, 32)
                    .add("pool1", new Op.AvgPool(2, 2))
                    .add("conv2", Op.Conv2d.same(64, 8, 3, 1))
                    .build())
        .isInstanceOf(GraphException.class)
        .hasMessage("conv2: expects 64 input channels, pool1 gives 32");
    assertThatThrownBy(
            () ->
                input(1, 1, 3)
                    .add("conv7", Op.Conv2d.same(3, 3, 3, 1))
                    .add("pool4", new Op.MaxPool(2, 2))
                    .build())
        .hasMessage("pool4: a 2x2 window does not fit the 1x1 map of conv7");
    assertThatThrownBy(
            () ->
                input(4, 4, 3)
                    .add("conv3", Op.Conv2d.same(3, 64, 3, 1))
                    .add("fc", new Op.Linear(1024, 10, true))
                    .build())
        .hasMessage("fc: needs a vector, conv3 gives 4x4x64; flatten or pool it first");
    assertThatThrownBy(
            () ->
                input(4, 4, 3)
                    .add("a", Op.Conv2d.same(3, 3, 3, 2))
                    .add("sum", new Op.Add(), "input", "a")
                    .build())
        .hasMessage("sum: adds equal shapes, but input gives 4x4x3 and a gives 2x2x3");
    assertThatThrownBy(() -> input(4, 4, 3).add("bn", Op.BatchNorm.of(4)).build())
        .hasMessage("bn: expects 4 channels, input gives 3");
    assertThatThrownBy(
            () ->
                input(4, 4, 3)
                    .add("flat", new Op.Flatten())
                    .add("fc", new Op.Linear(47, 2, false))
                    .build())
        .hasMessage("fc: expects 47 inputs, flat gives 48");
    assertThatThrownBy(
            () -> Graph.builder(new Shape.Vector(7)).add("gap", new Op.GlobalAvgPool()).build())
        .hasMessage("gap: needs a feature map, input gives a vector of 7");
    assertThatThrownBy(
            () ->
                input(4, 4, 3)
                    .add("conv", Op.Conv2d.same(3, 8, 3, 1))
                    .add("some", new Op.Select(List.of(0, 8)))
                    .build())
        .hasMessage("some: selects channel 8 of conv, which has channels 0 to 7");
  }

  @Test
  void refusesMapsThatOverflow() {
    assertThatThrownBy(
            () -> input(30_000, 30_000, 1).add("conv", Op.Conv2d.same(1, 1000, 1, 1)).build())
        .isInstanceOf(GraphException.class)
        .hasMessage("conv: its output of 30000x30000x1000 is too large");
    assertThatThrownBy(
            () ->
                input(Integer.MAX_VALUE, 1, 1)
                    .add("conv", new Op.Conv2d(1, 1, 1, 1, 1024, 1, false))
                    .build())
        .isInstanceOf(GraphException.class)
        .hasMessageContaining("too large");
  }
}
