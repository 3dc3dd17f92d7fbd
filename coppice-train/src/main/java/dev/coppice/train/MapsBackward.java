package dev.coppice.train;

import ai.djl.ndarray.NDArray;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The way back of a node that takes and returns planes. */
interface MapsBackward extends Executor.Backward {
  @Override
  List<@Nullable Maps> applyMaps(Maps gradient);

  @Override
  default List<@Nullable NDArray> apply(NDArray gradient) {
    List<@Nullable NDArray> arrays = new ArrayList<>();
    for (Maps input : applyMaps(Maps.of(gradient))) {
      arrays.add(input == null ? null : input.takeArray());
    }
    return arrays;
  }
}
