package dev.coppice.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A segment of library operations that libtorch differentiates. This is the only class that knows
 * how: leaves are detached aliases of the arrays given, so that segments never join into one graph.
 */
final class Autograd {
  private final List<NDArray> leaves;
  private final NDArray output;

  private Autograd(List<NDArray> leaves, NDArray output) {
    this.leaves = leaves;
    this.output = output;
  }

  /**
   * Applies a function to detached aliases of the inputs and records it.
   *
   * @param manager owns the aliases
   * @param firstWanted whether the gradient of the first input is wanted; those of the others are
   */
  static Autograd record(
      NDManager manager,
      List<NDArray> inputs,
      boolean firstWanted,
      Function<List<NDArray>, NDArray> function) {
    List<NDArray> leaves = new ArrayList<>(inputs.size());
    for (NDArray input : inputs) {
      PtNDArray leaf = JniUtils.detachGradient((PtNDArray) input);
      leaf.attach(manager);
      if (firstWanted || !leaves.isEmpty()) {
        JniUtils.attachGradient(leaf, true);
      }
      leaves.add(leaf);
    }
    JniUtils.setGradMode(true);
    try {
      return new Autograd(leaves, function.apply(leaves));
    } finally {
      JniUtils.setGradMode(false);
    }
  }

  /** Returns the result as an array outside the recorded graph, sharing its memory. */
  NDArray output() {
    return JniUtils.detachGradient((PtNDArray) output);
  }

  /** Returns the gradients of the inputs (null if not wanted) and frees the segment. */
  List<@Nullable NDArray> backward(NDArray gradient) {
    JniUtils.backward((PtNDArray) output, (PtNDArray) gradient, false, false);
    List<@Nullable NDArray> gradients = new ArrayList<>(leaves.size());
    for (NDArray leaf : leaves) {
      gradients.add(
          JniUtils.requiresGrad((PtNDArray) leaf) ? JniUtils.getGradient((PtNDArray) leaf) : null);
      leaf.close();
    }
    output.close();
    return gradients;
  }
}
