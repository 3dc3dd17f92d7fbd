package dev.coppice.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.LinkedHashMap;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class PyTorchOrderTest {
  @Property(tries = 200)
  void readingUndoesWriting(@ForAll long seed) {
    Graph graph = RandomGraphs.draw(seed);
    Weights weights = Weights.initialize(graph, seed, Initialization.UNIFORM_FAN_IN);
    assertThat(Weights.fromPyTorch(graph, weights.toPyTorch(graph))).isEqualTo(weights);
  }

  @Test
  void movesTheInputChannelsOfConvolutions() {
    Graph graph =
        Graph.builder(new Shape.Map(4, 4, 4))
            .add("conv", new Op.Conv2d(4, 6, 3, 1, 1, 2, false))
            .build();
    Weights weights = Weights.initialize(graph, 1, Initialization.UNIFORM_FAN_IN);

    Tensor memory = weights.get("conv.weight");
    Tensor file = weights.toPyTorch(graph).firstEntry().getValue();

    assertThat(memory.shape()).containsExactly(6, 3, 3, 2);
    assertThat(file.shape()).containsExactly(6, 2, 3, 3);
    for (int o = 0; o < 6; o++) {
      for (int i = 0; i < 2; i++) {
        for (int y = 0; y < 3; y++) {
          for (int x = 0; x < 3; x++) {
            assertThat(file.data()[((o * 2 + i) * 3 + y) * 3 + x])
                .isEqualTo(memory.data()[((o * 3 + y) * 3 + x) * 2 + i]);
          }
        }
      }
    }
  }

  @Test
  void givesTheSameOutputsForAMapFlattenedChannelsFirst() {
    Graph graph =
        Graph.builder(new Shape.Map(2, 3, 4))
            .add("flat", new Op.Flatten())
            .add("bn", Op.BatchNorm.of(24))
            .add("neuron", Op.Neuron.decay())
            .add("drop", new Op.Dropout(0.1f))
            .add("sum", new Op.Add(), "drop", "bn")
            .add("fc", new Op.Linear(24, 5, false))
            .add("fc2", new Op.Linear(5, 24, false))
            .build();
    Weights weights = Weights.initialize(graph, 1, Initialization.UNIFORM_FAN_IN);
    float[] scales = new float[24];
    float[] lastFirst = new float[24];
    float[] channelsFirst = new float[24];
    for (int y = 0; y < 2; y++) {
      for (int x = 0; x < 3; x++) {
        for (int c = 0; c < 4; c++) {
          float value = (float) Math.sin(100 * y + 10 * x + c);
          lastFirst[(y * 3 + x) * 4 + c] = value;
          channelsFirst[(c * 2 + y) * 3 + x] = value;
          scales[(y * 3 + x) * 4 + c] = 1 + c;
        }
      }
    }
    weights = weights.with("bn.weight", Tensor.of(scales));

    Map<String, Tensor> file = weights.toPyTorch(graph);

    for (int row = 0; row < 5; row++) {
      assertThat(dot(require(file, "fc.weight"), row, channelsFirst))
          .isCloseTo(dot(weights.get("fc.weight"), row, lastFirst), within(1e-6));
    }
    assertThat(require(file, "bn.weight").data())
        .containsExactly(1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4);
    assertThat(require(file, "fc2.weight")).isEqualTo(weights.get("fc2.weight"));
  }

  @Test
  void readsWeightsOfTheReference() throws Exception {
    Graph graph =
        Graph.builder(new Shape.Map(6, 6, 2))
            .add("conv1", Op.Conv2d.same(2, 6, 3, 1))
            .add("bn1", Op.BatchNorm.of(6))
            .add("neuron1", Op.Neuron.decay())
            .add("pool1", new Op.AvgPool(2, 2))
            .add("conv2", Op.Conv2d.same(6, 8, 3, 1))
            .add("bn2", Op.BatchNorm.of(8))
            .add("neuron2", Op.Neuron.decay())
            .add("flat", new Op.Flatten())
            .add("fc", new Op.Linear(72, 5, true))
            .build();
    Safetensors.Content golden = Safetensors.read(Golden.NETWORK);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    golden
        .arrays()
        .forEach(
            (name, array) -> {
              if (name.startsWith("step0.")) {
                tensors.put(name.substring("step0.".length()), array.tensor());
              }
            });

    Weights weights = Weights.fromPyTorch(graph, tensors);

    assertThat(weights.toPyTorch(graph)).isEqualTo(tensors);
    // Column (y·3 + x)·8 + c in memory is column c·9 + y·3 + x on file.
    assertThat(weights.get("fc.weight").data()[(2 * 3 + 1) * 8 + 5])
        .isEqualTo(golden.get("step0.fc.weight").floats()[5 * 9 + 2 * 3 + 1]);
  }

  private static Tensor require(Map<String, Tensor> tensors, String name) {
    return Weights.of(tensors).get(name);
  }

  private static double dot(Tensor matrix, int row, float[] vector) {
    double sum = 0;
    for (int i = 0; i < vector.length; i++) {
      sum += (double) matrix.data()[row * vector.length + i] * vector[i];
    }
    return sum;
  }
}
