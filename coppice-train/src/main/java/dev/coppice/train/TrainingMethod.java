package dev.coppice.train;

import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;

/**
 * A method that acts on a network while it is trained, such as pruning. It is called by one thread,
 * in the order of the steps. What it remembers goes into checkpoints through {@link #state}.
 */
public interface TrainingMethod {
  /** Plain training. */
  TrainingMethod NONE = new TrainingMethod() {};

  /** Prepares the engine before the first step of a new run, for example by masking weights. */
  default void begin(Engine engine) {}

  /**
   * Returns what to measure in a step.
   *
   * @param step 1 for the first optimizer step
   */
  default Probes probes(long step) {
    return Probes.NONE;
  }

  /**
   * Returns the part of the run that an epoch belongs to. A method that trains several times over
   * makes a run longer than was asked for; the learning rate starts anew in every part.
   *
   * @param epoch 0 for the first
   * @param epochs that the run was asked to have
   */
  default Course course(int epoch, int epochs) {
    return new Course(epochs, 0, epochs);
  }

  /**
   * Acts between the backward pass and the optimizer's step.
   *
   * @return whether the optimizer takes its step; false where the method's own change replaces it
   */
  default boolean beforeUpdate(long step, Engine engine, Gradients gradients) {
    return true;
  }

  /** Acts after the optimizer's step, or after what replaced it. */
  default void afterStep(long step, Engine engine, Engine.StepResult result) {}

  /** Returns what a checkpoint must keep. */
  default State state() {
    return new State(Map.of(), Map.of());
  }

  /** Restores what {@link #state} returned; the engine holds the weights of the checkpoint. */
  default void restore(State state, Engine engine) {}

  /**
   * A part of a run, in epochs.
   *
   * @param total of the whole run, as far as it is known by now
   * @param from the first epoch of the part
   * @param to the epoch after its last
   */
  record Course(int total, int from, int to) {}

  /**
   * What a method remembers.
   *
   * @param tensors by a name of the method's choice
   * @param text likewise
   */
  record State(Map<String, Tensor> tensors, Map<String, String> text) {
    /**
     * Returns a tensor.
     *
     * @throws IllegalArgumentException if there is none of this name
     */
    public Tensor tensor(String name) {
      Tensor tensor = tensors.get(name);
      if (tensor == null) {
        throw new IllegalArgumentException("the method's state has no " + name);
      }
      return tensor;
    }

    /** Returns the tensors whose names begin so, without that beginning. */
    public Weights weights(String prefix) {
      SequencedMap<String, Tensor> found = new LinkedHashMap<>();
      tensors.forEach(
          (name, tensor) -> {
            if (name.startsWith(prefix)) {
              found.put(name.substring(prefix.length()), tensor);
            }
          });
      return Weights.of(found);
    }
  }
}
