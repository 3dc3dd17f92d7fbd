package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;

/**
 * Maps of T time steps in {@link Planes}, step after step, every step being whole groups of images:
 * what kernels of neurons and of normalisation work on. They go through the rows of pixels of a
 * channel, a row of all images of a group being one piece; what lies between rows stays zero.
 *
 * <p>The order of sums of gradients is part of the contract of the kernels. A group of images is
 * summed by itself, a step of it by {@value #SUMS} sums of floats in the order of memory: rows are
 * taken {@link #blockRows} at a time, and of such a block every sixteenth float, counted from its
 * first one, falls to the same sum. Sums of groups and steps are added in double precision.
 *
 * @param planes how a group lies in memory, with a step and a stack of 1
 * @param steps T
 * @param groups groups of images of one step
 * @param repeated whether the input is the same at every step and is therefore held once
 */
public record PlaneSteps(Planes planes, int steps, int groups, boolean repeated) {
  /** Sums of a step. */
  static final int SUMS = 16;

  private static final int BLOCK = 1024;

  /** Throws {@link IllegalArgumentException} when the numbers make no such maps. */
  public PlaneSteps {
    if (planes.step() != 1 || planes.stack() != 1) {
      throw new IllegalArgumentException(
          "planes must have a step and a stack of 1, not %d and %d"
              .formatted(planes.step(), planes.stack()));
    }
    if (steps < 1 || groups < 1) {
      throw new IllegalArgumentException(
          "there must be steps and groups, not %d and %d".formatted(steps, groups));
    }
    Math.multiplyExact(steps, groups);
  }

  /** Returns the groups of all steps. */
  public int allGroups() {
    return steps * groups;
  }

  /** Returns the groups of the input, which may be held once. */
  public int inputGroups() {
    return repeated ? groups : allGroups();
  }

  /** Returns how many numbers of the input a channel has. */
  public long channelSize() {
    return (long) inputGroups() * planes.height() * planes.width() * planes.group();
  }

  /** Bytes from a step to the next. */
  long stride() {
    return planes.bytes(groups);
  }

  /** Floats of a row of pixels. */
  int rowFloats() {
    return planes.width() * planes.group();
  }

  /** Bytes from the beginning to a row of pixels. */
  long at(int group, int channel, int row) {
    return rowBytes(planes, group, channel, row);
  }

  /** Rows that kernels take at a time, so that all steps of them fit into the first cache. */
  int blockRows() {
    return Math.clamp(BLOCK / planes.pitch(), 1, planes.height());
  }

  /** Floats of the most rows taken at a time, of the zeros between them too. */
  int blockFloats() {
    return blockFloats(blockRows());
  }

  /** Floats of rows, of the zeros between them too. */
  int blockFloats(int rows) {
    return (rows - 1) * planes.pitch() + rowFloats();
  }

  static long rowBytes(Planes planes, int group, int channel, int row) {
    return ((long) group * planes.groupFloats()
            + planes.origin()
            + (long) channel * planes.planeFloats()
            + (long) row * planes.pitch())
        * Float.BYTES;
  }

  void checkRange(int fromChannel, int toChannel) {
    SpikeArguments.checkRange("channels", fromChannel, toChannel, planes.channels());
  }

  void requireInput(String name, MemorySegment segment) {
    NeuronArguments.requireFloats(name, segment, planes.bytes(inputGroups()));
  }

  void requireAll(String name, MemorySegment segment) {
    NeuronArguments.requireFloats(name, segment, planes.bytes(allGroups()));
  }

  /** Requires numbers for every channel. */
  void requireChannels(String name, int length) {
    if (length != planes.channels()) {
      throw new IllegalArgumentException(
          "%s must have %d channels, not %d".formatted(name, planes.channels(), length));
    }
  }

  void checkMoments(
      MemorySegment x, double[] mean, double[] variance, int fromChannel, int toChannel) {
    checkRange(fromChannel, toChannel);
    requireInput("x", x);
    requireChannels("mean", mean.length);
    requireChannels("variance", variance.length);
  }

  void checkChannels(
      MemorySegment x, float[] scale, float[] shift, int fromChannel, int toChannel) {
    checkRange(fromChannel, toChannel);
    requireChannels("scale", scale.length);
    requireChannels("shift", shift.length);
    requireInput("x", x);
  }

  void checkForward(
      MemorySegment x,
      float[] scale,
      float[] shift,
      MemorySegment s,
      int fromChannel,
      int toChannel) {
    checkChannels(x, scale, shift, fromChannel, toChannel);
    requireAll("s", s);
    NeuronArguments.requireApart(
        "x", x, planes.bytes(inputGroups()), "s", s, planes.bytes(allGroups()));
  }

  void checkBackward(
      MemorySegment x,
      float[] scale,
      float[] shift,
      float[] mean,
      MemorySegment gradS,
      MemorySegment gradY,
      double[] sums,
      double[] centredSums,
      int fromChannel,
      int toChannel) {
    checkChannels(x, scale, shift, fromChannel, toChannel);
    requireChannels("mean", mean.length);
    requireChannels("sums", sums.length);
    requireChannels("centred sums", centredSums.length);
    requireAll("gradS", gradS);
    requireInput("gradY", gradY);
    long bytes = planes.bytes(inputGroups());
    NeuronArguments.requireApart("gradY", gradY, bytes, "x", x, bytes);
    if (repeated || gradY.address() != gradS.address()) {
      NeuronArguments.requireApart(
          "gradY", gradY, bytes, "gradS", gradS, planes.bytes(allGroups()));
    }
  }

  void checkCombine(
      MemorySegment gradY,
      MemorySegment x,
      float[] a,
      float[] b,
      float[] c,
      MemorySegment gradX,
      int fromChannel,
      int toChannel) {
    checkRange(fromChannel, toChannel);
    requireChannels("a", a.length);
    requireChannels("b", b.length);
    requireChannels("c", c.length);
    requireInput("gradY", gradY);
    requireInput("x", x);
    requireInput("gradX", gradX);
    long bytes = planes.bytes(inputGroups());
    if (gradX.address() != gradY.address()) {
      NeuronArguments.requireApart("gradX", gradX, bytes, "gradY", gradY, bytes);
    }
    if (gradX.address() != x.address()) {
      NeuronArguments.requireApart("gradX", gradX, bytes, "x", x, bytes);
    }
  }
}
