package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/** {@link FoldedPlanes} of planes of counts, with the Vector API. */
final class VectorFoldedPlanes {
  private static final int COUNT = Lanes.SHORTS.length();
  private static final long BYTES = (long) COUNT * Short.BYTES;

  /** Small maps that are copied together, at most. */
  private static final int MAPS = 32;

  /** Numbers of maps that are copied together: they stay in the first cache. */
  private static final int TOGETHER = 8192;

  /** From {@code COUNT - n} on, ones in the first n lanes. */
  private static final short[] BELOW = new short[2 * COUNT];

  static {
    Arrays.fill(BELOW, 0, COUNT, (short) -1);
  }

  /** Adds of counts up to 16 that no sum of a lane overflows by. */
  private static final int ADDS = 2000;

  private VectorFoldedPlanes() {}

  static void fold(
      FoldedPlanes folded,
      MemorySegment counts,
      MemorySegment elements,
      int fromPlane,
      int toPlane) {
    if (!VectorIntegerConvolution.FITS) {
      ScalarIntegerConvolution.fold(folded, counts, elements, fromPlane, toPlane);
      return;
    }
    if (folded.asTheyLie()) {
      asTheyLie(folded, counts, elements, fromPlane, toPlane);
      return;
    }
    // Small maps are taken together, so that loops are long.
    int size = folded.flatVectors() * COUNT;
    int most = Math.clamp(TOGETHER / size, 1, MAPS);
    short[] source = PlaneScratch.get().shorts(folded.lead() + most * size + COUNT);
    for (int plane = fromPlane; plane < toPlane; ) {
      int left = Math.min(toPlane - plane, folded.planes() - plane % folded.planes());
      int planes = Math.min(most, left);
      Arrays.fill(source, 0, folded.lead() + planes * size + COUNT, (short) 0);
      gather(folded, counts, plane, planes, source);
      for (int k = 0; k < planes; k++) {
        fold(folded, source, folded.lead() + k * size, elements, plane + k);
      }
      plane += planes;
    }
  }

  /** Folds the units of a plane, which begin at a place of the source. */
  private static void fold(
      FoldedPlanes folded, short[] source, int begin, MemorySegment elements, int plane) {
    short factor = (short) folded.reading().factor();
    int later = folded.half() * COUNT;
    int vectors = folded.planeVectors();
    long to = folded.firstBytes(plane);
    for (int vector = 0; vector < vectors; vector++) {
      int at = begin + folded.firstOf(vector);
      ShortVector numbers =
          ShortVector.fromArray(Lanes.SHORTS, source, at + later)
              .lanewise(VectorOperators.LSHL, FoldedPlanes.FOLD)
              .or(ShortVector.fromArray(Lanes.SHORTS, source, at))
              .mul(factor);
      if (folded.maps()) {
        numbers.intoArray(source, at);
        copy(folded, source, at, elements, to + vector * BYTES);
      } else {
        numbers.intoMemorySegment(elements, to + vector * BYTES, Lanes.ORDER);
      }
    }
  }

  /**
   * Writes a vector of maps to all copies of its plane. It is handed over in memory, since vectors
   * that are become objects.
   */
  private static void copy(
      FoldedPlanes folded, short[] vector, int at, MemorySegment elements, long to) {
    ShortVector numbers = ShortVector.fromArray(Lanes.SHORTS, vector, at);
    short[] sources = folded.rowMoves.sources;
    short[] kept = folded.rowMoves.kept;
    long step = (long) folded.half() * folded.apart() * Short.BYTES;
    if (folded.apart() < COUNT) {
      for (int from = 0; from < sources.length; from += COUNT) {
        ShortVector.fromArray(Lanes.SHORTS, sources, from)
            .selectFrom(numbers)
            .and(ShortVector.fromArray(Lanes.SHORTS, kept, from))
            .reinterpretShape(Lanes.HALF_SHORTS, 0)
            .intoMemorySegment(elements, to + from / COUNT * step, Lanes.ORDER);
      }
      return;
    }
    for (int from = 0; from < sources.length; from += COUNT) {
      ShortVector.fromArray(Lanes.SHORTS, sources, from)
          .selectFrom(numbers)
          .and(ShortVector.fromArray(Lanes.SHORTS, kept, from))
          .intoMemorySegment(elements, to + from / COUNT * step, Lanes.ORDER);
    }
  }

