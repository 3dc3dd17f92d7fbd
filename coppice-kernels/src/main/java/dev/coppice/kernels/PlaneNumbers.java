package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** How {@link Planes} hold spikes, or several spikes taken together. */
public enum PlaneNumbers {
  /** As floats: 0, 1 or an average between. */
  FLOATS(Float.BYTES),
  /**
   * As 16-bit whole numbers that count them. The memory is as large as for floats, of which it
   * takes the first half.
   */
  COUNTS(Short.BYTES),
  /**
   * As bytes that count them downwards: a single spike, -1, has all bits set and selects whatever
   * it meets. The memory is as large as for floats, of which it takes the first quarter.
   */
  BYTES(Byte.BYTES);

  private final int bytes;

  PlaneNumbers(int bytes) {
    this.bytes = bytes;
  }

  /** Returns the bytes of a number. */
  int bytes() {
    return bytes;
  }

  /** Returns the number at a place that is counted in elements. */
  public float get(MemorySegment planes, long at) {
    return switch (this) {
      case FLOATS -> planes.getAtIndex(ValueLayout.JAVA_FLOAT, at);
      case COUNTS -> planes.getAtIndex(ValueLayout.JAVA_SHORT, at);
      case BYTES -> -planes.get(ValueLayout.JAVA_BYTE, at);
    };
  }

  /** Writes a number, which a short, or a byte, must hold exactly for counts. */
  void set(MemorySegment planes, long at, float value) {
    switch (this) {
      case FLOATS -> planes.setAtIndex(ValueLayout.JAVA_FLOAT, at, value);
      case COUNTS -> planes.setAtIndex(ValueLayout.JAVA_SHORT, at, (short) value);
      case BYTES -> planes.set(ValueLayout.JAVA_BYTE, at, (byte) -value);
    }
  }

  /** Makes what lies before the first plane of a group and behind its last one zero. */
  void clearEnds(Planes planes, MemorySegment s, int plane) {
    long group = (long) (plane / planes.planes()) * planes.groupFloats();
    int inGroup = plane % planes.planes();
    if (inGroup == 0) {
      clear(s, group, group + planes.origin());
    }
    if (inGroup == planes.planes() - 1) {
      long end = (long) planes.origin() + (long) planes.planes() * planes.planeFloats();
      clear(s, group + end, group + planes.groupFloats());
    }
  }

  /** Makes elements zero. */
  void clear(MemorySegment s, long from, long end) {
    for (long at = from; at < end; at++) {
      set(s, at, 0);
    }
  }
}
