package dev.coppice.train;

import ai.djl.ndarray.NDArray;
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
