package dev.coppice.kernels;

import java.util.Arrays;

/**
 * How {@link IntegerConvolution} reads counts of spikes: in vectors of {@value #LANES} whole
 * numbers, every one of which lies at a multiple of its size.
 *
 * <p>A plane is cut into units, the rows of its maps or, where these are small, whole maps. Units
 * of different time steps lie side by side in a vector while there is room. A row that is too large
 * takes several vectors, which overlap by the columns of the kernel. The rows of a kernel are steps
 * from vector to vector, or, where units are maps, copies that are moved by as many rows: {@code
 * [N, C, rows, ⌈S/side⌉, parts, lanes]} with rows of zeros above and below, or {@code [N, C, kernel
 * rows, ⌈S/side⌉, lanes]}.
 *
 * <p>What the columns of a kernel would move from lane to lane is moved when it has been multiplied
 * and added up, once for all weights of a column.
 *
 * <p>A number is the count of one channel, seven bits for a single spike, or a pattern of the
 * spikes of several. All fit into a byte, so the vectors of a plane's later half are folded onto
 * those of its first: one element holds the number of a vector and, in its upper byte, that of the
 * one {@link #half} further on, and half as much is read.
 */
final class FoldedPlanes {
  /** Lanes of a vector: an image lies alike wherever it is run. */
  static final int LANES = 32;

  /** Sums of a span, at most. */
  static final int PIECE = 16;

  /** Vectors that are computed together, at most; a power of two. */
  static final int BLOCK = 4;

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

  /** Sums of a unit in each of its vectors. */
  private final int partSums;

  /** How many columns to the left of a unit its first lane lies. */
  private final int lead;

  /** Vectors of an output plane. */
  private final int vectors;

  /** Vectors of an output plane that the others are folded onto. */
  private final int half;

  /** Lanes from vector to vector: less than there are where maps fill but half of a vector. */
  private final int apart;

  /** Where the spans of a vector begin; one more than there are vectors. */
  final int[] spans;

  /** The lane of the plane that a span of sums begins at. */
  final int[] lanes;

  /** Where a span goes, in elements from the first pixel of the output plane. */
  final int[] targets;

  /** The sums of a span. */
  final int[] counts;

  private final int piece;

  /** The lanes that are taken for every column of the kernel. */
  final LaneMoves columnMoves;

  /** The lanes that are taken for every copy of a plane. */
  final LaneMoves rowMoves;

