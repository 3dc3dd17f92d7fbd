package dev.coppice.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.coppice.graph.Graph;
import dev.coppice.graph.Initialization;
import dev.coppice.graph.Notation;
import dev.coppice.graph.Op;
import dev.coppice.graph.Shape;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import dev.coppice.kernels.Kernels;
import dev.coppice.train.Engine;
import dev.coppice.train.LossFunction;
import dev.coppice.train.Optimizer;
import dev.coppice.train.Probes;
import dev.coppice.train.TrainingSettings;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** SNIP's saliency in a network: of the loss to a mask m of which every value is 1. */
class SensitivityTest {
  private static final int STEPS = 3;
  private static final int[] LABELS = {0, 2, 1, 2};
  private static final Graph GRAPH =
      Notation.parse("FC6-FC3", new Shape.Map(1, 1, 5), Op.Neuron.decay());
  private static final PrunableLayers LAYERS = PrunableLayers.of(GRAPH, Set.of());
  private static final TrainingSettings SETTINGS =
      TrainingSettings.builder().timeSteps(STEPS).batchSize(LABELS.length).build();

  /** The second feature is always 0. */
  private static float[] input() {
    float[] input = new float[LABELS.length * 5];
    for (int i = 0; i < input.length; i++) {
      input[i] = i % 5 == 1 ? 0 : 4 * (float) Math.sin(i + 1) + 2;
    }
    return input;
  }

  private static Engine engine(Weights weights) {
    return new Engine(
        GRAPH,
        weights,
        new Optimizer.Sgd(0, false, 0),
        new Engine.Options("cpu", 1, Kernels.best()));
  }

  private static double loss(Weights weights) {
    try (Engine engine = engine(weights)) {
      return new LossFunction.MeanLogits()
          .evaluate(engine.logits(input(), LABELS.length, STEPS), LABELS, STEPS, 0)
          .value();
    }
  }

  private static Weights with(Weights weights, String name, int index, float factor) {
    Map<String, Tensor> all = new HashMap<>(weights.asMap());
    Tensor tensor = weights.get(name);
    float[] values = tensor.data().clone();
    values[index] *= factor;
    all.put(name, new Tensor(tensor.shape(), values));
    return Weights.of(all);
  }

  /** By differences where the loss has any slope: behind the last neurons. */
  @Test
  void itIsTheSlopeOfTheLossInTheMask() {
    Weights weights = Weights.initialize(GRAPH, 3, Initialization.UNIFORM_FAN_IN);
    float[] scores;
    try (Engine engine = engine(weights)) {
      Probes.Measured measured =
          engine.measure(input(), LABELS, SETTINGS, 1, Saliency.SENSITIVITY.probes(LAYERS));
      scores = Saliency.SENSITIVITY.scores(LAYERS, LAYERS.gather(weights::get), measured, 1);
    }
    PrunableLayers.Layer first = LAYERS.layers().getFirst();
    for (int unit = 0; unit < 6; unit++) {
      assertThat(scores[first.offset() + unit * 5 + 1]).isZero();
      assertThat(scores[first.offset() + unit * 5]).isPositive();
    }
    PrunableLayers.Layer last = LAYERS.layers().getLast();
    float step = 1e-2f;
    int sloped = 0;
    for (int i = 0; i < last.end() - last.offset(); i++) {
      double slope =
          (loss(with(weights, last.tensor(), i, 1 + step))
                  - loss(with(weights, last.tensor(), i, 1 - step)))
              / (2 * step);
      assertThat((double) scores[last.offset() + i]).isCloseTo(Math.abs(slope), within(1e-4));
      sloped += Math.abs(slope) > 1e-2 ? 1 : 0;
    }
    assertThat(sloped).isGreaterThan(4);
  }
}
