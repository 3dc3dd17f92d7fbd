package dev.coppice.graph.zoo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.graph.Graph;
import dev.coppice.graph.GraphException;
import dev.coppice.graph.Node;
import dev.coppice.graph.Op;
import dev.coppice.graph.Shape;
import dev.coppice.graph.Weights;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ZooTest {
  private static final Shape.Map CIFAR = new Shape.Map(32, 32, 3);
  private static final Op.Neuron NEURON = Op.Neuron.decay();

  private static Graph create(String name, int classes) {
    return Zoo.create(name, CIFAR, classes, NEURON, 1);
  }

  private static long prunable(Graph graph) {
    return Weights.expected(graph).values().stream()
        .filter(shape -> shape.length > 1)
        .mapToLong(
            shape -> {
              long size = 1;
              for (int dimension : shape) {
                size *= dimension;
              }
              return size;
            })
        .sum();
  }

  private static long neurons(Graph graph) {
    return graph.nodes().stream().filter(node -> node.op() instanceof Op.Neuron).count();
  }

  @ParameterizedTest
  @CsvSource({
    "vgg16, 10, 14724042",
    "vgg16, 100, 14770212",
    "resnet19, 10, 12500298",
    "resnet19, 100, 12546468",
    "resnet19-post, 10, 12630858",
    "resnet19-post, 100, 12653988",
  })
  void hasThePublishedNumberOfParameters(String name, int classes, long parameters) {
    Graph graph = create(name, classes);
    assertThat(Weights.countTrainable(graph)).isEqualTo(parameters);
    assertThat(graph.shape(graph.output())).isEqualTo(new Shape.Vector(classes));
  }

  @ParameterizedTest
  @CsvSource({
    "vgg16, 10, 14715584, 13",
    "vgg16, 100, 14761664, 13",
    "resnet19, 10, 12491456, 17",
    "resnet19, 100, 12537536, 17",
  })
  void hasThePublishedNumberOfPrunableWeightsAndNeuronLayers(
      String name, int classes, long weights, int neurons) {
    assertThat(prunable(create(name, classes))).isEqualTo(weights);
    assertThat(neurons(create(name, classes))).isEqualTo(neurons);
  }

  @Test
  void hasThePublishedMaps() {
    Graph vgg = create("vgg16", 10);
    assertThat(
            List.of("neuron2", "neuron4", "neuron7", "neuron10", "neuron13", "pool5").stream()
                .map(name -> ((Shape.Map) vgg.shape(name)).height()))
        .containsExactly(32, 16, 8, 4, 2, 1);
    Graph pre = create("resnet19", 10);
    assertThat(pre.shape("conv1")).isEqualTo(new Shape.Map(32, 32, 64));
    assertThat(pre.shape("block3.add")).isEqualTo(new Shape.Map(16, 16, 128));
    assertThat(pre.shape("block6.add")).isEqualTo(new Shape.Map(8, 8, 256));
    assertThat(pre.shape("block8.add")).isEqualTo(new Shape.Map(4, 4, 512));
    Graph post = create("resnet19-post", 10);
    assertThat(post.shape("block3.add")).isEqualTo(new Shape.Map(32, 32, 128));
    assertThat(post.shape("block6.add")).isEqualTo(new Shape.Map(16, 16, 256));
    assertThat(post.shape("block8.add")).isEqualTo(new Shape.Map(8, 8, 512));
  }

  @Test
  void vgg11HasEightConvolutions() {
    Graph graph = create("vgg11", 10);
    assertThat(neurons(graph)).isEqualTo(8);
    assertThat(graph.shape("pool2")).isEqualTo(new Shape.Map(8, 8, 128));
    assertThat(graph.shape("pool5")).isEqualTo(new Shape.Map(1, 1, 512));
  }

  @Test
  void scoresThePreActivationNetworkAsPublished() {
    Graph graph = create("resnet19", 10);
    Map<String, String> expected = new LinkedHashMap<>();
    expected.put("conv1", "block1.neuron1");
    for (int block = 1; block <= 8; block++) {
      String next = block < 8 ? "block" + (block + 1) + ".neuron1" : "neuron";
      expected.put("block" + block + ".conv1", "block" + block + ".neuron2");
      expected.put("block" + block + ".conv2", next);
      if (block == 1 || block == 4 || block == 7) {
        expected.put("block" + block + ".shortcut", next);
      }
    }

    Map<String, String> found = new LinkedHashMap<>();
    for (Node node : graph.nodes()) {
      if (node.op() instanceof Op.Conv2d || node.op() instanceof Op.Linear) {
        graph.scoringNeuron(node.name()).ifPresent(neuron -> found.put(node.name(), neuron));
      }
    }

    assertThat(found).isEqualTo(expected);
    assertThat(graph.scoringNeuron("fc")).isEmpty();
  }

  @Test
  void scoresThePostActivationNetworkByTheNeuronBehindTheSum() {
    Graph graph = create("resnet19-post", 10);
    assertThat(graph.scoringNeuron("conv1")).contains("neuron1");
    assertThat(graph.scoringNeuron("block4.conv1")).contains("block4.neuron1");
    assertThat(graph.scoringNeuron("block4.conv2")).contains("block4.neuron2");
    assertThat(graph.scoringNeuron("block4.shortcut")).contains("block4.neuron2");
    assertThat(graph.scoringNeuron("fc1")).contains("neuron");
    assertThat(graph.scoringNeuron("fc2")).isEmpty();
  }

  @Test
  void scalesEveryWidth() {
    for (String name : Zoo.names()) {
      Graph graph = Zoo.create(name, CIFAR, 10, NEURON, 0.125);
      assertThat(((Op.Conv2d) graph.node("conv1").op()).outChannels()).isEqualTo(8);
      assertThat(Weights.countTrainable(graph))
          .isLessThan(Weights.countTrainable(create(name, 10)) / 50);
      assertThat(Zoo.create(name, CIFAR, 10, NEURON, 1e-9).shape("conv1").channels()).isOne();
    }
  }

  @Test
  void namesTheNodeThatDoesNotFit() {
    assertThatThrownBy(() -> Zoo.create("vgg16", new Shape.Map(8, 8, 3), 10, NEURON, 1))
        .isInstanceOf(GraphException.class)
        .hasMessage("pool4: a 2x2 window does not fit the 1x1 map of neuron10");
  }

  @Test
  void readsNotationToo() {
    Graph graph = Zoo.create("16C3-P2-FC10", CIFAR, 10, NEURON, 1);
    assertThat(graph.output()).isEqualTo("fc1");
    assertThatThrownBy(() -> Zoo.create("16C3-P2-FC10", CIFAR, 100, NEURON, 1))
        .hasMessage("network \"16C3-P2-FC10\": ends in FC10, but there are 100 classes");
    assertThatThrownBy(() -> Zoo.create("16C3-P2-FC10", CIFAR, 10, NEURON, 0.5))
        .hasMessageStartingWith("a width goes with a named network only");
    assertThatThrownBy(() -> Zoo.create("vgg17", CIFAR, 10, NEURON, 1))
        .hasMessage(
            "unknown network \"vgg17\": expected one of vgg11, vgg16, resnet19, resnet19-post or a"
                + " notation such as 16C3-P2-FC10");
  }

  @Test
  void refusesAbsurdNumbers() {
    for (double width : new double[] {0, -1, Double.NaN, 1e9}) {
      assertThatThrownBy(() -> Zoo.create("vgg11", CIFAR, 10, NEURON, width))
          .isInstanceOf(GraphException.class)
          .hasMessageContaining("width must lie in");
    }
    assertThatThrownBy(() -> create("vgg11", 0)).isInstanceOf(GraphException.class);
    assertThatThrownBy(() -> create("vgg11", Integer.MAX_VALUE)).isInstanceOf(GraphException.class);
  }
}
