package dev.coppice.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One forward pass (and, in training, its backward pass) over a batch.
 *
 * @param manager owns every array of the pass and is closed with it
 * @param steps the number of time steps T
 * @param batch the number of samples B
 * @param training whether batch statistics are used and a backward pass follows
 * @param seed the source of randomness of the pass (dropout)
 * @param probes what to measure
 * @param observer sees what the nodes read and write, or null
 * @param measured what has been measured
 * @param gradients the gradients of the parameters, by tensor name, filled by the backward pass
 */
record Pass(
    NDManager manager,
    int steps,
    int batch,
    boolean training,
    long seed,
    Probes probes,
    Engine.@Nullable Observer observer,
    Probes.Measured measured,
    Map<String, NDArray> gradients) {

  static Pass of(
      NDManager manager,
      int steps,
      int batch,
      boolean training,
      long seed,
      Probes probes,
      Engine.@Nullable Observer observer) {
    return new Pass(
        manager,
        steps,
        batch,
        training,
        seed,
        probes,
        observer,
        Probes.Measured.empty(),
        new HashMap<>());
  }

  /** Whether somebody looks at more than the result. */
  boolean watched() {
    return observer != null || !probes.equals(Probes.NONE);
  }

  /** Whether the potential of a neuron node is read when its layer has run. */
  boolean readsPotential(String neuron) {
    return probes.potentials().contains(neuron) || probes.magnitudes().contains(neuron);
  }

  /** Measures what is wanted of a neuron node's potential before reset, {@code [T·B, …, C]}. */
  void measurePotential(String neuron, NDArray potential) {
    if (probes.potentials().contains(neuron)) {
      measured.potentials().put(neuron, potential.toFloatArray());
    }
    if (probes.magnitudes().contains(neuron)) {
      measured.magnitudes().put(neuron, channelMagnitudes(potential));
    }
  }

  /** Returns the mean magnitude {@code [C]} over all but the last dimension. */
  static float[] channelMagnitudes(NDArray array) {
    Shape shape = array.getShape();
    NDArray rows = array.reshape(-1, shape.get(shape.dimension() - 1));
    return rows.abs().mean(new int[] {0}).toFloatArray();
  }
}
