package dev.coppice.graph;

import static org.assertj.core.api.Assertions.assertThat;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class DenseOperationsTest {
  @Property(tries = 300)
  void aConvolutionCountsEveryTapOnTheMap(
      @ForAll @IntRange(min = 1, max = 9) int height,
      @ForAll @IntRange(min = 1, max = 9) int width,
      @ForAll @IntRange(min = 1, max = 5) int kernel,
      @ForAll @IntRange(min = 1, max = 4) int stride,
      @ForAll @IntRange(min = 0, max = 4) int padding,
      @ForAll @IntRange(min = 1, max = 3) int groups) {
    int taller = Math.max(height, kernel);
    int wider = Math.max(width, kernel);
    Op.Conv2d conv = new Op.Conv2d(2 * groups, 3 * groups, kernel, stride, padding, groups, false);
    Graph graph = Graph.builder(new Shape.Map(taller, wider, 2 * groups)).add("conv", conv).build();
    Shape.Map out = (Shape.Map) graph.shape("conv");
    long expected = 0;
    for (int y = 0; y < out.height(); y++) {
      for (int x = 0; x < out.width(); x++) {
        for (int ky = 0; ky < kernel; ky++) {
          for (int kx = 0; kx < kernel; kx++) {
            int row = y * stride + ky - padding;
            int column = x * stride + kx - padding;
            if (row >= 0 && row < taller && column >= 0 && column < wider) {
              expected += 2L * 3 * groups;
            }
          }
        }
      }
    }

    assertThat(DenseOperations.perStep(graph, graph.node("conv"))).isEqualTo(expected);
  }

  @Test
  void aLinearLayerCountsItsWeightsAndTheRestNothing() {
    Graph graph =
        Graph.builder(new Shape.Map(2, 3, 4))
            .add("flatten", new Op.Flatten())
            .add("fc", new Op.Linear(24, 7, true))
            .build();

    assertThat(DenseOperations.perStep(graph, graph.node("fc"))).isEqualTo(168);
    assertThat(DenseOperations.perStep(graph, graph.node("flatten"))).isZero();
  }

  @Test
  void aNetworkCountsItsNodes() {
    Graph graph =
        Graph.builder(new Shape.Map(2, 2, 3))
            .add("conv", new Op.Conv2d(3, 5, 1, 1, 0, 1, false))
            .add("flatten", new Op.Flatten())
            .add("fc", new Op.Linear(20, 7, true))
            .build();

    assertThat(DenseOperations.perStep(graph)).isEqualTo(4 * 15 + 140);
  }
}
