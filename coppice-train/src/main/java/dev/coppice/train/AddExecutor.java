package dev.coppice.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import dev.coppice.kernels.Planes;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The sum of its inputs, in planes where they come in planes; one that is constant in time is
 * repeated over it.
 */
final class AddExecutor implements Executor {
  private final String name;
  private final PlaneStore store;

  AddExecutor(String name, PlaneStore store) {
    this.name = name;
    this.store = store;
  }

  @Override
  public Result forward(List<Activation> inputs, Pass pass) {
    boolean constant = inputs.stream().allMatch(Activation::constant);
    Planes layout = layout(inputs);
    if (layout != null) {
      return new PlaneAdd(name, layout, inputs, constant, pass, store).forward();
    }
    NDArray sum = null;
    for (Activation input : inputs) {
      NDArray term = unfold(input.array(), input.constant() ? 1 : pass.steps());
      sum = sum == null ? term : sum.add(term);
    }
    if (sum == null) {
      throw new IllegalArgumentException("nothing to add");
    }
    NDArray output = fold(sum);
    if (!pass.training()) {
      return new Result(new Activation(output, constant), null);
    }
    return new Result(
        new Activation(output, constant), gradient -> backward(inputs, constant, gradient, pass));
  }

  /** Returns how the sum lies in planes, or null if terms that are many come in arrays. */
  private static @Nullable Planes layout(List<Activation> inputs) {
    Planes layout = null;
    for (Activation input : inputs) {
      PlaneMaps maps = input.maps().planes();
      if (maps == null && !input.constant()) {
        return null;
      }
      if (maps != null && maps.layout().step() == 1) {
        layout = maps.layout();
      }
    }
    return inputs.size() > 1 ? layout : null;
  }

  private static List<@Nullable NDArray> backward(
      List<Activation> inputs, boolean constant, NDArray gradient, Pass pass) {
    List<@Nullable NDArray> gradients = new ArrayList<>();
    boolean given = false;
    for (Activation input : inputs) {
      if (input.constant() && !constant) {
        gradients.add(unfold(gradient, pass.steps()).sum(new int[] {0}));
      } else {
        // Whoever gets a gradient may overwrite it, so that no two may share one.
        gradients.add(given ? gradient.duplicate() : gradient);
        given = true;
      }
    }
    return gradients;
  }

  /** {@code [T·B, …]} as {@code [T, B, …]}. */
  private static NDArray unfold(NDArray array, int steps) {
    Shape shape = array.getShape();
    return array.reshape(new Shape(steps, shape.get(0) / steps).addAll(shape.slice(1)));
  }

  private static NDArray fold(NDArray array) {
    Shape shape = array.getShape();
    return array.reshape(new Shape(shape.get(0) * shape.get(1)).addAll(shape.slice(2)));
  }
}
