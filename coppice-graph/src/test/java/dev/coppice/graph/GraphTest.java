package dev.coppice.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class GraphTest {
  private static final Shape.Map INPUT = new Shape.Map(8, 8, 3);

  private static Graph residual() {
    return Graph.builder(INPUT)
        .add("conv1", Op.Conv2d.same(3, 4, 3, 1))
        .add("neuron1", Op.Neuron.decay())
        .add("conv2", Op.Conv2d.same(4, 4, 3, 1))
        .add("sum", new Op.Add(), "conv2", "neuron1")
        .add("neuron2", Op.Neuron.decay())
        .add("gap", new Op.GlobalAvgPool())
        .add("fc", new Op.Linear(4, 10, true))
        .build();
  }

  @Test
  void chainsAndBranches() {
    Graph graph = residual();

    assertThat(graph.nodes())
        .extracting(Node::name)
        .containsExactly("input", "conv1", "neuron1", "conv2", "sum", "neuron2", "gap", "fc");
    assertThat(graph.input().name()).isEqualTo("input");
    assertThat(graph.output()).isEqualTo("fc");
    assertThat(graph.node("sum").inputs()).containsExactly("conv2", "neuron1");
    assertThat(graph.consumers("neuron1")).containsExactly("conv2", "sum");
    assertThat(graph.consumers("fc")).isEmpty();
    assertThat(graph.shape("sum")).isEqualTo(new Shape.Map(8, 8, 4));
    assertThat(graph.shape("fc")).isEqualTo(new Shape.Vector(10));
  }

  @Test
  void namesTheNodeThatIsAskedForInVain() {
    assertThatThrownBy(() -> residual().node("conv9"))
        .isInstanceOf(GraphException.class)
        .hasMessage("the network has no node \"conv9\"");
    assertThatThrownBy(() -> residual().shape("x\ny")).hasMessageContaining("\"x?y\"");
  }

  @Property(tries = 200)
  void sortsNodesGivenInAnyOrder(@ForAll long seed) {
    Graph graph = RandomGraphs.draw(seed);
    List<Node> shuffled = new ArrayList<>(graph.nodes());
    Collections.shuffle(shuffled, new Random(seed));

    Graph sorted = Graph.of(shuffled, graph.output());

    List<String> seen = new ArrayList<>();
    for (Node node : sorted.nodes()) {
      assertThat(seen).containsAll(node.inputs());
      seen.add(node.name());
    }
    assertThat(sorted.nodes()).containsExactlyInAnyOrderElementsOf(graph.nodes());
  }

  @Test
  void refusesWhatIsNotANetwork() {
    Node input = new Node("input", new Op.Input(INPUT), List.of());
    Op neuron = Op.Neuron.decay();
    assertThatThrownBy(() -> Graph.of(List.of(), "x")).hasMessage("the network has no input node");
    assertThatThrownBy(
            () -> Graph.of(List.of(input, new Node("b", input.op(), List.of())), "input"))
        .hasMessage("a network has one input node, but input and b are both");
    assertThatThrownBy(() -> Graph.of(List.of(input), "x"))
        .hasMessage("the network has no node \"x\"");
    assertThatThrownBy(() -> Graph.builder(INPUT).add("a", neuron).add("a", neuron).build())
        .hasMessage("a: two nodes have this name");
    assertThatThrownBy(() -> Graph.builder(INPUT).add("a", neuron, "b").build())
        .hasMessage("a: reads \"b\", which does not exist");
    assertThatThrownBy(
            () -> Graph.builder(INPUT).add("a", neuron, "b").add("b", neuron, "a").build())
        .hasMessage("a: is part of a cycle, or reads from one");
    assertThatThrownBy(
            () -> Graph.builder(INPUT).add("a", neuron).add("b", neuron, "input").build())
        .hasMessage("a: does not lead to the output b");
    assertThatThrownBy(() -> Graph.builder(INPUT).add("a", new Op.Add(), "input", "input").build())
        .hasMessage("a: reads input twice");
    assertThatThrownBy(() -> Graph.builder(INPUT).add("a", new Op.Add()).build())
        .hasMessage("a: needs two or more inputs, has 1");
    assertThatThrownBy(
            () -> Graph.builder(INPUT).add("a", neuron).add("b", neuron, "a", "input").build())
        .hasMessage("b: needs one input, has 2");
    assertThatThrownBy(() -> Graph.builder(INPUT).add("a b", neuron))
        .isInstanceOf(GraphException.class)
        .hasMessage("a node's name has 1 to 100 letters, digits, '_', '.' or '-', not \"a b\"");
  }

  @Test
  void boundsTheNumberOfNodes() {
    Graph.Builder builder = Graph.builder(INPUT);
    for (int i = 1; i < Graph.MAX_NODES; i++) {
      builder.add("n" + i, Op.Neuron.decay());
    }
    assertThat(builder.build().nodes()).hasSize(Graph.MAX_NODES);

    builder.add("more", Op.Neuron.decay());
    assertThatThrownBy(builder::build).hasMessage("a network has at most 10000 nodes, not 10001");
  }

  @Test
  void scoresAWeightByTheFirstNeuronBehindIt() {
    Graph graph = residual();
    assertThat(graph.scoringNeuron("conv1")).contains("neuron1");
    assertThat(graph.scoringNeuron("conv2")).contains("neuron2");
    assertThat(graph.scoringNeuron("fc")).isEmpty();
    assertThatThrownBy(() -> graph.scoringNeuron("sum"))
        .hasMessage("sum: is not a convolution or a linear layer");
  }

  @Test
  void doesNotScoreThroughAnotherWeight() {
    Graph graph =
        Graph.builder(INPUT)
            .add("conv1", Op.Conv2d.same(3, 4, 3, 1))
            .add("conv2", Op.Conv2d.same(4, 4, 3, 1))
            .add("bn", Op.BatchNorm.of(4))
            .add("pool", new Op.AvgPool(2, 2))
            .add("drop", new Op.Dropout(0.5f))
            .add("flat", new Op.Flatten())
            .add("neuron", Op.Neuron.decay())
            .build();
    assertThat(graph.scoringNeuron("conv1")).isEmpty();
    assertThat(graph.scoringNeuron("conv2")).contains("neuron");
  }
}
