package dev.coppice.runtime;

import dev.coppice.graph.Shape;
import dev.coppice.kernels.Kernels;
import dev.coppice.kernels.PlaneNumbers;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Where and how the plan holds what a node gives. */
sealed interface Value {
  /** Returns the shape of a sample at a time step. */
  Shape shape();

  /** Returns the number of the buffer. */
  int buffer();

  /** Whether it is the same at all time steps. */
  boolean constant();

  /** Returns of how many spikes it is an average, 1 for spikes, or 0 if it is any numbers. */
  int levels();

  /**
   * Floats {@code [T·B, H, W, C]}, or {@code [B, H, W, C]} when constant in time.
   *
   * @param affine what must still be done to them, or null
   */
  record Analog(Shape shape, int buffer, boolean constant, @Nullable Affine affine)
      implements Value {
    @Override
    public int levels() {
      return 0;
    }

    /** Positions that have channels of their own. */
    int pixels() {
      return shape.size() / shape.channels();
    }
  }

  /**
   * Numbers in planes.
   *
   * @param layout the number of the layout
   * @param affine what must still be done to them, or null
   * @param levels of how many spikes they are averages, 1 for spikes, or 0 if they are any numbers
   * @param numbers how they are held; counts are of {@code levels} spikes together
   */
  record Planar(
      Shape.Map shape,
      int buffer,
      int layout,
      boolean constant,
      @Nullable Affine affine,
      int levels,
      PlaneNumbers numbers)
      implements Value {
    boolean counted() {
      return numbers != PlaneNumbers.FLOATS;
    }

    /** Returns how many spikes a number of 1 stands for. */
    int together() {
      return counted() ? 1 : levels;
    }

    /** Returns the sum of numbers in its planes, the first counted in elements. */
    double sum(Kernels kernels, MemorySegment planes, long first, int count) {
      return switch (numbers) {
        case FLOATS -> kernels.planeSum(planes, first, count);
        case COUNTS -> kernels.countSum(planes, first, count);
        case BYTES -> kernels.byteSum(planes, first, count);
      };
    }

    /** Returns what spikes, or averages of them, are when they are packed, without a buffer. */
    Spikes packed() {
      return new Spikes(shape, 0, shape.height(), shape.width(), shape.channels(), levels);
    }
  }

  /**
   * Packed spikes, or averages of {@code levels} of them, {@code [T·B, height, width, levels,
   * ⌈channels/64⌉]}. A flattened map stays packed by its pixels, so that these may say more than
   * the shape.
   */
  record Spikes(Shape shape, int buffer, int height, int width, int channels, int levels)
      implements Value {
    @Override
    public boolean constant() {
      return false;
    }

    /** Returns the same in a buffer. */
    Spikes inBuffer(int newBuffer) {
      return new Spikes(shape, newBuffer, height, width, channels, levels);
    }

    int pixels() {
      return height * width;
    }

    /** Words of a level of a pixel. */
    int words() {
      return Math.ceilDiv(channels, Long.SIZE);
    }

    /** Words of a sample. */
    int sampleWords() {
      return pixels() * levels * words();
    }
  }
}
