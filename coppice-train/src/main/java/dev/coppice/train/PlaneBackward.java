package dev.coppice.train;

import ai.djl.ndarray.NDArray;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The way back of a node with one input that takes and returns planes. */
interface PlaneBackward extends Executor.Backward {
  /** Takes the gradient of the output and returns that of the input, or null. */
  @Nullable Maps back(Maps gradient);

  @Override
  default List<@Nullable Maps> applyMaps(Maps gradient) {
    return Collections.singletonList(back(gradient));
  }

  @Override
  default List<@Nullable NDArray> apply(NDArray gradient) {
    List<@Nullable NDArray> arrays = new ArrayList<>();
    Maps input = back(Maps.of(gradient));
    arrays.add(input == null ? null : input.takeArray());
    return arrays;
  }
}
