package dev.coppice.prune.channels;

import dev.coppice.graph.Graph;
import dev.coppice.graph.Node;
import dev.coppice.graph.Op;
import dev.coppice.graph.Weights;
import dev.coppice.train.CriticalityProbe;
import dev.coppice.train.Probes;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * What a channel is worth: the higher, the rather it is kept, or brought back. Each rule says what
 * must be measured for it and turns the measurements into a score per channel of a group; that of a
 * group of several batch norms or neuron layers is their mean.
 */
public sealed interface ChannelScore {
  /** The magnitude |γ| of the batch norm's scale (network slimming, arXiv 1708.06519). */
  record Scale() implements ChannelScore {}

  /**
   * The criticality of the neurons behind a batch norm (arXiv 2311.16141); in a group that has none
   * such, of all its neurons.
   *
   * @param probe how criticality is measured
   */
  record Criticality(CriticalityProbe probe) implements ChannelScore {}

  /**
   * Criticality and scale at once: the product of the two ranks, each the share of the network's
   * channels that score no higher. Ranks, because the product of the values would rank as the scale
   * alone does: the most critical position of a map lies close to 1 for most channels, while a
   * penalty spreads scales over orders of magnitude.
   *
   * @param probe how criticality is measured
   */
  record Combined(CriticalityProbe probe) implements ChannelScore {}

  /**
   * Spiking activity: the mean magnitude of the membrane potential before reset, over the batch,
   * time and the map (SCA, arXiv 2406.01072).
   */
  record Activity() implements ChannelScore {}

  /**
   * The magnitude |∂L/∂γ| of the loss's derivative to the batch norm's scale, the mean over the
   * mini-batches, whose signs cancel: what SCA brings channels back by (arXiv 2406.01072).
   */
  record Gradient() implements ChannelScore {}

  /** Drawn at random: the control. */
  record Random() implements ChannelScore {}

  /** Returns what must be measured for the scores. */
  default Probes probes(Graph graph, List<ChannelGroup> groups) {
    return switch (this) {
      case Scale(), Random() -> Probes.NONE;
      case Gradient() ->
          Probes.gradients(
              groups.stream()
                  .flatMap(group -> group.norms().stream())
                  .map(ChannelScore::scale)
                  .collect(Collectors.toSet()));
      case Criticality(CriticalityProbe probe) -> criticality(probe, graph, groups);
      case Combined(CriticalityProbe probe) -> criticality(probe, graph, groups);
      case Activity() -> {
        Set<String> neurons = new HashSet<>();
        groups.forEach(group -> neurons.addAll(group.neurons()));
        yield Probes.magnitudes(neurons);
      }
    };
  }

  /**
   * Checks that every group has what scores it.
   *
   * @throws IllegalArgumentException if one has no batch norm, or no neuron, to score it by
   */
  default void check(List<ChannelGroup> groups) {
    boolean scaled =
        switch (this) {
          case Scale(), Gradient(), Combined(CriticalityProbe _) -> true;
          case Criticality(CriticalityProbe _), Activity(), Random() -> false;
        };
    boolean measured =
        switch (this) {
          case Criticality(CriticalityProbe _), Combined(CriticalityProbe _), Activity() -> true;
          case Scale(), Gradient(), Random() -> false;
        };
    for (ChannelGroup group : groups) {
      String lacking =
          scaled && group.norms().isEmpty()
              ? "batch norm whose scale could score them"
              : measured && group.neurons().isEmpty() ? "neurons that could score them" : "";
      if (!lacking.isEmpty()) {
        throw new IllegalArgumentException(
            "the channels of " + group.name() + " have no " + lacking + "; choose another score");
      }
    }
  }

  private static Probes criticality(
      CriticalityProbe probe, Graph graph, List<ChannelGroup> groups) {
    Set<String> normalized = normalized(graph);
    Map<String, CriticalityProbe> neurons = new HashMap<>();
    for (ChannelGroup group : groups) {
      List<String> behind = group.neurons().stream().filter(normalized::contains).toList();
      for (String neuron : behind.isEmpty() ? group.neurons() : behind) {
        neurons.put(neuron, probe);
      }
    }
    return Probes.criticality(neurons, Set.of());
  }

  /** Returns the neurons that a batch norm reaches through nodes that keep channels apart. */
  private static Set<String> normalized(Graph graph) {
    Set<String> reached = new HashSet<>();
    Set<String> neurons = new HashSet<>();
    for (Node node : graph.nodes()) {
      boolean reads = node.inputs().stream().anyMatch(reached::contains);
      switch (node.op()) {
        case Op.BatchNorm _ -> reached.add(node.name());
        case Op.AvgPool _,
            Op.MaxPool _,
            Op.GlobalAvgPool _,
            Op.Flatten _,
            Op.Dropout _,
            Op.Gate _,
            Op.Select _,
            Op.Add _ -> {
          if (reads) {
            reached.add(node.name());
          }
        }
        case Op.Neuron _ -> {
          if (reads) {
            neurons.add(node.name());
          }
        }
        case Op.Input _, Op.Conv2d _, Op.Linear _ -> {}
      }
    }
    return neurons;
  }

