package dev.coppice.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.coppice.graph.Graph;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class MaskTest {
  private static final int BATCH = 3;
  private static final String MASKED = "conv1.weight";

  static Stream<Optimizer> optimizers() {
    return Stream.of(
        new Optimizer.Sgd(0.9f, false, 0.01f),
        new Optimizer.Sgd(0.9f, true, 0.01f),
        new Optimizer.Adam(0.9f, 0.999f, 1e-8f, 0.01f),
        new Optimizer.AdamW(0.9f, 0.999f, 1e-8f, 0.01f));
  }

  private static void train(Engine engine, int steps) {
    for (int step = 1; step <= steps; step++) {
      engine.train(
          Small.images(BATCH), Small.labels(BATCH), Small.settings(2), 0.01, step, Probes.NONE);
    }
  }

  /** Returns a mask that leaves every {@code n}-th weight out. */
  private static Map<String, Tensor> without(Engine engine, int n) {
    Tensor weight = engine.tensor(MASKED);
    float[] mask = new float[weight.size()];
    for (int i = 0; i < mask.length; i++) {
      mask[i] = i % n == 0 ? 0 : 1;
    }
    return Map.of(MASKED, new Tensor(weight.shape(), mask));
  }

  /** The momentum of the steps before the mask does not bring a weight back. */
  @ParameterizedTest
  @MethodSource("optimizers")
  void aMaskedWeightStaysZeroAndTheOthersMove(Optimizer optimizer) {
    Graph graph = Small.chain(Small.NEURON);
    try (Engine engine = Small.engine(graph, Small.weights(graph, 1), optimizer)) {
      train(engine, 5);
      Weights before = engine.weights();
      engine.mask(without(engine, 3));
      for (int round = 0; round < 5; round++) {
        float[] now = engine.tensor(MASKED).data();
        for (int i = 0; i < now.length; i++) {
          if (i % 3 == 0) {
            assertThat(now[i]).as("masked weight %d", i).isZero();
          } else if (round == 0) {
            assertThat(now[i]).isEqualTo(before.get(MASKED).data()[i]);
          } else {
            assertThat(now[i]).isNotEqualTo(before.get(MASKED).data()[i]);
          }
        }
        train(engine, 1);
      }
      assertThat(engine.tensor("fc2.weight").countNonZero()).isEqualTo(15);
    }
  }

  @ParameterizedTest
  @MethodSource("optimizers")
  void aRegrownWeightStartsAtZeroAndMoves(Optimizer optimizer) {
    Graph graph = Small.chain(Small.NEURON);
    try (Engine engine = Small.engine(graph, Small.weights(graph, 1), optimizer)) {
      train(engine, 2);
      engine.mask(without(engine, 2));
      train(engine, 2);
      engine.mask(without(engine, 4));
      assertThat(engine.tensor(MASKED).data()[2]).isZero();
      train(engine, 1);
      assertThat(engine.tensor(MASKED).data()[2]).isNotZero();
      assertThat(engine.tensor(MASKED).data()[4]).isZero();
    }
  }

  @Test
  void aMaskMustFitTheWeights() {
    try (Engine engine = Small.engine(Small.chain(Small.NEURON))) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> engine.mask(Map.of(MASKED, Tensor.of(1, 0))))
          .withMessageContaining(MASKED);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> engine.mask(Map.of("conv9.weight", Tensor.of(1, 0))))
          .withMessageContaining("conv9.weight");
    }
  }
}
