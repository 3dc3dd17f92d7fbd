package dev.coppice.kernels;

import java.util.Arrays;

/**
 * How {@link IntegerConvolution} reads counts of spikes: in vectors of {@value #LANES} whole
 * numbers whose lanes are those of the output, so that every vector that a weight meets lies at a
 * multiple of its size and holds nothing else.
 *
 * <p>A plane is cut into units, the rows of its maps or, where these are small, whole maps. Units
 * of different time steps lie side by side in a vector while there is room, and a large one takes
 * several vectors. Taps of a kernel that would move numbers from lane to lane read copies in which
 * they are moved already: one for every column of the kernel, or for every tap where units are
 * maps. Rows of a kernel are steps from vector to vector: {@code [N, C, columns, rows, ⌈S/side⌉,
 * parts, lanes]} with rows of zeros above and below, or {@code [N, C, taps, ⌈S/side⌉, parts,
 * lanes]}.
 *
 * <p>A number is the count of one channel, seven bits for a single spike, or a pattern of the
 * spikes of several. All fit into a byte, so the vectors of a plane's later half are folded onto
 * those of its first: one element holds the number of a vector and, in its upper byte, that of the
 * one {@link #half} further on, and half as much is read.
 */
final class ShiftedPlanes {
  /** Lanes of a vector: an image lies alike wherever it is run. */
  static final int LANES = 32;

  /** Sums of a span, at most. */
  static final int PIECE = 16;

  /** Bits that a folded number lies above the other of its element. */
  static final int FOLD = Byte.SIZE;

  private final ConvolutionShape shape;
  private final Planes in;
  private final Planes out;
  private final IntegerConvolution.Reading reading;

  /** Whether units are maps. */
  private final boolean maps;

  /** Units side by side in a vector. */
  private final int side;

  /** Vectors of a unit. */
  private final int parts;

  /** Vectors of an output plane. */
  private final int vectors;

  /** Vectors of an output plane that the others are folded onto. */
  private final int half;

  /** Where the spans of a vector begin; one more than there are vectors. */
  final int[] spans;

  /** The lane of the plane that a span of sums begins at. */
  final int[] lanes;

  /** Where a span goes, in elements from the first pixel of the output plane. */
  final int[] targets;

  /** The sums of a span. */
  final int[] counts;

  private final int piece;

  /** For every copy and part a vector with ones where lanes hold pixels. */
  final short[] masks;

  /**
   * Describes the planes that a convolution of stride 1 reads.
   *
   * @param in planes of the counts, of single images
   * @param out planes of the sums
   */
  ShiftedPlanes(ConvolutionShape shape, Planes in, Planes out, IntegerConvolution.Reading reading) {
    this.shape = shape;
    this.in = in;
    this.out = out;
    this.reading = reading;
    int map = (out.rows() - 1) * out.pitch() + out.columns();
    int byMaps = Math.ceilDiv(out.stack(), side(map)) * parts(map);
    int byRows = Math.ceilDiv(out.stack(), side(out.columns())) * out.rows() * parts(out.columns());
    // Copies for every tap want more memory, so they must save vectors.
    this.maps = shape.width() <= out.pitch() && 4L * byMaps <= 3L * byRows;
    int unit = maps ? map : out.columns();
    this.side = side(unit);
    this.parts = parts(unit);
    this.vectors = maps ? byMaps : byRows;
    // Whatever is folded onto a vector is the same part of a unit.
    this.half = Math.ceilDiv(Math.ceilDiv(vectors, 2), parts) * parts;
    double elements = (double) LANES * copyVectors() * copies() * planes();
    if (elements > Integer.MAX_VALUE / 4.0) {
      throw new IllegalArgumentException("shifted copies of %s are too large".formatted(in));
    }
    this.masks = makeMasks();
    this.spans = new int[vectors + 1];
    int most = vectors * side * Math.ceilDiv(LANES / side, PIECE);
    this.lanes = new int[most];
    this.targets = new int[most];
    this.counts = new int[most];
    int span = 0;
    for (int vector = 0; vector < vectors; vector++) {
      for (int number = 0; number < side && step(vector, number) < out.stack(); number++) {
        int count = Math.min(LANES / side, unit - vector % parts * LANES);
        for (int done = 0; done < count; done += PIECE) {
          int lane = vector * LANES + number * LANES / side + done;
          int target = target(vector, number) + done;
          int piece = Math.min(PIECE, count - done);
          int last = span - 1;
          if (span > spans[vector]
              && counts[last] + piece <= PIECE
              && lanes[last] + counts[last] == lane
              && targets[last] + counts[last] == target) {
            counts[last] += piece;
          } else {
            lanes[span] = lane;
            targets[span] = target;
            counts[span++] = piece;
          }
        }
      }
      spans[vector + 1] = span;
    }
    int first = counts[0];
    this.piece = Arrays.stream(counts, 0, span).allMatch(count -> count == first) ? first : 0;
  }