  /**
   * Returns the scores of every group's channels, by its name.
   *
   * @param measured what {@link #probes} asked for, such as {@link ChannelMeasurement} finds
   * @param seed of random scores
   * @throws IllegalArgumentException if a group has no batch norm, or no neuron, to score it by
   */
  default SequencedMap<String, float[]> scores(
      List<ChannelGroup> groups, Weights weights, Probes.Measured measured, long seed) {
    return switch (this) {
      case Scale() -> scales(groups, norm -> weights.get(scale(norm)).data());
      case Gradient() ->
          scales(
              groups,
              norm ->
                  Objects.requireNonNull(
                      measured.gradients().get(scale(norm)), () -> norm + " was not measured"));
      case Criticality(CriticalityProbe _) -> potentials(groups, measured.criticality());
      case Combined(CriticalityProbe _) ->
          rankProduct(
              new Scale().scores(groups, weights, measured, seed),
              potentials(groups, measured.criticality()));
      case Activity() -> potentials(groups, measured.magnitudes());
      case Random() -> {
        SplittableRandom random = new SplittableRandom(seed);
        yield byGroup(
            groups,
            group -> {
              float[] scores = new float[group.channels()];
              for (int i = 0; i < scores.length; i++) {
                scores[i] = (float) random.nextDouble();
              }
              return scores;
            });
      }
    };
  }

  private static SequencedMap<String, float[]> byGroup(
      List<ChannelGroup> groups, Function<ChannelGroup, float[]> score) {
    SequencedMap<String, float[]> scores = new LinkedHashMap<>();
    groups.forEach(group -> scores.put(group.name(), score.apply(group)));
    return scores;
  }

  /** Returns the name of a batch norm's scale γ. */
  private static String scale(String norm) {
    return norm + ".weight";
  }

  /** Returns the magnitudes of what the batch norms have. */
  private static SequencedMap<String, float[]> scales(
      List<ChannelGroup> groups, Function<String, float[]> values) {
    Map<String, float[]> magnitudes = new HashMap<>();
    for (ChannelGroup group : groups) {
      for (String norm : group.norms()) {
        float[] scale = values.apply(norm).clone();
        for (int i = 0; i < scale.length; i++) {
          scale[i] = Math.abs(scale[i]);
        }
        magnitudes.put(norm, scale);
      }
    }
    return byGroup(
        groups,
        group ->
            mean(group, group.norms(), magnitudes, "have no batch norm, whose scale scores them"));
  }

  private static SequencedMap<String, float[]> potentials(
      List<ChannelGroup> groups, Map<String, float[]> measured) {
    return byGroup(
        groups,
        group ->
            mean(group, group.neurons(), measured, "have no neuron measured, which scores them"));
  }

  /** Returns the mean over the members that have values. */
  private static float[] mean(
      ChannelGroup group, List<String> members, Map<String, float[]> values, String lack) {
    double[] sums = new double[group.channels()];
    int found = 0;
    for (String member : members) {
      float[] own = values.get(member);
      if (own == null) {
        continue;
      }
      if (own.length != sums.length) {
        throw new IllegalArgumentException(
            member + " has " + own.length + " values for the channels of " + group);
      }
      for (int i = 0; i < sums.length; i++) {
        sums[i] += own[i];
      }
      found++;
    }
    if (found == 0) {
      throw new IllegalArgumentException("the channels of " + group.name() + " " + lack);
    }
    float[] means = new float[sums.length];
    for (int i = 0; i < means.length; i++) {
      means[i] = (float) (sums[i] / found);
    }
    return means;
  }

  private static SequencedMap<String, float[]> rankProduct(
      Map<String, float[]> one, Map<String, float[]> other) {
    float[] sortedOne = sorted(one);
    float[] sortedOther = sorted(other);
    SequencedMap<String, float[]> products = new LinkedHashMap<>();
    one.forEach(
        (name, values) -> {
          float[] others = Objects.requireNonNull(other.get(name), name);
          float[] product = new float[values.length];
          for (int i = 0; i < product.length; i++) {
            product[i] = (float) (rank(values[i], sortedOne) * rank(others[i], sortedOther));
          }
          products.put(name, product);
        });
    return products;
  }

  private static float[] sorted(Map<String, float[]> scores) {
    float[] all = new float[scores.values().stream().mapToInt(own -> own.length).sum()];
    int offset = 0;
    for (float[] own : scores.values()) {
      System.arraycopy(own, 0, all, offset, own.length);
      offset += own.length;
    }
    Arrays.sort(all);
    return all;
  }

  /** Returns the share of the sorted values that are no higher. */
  private static double rank(float value, float[] sorted) {
    int low = 0;
    int high = sorted.length;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (sorted[middle] <= value) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low / (double) sorted.length;
  }
}
