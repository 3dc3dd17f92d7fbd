package dev.coppice.runtime;

import dev.coppice.graph.Shape;
import dev.coppice.kernels.Planes;

/**
 * How a value lies in planes, one image to a group and its time steps in the stack of a plane.
 *
 * @param constant whether the value is the same at all time steps, and there once
 * @param step rows and columns from a pixel of a plane to its next
 */
record PlaneLayout(Shape.Map shape, boolean constant, int border, int step) {
  /** Returns the planes for so many time steps. */
  Planes planes(int steps) {
    return new Planes(
        shape.channels(), shape.height(), shape.width(), 1, border, step, constant ? 1 : steps);
  }
}