  /** The time step of a unit of a vector. */
  private int step(int vector, int number) {
    return vector / parts % stackGroups() * side + number;
  }

  private int target(int vector, int number) {
    int row = vector / parts / stackGroups();
    return step(vector, number) * out.mapFloats()
        + (maps ? 0 : row * out.pitch())
        + vector % parts * LANES;
  }

  private static int side(int unit) {
    return unit >= LANES ? 1 : LANES / Integer.highestOneBit(2 * unit - 1);
  }

  private static int parts(int unit) {
    return Math.ceilDiv(unit, LANES);
  }

  Planes in() {
    return in;
  }

  Planes out() {
    return out;
  }

  IntegerConvolution.Reading reading() {
    return reading;
  }

  /** How many channels are together in a plane, at most. */
  int together() {
    return reading.together();
  }

  int side() {
    return side;
  }

  int parts() {
    return parts;
  }

  /** Returns the planes of an image. */
  int planes() {
    return Math.ceilDiv(in.channels(), together());
  }

  /** How many channels are together in a plane. */
  int together(int plane) {
    return Math.min(together(), in.channels() - plane * together());
  }

  /** The sums of every span, or 0 if they differ. */
  int piece() {
    return piece;
  }

  /** Returns the vectors of an output plane. */
  int vectors() {
    return vectors;
  }

  /** Returns how many vectors of an output plane are read, others being folded onto them. */
  int half() {
    return half;
  }

  int stackGroups() {
    return Math.ceilDiv(in.stack(), side);
  }

  int copies() {
    return maps ? shape.taps() : shape.kernelWidth();
  }

  /** Vectors that the rows of a kernel reach beyond those of the output. */
  private int reach() {
    return maps ? 0 : (shape.kernelHeight() - 1) * stackGroups() * parts;
  }

  int copyVectors() {
    return half + reach();
  }

  /** Returns the vectors that a copy is folded from; the last may lie beyond the plane. */
  int flatVectors() {
    return 2 * half + reach();
  }

  /** Returns the elements of a plane with all its copies. */
  int planeElements() {
    return LANES * copyVectors() * copies();
  }

  /** Returns the memory of so many images. */
  long bytes(int images) {
    return (long) images * planes() * planeElements() * Short.BYTES;
  }

  /** Where what a tap reads of a plane lies, taken from what the first tap reads of the first. */
  int offset(int plane, int tap) {
    int row = tap / shape.kernelWidth();
    int column = tap % shape.kernelWidth();
    int inPlane = maps ? tap * copyVectors() : column * copyVectors() + row * stackGroups() * parts;
    return plane * planeElements() + inPlane * LANES;
  }

  /** Where what the first tap reads of the first plane for a vector of an output plane lies. */
  long inputBytes(int image, int vector) {
    return ((long) image * planes() * planeElements() + (long) vector * LANES) * Short.BYTES;
  }

  /** Whether units are maps, whose rows are as far apart as those of the output. */
  boolean maps() {
    return maps;
  }

  /** The row of a map that a row of units holds, if there is one. */
  int sourceRow(int unitRow) {
    return maps ? 0 : unitRow - shape.padding();
  }

  boolean hasSource(int unitRow) {
    return maps ? unitRow == 0 : sourceRow(unitRow) >= 0 && sourceRow(unitRow) < shape.height();
  }

  /** From how many lanes ahead a copy has what its lanes hold. */
  int shift(int copy) {
    int row = maps ? copy / shape.kernelWidth() - shape.padding() : 0;
    return row * out.pitch() + copy % shape.kernelWidth() - shape.padding();
  }

  /** How far {@link #shift} goes, at most. */
  int margin() {
    return shape.kernelHeight() * (maps ? out.pitch() : 0) + shape.kernelWidth();
  }

  /** Whether a lane of a part of a copy holds a pixel, and not what surrounds a map. */
  boolean holds(int copy, int part, int lane) {
    int at = part * LANES + lane % (LANES / side);
    int row = maps ? at / out.pitch() : 0;
    int column = maps ? at % out.pitch() : at;
    int y = maps ? row + copy / shape.kernelWidth() - shape.padding() : 0;
    int x = column + copy % shape.kernelWidth() - shape.padding();
    return row < out.rows()
        && column < out.columns()
        && y >= 0
        && y < shape.height()
        && x >= 0
        && x < shape.width();
  }

  private short[] makeMasks() {
    short[] made = new short[copies() * parts * LANES];
    for (int k = 0; k < made.length; k++) {
      int part = k / LANES % parts;
      made[k] = (short) (holds(k / LANES / parts, part, k % LANES) ? -1 : 0);
    }
    return made;
  }
}
