package dev.coppice.prune.channels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.coppice.graph.Graph;
import dev.coppice.graph.Model;
import dev.coppice.graph.Node;
import dev.coppice.graph.Op;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import dev.coppice.kernels.Kernels;
import dev.coppice.train.Engine;
import dev.coppice.train.LossFunction;
import dev.coppice.train.Optimizer;
import dev.coppice.train.Probes;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Collectors;

/** Networks with lively weights, and the comparison of masked and shrunk ones. */
final class Twins {
  private static final int STEPS = 3;
  private static final int BATCH = 2;
  private static final Engine.Options OPTIONS = new Engine.Options("cpu", 1, Kernels.best());

  private Twins() {}

  /** Returns a model whose batch norms have statistics that matter. */
  static Model model(Graph graph, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    Weights.expected(graph)
        .forEach(
            (name, shape) -> {
              int size = 1;
              for (int dimension : shape) {
                size *= dimension;
              }
              float[] data = new float[size];
              double spread = shape.length > 1 ? 1.5 / Math.sqrt(size / (double) shape[0]) : 0.3;
              boolean norm = name.endsWith(".weight") && shape.length == 1;
              boolean variance = name.endsWith(".running_var");
              for (int i = 0; i < size; i++) {
                double value = random.nextGaussian(0, spread);
                data[i] = (float) (variance ? 0.6 + Math.abs(value) : norm ? 1 + value : value);
              }
              tensors.put(name, new Tensor(shape, data));
            });
    return new Model(graph, Weights.of(tensors), Map.of("origin", "seed " + seed));
  }

  private static float[] images(Graph graph, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] images = new float[BATCH * graph.shape(graph.input().name()).size()];
    for (int i = 0; i < images.length; i++) {
      images[i] = (float) random.nextGaussian(0, 1.5);
    }
    return images;
  }

  private static Engine engine(Model model) {
    return new Engine(model.graph(), model.weights(), new Optimizer.Sgd(0.9f, false, 0), OPTIONS);
  }

  /** Returns the model with the statistics of its batch norms moved to those of some images. */
  static Model calibrated(Model model) {
    try (Engine engine = engine(model)) {
      for (int step = 1; step <= 30; step++) {
        train(engine, images(model.graph(), 7), 0);
      }
      return new Model(model.graph(), engine.weights(), model.metadata());
    }
  }

  /**
   * What a model does with some images.
   *
   * @param margin how near any potential comes to its threshold, relative to it: where two sums of
   *     the same numbers in another order may fall on both sides, there is nothing to compare
   */
  record Run(float[] logits, double margin) {}

  static Run run(Model model) {
    float[] images = images(model.graph(), 7);
    Map<String, Op.Neuron> neurons = new HashMap<>();
    for (Node node : model.graph().nodes()) {
      if (node.op() instanceof Op.Neuron neuron) {
        neurons.put(node.name(), neuron);
      }
    }
    Probes probes =
        new Probes(Map.of(), Set.of(), Set.of(), Set.of(), Set.copyOf(neurons.keySet()), Set.of());
    double margin = Double.MAX_VALUE;
    try (Engine engine = engine(model)) {
      Map<String, float[]> potentials = engine.measure(images, BATCH, STEPS, probes).potentials();
      for (Map.Entry<String, Op.Neuron> entry : neurons.entrySet()) {
        float threshold = entry.getValue().threshold();
        for (float h : Objects.requireNonNull(potentials.get(entry.getKey()))) {
          margin = Math.min(margin, Math.abs(h - threshold) / threshold);
        }
      }
      return new Run(engine.logits(images, BATCH, STEPS), margin);
    }
  }

  /** Shrinks and checks that the logits are those of the masked network. */
  static Surgery.Result shrink(Model model, Residual residual, Map<String, boolean[]> keep) {
    Surgery.Result result = Surgery.shrink(model, residual, keep);
    assertSame(run(result.model()), run(Surgery.mask(model, residual, keep)));
    Map<String, String> metadata = new HashMap<>(model.metadata());
    metadata.remove(KeptChannels.KEY);
    assertThat(result.model().metadata()).containsAllEntriesOf(metadata);
    return result;
  }

  static void assertSame(Run shrunk, Run masked) {
    assertThat(shrunk.logits()).hasSameSizeAs(masked.logits());
    for (int i = 0; i < masked.logits().length; i++) {
      float expected = masked.logits()[i];
      // Large logits have only so many digits.
      float most = 1e-5f * Math.max(1, Math.abs(expected));
      assertThat(shrunk.logits()[i]).as("logit " + i).isCloseTo(expected, within(most));
    }
  }

  /** Returns the loss of a training step. */
  static double train(Model model) {
    try (Engine engine = engine(model)) {
      return train(engine, images(model.graph(), 7), 0.01);
    }
  }

  private static double train(Engine engine, float[] images, double rate) {
    Engine.StepSettings settings =
        new Engine.StepSettings(STEPS, new LossFunction.MeanLogits(), 0, 0, 0);
    return engine.train(images, new int[BATCH], settings, rate, 1, Probes.NONE).loss();
  }

  /** Returns a choice written with one character a channel, 1 to keep. */
  static boolean[] bits(String text) {
    boolean[] bits = new boolean[text.length()];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = text.charAt(i) == '1';
    }
    return bits;
  }

  static Map<String, boolean[]> random(
      List<ChannelGroup> groups, double share, SplittableRandom random) {
    Map<String, boolean[]> keep = new LinkedHashMap<>();
    for (ChannelGroup group : groups) {
      boolean[] chosen = new boolean[group.channels()];
      for (int i = 0; i < chosen.length; i++) {
        chosen[i] = random.nextDouble() < share;
      }
      keep.put(group.name(), chosen);
    }
    return keep;
  }

  static Map<String, float[]> scores(List<ChannelGroup> groups, SplittableRandom random) {
    return groups.stream()
        .collect(
            Collectors.toMap(
                ChannelGroup::name,
                group -> {
                  float[] scores = new float[group.channels()];
                  for (int i = 0; i < scores.length; i++) {
                    scores[i] = (float) random.nextDouble();
                  }
                  return scores;
                }));
  }
}
