package dev.coppice.train;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.List;

/** An update rule over all parameters as one flat array. */
public sealed interface Optimizer {
  /**
   * Stochastic gradient descent in PyTorch's form: {@code v = momentum·v + g + weightDecay·w; w −=
   * lr·v} (with Nesterov {@code w −= lr·(g + momentum·v)}).
   */
  record Sgd(float momentum, boolean nesterov, float weightDecay) implements Optimizer {}

  /** Adam (Kingma and Ba, arXiv 1412.6980) with L2 weight decay in the gradient. */
  record Adam(float beta1, float beta2, float epsilon, float weightDecay) implements Optimizer {}

  /** AdamW (Loshchilov and Hutter, arXiv 1711.05101): weight decay outside the moments. */
  record AdamW(float beta1, float beta2, float epsilon, float weightDecay) implements Optimizer {}

  /**
   * Returns the rate by which a step moves a parameter for every unit of its direction: Adam makes
   * up for moments that begin at zero.
   *
   * @param step 1 for the first update
   */
  default double effectiveRate(double rate, long step) {
    return switch (this) {
      case Sgd _ -> rate;
      case Adam adam -> rate / (1 - Math.pow(adam.beta1, (double) step));
      case AdamW adam -> rate / (1 - Math.pow(adam.beta1, (double) step));
    };
  }

  /** Returns how many arrays of the parameters' size the rule keeps. */
  default int stateSize() {
    return this instanceof Sgd ? 1 : 2;
  }

  /**
   * Updates the parameters in place.
   *
   * @param values {@code [P]}
   * @param gradient {@code [P]}, overwritten
   * @param state {@link #stateSize()} arrays {@code [P]}, zero at first
   * @param step 1 for the first update
   */
  default void update(
      NDArray values, NDArray gradient, List<NDArray> state, double rate, long step) {
    List<NDArray> temporary = new ArrayList<>();
    switch (this) {
      case Sgd(float momentum, boolean nesterov, float decay) -> {
        decay(values, gradient, decay, temporary);
        NDArray velocity = state.getFirst().muli(momentum).addi(gradient);
        NDArray direction = velocity.mul(nesterov ? momentum : 1);
        temporary.add(direction);
        if (nesterov) {
          direction.addi(gradient);
        }
        values.subi(direction.muli((float) rate));
      }
      case Adam(float beta1, float beta2, float epsilon, float decay) -> {
        decay(values, gradient, decay, temporary);
        adam(values, gradient, state, rate, step, beta1, beta2, epsilon, temporary);
      }
      case AdamW(float beta1, float beta2, float epsilon, float decay) -> {
        values.muli((float) (1 - rate * decay));
        adam(values, gradient, state, rate, step, beta1, beta2, epsilon, temporary);
      }
    }
    temporary.forEach(NDArray::close);
  }

  /**
   * Updates parameters that are not the network's in place, by the same rule.
   *
   * @param values {@code [P]}
   * @param gradient {@code [P]}
   * @param state {@link #stateSize()} arrays {@code [P]}, zero at first
   * @param step 1 for the first update
   */
  default void update(
      float[] values, float[] gradient, List<float[]> state, double rate, long step) {
    try (NDManager manager = NDManager.newBaseManager(Device.cpu(), "PyTorch")) {
      Shape shape = new Shape(values.length);
      NDArray moved = Memory.upload(manager, values, shape);
      List<NDArray> memory =
          state.stream().map(array -> Memory.upload(manager, array, shape)).toList();
      update(moved, Memory.upload(manager, gradient, shape), memory, rate, step);
      System.arraycopy(moved.toFloatArray(), 0, values, 0, values.length);
      for (int i = 0; i < memory.size(); i++) {
        System.arraycopy(memory.get(i).toFloatArray(), 0, state.get(i), 0, values.length);
      }
    }
  }

  private static void decay(
      NDArray values, NDArray gradient, float decay, List<NDArray> temporary) {
    if (decay != 0) {
      NDArray term = values.mul(decay);
      temporary.add(term);
      gradient.addi(term);
    }
  }

  private static void adam(
      NDArray values,
      NDArray gradient,
      List<NDArray> state,
      double rate,
      long step,
      float beta1,
      float beta2,
      float epsilon,
      List<NDArray> temporary) {
    NDArray first = state.getFirst();
    NDArray second = state.getLast();
    NDArray square = gradient.mul(gradient);
    temporary.add(square);
    first.muli(beta1).addi(gradient.muli(1 - beta1));
    second.muli(beta2).addi(square.muli(1 - beta2));
    NDArray root = second.sqrt();
    temporary.add(root);
    root.divi((float) Math.sqrt(1 - Math.pow(beta2, (double) step))).addi(epsilon);
    NDArray direction = first.div(root);
    temporary.add(direction);
    values.subi(direction.muli((float) (rate / (1 - Math.pow(beta1, (double) step)))));
  }
}
