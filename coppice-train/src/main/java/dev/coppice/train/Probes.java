package dev.coppice.train;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * What to measure in a pass over a batch, and, as {@link Measured}, what came of it.
 *
 * @param criticality by neuron node
 * @param presynaptic convolution and linear nodes whose inputs' mean activity is wanted
 * @param gradients tensors whose dense gradient is wanted, pruned positions included
 * @param outputs nodes whose output is wanted
 * @param potentials neuron nodes whose membrane potential before reset is wanted
 * @param magnitudes neuron nodes of whose potential before reset the mean magnitude is wanted
 */
public record Probes(
    Map<String, CriticalityProbe> criticality,
    Set<String> presynaptic,
    Set<String> gradients,
    Set<String> outputs,
    Set<String> potentials,
    Set<String> magnitudes) {
  /** Measures nothing. */
  public static final Probes NONE =
      new Probes(Map.of(), Set.of(), Set.of(), Set.of(), Set.of(), Set.of());

  /** Copies the collections. */
  public Probes {
    criticality = Map.copyOf(criticality);
    presynaptic = Set.copyOf(presynaptic);
    gradients = Set.copyOf(gradients);
    outputs = Set.copyOf(outputs);
    potentials = Set.copyOf(potentials);
    magnitudes = Set.copyOf(magnitudes);
  }

  /** Returns probes of criticality and of the mean activity of inputs. */
  public static Probes criticality(
      Map<String, CriticalityProbe> criticality, Set<String> presynaptic) {
    return new Probes(criticality, presynaptic, Set.of(), Set.of(), Set.of(), Set.of());
  }

  /** Returns a probe of gradients. */
  public static Probes gradients(Set<String> tensors) {
    return new Probes(Map.of(), Set.of(), tensors, Set.of(), Set.of(), Set.of());
  }

  /** Returns probes of what nodes write. */
  public static Probes outputs(Set<String> nodes) {
    return new Probes(Map.of(), Set.of(), Set.of(), nodes, Set.of(), Set.of());
  }

  /** Returns probes of the mean magnitude of potentials. */
  public static Probes magnitudes(Set<String> neurons) {
    return new Probes(Map.of(), Set.of(), Set.of(), Set.of(), Set.of(), neurons);
  }

  /**
   * Returns probes of all that these and the others measure.
   *
   * @throws IllegalArgumentException if they want the criticality of a neuron by different measures
   */
  public Probes and(Probes other) {
    Map<String, CriticalityProbe> both = new HashMap<>(criticality);
    other.criticality.forEach(
        (name, probe) -> {
          CriticalityProbe own = both.putIfAbsent(name, probe);
          if (own != null && !own.equals(probe)) {
            throw new IllegalArgumentException(
                "one pass measures the criticality of "
                    + name
                    + " in one way, not by both "
                    + own
                    + " and "
                    + probe);
          }
        });
    return new Probes(
        both,
        union(presynaptic, other.presynaptic),
        union(gradients, other.gradients),
        union(outputs, other.outputs),
        union(potentials, other.potentials),
        union(magnitudes, other.magnitudes));
  }

  private static Set<String> union(Set<String> one, Set<String> other) {
    Set<String> both = new HashSet<>(one);
    both.addAll(other);
    return both;
  }

  /**
   * Measurements of one batch.
   *
   * @param criticality {@code [C]} by neuron node: the mean over the batch
   * @param presynaptic {@code [C]} by node: the mean over time, batch and map of the input's
   *     magnitude
   * @param gradients by tensor, in its layout
   * @param outputs {@code [T·B, …]} by node ({@code [B, …]} if constant in time)
   * @param potentials {@code [T·B, …]} by neuron node
   * @param magnitudes {@code [C]} by neuron node: the mean over time, batch and map of the
   *     potential's magnitude
   */
  public record Measured(
      Map<String, float[]> criticality,
      Map<String, float[]> presynaptic,
      Map<String, float[]> gradients,
      Map<String, float[]> outputs,
      Map<String, float[]> potentials,
      Map<String, float[]> magnitudes) {

    /** Returns a record to be filled. */
    static Measured empty() {
      return new Measured(
          new HashMap<>(),
          new HashMap<>(),
          new HashMap<>(),
          new HashMap<>(),
          new HashMap<>(),
          new HashMap<>());
    }

    /** Returns measurements of what regrowth scores are made from. */
    public static Measured of(
        Map<String, float[]> criticality,
        Map<String, float[]> presynaptic,
        Map<String, float[]> gradients) {
      return new Measured(criticality, presynaptic, gradients, Map.of(), Map.of(), Map.of());
    }
  }
}
