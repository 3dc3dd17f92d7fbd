package dev.coppice.runtime;

import java.util.ArrayList;
import java.util.List;

/**
 * Assigns values to buffers while the plan is made: a buffer whose values have all been read is
 * taken again. Sizes are known per sample; those of a session follow from its T and B.
 */
final class Buffers {
  private final List<Size> sizes = new ArrayList<>();
  private final List<Integer> free = new ArrayList<>();
  private final List<Integer> readers = new ArrayList<>();

  /** The most elements of a sample in a buffer: of values constant in time, and of a step. */
  record Size(int constant, int perStep) {
    /** Throws {@link ArithmeticException} if there are more than an array can hold. */
    int elements(int steps, int images) {
      return Math.max(
          Math.multiplyExact(constant, images),
          Math.multiplyExact(perStep, Math.multiplyExact(steps, images)));
    }
  }

  /** Returns a buffer for a value that so many steps will read. */
  int take(int elements, boolean constant, int readerCount) {
    int buffer = free.isEmpty() ? sizes.size() : free.removeLast();
    if (buffer == sizes.size()) {
      sizes.add(new Size(0, 0));
      readers.add(0);
    }
    Size old = sizes.get(buffer);
    sizes.set(
        buffer,
        constant
            ? new Size(Math.max(old.constant(), elements), old.perStep())
            : new Size(old.constant(), Math.max(old.perStep(), elements)));
    readers.set(buffer, readerCount);
    return buffer;
  }

  /** Adds readers of a value under another name. */
  void share(int buffer, int more) {
    readers.set(buffer, readers.get(buffer) + more);
  }

  /** Notes that a reader has been planned. */
  void release(int buffer) {
    int left = readers.get(buffer) - 1;
    readers.set(buffer, left);
    if (left == 0) {
      free.add(buffer);
    }
  }

  List<Size> sizes() {
    return List.copyOf(sizes);
  }
}
