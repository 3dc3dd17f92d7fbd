package dev.coppice.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.coppice.kernels.Planes;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a node gives for all images of a pass, or the gradient of that: an array, planes of numbers
 * or planes of spikes as marks. A form that is not there is made when it is asked for.
 */
final class Maps {
  private final NDManager manager;
  private @Nullable NDArray array;
  private @Nullable ArrayStore lender;
  private @Nullable PlaneMaps planes;
  private @Nullable PlaneMaps marks;
  private int holders = 1;

  private Maps(NDManager manager) {
    this.manager = manager;
  }

  static Maps of(NDArray array) {
    Maps maps = new Maps(array.getManager());
    maps.array = array;
    return maps;
  }

  /** Takes an array over whose memory is the lender's again when the maps are closed. */
  static Maps of(NDArray array, ArrayStore lender) {
    Maps maps = of(array);
    maps.lender = lender;
    return maps;
  }

  /**
   * Takes the planes over.
   *
   * @param manager owns an array made from them
   */
  static Maps of(PlaneMaps planes, NDManager manager) {
    Maps maps = new Maps(manager);
    if (planes.form() == PlaneMaps.Form.MARKS) {
      maps.marks = planes;
    } else {
      maps.planes = planes;
    }
    return maps;
  }

  /** Whether there are planes of numbers or of marks. */
  boolean inPlanes() {
    return planes != null || marks != null;
  }

  /** Returns the array {@code [N, …, C]}, of which views may outlive these maps. */
  NDArray array() {
    lender = null;
    return peek();
  }

  /** Returns the array {@code [N, …, C]}, of which no view may outlive these maps. */
  NDArray peek() {
    NDArray known = array;
    if (known == null) {
      PlaneMaps source = Objects.requireNonNull(planes());
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

  /** Returns the planes of numbers, or null where there is an array. */
  @Nullable PlaneMaps planes() {
    if (planes == null && marks != null) {
      planes = marks.unpacked();
    }
    return planes;
  }

  /** Returns the planes of marks, or null where there are none. */
  @Nullable PlaneMaps marks() {
    return marks;
  }

  /** Returns planes of a layout, which belong to these maps, with marks of what is 0 or 1. */
  PlaneMaps marks(Planes layout, PlaneStore store) {
    PlaneMaps known = marks;
    if (known == null) {
      known = planes(layout, store).packed();
    } else if (!known.layout().equals(layout)) {
      known = known.as(layout);
    }
    marks = known;
    return known;
  }

  /** Returns planes of a layout, which belong to these maps. */
  PlaneMaps planes(Planes layout, PlaneStore store) {
    PlaneMaps known = planes();
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
    close();
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
        closeArray();
        other.planes = null;
        other.close();
        return;
      }
    }
    NDArray sum = takeArray();
    sum.addi(other.array());
    other.close();
  }

  /** Returns maps to close, until when the array's memory is kept when these are closed. */
  Maps keep() {
    if (lender != null) {
      holders++;
      return this;
    }
    NDArray known = peek();
    return of(known.reshape(known.getShape()));
  }

  void close() {
    if (--holders == 0) {
      closeArray();
      closePlanes();
    }
  }

  private void closeArray() {
    NDArray known = array;
    if (known == null) {
      return;
    }
    array = null;
    if (lender == null) {
      known.close();
    } else {
      lender.giveBack(known);
    }
  }

  private void closePlanes() {
    if (planes != null) {
      planes.release();
      planes = null;
    }
    if (marks != null) {
      marks.release();
      marks = null;
    }
  }
}
