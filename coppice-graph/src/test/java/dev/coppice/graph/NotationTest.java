package dev.coppice.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NotationTest {
  private static final Shape.Map INPUT = new Shape.Map(28, 28, 1);
  private static final Op.Neuron NEURON = Op.Neuron.lif(2);

  @Test
  void buildsTheFieldsExample() {
    Graph expected =
        Graph.builder(INPUT)
            .add("conv1", new Op.Conv2d(1, 16, 3, 1, 1, 1, false))
            .add("bn1", Op.BatchNorm.of(16))
            .add("neuron1", NEURON)
            .add("conv2", new Op.Conv2d(16, 32, 3, 1, 1, 1, false))
            .add("bn2", Op.BatchNorm.of(32))
            .add("neuron2", NEURON)
            .add("pool1", new Op.AvgPool(2, 2))
            .add("conv3", new Op.Conv2d(32, 64, 3, 1, 1, 1, false))
            .add("bn3", Op.BatchNorm.of(64))
            .add("neuron3", NEURON)
            .add("pool2", new Op.AvgPool(2, 2))
            .add("flatten", new Op.Flatten())
            .add("fc1", new Op.Linear(7 * 7 * 64, 10, true))
            .build();
    assertThat(Notation.parse("16C3-32C3-P2-64C3-P2-FC10", INPUT, NEURON)).isEqualTo(expected);
  }

  @Test
  void knowsEveryPart() {
    Graph graph = Notation.parse("8C5s2-MP2-D0.25-4C1-GAP-FC6-D0.5-FC3", INPUT, NEURON);
    assertThat(graph.nodes())
        .extracting(Node::name)
        .containsExactly(
            "input",
            "conv1",
            "bn1",
            "neuron1",
            "pool1",
            "dropout1",
            "conv2",
            "bn2",
            "neuron2",
            "gap",
            "fc1",
            "neuron3",
            "dropout2",
            "fc2");
    assertThat(graph.node("conv1").op()).isEqualTo(new Op.Conv2d(1, 8, 5, 2, 2, 1, false));
    assertThat(graph.node("pool1").op()).isEqualTo(new Op.MaxPool(2, 2));
    assertThat(graph.node("dropout1").op()).isEqualTo(new Op.Dropout(0.25f));
    assertThat(graph.shape("neuron1")).isEqualTo(new Shape.Map(14, 14, 8));
    assertThat(graph.shape("gap")).isEqualTo(new Shape.Vector(4));
    assertThat(graph.shape("fc2")).isEqualTo(new Shape.Vector(3));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          16C3-X2         | part 2 "X2" at character 6: expected nCk, Pk, MPk, Dp, GAP or FCn
          16C3--FC10      | part 2 "" at character 6: expected nCk, Pk, MPk, Dp, GAP or FCn
          16C3 -FC10      | part 1 "16C3 " at character 1: expected nCk, Pk, MPk, Dp, GAP or FCn
          16C4-FC10       | part 1 "16C4" at character 1: the kernel of a convolution must be odd
          FC5-16C3-FC10   | part 2 "16C3" at character 5: needs a feature map, but stands after GAP or FCn
          GAP-P2-FC10     | part 2 "P2" at character 5: needs a feature map, but stands after GAP or FCn
          16C3-P2         | part 2 "P2" at character 6: the last part must be FCn, the classifier
          FC0             | part 1 "FC0" at character 1: the outputs of a linear layer must lie in [1, 2147483647], not 0
          D1-FC10         | part 1 "D1" at character 1: a dropout rate must lie in [0, 1), not 1.0
          P20-P2-FC10     | part 2 "P2" at character 5: pool2: a 2x2 window does not fit the 1x1 map of pool1
          16C1234567-FC10 | part 1 "16C1234567" at character 1: expected nCk, Pk, MPk, Dp, GAP or FCn
          999999C999-FC10 | part 1 "999999C999" at character 1: a convolution with 999999x998001 weights is too large
          """)
  void pointsAtTheErrors(String text, String message) {
    assertThatThrownBy(() -> Notation.parse(text, INPUT, NEURON))
        .isInstanceOf(GraphException.class)
        .hasMessage("network \"" + text + "\": " + message);
  }

  @Test
  void refusesEmptyAndEndlessTexts() {
    assertThatThrownBy(() -> Notation.parse("", INPUT, NEURON))
        .hasMessageContaining("part 1 \"\" at character 1");
    assertThatThrownBy(() -> Notation.parse("P1-".repeat(5000), INPUT, NEURON))
        .hasMessage("a network in notation has at most 10000 characters, not 15000");
  }
}