  /**
   * Describes the planes that a convolution of stride 1 reads.
   *
   * @param in planes of the counts, of single images
   * @param out planes of the sums
   */
  FoldedPlanes(ConvolutionShape shape, Planes in, Planes out, IntegerConvolution.Reading reading) {
    this.shape = shape;
    this.in = in;
    this.out = out;
    this.reading = reading;
    int columns = Math.max(shape.width(), out.columns());
    int map = (rows() - 1) * out.pitch() + columns;
    int byMaps = Math.ceilDiv(out.stack(), side(map));
    int byRows = Math.ceilDiv(out.stack(), side(columns)) * out.rows();
    // Copies for every row of the kernel want more memory, so they must save vectors.
    this.maps = map <= LANES && shape.width() <= out.pitch() && 4L * byMaps <= 3L * byRows;
    boolean wide = columns > LANES;
    int padding = shape.padding();
    this.side = side(maps ? map : columns);
    this.partSums = wide ? LANES - shape.kernelWidth() + 1 : LANES / side;
    this.parts = wide ? Math.ceilDiv(out.columns(), partSums) : 1;
    this.lead = wide ? shape.padding() : 0;
    this.vectors = maps ? byMaps : byRows * parts;
    // Whatever is folded onto a vector is the same part of a unit.
    this.half = Math.ceilDiv(Math.ceilDiv(vectors, 2), parts) * parts;
    boolean few = maps && vectors == 1 && out.stack() * (LANES / side) <= LANES / 2;
    this.apart = few ? LANES / 2 : LANES;
    this.columnMoves =
        new LaneMoves(shape.kernelWidth(), (column, lane) -> source(0, column - padding, lane));
    this.rowMoves =
        new LaneMoves(
            maps ? shape.kernelHeight() : 1,
            (row, lane) -> maps ? source(row - padding, 0, lane) : lane);
    double elements = (double) LANES * planeVectors() * copies() * planes();
    if (elements > Integer.MAX_VALUE / 4.0) {
      throw new IllegalArgumentException("the folded planes of %s are too large".formatted(in));
    }
    int sums = maps ? (out.rows() - 1) * out.pitch() + out.columns() : out.columns();
    this.spans = new int[vectors + 1];
    int most = vectors * side * Math.ceilDiv(LANES / side, PIECE);
    this.lanes = new int[most];
    this.targets = new int[most];
    this.counts = new int[most];
    int span = 0;
    for (int vector = 0; vector < vectors; vector++) {
      for (int number = 0; number < side && step(vector, number) < out.stack(); number++) {
        int count = Math.min(partSums, sums - vector % parts * partSums);
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
        + vector % parts * partSums;
  }

  private static int side(int unit) {
    return unit >= LANES ? 1 : LANES / Integer.highestOneBit(2 * unit - 1);
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

  /** Returns how many vectors from one on are computed together. */
  int block(int vector) {
    return Math.min(BLOCK, Integer.highestOneBit(half - vector));
  }

  int stackGroups() {
    return Math.ceilDiv(in.stack(), side);
  }

  /** Vectors that the rows of a kernel reach beyond those of the output. */
  private int reach() {
    return maps ? 0 : (shape.kernelHeight() - 1) * stackGroups() * parts;
  }

  /** Returns the vectors of a copy of a plane. */
  int planeVectors() {
    return half + reach();
  }

  /** Returns the vectors that a plane is folded from; the last may lie beyond it. */
  int flatVectors() {
    return 2 * half + reach();
  }

  /** Returns how often a plane is there. */
  int copies() {
    return rowMoves.count();
  }

  /** Returns how many lanes of a vector are written. */
  int apart() {
    return apart;
  }

  int planeElements() {
    return apart * planeVectors() * copies();
  }

  /** Returns the memory of so many images; whole vectors are read. */
  long bytes(int images) {
    return ((long) images * planes() * planeElements() + LANES - apart) * Short.BYTES;
  }

  /** Where what a row of the kernel reads of a plane lies, from what the first reads on. */
  int offset(int plane, int row) {
    return plane * planeElements() + row * (maps ? half : stackGroups() * parts) * apart;
  }

  /** Where a plane lies, counted through all images. */
  long firstBytes(int plane) {
    return (long) plane * planeElements() * Short.BYTES;
  }

  /** Where what the kernel's first row reads of the first plane for an output's vector lies. */
  long inputBytes(int image, int vector) {
    return firstBytes(image * planes()) + (long) vector * LANES * Short.BYTES;
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

  /** Where the numbers of a vector begin among units that lie one behind the other. */
  int firstOf(int vector) {
    int part = vector % parts;
    return (vector - part) * LANES + part * partSums - lead;
  }

  /** How far before its unit a vector begins, at most. */
  int lead() {
    return lead;
  }

  /** Whether maps of counts lie as they lie in vectors. */
  boolean asTheyLie() {
    return maps
        && in.border() == 0
        && in.pitch() == out.pitch()
        && in.mapFloats() == LANES / side
        && (in.stack() % side == 0 || in.stack() * in.mapFloats() == apart);
  }

  /** The lane that has what lies so many rows down and columns right of a lane, or -1. */
  private int source(int down, int right, int lane) {
    int at = lane % (LANES / side);
    if (parts > 1) {
      return at < partSums ? lane + right + lead : -1;
    }
    int y = down + (maps ? at / out.pitch() : 0);
    int x = right + (maps ? at % out.pitch() : at);
    boolean inside = y >= 0 && y < (maps ? rows() : 1) && x >= 0 && x < shape.width();
    return inside ? lane - at + y * out.pitch() + x : -1;
  }

  /** The rows of a unit. */
  private int rows() {
    return Math.max(shape.height(), out.rows());
  }
}
