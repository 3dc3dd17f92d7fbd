package dev.coppice.prune.channels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;

import dev.coppice.graph.Graph;
import dev.coppice.graph.Notation;
import dev.coppice.graph.Op;
import dev.coppice.graph.Reset;
import dev.coppice.graph.Shape;
import dev.coppice.graph.zoo.ResNet19;
import dev.coppice.graph.zoo.Vgg;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ChannelGroupsTest {
  private static final Shape.Map IMAGE = new Shape.Map(8, 8, 3);
  private static final Op.Neuron NEURON = Op.Neuron.lif(2);

  private static ChannelGroup group(
      String name, int channels, List<String> norms, List<String> neurons) {
    return new ChannelGroup(name, channels, norms, neurons);
  }

  private static List<String> names(List<ChannelGroup> groups) {
    return groups.stream().map(ChannelGroup::name).toList();
  }

  @ParameterizedTest
  @EnumSource
  void aChainHasAGroupALayer(Residual residual) {
    Graph graph = Notation.parse("4C3-P2-6C3-D0.1-FC5-FC3", IMAGE, NEURON);
    assertThat(ChannelGroups.of(graph, residual))
        .containsExactly(
            group("conv1", 4, List.of("bn1"), List.of("neuron1")),
            group("conv2", 6, List.of("bn2"), List.of("neuron2")),
            group("fc1", 5, List.of(), List.of("neuron3")));
    assertThat(ChannelGroups.fixed(graph, residual))
        .containsExactly(
            entry("input", "input is the network's input"),
            entry("fc2", "fc2 is the network's output"));
  }

  @Test
  void vggHasEightGroups() {
    Graph graph = Vgg.vgg11(new Shape.Map(32, 32, 3), 10, NEURON, 1);
    assertThat(ChannelGroups.of(graph, Residual.GROUP))
        .hasSize(8)
        .contains(group("conv8", 512, List.of("bn8"), List.of("neuron8")));
  }

  @Test
  void aPreActivationStageIsOneGroup() {
    Graph graph = ResNet19.preActivation(IMAGE, 10, NEURON, 0.125);
    List<ChannelGroup> groups = ChannelGroups.of(graph, Residual.GROUP);
    // The stem, three streams and the inner channels of eight blocks.
    assertThat(groups).hasSize(1 + 3 + 8);
    assertThat(groups)
        .contains(
            group("conv1", 8, List.of("block1.bn1"), List.of("block1.neuron1")),
            group("block1.conv1", 16, List.of("block1.bn2"), List.of("block1.neuron2")),
            group(
                "block1.conv2",
                16,
                List.of("block2.bn1", "block3.bn1", "block4.bn1"),
                List.of("block2.neuron1", "block3.neuron1", "block4.neuron1")),
            group(
                "block7.conv2",
                64,
                List.of("block8.bn1", "bn"),
                List.of("block8.neuron1", "neuron")));
  }

  @Test
  void batchNormsSelectFromAPreActivationStream() {
    Graph graph = ResNet19.preActivation(IMAGE, 10, NEURON, 0.125);
    List<ChannelGroup> groups = ChannelGroups.of(graph, Residual.SELECT);
    // The stem, eight inner groups, and eight batch norms behind streams.
    assertThat(groups).hasSize(1 + 8 + 8);
    assertThat(groups)
        .contains(
            group("block2.bn1", 16, List.of("block2.bn1"), List.of("block2.neuron1")),
            group("block4.bn1", 16, List.of("block4.bn1"), List.of("block4.neuron1")),
            group("bn", 64, List.of("bn"), List.of("neuron")));
    assertThat(ChannelGroups.fixed(graph, Residual.SELECT))
        .contains(entry("block1.conv2", "the residual stream through block1.add keeps its width"));
  }

  @Test
  void aPostActivationStreamHasTheNormsOfItsBranches() {
    Graph graph = ResNet19.postActivation(IMAGE, 10, NEURON, 0.125);
    List<ChannelGroup> grouped = ChannelGroups.of(graph, Residual.GROUP);
    assertThat(grouped).hasSize(1 + 3 + 8 + 1);
    assertThat(grouped)
        .contains(
            group(
                "block7.conv2",
                64,
                List.of("block7.bn2", "block7.shortcut_bn", "block8.bn2"),
                List.of("block7.neuron2", "block8.neuron2")));
    // No batch norm reads a stream.
    assertThat(names(ChannelGroups.of(graph, Residual.SELECT)))
        .containsExactly(
            "conv1",
            "block1.conv1",
            "block2.conv1",
            "block3.conv1",
            "block4.conv1",
            "block5.conv1",
            "block6.conv1",
            "block7.conv1",
            "block8.conv1",
            "fc1");
  }

  @Test
  void aDepthwiseConvolutionPassesChannels() {
    Graph graph =
        Graph.builder(IMAGE)
            .add("conv", Op.Conv2d.same(3, 4, 3, 1))
            .add("n1", NEURON)
            .add("deep", new Op.Conv2d(4, 8, 3, 1, 1, 4, true))
            .add("bn", Op.BatchNorm.of(8))
            .add("n2", NEURON)
            .add("gap", new Op.GlobalAvgPool())
            .add("fc", new Op.Linear(8, 3, true))
            .build();
    // Two outputs for a channel: the batch norm goes along, but has no value per channel.
    assertThat(ChannelGroups.of(graph, Residual.GROUP))
        .containsExactly(group("conv", 4, List.of(), List.of("n1")));
  }

  @Test
  void aConvolutionWithGroupsHoldsBothSides() {
    Graph graph =
        Graph.builder(IMAGE)
            .add("conv", Op.Conv2d.same(3, 4, 3, 1))
            .add("n1", NEURON)
            .add("grouped", new Op.Conv2d(4, 6, 3, 1, 1, 2, false))
            .add("n2", NEURON)
            .add("last", Op.Conv2d.same(6, 5, 3, 1))
            .add("gap", new Op.GlobalAvgPool())
            .add("fc", new Op.Linear(5, 3, true))
            .build();
    assertThat(names(ChannelGroups.of(graph, Residual.GROUP))).containsExactly("last");
    String reason = "the convolution grouped has 2 groups of 2 to 3 channels, which cannot be cut";
    assertThat(ChannelGroups.fixed(graph, Residual.GROUP))
        .contains(entry("conv", reason), entry("grouped", reason));
  }

  @Test
  void aFlattenedMapTiesTheValuesThatAreAddedToIt() {
    Graph graph =
        Graph.builder(new Shape.Map(2, 2, 1))
            .add("conv", Op.Conv2d.same(1, 3, 1, 1))
            .add("flat", new Op.Flatten())
            .add("n1", NEURON)
            .add("hidden", new Op.Linear(12, 12, false))
            .add("sum", new Op.Add(), "hidden", "flat")
            .add("n2", NEURON)
            .add("fc", new Op.Linear(12, 3, true))
            .build();
    assertThat(ChannelGroups.of(graph, Residual.GROUP))
        .containsExactly(group("conv", 3, List.of(), List.of()));
  }

  @Test
  void aSelectionPassesSomeChannels() {
    Graph graph =
        Graph.builder(IMAGE)
            .add("conv", Op.Conv2d.same(3, 4, 3, 1))
            .add("some", new Op.Select(List.of(1, 3)))
            .add("bn1", Op.BatchNorm.of(2))
            .add("a", Op.Conv2d.same(2, 4, 1, 1))
            .add("sum", new Op.Add(), "a", "conv")
            .add("bn2", Op.BatchNorm.of(4))
            .add("gap", new Op.GlobalAvgPool())
            .add("fc", new Op.Linear(4, 3, true))
            .build();
    assertThat(ChannelGroups.of(graph, Residual.GROUP))
        .containsExactly(group("conv", 4, List.of("bn2"), List.of()));
    assertThat(ChannelGroups.of(graph, Residual.SELECT))
        .containsExactly(
            group("bn1", 2, List.of("bn1"), List.of()), group("bn2", 4, List.of("bn2"), List.of()));
  }

  @Test
  void neuronsThatFireAtRestHoldTheirChannels() {
    Op.Neuron restless =
        new Op.Neuron(NEURON.charge(), 1, false, new Reset.Hard(1), false, NEURON.surrogate());
    Graph graph = Notation.parse("4C3-FC3", IMAGE, restless);
    assertThat(ChannelGroups.of(graph, Residual.GROUP)).isEmpty();
    assertThat(ChannelGroups.fixed(graph, Residual.GROUP))
        .contains(entry("conv1", "the neurons neuron1 fire without input and cannot be silenced"));
  }
}