  /** Folds planes that are in vectors before they are gathered. */
  private static void asTheyLie(
      FoldedPlanes folded,
      MemorySegment counts,
      MemorySegment elements,
      int fromPlane,
      int toPlane) {
    Planes in = folded.in();
    short factor = (short) folded.reading().factor();
    int half = folded.half();
    int together = folded.together();
    int planes = folded.planes();
    long channelBytes = (long) in.planeFloats() * Short.BYTES;
    long to = folded.firstBytes(fromPlane);
    long planeBytes = folded.firstBytes(1);
    int image = fromPlane / planes;
    int inImage = fromPlane % planes;
    long first = in.at(image, 0, 0, 0) * Short.BYTES;
    short[] scratch = PlaneScratch.get().shorts(COUNT);
    for (int plane = fromPlane; plane < toPlane; plane++) {
      if (inImage == planes) {
        inImage = 0;
        first = in.at(++image, 0, 0, 0) * Short.BYTES;
      }
      int channels = folded.together(inImage);
      long from = first + (long) inImage * together * channelBytes;
      for (int vector = 0; vector < half; vector++) {
        long begin = from + vector * BYTES;
        long later = from + Math.min(vector + half, folded.vectors() - 1) * BYTES;
        short there = (short) (vector + half < folded.vectors() ? -1 : 0);
        ShortVector numbers = ShortVector.zero(Lanes.SHORTS);
        for (int channel = 0; channel < channels; channel++) {
          long ahead = channel * channelBytes;
          numbers =
              ShortVector.fromMemorySegment(Lanes.SHORTS, counts, later + ahead, Lanes.ORDER)
                  .and(there)
                  .lanewise(VectorOperators.LSHL, FoldedPlanes.FOLD)
                  .or(
                      ShortVector.fromMemorySegment(
                          Lanes.SHORTS, counts, begin + ahead, Lanes.ORDER))
                  .lanewise(VectorOperators.LSHL, channel)
                  .or(numbers);
        }
        numbers.mul(factor).intoArray(scratch, 0);
        copy(folded, scratch, 0, elements, to + vector * BYTES);
      }
      to += planeBytes;
      inImage++;
    }
  }

  /** Puts the units of planes of an image where they lie when nothing is folded. */
  private static void gather(
      FoldedPlanes folded, MemorySegment counts, int plane, int planes, short[] source) {
    Planes in = folded.in();
    int size = folded.flatVectors() * COUNT;
    int pitch =
        folded.maps() ? folded.out().pitch() : folded.stackGroups() * folded.parts() * COUNT;
    boolean piece = folded.maps() && in.pitch() == pitch && in.columns() == pitch;
    int inImage = plane % folded.planes();
    long first = in.at(plane / folded.planes(), inImage * folded.together(), 0, 0);
    int begin = folded.lead() - folded.sourceRow(0) * pitch;
    for (int channel = 0; channel < folded.together(); channel++) {
      // The last plane may have fewer.
      int count = channel < folded.together(inImage + planes - 1) ? planes : planes - 1;
      for (int step = 0; step < in.stack(); step++) {
        long read = first + (long) channel * in.planeFloats() + (long) step * in.mapFloats();
        int unit = step % folded.side() * (COUNT / folded.side());
        int to = begin + step / folded.side() * (folded.parts() * COUNT) + unit;
        int planeStep = folded.together() * in.planeFloats();
        if (piece) {
          int map = in.rows() * pitch;
          add(counts, read, planeStep, count, map, channel, source, to, size);
          continue;
        }
        for (int k = 0; k < count; k++) {
          long at = read + (long) k * planeStep;
          int columns = in.columns();
          add(counts, at, in.pitch(), in.rows(), columns, channel, source, to + k * size, pitch);
        }
      }
    }
  }

