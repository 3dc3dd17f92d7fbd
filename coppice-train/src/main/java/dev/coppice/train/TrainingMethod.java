package dev.coppice.train;

import dev.coppice.graph.Tensor;
import java.util.Map;

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

  /** Acts after the optimizer's step. */
  default void afterStep(long step, Engine engine, Engine.StepResult result) {}

  /** Returns what a checkpoint must keep. */
  default State state() {
    return new State(Map.of(), Map.of());
  }

  /** Restores what {@link #state} returned; the engine holds the weights of the checkpoint. */
  default void restore(State state, Engine engine) {}

  /**
   * What a method remembers.
   *
   * @param tensors by a name of the method's choice
   * @param text likewise
   */
  record State(Map<String, Tensor> tensors, Map<String, String> text) {}
}
