package dev.coppice.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.coppice.graph.Graph;
import dev.coppice.graph.Initialization;
import dev.coppice.graph.Model;
import dev.coppice.graph.Notation;
import dev.coppice.graph.Op;
import dev.coppice.graph.Shape;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import dev.coppice.graph.zoo.Zoo;
import dev.coppice.kernels.Kernels;
import dev.coppice.train.Engine;
import dev.coppice.train.LossFunction;
import dev.coppice.train.Optimizer;
import dev.coppice.train.Probes;
import dev.coppice.train.Trainer;
import dev.coppice.train.TrainingListener;
import dev.coppice.train.TrainingSettings;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;

class NeuronGatesTest {
  private static final int[] LABELS = {0, 2, 1};
  private static final int STEPS = 3;

  private static Model gated(Graph graph) {
    Weights weights = Weights.initialize(graph, 1, Initialization.UNIFORM_FAN_IN);
    return NeuronGates.into(new Model(graph, weights, Map.of()));
  }

  private static Graph net(String notation, int channels) {
    return Notation.parse(notation, new Shape.Map(6, 6, channels), Op.Neuron.decay());
  }

  private static Engine engine(Model model) {
    return new Engine(
        model.graph(),
        model.weights(),
        new Optimizer.Sgd(0.9f, false, 1e-3f),
        new Engine.Options("cpu", 1, Kernels.best()));
  }

  @Test
  void neuronsOfMapsHaveGatesButForThoseThatEncode() {
    Graph graph = gated(net("2C3-4C3-P2-8C3-FC7-FC3", 1)).graph();
    assertThat(NeuronGates.of(graph)).containsExactly("neuron2_gate", "neuron3_gate");
    assertThat(graph.node("pool1").inputs()).containsExactly("neuron2_gate");
    assertThat(NeuronGates.of(gated(graph).graph())).isEqualTo(NeuronGates.of(graph));
    Graph residual =
        gated(Zoo.create("resnet19", new Shape.Map(8, 8, 1), 10, Op.Neuron.decay(), 0.0625))
            .graph();
    assertThat(NeuronGates.of(residual)).hasSizeGreaterThan(14);
  }

  /** 3×3, stride 1, from 4 to 8 channels: 72 weights read a neuron. */
  @Test
  void aSpikeIsReadByEveryOutputAndTap() {
    Graph graph = gated(net("2C3-4C3-P2-8C3-P2-FC7-FC3", 1)).graph();
    assertThat(NeuronGates.uses(graph, "neuron2_gate")).isEqualTo(72);
    assertThat(NeuronGates.uses(graph, "neuron3_gate")).isEqualTo(7);
    PrunableLayers layers = PrunableLayers.of(graph, Set.of());
    float[] uses = PricedGates.uses(graph, layers, NeuronGates.of(graph));
    assertThat(uses).hasSize(layers.size() + 4 * 36 + 8 * 9);
    assertThat(uses[layers.size()]).isEqualTo(72);
    assertThat(uses[uses.length - 1]).isEqualTo(7);
  }

  private static float[] input() {
    float[] input = new float[LABELS.length * 36 * 2];
    for (int i = 0; i < input.length; i++) {
      input[i] = 3 * (float) Math.sin(i + 1) + 1;
    }
    return input;
  }

  private static double loss(Model model, int index, float gate) {
    Map<String, Tensor> tensors = new LinkedHashMap<>(model.weights().asMap());
    float[] gates = model.weights().get("neuron2_gate.gate").data().clone();
    gates[index] = gate;
    tensors.put("neuron2_gate.gate", Tensor.of(gates));
    try (Engine engine = engine(new Model(model.graph(), Weights.of(tensors), Map.of()))) {
      float[] logits = engine.logits(input(), LABELS.length, STEPS);
      return new LossFunction.MeanLogits().evaluate(logits, LABELS, STEPS, 0).value();
    }
  }

  /** Of the last neurons, in whose gates the loss is smooth. */
  @Test
  void gatesHaveTheGradientOfTheLoss() {
    Model model = gated(net("4C3-5C3-FC3", 2));
    TrainingSettings settings = TrainingSettings.builder().timeSteps(STEPS).batchSize(3).build();
    try (Engine engine = engine(model)) {
      // Gradients are measured with the statistics of the batch: so are the losses when those that
      // batch norms keep have settled.
      Probes probes = Probes.gradients(Set.of("neuron2_gate.gate"));
      for (int i = 0; i < 300; i++) {
        engine.measure(input(), LABELS, settings, 1, probes);
      }
      float[] gradient =
          Objects.requireNonNull(
              engine
                  .measure(input(), LABELS, settings, 1, probes)
                  .gradients()
                  .get("neuron2_gate.gate"));
      Model settled = new Model(model.graph(), engine.weights(), Map.of());
      int sloped = 0;
      for (int i = 0; i < 5 * 36; i += 7) {
        double slope = (loss(settled, i, 1.05f) - loss(settled, i, 0.95f)) / 0.1;
        assertThat((double) gradient[i]).isCloseTo(slope, within(2e-4));
        sloped += Math.abs(slope) > 1e-3 ? 1 : 0;
      }
      assertThat(sloped).isGreaterThan(5);
    }
  }

  /** Hard at the end, pruned neurons among them, and no optimizer has moved any. */
  @Test
  void searchLeavesGatesOpenOrShut() throws IOException {
    Model model = gated(PruningTest.GRAPH);
    int epochs = 5;
    int perEpoch = 5;
    TrainingSettings settings =
        TrainingSettings.builder().timeSteps(2).batchSize(4).epochs(epochs).seed(3).build();
    EmergentPruning method =
        new EmergentPruning(
            model.graph(),
            Method.UPR,
            new EmergentPruning.Settings(
                1e-8, 0.8, new Optimizer.Sgd(0.9f, false, 1e-3f), epochs, perEpoch, Set.of()),
            done -> {});
    try (Engine engine = engine(model)) {
      new Trainer(engine, PruningTest.DATA, settings, method).run(TrainingListener.NONE, false);
      float[] gates = engine.tensor("neuron2_gate.gate").data();
      assertThat(gates).containsOnly(0, 1).contains(0, 1);
    }
  }
}
