package dev.coppice.prune.channels;

import static dev.coppice.prune.channels.Twins.bits;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.coppice.graph.Graph;
import dev.coppice.graph.GraphException;
import dev.coppice.graph.Model;
import dev.coppice.graph.Node;
import dev.coppice.graph.Notation;
import dev.coppice.graph.Op;
import dev.coppice.graph.Reset;
import dev.coppice.graph.Shape;
import dev.coppice.graph.Weights;
import dev.coppice.graph.zoo.ResNet19;
import dev.coppice.graph.zoo.Vgg;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class SurgeryTest {
  private static final Shape.Map IMAGE = new Shape.Map(6, 6, 2);
  private static final Op.Neuron NEURON = Op.Neuron.lif(4f / 3);

  /** Membrane potentials are added, neurons stand before convolutions (MS-ResNet). */
  private static Graph membranes() {
    return Graph.builder(IMAGE)
        .add("stem", Op.Conv2d.same(2, 4, 3, 1))
        .add("bn0", Op.BatchNorm.of(4))
        .add("n1", NEURON)
        .add("conv1", Op.Conv2d.same(4, 5, 3, 1))
        .add("bn1", Op.BatchNorm.of(5))
        .add("n2", NEURON)
        .add("conv2", Op.Conv2d.same(5, 4, 3, 1))
        .add("bn2", Op.BatchNorm.of(4))
        .add("add1", new Op.Add(), "bn2", "bn0")
        .add("n3", NEURON)
        .add("conv3", Op.Conv2d.same(4, 6, 3, 2))
        .add("bn3", Op.BatchNorm.of(6))
        .add("n4", NEURON)
        .add("conv4", Op.Conv2d.same(6, 6, 3, 1))
        .add("bn4", Op.BatchNorm.of(6))
        .add("pool", new Op.AvgPool(2, 2), "add1")
        .add("short", Op.Conv2d.same(4, 6, 1, 1))
        .add("short_bn", Op.BatchNorm.of(6))
        .add("add2", new Op.Add(), "bn4", "short_bn")
        .add("n5", NEURON)
        .add("gap", new Op.GlobalAvgPool())
        .add("fc", new Op.Linear(6, 3, true))
        .build();
  }

  private static List<String> names(Graph graph) {
    return graph.nodes().stream().map(Node::name).toList();
  }

  private static int size(Model model, String tensor) {
    return model.weights().get(tensor).size();
  }

  static Stream<Arguments> networks() {
    Op.Neuron lively = Op.Neuron.decay();
    return Stream.of(
            Vgg.vgg11(new Shape.Map(32, 32, 3), 10, lively, 0.05),
            ResNet19.preActivation(new Shape.Map(8, 8, 3), 10, lively, 0.05),
            ResNet19.postActivation(new Shape.Map(8, 8, 3), 10, lively, 0.05),
            membranes())
        .map(graph -> Twins.calibrated(Twins.model(graph, 3)))
        .flatMap(model -> Stream.of(Residual.values()).map(way -> Arguments.of(model, way)));
  }

  @ParameterizedTest
  @MethodSource("networks")
  void realNetworksKeepTheirLogits(Model model, Residual residual) {
    Graph graph = model.graph();
    List<ChannelGroup> groups = ChannelGroups.of(graph, residual);
    float[] before = Twins.run(model).logits();
    for (double share : new double[] {0.6, 0.2}) {
      SplittableRandom random = new SplittableRandom(5);
      Map<String, boolean[]> keep =
          Surgery.repair(
              graph,
              residual,
              Twins.random(groups, share, random),
              Twins.scores(groups, random),
              new ArrayList<>());
      Surgery.Result result = Twins.shrink(model, residual, keep);
      assertThat(Weights.countTrainable(result.model().graph()))
          .isLessThan(Weights.countTrainable(graph));
      assertThat(result.kept().keySet()).isEqualTo(keep.keySet());
      float[] after = Twins.run(result.model()).logits();
      assertThat(after).isNotEqualTo(before);
      int classes = graph.shape(graph.output()).channels();
      // What comes out still depends on what goes in.
      assertThat(share < 0.5 || !Arrays.equals(after, 0, classes, after, classes, 2 * classes))
          .isTrue();
      // In training, too: a channel that is silenced has no part in any statistics.
      assertThat(Twins.train(result.model()))
          .isCloseTo(Twins.train(Surgery.mask(model, residual, keep)), within(1e-4));
    }
  }

  @ParameterizedTest
  @EnumSource
  void keepingEverythingChangesNothing(Residual residual) {
    Model model = Twins.model(membranes(), 1);
    Surgery.Result result = Surgery.shrink(model, residual, Map.of());
    assertThat(result.model()).isEqualTo(model);
    assertThat(Surgery.mask(model, residual, Map.of())).isEqualTo(model);
    assertThat(result.notes()).isEmpty();
  }

  @Test
  void aChainBeforeAFlattenedMap() {
    Graph graph = Notation.parse("4C3-P2-5C3-FC7-FC3", IMAGE, NEURON);
    Model model = Twins.model(graph, 1);
    Surgery.Result result =
        Twins.shrink(
            model,
            Residual.GROUP,
            Map.of("conv1", bits("0110"), "conv2", bits("10011"), "fc1", bits("0000100")));
    Graph smaller = result.model().graph();
    assertThat(smaller.node("conv2").op()).isEqualTo(Op.Conv2d.same(2, 3, 3, 1));
    assertThat(smaller.node("fc1").op()).isEqualTo(new Op.Linear(27, 1, true));
    assertThat(smaller.node("fc2").op()).isEqualTo(new Op.Linear(1, 3, true));
    assertThat(result.kept().get("conv2")).containsExactly(0, 3, 4);
    // Channel 1 of the first convolution is channel 0 now.
    assertThat(result.model().weights().get("bn1.running_mean").data()[0])
        .isEqualTo(model.weights().get("bn1.running_mean").data()[1]);
    Model masked = Surgery.mask(model, Residual.GROUP, Map.of("conv1", bits("0110")));
    assertThat(masked.weights().get("bn1.weight").data()[0]).isZero();
    assertThat(masked.weights().get("bn1.bias").data()[3]).isZero();
    assertThat(masked.weights().get("conv1.weight").countNonZero()).isEqualTo(36);
  }

  @Test
  void aChainKeepsItsBestChannel() {
    Graph graph = Notation.parse("4C3-1C3-FC3", IMAGE, NEURON);
    Map<String, boolean[]> none = Map.of("conv1", bits("0000"), "conv2", bits("0"));
    Model model = Twins.model(graph, 1);
    assertThatThrownBy(() -> Surgery.shrink(model, Residual.GROUP, none))
        .isInstanceOf(GraphException.class)
        .hasMessage(
            "without any channel of conv2 nothing leads to the output fc1; at least one must be"
                + " kept");
    List<String> notes = new ArrayList<>();
    Map<String, boolean[]> keep =
        Surgery.repair(
            graph,
            Residual.GROUP,
            none,
            Map.of("conv1", new float[] {0.1f, 0.4f, 0.9f, 0.2f}),
            notes);
    assertThat(keep.get("conv1")).containsExactly(false, false, true, false);
    assertThat(keep.get("conv2")).containsExactly(true);
    assertThat(notes)
        .containsExactly(
            "conv1: channel 2 is kept, because without it nothing leads to the output fc1",
            "conv2: channel 0 is kept, because without it nothing leads to the output fc1");
    Surgery.Result result = Twins.shrink(model, Residual.GROUP, keep);
    assertThat(Weights.countTrainable(result.model().graph())).isEqualTo(18 + 2 + 9 + 2 + 111);
  }

  @Test
  void aBranchThatLostALayerGoesWithItsShift() {
    Model model = Twins.model(membranes(), 2);
    Surgery.Result result = Twins.shrink(model, Residual.GROUP, Map.of("conv1", bits("00000")));
    assertThat(names(result.model().graph()))
        .doesNotContain("n1", "conv1", "bn1", "n2", "conv2", "bn2", "add1")
        .contains("bn0", "add2");
    assertThat(result.model().graph().node("n3").inputs()).containsExactly("bn0");
    assertThat(result.kept().get("conv1")).isEmpty();
    assertThat(result.kept().get("stem")).containsExactly(0, 1, 2, 3);
    assertThat(result.notes())
        .containsExactly("add1: its input bn2 is gone, because conv1 has no channels left");
    Model masked = Surgery.mask(model, Residual.GROUP, Map.of("conv1", bits("00000")));
    assertThat(masked.weights().get("bn2.bias").countNonZero()).isZero();
  }

  @Test
  void theLastBranchOfAnAdditionStays() {
    Graph graph =
        Graph.builder(IMAGE)
            .add("a", Op.Conv2d.same(2, 3, 3, 1))
            .add("an", NEURON)
            .add("a2", Op.Conv2d.same(3, 4, 3, 1))
            .add("b", Op.Conv2d.same(2, 2, 3, 1), "input")
            .add("bn", NEURON)
            .add("b2", Op.Conv2d.same(2, 4, 3, 1))
            .add("sum", new Op.Add(), "a2", "b2")
            .add("gap", new Op.GlobalAvgPool())
            .add("fc", new Op.Linear(4, 3, true))
            .build();
    Map<String, boolean[]> none = Map.of("a", bits("000"), "b", bits("00"));
    List<String> notes = new ArrayList<>();
    Map<String, boolean[]> keep =
        Surgery.repair(
            graph,
            Residual.SELECT,
            none,
            Map.of("a", new float[] {1, 2, 3}, "b", new float[] {2, 9}),
            notes);
    assertThat(keep.get("a")).containsOnly(false);
    assertThat(keep.get("b")).containsExactly(false, true);
    assertThat(notes).hasSize(1);
    Surgery.Result result = Twins.shrink(Twins.model(graph, 1), Residual.SELECT, keep);
    assertThat(names(result.model().graph()))
        .containsExactly("input", "b", "bn", "b2", "gap", "fc");
  }

  @Test
  void selectionsStandBeforeTheBatchNorms() {
    Graph graph = ResNet19.preActivation(new Shape.Map(8, 8, 3), 10, NEURON, 1 / 16.0);
    Model model = Twins.model(graph, 4);
    Map<String, boolean[]> keep = Map.of("block2.bn1", bits("10110010"));
    Surgery.Result once = Twins.shrink(model, Residual.SELECT, keep);
    Graph smaller = once.model().graph();
    assertThat(smaller.node("block2.bn1.select"))
        .isEqualTo(
            new Node(
                "block2.bn1.select", new Op.Select(List.of(0, 2, 3, 6)), List.of("block1.add")));
    assertThat(smaller.node("block2.bn1").inputs()).containsExactly("block2.bn1.select");
    assertThat(smaller.node("block2.conv1").op()).isEqualTo(Op.Conv2d.same(4, 8, 3, 1));
    assertThat(smaller.shape("block2.add")).isEqualTo(graph.shape("block2.add"));

    Map<String, boolean[]> again = Map.of("block2.bn1", bits("0101"));
    Surgery.Result twice = Twins.shrink(once.model(), Residual.SELECT, again);
    assertThat(twice.model().graph().node("block2.bn1.select").op())
        .isEqualTo(new Op.Select(List.of(2, 6)));
    assertThat(size(twice.model(), "block2.bn1.weight")).isEqualTo(2);

    // The stream's own channels can go afterwards; a selection of all that is left is none.
    Map<String, boolean[]> stream = Map.of("block1.conv2", bits("00100010"));
    Surgery.Result thrice = Twins.shrink(twice.model(), Residual.GROUP, stream);
    assertThat(names(thrice.model().graph())).doesNotContain("block2.bn1.select");
    assertThat(thrice.model().graph().node("block2.bn1").inputs()).containsExactly("block1.add");
  }

  @Test
  void aSelectBranchWithoutChannelsIsGone() {
    Graph graph = ResNet19.preActivation(new Shape.Map(8, 8, 3), 10, NEURON, 1 / 16.0);
    Surgery.Result result =
        Twins.shrink(
            Twins.model(graph, 4), Residual.SELECT, Map.of("block2.bn1", bits("00000000")));
    assertThat(names(result.model().graph())).noneMatch(name -> name.startsWith("block2."));
    assertThat(result.model().graph().node("block3.bn1").inputs()).containsExactly("block1.add");
    assertThat(result.kept().get("block2.bn1")).isEmpty();
    assertThat(result.kept().get("block2.conv1")).isEmpty();
  }

  @Test
  void cascadedAdditionsOfOneValue() {
    Graph graph =
        Graph.builder(IMAGE)
            .add("x", Op.Conv2d.same(2, 4, 3, 1))
            .add("a", Op.Conv2d.same(4, 3, 3, 1))
            .add("an", NEURON)
            .add("a2", Op.Conv2d.same(3, 4, 3, 1))
            .add("sum1", new Op.Add(), "a2", "x")
            .add("sum2", new Op.Add(), "sum1", "x")
            .add("sum3", new Op.Add(), "sum2", "sum1", "x")
            .add("n", NEURON)
            .add("gap", new Op.GlobalAvgPool())
            .add("fc", new Op.Linear(4, 3, true))
            .build();
    Model model = Twins.model(graph, 6);
    // Without the branch the first sum is its other input, which the next one reads already.
    Surgery.Result result =
        Twins.shrink(model, Residual.GROUP, Map.of("a", bits("000"), "x", bits("1011")));
    assertThat(result.model().graph().node("sum1"))
        .isEqualTo(new Node("sum1", new Op.Select(List.of(0, 1, 2)), List.of("x")));
    assertThat(result.model().graph().node("sum3").inputs()).containsExactly("sum2", "sum1", "x");
  }

  @Test
  void oneTensorReadBySeveralConvolutions() {
    Graph graph =
        Graph.builder(IMAGE)
            .add("stem", Op.Conv2d.same(2, 4, 3, 1))
            .add("bn", Op.BatchNorm.of(4))
            .add("n", NEURON)
            .add("one", new Op.Conv2d(4, 6, 1, 2, 0, 1, true), "n")
            .add("three", Op.Conv2d.same(4, 6, 3, 2), "n")
            .add("five", new Op.Conv2d(4, 6, 5, 2, 2, 1, true), "n")
            .add("sum", new Op.Add(), "one", "three", "five")
            .add("bn2", Op.BatchNorm.of(6))
            .add("n2", NEURON)
            .add("left", new Op.Flatten(), "n2")
            .add("right", new Op.GlobalAvgPool(), "n2")
            .add("fc1", new Op.Linear(54, 3, true), "left")
            .add("fc2", new Op.Linear(6, 3, true), "right")
            .add("out", new Op.Add(), "fc1", "fc2")
            .build();
    Model model = Twins.model(graph, 8);
    Surgery.Result grouped =
        Twins.shrink(model, Residual.GROUP, Map.of("stem", bits("0101"), "one", bits("001110")));
    assertThat(size(grouped.model(), "five.weight")).isEqualTo(3 * 25 * 2);
    assertThat(size(grouped.model(), "fc1.weight")).isEqualTo(3 * 27);
    Surgery.Result selected =
        Twins.shrink(model, Residual.SELECT, Map.of("stem", bits("0101"), "bn2", bits("001110")));
    assertThat(size(selected.model(), "five.weight")).isEqualTo(6 * 25 * 2);
    assertThat(size(selected.model(), "fc1.weight")).isEqualTo(3 * 27);
  }

  @Test
  void depthwiseConvolutionsAndTheirMultipliers() {
    Graph graph =
        Graph.builder(IMAGE)
            .add("conv", Op.Conv2d.same(2, 4, 3, 1))
            .add("bn", Op.BatchNorm.of(4))
            .add("n", NEURON)
            .add("deep", new Op.Conv2d(4, 4, 3, 2, 1, 4, true))
            .add("n2", NEURON)
            .add("twice", new Op.Conv2d(4, 8, 3, 1, 1, 4, true))
            .add("bn2", Op.BatchNorm.of(8))
            .add("n3", NEURON)
            .add("flat", new Op.Flatten())
            .add("bn3", Op.BatchNorm.of(72))
            .add("fc", new Op.Linear(72, 3, true))
            .build();
    Surgery.Result result =
        Twins.shrink(Twins.model(graph, 5), Residual.GROUP, Map.of("conv", bits("1001")));
    assertThat(result.model().graph().node("deep").op())
        .isEqualTo(new Op.Conv2d(2, 2, 3, 2, 1, 2, true));
    assertThat(result.model().graph().node("twice").op())
        .isEqualTo(new Op.Conv2d(2, 4, 3, 1, 1, 2, true));
    assertThat(size(result.model(), "bn3.weight")).isEqualTo(36);
  }

  @Test
  void aNeuronSharedByTwoReaders() {
    Graph graph =
        Graph.builder(IMAGE)
            .add("conv", Op.Conv2d.same(2, 5, 3, 1))
            .add("bn", Op.BatchNorm.of(5))
            .add("n", NEURON)
            .add("pool", new Op.MaxPool(2, 2), "n")
            .add("a", Op.Conv2d.same(5, 3, 3, 1))
            .add("b", Op.Conv2d.same(5, 3, 3, 2), "n")
            .add("sum", new Op.Add(), "a", "b")
            .add("n2", NEURON)
            .add("flat", new Op.Flatten())
            .add("fc", new Op.Linear(27, 3, false))
            .build();
    Surgery.Result result =
        Twins.shrink(
            Twins.model(graph, 9), Residual.GROUP, Map.of("conv", bits("01100"), "a", bits("110")));
    assertThat(size(result.model(), "a.weight")).isEqualTo(2 * 9 * 2);
    assertThat(size(result.model(), "b.weight")).isEqualTo(2 * 9 * 2);
  }

  @Test
  void saysWhatCannotBeCut() {
    Graph graph =
        Graph.builder(IMAGE)
            .add("conv", Op.Conv2d.same(2, 4, 3, 1))
            .add("n", NEURON)
            .add("grouped", new Op.Conv2d(4, 4, 3, 1, 1, 2, false))
            .add("gap", new Op.GlobalAvgPool())
            .add("fc", new Op.Linear(4, 3, true))
            .build();
    Map<Map<String, boolean[]>, String> wrong = new LinkedHashMap<>();
    wrong.put(
        Map.of("conv", bits("0111")),
        "conv: its channels cannot be removed, because the convolution grouped has 2 groups of 2"
            + " to 2 channels, which cannot be cut");
    wrong.put(
        Map.of("input", bits("10")),
        "input: its channels cannot be removed, because input is the network's input");
    wrong.put(
        Map.of("fc", bits("100")),
        "fc: its channels cannot be removed, because fc is the network's output");
    wrong.put(Map.of("n", bits("1111")), "the network has no group of channels named n");
    wrong.put(Map.of("conv", bits("11")), "conv: the group has 4 channels, but 2 are chosen from");
    Model model = Twins.model(graph, 1);
    wrong.forEach(
        (keep, message) -> {
          assertThatThrownBy(() -> Surgery.shrink(model, Residual.GROUP, keep))
              .isInstanceOf(GraphException.class)
              .hasMessage(message);
          assertThatThrownBy(() -> Surgery.mask(model, Residual.GROUP, keep)).hasMessage(message);
        });
    assertThat(Surgery.shrink(model, Residual.GROUP, Map.of("conv", bits("1111"))).model())
        .isEqualTo(model);
  }

  @Test
  void aBranchOfRestlessNeuronsCannotBeSilenced() {
    Op.Neuron restless =
        new Op.Neuron(NEURON.charge(), 1, true, new Reset.Hard(2), false, NEURON.surrogate());
    Graph graph =
        Graph.builder(IMAGE)
            .add("x", Op.Conv2d.same(2, 4, 3, 1))
            .add("a", Op.Conv2d.same(4, 3, 3, 1))
            .add("a2", Op.Conv2d.same(3, 4, 3, 1))
            .add("an", restless)
            .add("sum", new Op.Add(), "an", "x")
            .add("gap", new Op.GlobalAvgPool())
            .add("fc", new Op.Linear(4, 3, true))
            .build();
    assertThatThrownBy(
            () -> Surgery.shrink(Twins.model(graph, 1), Residual.GROUP, Map.of("a", bits("000"))))
        .isInstanceOf(GraphException.class)
        .hasMessage("an: these neurons fire without input and cannot be silenced");
  }

  @Test
  void repairOfAChoiceThatIsFineChangesNothing() {
    Graph graph = membranes();
    List<String> notes = new ArrayList<>();
    Map<String, boolean[]> keep = new HashMap<>();
    keep.put("conv1", bits("00000"));
    keep.put("conv3", bits("010000"));
    Map<String, boolean[]> repaired = Surgery.repair(graph, Residual.GROUP, keep, Map.of(), notes);
    assertThat(notes).isEmpty();
    assertThat(repaired.keySet()).isEqualTo(Set.of("stem", "conv1", "conv3", "conv4"));
    assertThat(repaired.get("conv1")).containsOnly(false);
    assertThat(repaired.get("conv3")).isEqualTo(keep.get("conv3"));
    assertThat(repaired.get("stem")).containsOnly(true);
  }

  @Test
  void widthsAreRoundedUpByScore() {
    Map<String, boolean[]> keep =
        Map.of("a", bits("010000"), "b", bits("00000"), "c", bits("11011"), "d", bits("110011"));
    Map<String, float[]> scores =
        Map.of("a", new float[] {1, 0, 5, 3, 5, 2}, "d", new float[] {0, 0, 1, 2, 0, 0});
    Map<String, boolean[]> rounded = Surgery.roundUp(keep, scores, 4);
    assertThat(rounded.get("a")).isEqualTo(bits("011110"));
    assertThat(rounded.get("b")).isEqualTo(bits("00000"));
    assertThat(rounded.get("c")).isEqualTo(bits("11011"));
    assertThat(rounded.get("d")).isEqualTo(bits("110011"));
    assertThat(Surgery.roundUp(keep, scores, 5).get("d")).isEqualTo(bits("110111"));
    assertThat(Surgery.roundUp(keep, scores, 8).get("d")).isEqualTo(bits("111111"));
    assertThat(Surgery.roundUp(keep, scores, 1).get("a")).isEqualTo(bits("010000"));
    assertThatThrownBy(() -> Surgery.roundUp(keep, scores, 0))
        .hasMessage("channels are rounded to a multiple of at least 1, not 0");
    assertThatThrownBy(() -> Surgery.roundUp(keep, Map.of("a", new float[1]), 4))
        .hasMessage("a: the group has 6 channels, but 1 scores");
  }
}
