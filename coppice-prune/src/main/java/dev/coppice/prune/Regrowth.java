package dev.coppice.prune;

import dev.coppice.graph.Surrogate;
import dev.coppice.train.CriticalityProbe;
import dev.coppice.train.Probes;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * What decides which pruned connections come back. Each rule says what must be measured for it and
 * turns the measurements into a score per weight; the highest are regrown.
 */
public sealed interface Regrowth {
  /** Nothing comes back: magnitude pruning alone. */
  record None() implements Regrowth {}

  /**
   * Connections of the neurons closest to criticality (arXiv 2311.16141): a connection's score is
   * the criticality of its post-synaptic neuron. Where a flattened map is between, a channel's
   * neurons are pooled as the positions of a map are; a channel that a selection leaves out scores
   * 0.
   *
   * @param probe how criticality is measured
   * @param presynaptic whether the score is multiplied by the mean activity of the pre-synaptic
   *     channel, so that it tells a neuron's connections apart
   * @param choice how connections are chosen by their scores
   */
  record Criticality(CriticalityProbe probe, boolean presynaptic, Choice choice)
      implements Regrowth {
    /** How connections are chosen by their scores. */
    public enum Choice {
      /** The highest scores: all connections of the most critical neuron come before the next. */
      RANKED,
      /**
       * Drawn without replacement with a probability proportional to the score (Efraimidis and
       * Spirakis, 2006), so that regrowth is spread over the critical neurons.
       */
      DRAWN,
      /**
       * The highest products of score and magnitude before pruning: among the connections that are
       * being removed, those that matter most to neurons close to criticality.
       */
      WEIGHTED
    }

    /** Returns the rule with maps that count by the mean of their positions. */
    Criticality averaged() {
      return new Criticality(
          new CriticalityProbe(
              probe.surrogate(),
              probe.threshold(),
              probe.derivative(),
              CriticalityProbe.Pooling.MEAN),
          presynaptic,
          choice);
    }

    /** Returns the rule with the scores multiplied by the activity of the pre-synaptic channel. */
    Criticality withPresynaptic() {
      return new Criticality(probe, true, choice);
    }

    /** Returns the paper's rule: the ATan derivative, the most critical position of a map. */
    public static Criticality paper(float threshold) {
      return new Criticality(
          new CriticalityProbe(
              new Surrogate.ATan(2), threshold, true, CriticalityProbe.Pooling.MAX),
          false,
          Choice.RANKED);
    }
  }

  /** Connections with the largest gradient of the loss (RigL, arXiv 1911.11134). */
  record Gradient() implements Regrowth {}

  /**
   * Connections with the largest product of the gradient's magnitude and the criticality of the
   * neuron that they lead to; those of classifiers by the gradient alone.
   *
   * @param criticality gives the second factor
   */
  record CriticalGradient(Criticality criticality) implements Regrowth {}

  /** Connections drawn at random. */
  record Random() implements Regrowth {}

  /** Returns what must be measured in the steps before a pruning iteration. */
  default Probes probes(PrunableLayers layers) {
    return switch (this) {
      case None _, Random _ -> Probes.NONE;
      case Criticality(CriticalityProbe probe, boolean presynaptic, Criticality.Choice _) -> {
        Map<String, CriticalityProbe> neurons = new HashMap<>();
        Set<String> inputs = new HashSet<>();
        for (PrunableLayers.Layer layer : layers.layers()) {
          if (layer.neuron() != null) {
            neurons.put(layer.neuron(), probe);
            if (presynaptic) {
              inputs.add(layer.node());
            }
          }
        }
        yield Probes.criticality(neurons, inputs);
      }
      case Gradient() -> {
        Set<String> tensors = new HashSet<>();
        layers.layers().forEach(layer -> tensors.add(layer.tensor()));
        yield Probes.gradients(tensors);
      }
      case CriticalGradient(Criticality criticality) ->
          criticality.probes(layers).and(new Gradient().probes(layers));
    };
  }

  /**
   * Returns a score for every weight; criticality gives those of classifiers none.
   *
   * @param weights as they are before pruning
   */
  default float[] scores(
      PrunableLayers layers, float[] weights, Probes.Measured measured, long seed) {
    float[] scores = new float[layers.size()];
    switch (this) {
      case None() -> {}
      case Criticality(CriticalityProbe probe, boolean presynaptic, Criticality.Choice choice) -> {
        for (PrunableLayers.Layer layer : layers.layers()) {
          if (layer.neuron() != null && layer.channels() != null) {
            float[] neurons =
                pooled(
                    measured(measured.criticality(), layer.neuron()),
                    layer.channels(),
                    layer.shape()[0],
                    probe.pooling());
            int perOutput = layer.size() / layer.shape()[0];
            float[] inputs = presynaptic ? measured(measured.presynaptic(), layer.node()) : null;
            int channels = layer.shape()[layer.shape().length - 1];
            for (int i = 0; i < layer.size(); i++) {
              float rate = inputs == null ? 1 : inputs[i % channels];
              scores[layer.offset() + i] = neurons[i / perOutput] * rate;
            }
          }
        }
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < scores.length; i++) {
          scores[i] =
              switch (choice) {
                case RANKED -> scores[i];
                case DRAWN -> (float) (Math.log(1 - random.nextDouble()) / scores[i]);
                case WEIGHTED -> scores[i] * Math.abs(weights[i]);
              };
        }
      }
      case Gradient() -> {
        for (PrunableLayers.Layer layer : layers.layers()) {
          float[] gradient = measured(measured.gradients(), layer.tensor());
          for (int i = 0; i < layer.size(); i++) {
            scores[layer.offset() + i] = Math.abs(gradient[i]);
          }
        }
      }
      case CriticalGradient(Criticality criticality) -> {
        float[] factors = criticality.scores(layers, weights, measured, seed);
        scores = new Gradient().scores(layers, weights, measured, seed);
        for (PrunableLayers.Layer layer : layers.layers()) {
          for (int i = layer.offset(); i < layer.end(); i++) {
            scores[i] *= layer.classifier() ? 1 : factors[i];
          }
        }
      }
      case Random() -> {
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < scores.length; i++) {
          scores[i] = (float) random.nextDouble();
        }
      }
    }
    return scores;
  }

  /** Returns the scores of output channels from those of the neurons that have them. */
  private static float[] pooled(
      float[] neurons, int[] channels, int outputs, CriticalityProbe.Pooling pooling) {
    float[] scores = new float[outputs];
    int[] counts = new int[outputs];
    for (int i = 0; i < neurons.length; i++) {
      int channel = channels[i];
      counts[channel]++;
      scores[channel] =
          switch (pooling) {
            case MAX -> counts[channel] == 1 ? neurons[i] : Math.max(scores[channel], neurons[i]);
            case MEAN -> scores[channel] + (neurons[i] - scores[channel]) / counts[channel];
          };
    }
    return scores;
  }

  private static float[] measured(Map<String, float[]> values, String name) {
    float[] value = values.get(name);
    if (value == null) {
      throw new IllegalStateException("nothing was measured for " + name);
    }
    return value;
  }
}
