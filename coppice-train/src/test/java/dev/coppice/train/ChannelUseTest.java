package dev.coppice.train;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Notation;
import dev.coppice.graph.Op;
import dev.coppice.graph.Shape;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Which channels are computed under which masks. */
class ChannelUseTest {
  private static final Graph CHAIN =
      Notation.parse("4C3-6C3-P2-FC3", new Shape.Map(4, 4, 2), Small.NEURON);

  private final NDManager manager = NDManager.newBaseManager(Device.cpu(), "PyTorch");

  @AfterEach
  void close() {
    manager.close();
  }

  /** A network whose weights can be taken away. */
  private final class Masked {
    private final Graph graph;
    private final Parameters parameters;
    private final ChannelUse use;
    private final Map<String, Tensor> masks = new HashMap<>();

    Masked(Graph graph) {
      this.graph = graph;
      parameters = new Parameters(manager, graph, Small.weights(graph, 1));
      use = new ChannelUse(graph, parameters);
    }

    Masked withoutRow(String node, int channel) {
      Tensor mask = mask(node);
      int row = mask.size() / mask.shape()[0];
      Arrays.fill(mask.data(), channel * row, (channel + 1) * row, 0);
      return this;
    }

    Masked withoutColumn(String node, int channel, int channels) {
      Tensor mask = mask(node);
      for (int k = channel; k < mask.size(); k += channels) {
        mask.data()[k] = 0;
      }
      return this;
    }

    private Tensor mask(String node) {
      return masks.computeIfAbsent(
          node + ".weight",
          name -> {
            int[] shape = Objects.requireNonNull(Weights.expected(graph).get(name));
            float[] ones = new float[parameters.size(name)];
            Arrays.fill(ones, 1);
            return new Tensor(shape, ones);
          });
    }

    List<Integer> live(String convolution, Probes probes) {
      parameters.mask(masks, List.of());
      List<Integer> live = new ArrayList<>();
      LiveChannels found = use.of(convolution, Pass.of(manager, 1, 1, true, 0, probes, null));
      found.part(
          0,
          found.count(),
          (from, to) -> {
            for (int k = from; k < to; k++) {
              live.add(k);
            }
          });
      found.eachOther(
          (from, to) -> {
            for (int k = from; k < to; k++) {
              assertThat(live).doesNotContain(k);
            }
          });
      return live;
    }
  }

  @Test
  void aChannelIsLeftOutWhenNeitherItNorItsReadersHaveWeights() {
    Masked masked = new Masked(CHAIN).withoutRow("conv1", 0).withoutRow("conv1", 2);
    assertThat(masked.live("conv1", Probes.NONE)).containsExactly(0, 1, 2, 3);
    masked.withoutColumn("conv2", 2, 4).withoutColumn("conv2", 3, 4);
    assertThat(masked.live("conv1", Probes.NONE)).containsExactly(0, 1, 3);
    masked.withoutColumn("conv2", 0, 4);
    assertThat(masked.live("conv1", Probes.NONE)).containsExactly(1, 3);
  }

  @Test
  void aFlattenedMapIsReadByChannels() {
    Masked masked = new Masked(CHAIN).withoutRow("conv2", 5).withoutColumn("fc1", 5, 6);
    assertThat(masked.live("conv2", Probes.NONE)).containsExactly(0, 1, 2, 3, 4);
  }

  @Test
  void allChannelsAreComputedWhereSomebodyLooks() {
    Masked masked = new Masked(CHAIN).withoutRow("conv1", 0).withoutColumn("conv2", 0, 4);
    assertThat(masked.live("conv1", Probes.outputs(Set.of("neuron2")))).containsExactly(0, 1, 2, 3);
    assertThat(masked.live("conv1", Probes.NONE)).containsExactly(1, 2, 3);
  }

  @Test
  void sumsAndOutputsReadAllChannels() {
    Graph graph =
        Graph.builder(new Shape.Map(4, 4, 2))
            .add("conv1", Op.Conv2d.same(2, 4, 3, 1))
            .add("conv2", Op.Conv2d.same(4, 4, 3, 1))
            .add("add", new Op.Add(), "conv1", "conv2")
            .build();
    Masked masked = new Masked(graph).withoutRow("conv1", 1).withoutColumn("conv2", 1, 4);
    masked.withoutRow("conv2", 1);
    assertThat(masked.live("conv1", Probes.NONE)).hasSize(4);
    assertThat(masked.live("conv2", Probes.NONE)).hasSize(4);
  }

  @Test
  void allMayBeLeftOut() {
    Masked masked = new Masked(CHAIN);
    for (int k = 0; k < 4; k++) {
      masked.withoutRow("conv1", k).withoutColumn("conv2", k, 4);
    }
    assertThat(masked.live("conv1", Probes.NONE)).isEmpty();
  }
}
