package dev.coppice.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.coppice.kernels.Planes;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a node gives for all images of a pass, or the gradient of that: an array or planes. The form
 * that is not there is made when it is asked for.
 */
final class Maps {
  private final NDManager manager;
  private @Nullable NDArray array;
  private @Nullable PlaneMaps planes;

  private Maps(NDManager manager, @Nullable NDArray array, @Nullable PlaneMaps planes) {
    this.manager = manager;
    this.array = array;
    this.planes = planes;
  }

  static Maps of(NDArray array) {
    return new Maps(array.getManager(), array, null);
  }

  /**
   * Takes the planes over.
   *
   * @param manager owns an array made from them
   */
  static Maps of(PlaneMaps planes, NDManager manager) {
    return new Maps(manager, null, planes);
  }

  /** Returns the array {@code [N, …, C]}. */
  NDArray array() {
    NDArray known = array;
    if (known == null) {
      PlaneMaps source = Objects.requireNonNull(planes);
      source.complete();
      Planes layout = source.layout();
      known =
          manager.create(
              new Shape(source.images(), layout.height(), layout.width(), layout.channels()),
              DataType.FLOAT32);
      source.exchange(Memory.of(known), false);
      array = known;
    }
    return known;
  }

  /** Returns the array of maps that nobody else reads, whose planes are given back. */
  NDArray takeArray() {
    NDArray taken = array();
    closePlanes();
    return taken;
  }

  /** Returns the planes, or null where there is an array. */
  @Nullable PlaneMaps planes() {
    return planes;
  }

  /** Returns planes of a layout, which belong to these maps. */
  PlaneMaps planes(Planes layout, PlaneStore store) {
    PlaneMaps known = planes;
    if (known == null) {
      NDArray source = array();
      known = store.take(layout, Math.toIntExact(source.getShape().get(0)));
      known.exchange(Memory.of(source), true);
    } else if (!known.layout().equals(layout)) {
      known = known.as(layout);
    }
    planes = known;
    return known;
  }

  /** Returns the planes of maps that nobody else reads, for the caller to release. */
  PlaneMaps takePlanes(Planes layout, PlaneStore store) {
    PlaneMaps taken = planes(layout, store);
    planes = null;
    closeArray();
    return taken;
  }

  /** Adds others, which are closed. */
  void add(Maps other) {
    PlaneMaps own = planes;
    PlaneMaps others = other.planes;
    if (own != null && others != null) {
      Planes layout = own.layout().step() == 1 ? own.layout() : others.layout();
      if (layout.step() == 1) {
        PlaneMaps sum = own.layout().equals(layout) ? own : own.as(layout);
        sum.add(others.layout().equals(layout) ? others : others.as(layout));
        planes = sum;
        other.planes = null;
        closeArray();
        other.closeArray();
        return;
      }
    }
    NDArray sum = takeArray();
    sum.addi(other.array());
    other.close();
  }

  void close() {
    closeArray();
    closePlanes();
  }

  private void closeArray() {
    if (array != null) {
      array.close();
      array = null;
    }
  }

  private void closePlanes() {
    if (planes != null) {
      planes.release();
      planes = null;
    }
  }
}
