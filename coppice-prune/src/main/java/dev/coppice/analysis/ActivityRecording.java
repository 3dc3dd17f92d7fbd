package dev.coppice.analysis;

import dev.coppice.data.Augmentation;
import dev.coppice.data.Batch;
import dev.coppice.data.Batches;
import dev.coppice.data.Images;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Node;
import dev.coppice.train.Engine;
import dev.coppice.train.Probes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The spikes of a network by time step, over runs much longer than those it was trained for: what
 * branching parameters and avalanches are estimated from. Each image is one trial, shown by itself
 * from rest for all of the time steps; the first steps, in which activity travels through the
 * layers and settles, can be left out.
 *
 * @param layers the neuron layers in the order of the graph
 * @param trials spikes {@code [layers][T]} of each trial
 */
public record ActivityRecording(List<String> layers, List<long[][]> trials) {
  private static final long VALUES_AT_ONCE = 1 << 24;

  /** Bytes that one native array of the engine can be read through. */
  private static final long LARGEST_ARRAY = Integer.MAX_VALUE - 8L;

  /** Copies the lists. */
  public ActivityRecording {
    layers = List.copyOf(layers);
    trials = List.copyOf(trials);
  }

  /**
   * Records the activity that each image causes. Layers whose spikes do not fit in memory together
   * are recorded one after the other in runs that repeat each other.
   *
   * @param discard time steps at the beginning to leave out
   * @throws dev.coppice.graph.GraphException if the network has no neurons
   * @throws IllegalArgumentException if nothing is left to record, or a layer is too large for so
   *     many time steps
   */
  public static ActivityRecording of(
      Engine engine, Images images, Stimulus stimulus, int discard, MeasurementProgress progress) {
    int steps = stimulus.steps();
    if (discard < 0 || discard >= steps) {
      throw new IllegalArgumentException(
          "of "
              + steps
              + " time steps, between 0 and "
              + (steps - 1)
              + " can be left out, not "
              + discard);
    }
    Graph graph = engine.graph();
    List<String> layers = NetworkMeasurement.neurons(graph).stream().map(Node::name).toList();
    for (Node node : graph.nodes()) {
      long bytes = (long) graph.shape(node.name()).size() * steps * Float.BYTES;
      if (bytes > LARGEST_ARRAY) {
        throw new IllegalArgumentException(
            "the activity of "
                + node.name()
                + " over "
                + steps
                + " time steps exceeds the largest array; at most "
                + LARGEST_ARRAY / Float.BYTES / graph.shape(node.name()).size()
                + " steps are possible");
      }
    }
    List<Probes> passes = passes(graph, layers, steps);
    List<long[][]> trials = new ArrayList<>();
    try (Batches batches =
        Batches.of(
            images, stimulus.batchNormalization(), Augmentation.NONE, 1, 0, 0, 0, false, false)) {
      while (batches.hasNext()) {
        Batch batch = batches.next();
        float[] input = stimulus.input(batch, trials.size());
        long[][] trial = new long[layers.size()][];
        for (Probes pass : passes) {
          Map<String, float[]> outputs = engine.measure(input, 1, steps, pass).outputs();
          outputs.forEach(
              (name, output) -> trial[layers.indexOf(name)] = activity(output, steps, discard));
        }
        trials.add(trial);
        progress.measured(trials.size(), images.size());
      }
    }
    return new ActivityRecording(layers, trials);
  }

  private static List<Probes> passes(Graph graph, List<String> layers, int steps) {
    List<List<String>> groups = new ArrayList<>();
    long values = VALUES_AT_ONCE;
    for (String layer : layers) {
      long own = (long) graph.shape(layer).size() * steps;
      values += own;
      if (values > VALUES_AT_ONCE) {
        groups.add(new ArrayList<>());
        values = own;
      }
      groups.getLast().add(layer);
    }
    return groups.stream()
        .map(group -> Probes.outputs(Set.copyOf(group)))
        .collect(Collectors.toUnmodifiableList());
  }

  private static long[] activity(float[] output, int steps, int discard) {
    int neurons = output.length / steps;
    long[] activity = new long[steps - discard];
    for (int t = discard; t < steps; t++) {
      for (int i = t * neurons; i < (t + 1) * neurons; i++) {
        activity[t - discard] += output[i] > 0 ? 1 : 0;
      }
    }
    return activity;
  }

  /** Returns the activity {@code [T]} of a layer in each trial. */
  public List<long[]> of(String layer) {
    int index = layers.indexOf(layer);
    if (index < 0) {
      throw new IllegalArgumentException("the recording has no layer " + layer);
    }
    return trials.stream().map(trial -> trial[index]).toList();
  }

  /** Returns the activity {@code [T]} of all layers together in each trial. */
  public List<long[]> network() {
    List<long[]> sums = new ArrayList<>();
    for (long[][] trial : trials) {
      long[] sum = new long[trial[0].length];
      for (long[] layer : trial) {
        Arrays.setAll(sum, t -> sum[t] + layer[t]);
      }
      sums.add(sum);
    }
    return sums;
  }
}
