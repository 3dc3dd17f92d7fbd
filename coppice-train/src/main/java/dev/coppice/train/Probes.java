package dev.coppice.train;

import java.util.HashMap;
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
 */
public record Probes(
    Map<String, CriticalityProbe> criticality,
    Set<String> presynaptic,
    Set<String> gradients,
    Set<String> outputs,
    Set<String> potentials) {
  /** Measures nothing. */
  public static final Probes NONE = new Probes(Map.of(), Set.of(), Set.of(), Set.of(), Set.of());

  /** Copies the collections. */
  public Probes {
    criticality = Map.copyOf(criticality);
    presynaptic = Set.copyOf(presynaptic);
    gradients = Set.copyOf(gradients);
    outputs = Set.copyOf(outputs);
    potentials = Set.copyOf(potentials);
  }

  /** Returns probes of criticality and of the mean activity of inputs. */
  public static Probes criticality(
      Map<String, CriticalityProbe> criticality, Set<String> presynaptic) {
    return new Probes(criticality, presynaptic, Set.of(), Set.of(), Set.of());
  }

  /** Returns a probe of gradients. */
  public static Probes gradients(Set<String> tensors) {
    return new Probes(Map.of(), Set.of(), tensors, Set.of(), Set.of());
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
   */
  public record Measured(
      Map<String, float[]> criticality,
      Map<String, float[]> presynaptic,
      Map<String, float[]> gradients,
      Map<String, float[]> outputs,
      Map<String, float[]> potentials) {

    /** Returns a record to be filled. */
    static Measured empty() {
      return new Measured(
          new HashMap<>(), new HashMap<>(), new HashMap<>(), new HashMap<>(), new HashMap<>());
    }

    /** Returns measurements of what regrowth scores are made from. */
    public static Measured of(
        Map<String, float[]> criticality,
        Map<String, float[]> presynaptic,
        Map<String, float[]> gradients) {
      return new Measured(criticality, presynaptic, gradients, Map.of(), Map.of());
    }
  }
}
