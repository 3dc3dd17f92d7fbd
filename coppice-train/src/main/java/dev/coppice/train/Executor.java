package dev.coppice.train;

import ai.djl.ndarray.NDArray;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Computes one node. */
interface Executor {
  /** Runs the node forward; in training the result can run backward once. */
  Result forward(List<Activation> inputs, Pass pass);

  /**
   * An output and the way back.
   *
   * @param backward null outside training
   */
  record Result(Activation output, @Nullable Backward backward) {}

  /** The vector-Jacobian product of one forward run. */
  interface Backward {
    /**
     * Takes the gradient of the output, which it may overwrite and close, and returns those of the
     * inputs, in their order and of their shapes. Frees what the forward run saved.
     */
    List<@Nullable NDArray> apply(NDArray gradient);

    /** The same where planes may be given and returned. */
    default List<@Nullable Maps> applyMaps(Maps gradient) {
      List<@Nullable Maps> inputs = new ArrayList<>();
      for (NDArray input : apply(gradient.takeArray())) {
        inputs.add(input == null ? null : Maps.of(input));
      }
      return inputs;
    }
  }
}
