package dev.coppice.train;

import dev.coppice.kernels.Kernels;
import dev.coppice.kernels.PlaneSteps;
import dev.coppice.kernels.Planes;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** Sums of planes, channel by channel: the combination of two with slopes of one. */
final class PlaneSum {
  private final Kernels kernels;
  private final PlaneSteps geometry;
  private final float[] ones;
  private final float[] zeros;

  /**
   * Makes sums of planes that lie alike.
   *
   * @param groups groups of images
   */
  PlaneSum(Kernels kernels, Planes layout, int groups) {
    this.kernels = kernels;
    this.geometry = new PlaneSteps(layout, 1, groups, false);
    this.ones = new float[layout.channels()];
    this.zeros = new float[layout.channels()];
    Arrays.fill(ones, 1);
  }

  /**
   * Adds channels.
   *
   * @param sum written; may be one of the terms
   */
  void add(MemorySegment one, MemorySegment other, MemorySegment sum, int from, int to) {
    kernels.planeAffineCombine(geometry, one, other, ones, ones, zeros, sum, from, to);
  }
}
