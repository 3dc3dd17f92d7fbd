package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;

/**
 * {@link PlanePool} of counts in windows of 2×2, two apart, of single images: windows begin at
 * every element of a vector, which may hold several rows; those that are wanted are taken out of it
 * and spread to where they belong, with zeros between.
 */
final class VectorCountPool {
  private static final int COUNT = Lanes.SHORTS.length();

  /** Shorts of a long. */
  private static final int QUAD = 4;

  private VectorCountPool() {}

  /** Whether the maps of a plane are one above the other as if they were one. */
  static boolean oneMap(PlanePool p) {
    return p.in().border() == 0 && p.out().border() == 0 && p.in().height() == 2 * p.out().height();
  }

  /**
   * Pools a map of so many rows and writes what is around it, but for what lies before; places are
   * in bytes.
   */
  static void map(PlanePool p, MemorySegment from, long read, MemorySegment to, long at, int rows) {
    int inPitch = p.in().pitch();
    int outPitch = p.out().pitch();
    int columns = p.out().columns();
    int width = Math.min(columns, COUNT / 2);
    boolean cut = columns > width || outPitch > COUNT;
    short[] windows = PlaneScratch.get().shorts(COUNT);
    int together = cut ? 1 : 1 + (COUNT - 2 * width) / (2 * inPitch);
    for (int y = 0; y < rows; y += together) {
      int count = Math.min(together, rows - y);
      long first = read + 2L * y * inPitch * Short.BYTES;
      long place = at + (long) y * outPitch * Short.BYTES;
      if (cut) {
        row(p, from, first, to, place);
      } else {
        long taken = 0;
        long spread = 0;
        long row = (1L << width) - 1;
        for (int k = 0; k < count; k++) {
          taken |= (0x5555555555555555L & ((1L << (2 * width)) - 1)) << (2 * k * inPitch);
          spread |= row << (k * outPitch);
        }
        pool(p, from, first, windows);
        ShortVector pooled =
            ShortVector.fromArray(Lanes.SHORTS, windows, 0)
                .compress(VectorMask.fromLong(Lanes.SHORTS, taken));
        int numbers = count * outPitch;
        boolean gaps = outPitch > width;
        // Storing a part of a vector of shorts takes long. Lanes are taken by constant numbers:
        // otherwise vectors become objects.
        if (!gaps && numbers == COUNT / 2) {
          pooled.reinterpretShape(Lanes.HALF_SHORTS, 0).intoMemorySegment(to, place, Lanes.ORDER);
        } else if (!gaps && numbers == 2 * QUAD) {
          LongVector longs = pooled.reinterpretAsLongs();
          to.set(ValueLayout.JAVA_LONG_UNALIGNED, place, longs.lane(0));
          to.set(ValueLayout.JAVA_LONG_UNALIGNED, place + Long.BYTES, longs.lane(1));
        } else if (!gaps && numbers == QUAD) {
          to.set(ValueLayout.JAVA_LONG_UNALIGNED, place, pooled.reinterpretAsLongs().lane(0));
        } else {
          pooled
              .expand(VectorMask.fromLong(Lanes.SHORTS, spread))
              .intoMemorySegment(to, place, Lanes.ORDER, Lanes.SHORTS.indexInRange(0, numbers));
        }
      }
    }
    long below = at / Short.BYTES + (long) rows * outPitch;
    p.numbers().clear(to, below, below + (long) p.out().border() * outPitch);
  }

  private static void row(PlanePool p, MemorySegment from, long read, MemorySegment to, long at) {
    int columns = p.out().columns();
    short[] windows = PlaneScratch.get().shorts(COUNT);
    for (int x = 0; x < columns; x += COUNT / 2) {
      pool(p, from, read + 2L * x * Short.BYTES, windows);
      ShortVector.fromArray(Lanes.SHORTS, windows, 0)
          .compress(VectorMask.fromLong(Lanes.SHORTS, 0x5555555555555555L))
          .intoMemorySegment(
              to,
              at + (long) x * Short.BYTES,
              Lanes.ORDER,
              Lanes.SHORTS.indexInRange(0, Math.min(COUNT / 2, columns - x)));
    }
    long first = at / Short.BYTES;
    p.numbers().clear(to, first + columns, first + p.out().pitch());
  }

  /** Pools the windows that begin at every number of a vector. */
  private static void pool(PlanePool p, MemorySegment from, long at, short[] windows) {
    long below = at + (long) p.in().pitch() * Short.BYTES;
    ShortVector a = ShortVector.fromMemorySegment(Lanes.SHORTS, from, at, Lanes.ORDER);
    ShortVector b = ShortVector.fromMemorySegment(Lanes.SHORTS, from, below, Lanes.ORDER);
    ShortVector c =
        ShortVector.fromMemorySegment(Lanes.SHORTS, from, at + Short.BYTES, Lanes.ORDER);
    ShortVector d =
        ShortVector.fromMemorySegment(Lanes.SHORTS, from, below + Short.BYTES, Lanes.ORDER);
    // Through memory: a vector that comes from two places, or is handed over, may be an object.
    if (p.average()) {
      a.add(b).add(c.add(d)).intoArray(windows, 0);
    } else {
      a.max(b).max(c.max(d)).intoArray(windows, 0);
    }
  }
}
