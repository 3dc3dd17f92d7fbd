package dev.coppice.train;

import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The way back of a node with one input. */
interface PlaneBackward extends MapsBackward {
  /** Takes the gradient of the output and returns that of the input, or null. */
  @Nullable Maps back(Maps gradient);

  @Override
  default List<@Nullable Maps> applyMaps(Maps gradient) {
    return Collections.singletonList(back(gradient));
  }
}