  /** Adds the bits of a channel in lines; places are counted in elements. */
  private static void add(
      MemorySegment counts,
      long from,
      int fromPitch,
      int lines,
      int size,
      int channel,
      short[] source,
      int to,
      int toPitch) {
    if (size == COUNT / 2) {
      addHalves(counts, from, fromPitch, lines, channel, source, to, toPitch);
      return;
    }
    if (size == COUNT / 4) {
      addQuarters(counts, from, fromPitch, lines, channel, source, to, toPitch);
      return;
    }
    for (int k = 0; k < size; k += COUNT) {
      ShortVector within =
          ShortVector.fromArray(Lanes.SHORTS, BELOW, COUNT - Math.min(COUNT, size - k));
      for (int line = 0; line < lines; line++) {
        int at = to + line * toPitch + k;
        ShortVector.fromMemorySegment(
                Lanes.SHORTS,
                counts,
                (from + (long) line * fromPitch + k) * Short.BYTES,
                Lanes.ORDER)
            .and(within)
            .lanewise(VectorOperators.LSHL, channel)
            .or(ShortVector.fromArray(Lanes.SHORTS, source, at))
            .intoArray(source, at);
      }
    }
  }

  /** Lines of half a vector: a species must be a constant where it is used. */
  private static void addHalves(
      MemorySegment counts,
      long from,
      int fromPitch,
      int lines,
      int channel,
      short[] source,
      int to,
      int toPitch) {
    for (int line = 0; line < lines; line++) {
      int at = to + line * toPitch;
      long read = (from + (long) line * fromPitch) * Short.BYTES;
      ShortVector.fromMemorySegment(Lanes.HALF_SHORTS, counts, read, Lanes.ORDER)
          .lanewise(VectorOperators.LSHL, channel)
          .or(ShortVector.fromArray(Lanes.HALF_SHORTS, source, at))
          .intoArray(source, at);
    }
  }

  /** Lines of a quarter of a vector. */
  private static void addQuarters(
      MemorySegment counts,
      long from,
      int fromPitch,
      int lines,
      int channel,
      short[] source,
      int to,
      int toPitch) {
    for (int line = 0; line < lines; line++) {
      int at = to + line * toPitch;
      long read = (from + (long) line * fromPitch) * Short.BYTES;
      ShortVector.fromMemorySegment(Lanes.QUARTER_SHORTS, counts, read, Lanes.ORDER)
          .lanewise(VectorOperators.LSHL, channel)
          .or(ShortVector.fromArray(Lanes.QUARTER_SHORTS, source, at))
          .intoArray(source, at);
    }
  }

  static int sum(MemorySegment counts, long from, int count) {
    int sum = 0;
    int done = 0;
    while (count - done >= COUNT) {
      int vectors = Math.min(ADDS, (count - done) / COUNT);
      sum += sumOfVectors(counts, (from + done) * Short.BYTES, vectors);
      done += vectors * COUNT;
    }
    return sum + ScalarIntegerConvolution.sum(counts, from + done, count - done);
  }

  private static int sumOfVectors(MemorySegment counts, long at, int vectors) {
    ShortVector sum = ShortVector.zero(Lanes.SHORTS);
    for (int k = 0; k < vectors; k++) {
      sum =
          sum.add(ShortVector.fromMemorySegment(Lanes.SHORTS, counts, at + k * BYTES, Lanes.ORDER));
    }
    IntVector low = (IntVector) sum.convertShape(VectorOperators.S2I, Lanes.INTS, 0);
    IntVector high = (IntVector) sum.convertShape(VectorOperators.S2I, Lanes.INTS, 1);
    return low.add(high).reduceLanes(VectorOperators.ADD);
  }
}
