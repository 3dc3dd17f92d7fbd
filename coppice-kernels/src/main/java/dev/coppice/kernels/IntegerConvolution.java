package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * The surviving weights of a convolution in whole numbers, for inference: it reads {@link
 * PlaneNumbers#COUNTS} and writes, as floats, the exact sums of weights times counts. What lies
 * around the maps of the output is left with any numbers.
 *
 * <p>Sums are taken in 16 bits. A row whose sums might not fit is cut into segments that do,
 * whatever fires, of which the sums are added as floats; being whole numbers up to 2²⁴, these are
 * exact, too, and so the order of sums does not matter.
 *
 * <p>Where inputs are single spikes, {@value #TOGETHER} channels can be taken together: the bits of
 * one element tell which of them fired, and one entry holds the sums of their weights for all
 * patterns, to be looked up. {@link Kernels#packPatterns} makes such planes.
 */
public final class IntegerConvolution {
  /** Channels whose spikes make a pattern. */
  public static final int TOGETHER = 5;

  /** How many patterns there are. */
  static final int PATTERNS = 1 << TOGETHER;

  private static final int MOST_EXACT = 1 << 24;

  private final ConvolutionShape shape;
  private final Planes in;
  private final Planes out;
  private final Pieces cut;
  private final boolean patterns;

  /** Where the segments of a row begin; one more than there are rows. */
  final int[] rows;

  /** Where the entries of a segment begin; one more than there are segments. */
  final int[] segments;

  /** For every entry its weight, or its sums by pattern. */
  final short[] numbers;

  /** Bytes from an output's pixel, taken as one of the first input plane, to the input's pixel. */
  final int[] offsets;

  /** The plane of an entry's input, times the number of taps, plus its tap. */
  private final int[] places;

  private IntegerConvolution(
      ConvolutionShape shape,
      Planes in,
      Planes out,
      boolean patterns,
      int[] rows,
      int[] segments,
      short[] numbers,
      int[] places) {
    this.shape = shape;
    this.in = in;
    this.out = out;
    this.cut = new Pieces(in, out);
    this.patterns = patterns;
    this.rows = rows;
    this.segments = segments;
    this.numbers = numbers;
    this.places = places;
    this.offsets = new int[places.length];
    for (int entry = 0; entry < places.length; entry++) {
      int tap = places[entry] % shape.taps();
      offsets[entry] =
          Short.BYTES
              * (places[entry] / shape.taps() * in.planeFloats()
                  + SparseConvolution.down(shape, tap) * in.pitch()
                  + SparseConvolution.right(shape, tap) * in.group());
    }
  }

  /** Whether convolutions of that shape and of counts up to {@code most} can be computed. */
  public static boolean fits(ConvolutionShape shape, int most) {
    double largest = -(double) Byte.MIN_VALUE * most;
    return shape.stride() == 1
        && most >= 1
        && largest <= Short.MAX_VALUE
        && largest * shape.taps() * shape.in() <= MOST_EXACT;
  }

  /**
   * Compresses weights that are not zero.
   *
   * @param weights {@code [O, k, k, I]}
   * @param most the largest count of the input
   * @throws IllegalArgumentException when the shape does not {@linkplain #fits fit} or has other
   *     weights
   */
  public static IntegerConvolution ofCounts(ConvolutionShape shape, byte[] weights, int most) {
    return of(shape, weights, most, 1);
  }

  /**
   * Compresses weights that are not zero, for patterns of spikes.
   *
   * @param weights {@code [O, k, k, I]}
   * @throws IllegalArgumentException when the shape does not {@linkplain #fits fit} or has other
   *     weights
   */
  public static IntegerConvolution ofPatterns(ConvolutionShape shape, byte[] weights) {
    return of(shape, weights, 1, TOGETHER);
  }

  private static IntegerConvolution of(
      ConvolutionShape shape, byte[] weights, int most, int together) {
    if (!fits(shape, most)) {
      throw new IllegalArgumentException(
          "sums of counts up to %d are not exact for %s".formatted(most, shape));
    }
    if (weights.length != shape.weights()) {
      throw new IllegalArgumentException(
          "there must be %d weights, not %d".formatted(shape.weights(), weights.length));
    }
    int taps = shape.taps();
    int inputs = Math.ceilDiv(shape.in(), together);
    int sums = together == 1 ? 1 : PATTERNS;
    int[] rows = new int[shape.out() + 1];
    // There are not more entries than weights, nor more segments than entries and rows.
    int survivors = survivors(weights);
    int[] segments = new int[survivors + shape.out() + 1];
    int[] places = new int[survivors];
    short[] numbers = new short[survivors * sums];
    int entry = 0;
    int segment = 0;
    for (int o = 0; o < shape.out(); o++) {
      int highest = 0;
      int lowest = 0;
      segments[segment++] = entry;
      for (int place = 0; place < inputs * taps; place++) {
        int first = (o * taps + place % taps) * shape.in() + place / taps * together;
        int side = Math.min(together, shape.in() - place / taps * together);
        int positive = 0;
        int negative = 0;
        for (int k = 0; k < side; k++) {
          positive += Math.max(0, weights[first + k]) * most;
          negative += Math.min(0, weights[first + k]) * most;
        }
        if (positive == 0 && negative == 0) {
          continue;
        }
        if (highest + positive > Short.MAX_VALUE || lowest + negative < Short.MIN_VALUE) {
          highest = 0;
          lowest = 0;
          segments[segment++] = entry;
        }
        highest += positive;
        lowest += negative;
        places[entry] = place;
        for (int pattern = 0; pattern < sums; pattern++) {
          numbers[entry * sums + pattern] =
              together == 1 ? weights[first] : sum(weights, first, side, pattern);
        }
        entry++;
      }
      rows[o + 1] = segment;
    }
    segments[segment] = entry;
    return new IntegerConvolution(
        shape,
        planes(shape.input(1, shape.inputBorder()), together),
        shape.output(1, 0),
        together > 1,
        rows,
        Arrays.copyOf(segments, segment + 1),
        Arrays.copyOf(numbers, entry * sums),
        Arrays.copyOf(places, entry));
  }

  private static int survivors(byte[] weights) {
    int count = 0;
    for (byte weight : weights) {
      count += weight == 0 ? 0 : 1;
    }
    return count;
  }

  private static short sum(byte[] weights, int first, int side, int pattern) {
    short sum = 0;
    for (int k = 0; k < side; k++) {
      sum += (short) ((pattern >>> k & 1) * weights[first + k]);
    }
    return sum;
  }

  /** Returns the planes that patterns of some planes lie in. */
  public static Planes patterns(Planes counts) {
    return planes(counts, TOGETHER);
  }

  private static Planes planes(Planes counts, int together) {
    return new Planes(
        Math.ceilDiv(counts.channels(), together),
        counts.height(),
        counts.width(),
        counts.group(),
        counts.border(),
        counts.step(),
        counts.stack());
  }

  /**
   * Returns the same weights between planes of other groups, borders and stacks; lists are shared.
   *
   * @param newIn planes of the input: of its channels, or of {@linkplain #patterns patterns}
   * @throws IllegalArgumentException when the planes do not fit the shape
   */
  public IntegerConvolution between(Planes newIn, Planes newOut) {
    Planes input = shape.input(newIn.group(), newIn.border()).stacked(newIn.stack());
    Planes expected = patterns ? patterns(input) : input;
    Planes output = shape.output(newIn.group(), newOut.border()).stacked(newIn.stack());
    if (!newIn.equals(expected) || !newOut.equals(output) || newIn.border() < shape.inputBorder()) {
      throw new IllegalArgumentException(
          "%s and %s are not the planes of %s".formatted(newIn, newOut, shape));
    }
    return new IntegerConvolution(shape, newIn, newOut, patterns, rows, segments, numbers, places);
  }

  /** Whether inputs are patterns of spikes. */
  public boolean patterns() {
    return patterns;
  }

  /** Returns the planes that are read. */
  public Planes in() {
    return in;
  }

  /** Returns the planes that are written. */
  public Planes out() {
    return out;
  }

  /** Returns the rows: the planes of a group of the output. */
  public int rows() {
    return rows.length - 1;
  }

  Pieces cut() {
    return cut;
  }

  /** Where the inputs of a piece lie of an entry without distance. */
  long inputBytes(int group, int piece) {
    return cut.input(group, piece) * Short.BYTES;
  }

  /** Where a piece of an output plane lies. */
  long outputBytes(int group, int row, int piece) {
    return cut.output(group, row, piece) * Float.BYTES;
  }

  /** Where the counts begin whose spikes make a plane of patterns, in elements. */
  static long firstCount(Planes counts, int plane) {
    int patterns = Math.ceilDiv(counts.channels(), TOGETHER);
    return PlaneNeurons.firstOf(
        counts, plane / patterns * counts.channels() + plane % patterns * TOGETHER);
  }

  /** How many planes of counts make a plane of patterns. */
  static int side(Planes counts, int plane) {
    int patterns = Math.ceilDiv(counts.channels(), TOGETHER);
    return Math.min(TOGETHER, counts.channels() - plane % patterns * TOGETHER);
  }

  static void checkPatterns(
      Planes counts,
      Planes patterns,
      MemorySegment from,
      MemorySegment to,
      int groups,
      int fromPlane,
      int toPlane) {
    if (counts.step() != 1) {
      throw new IllegalArgumentException("patterns are of planes of step 1, not " + counts.step());
    }
    if (groups < 0) {
      throw new IllegalArgumentException("groups must not be negative: " + groups);
    }
    if (patterns.channels() != Math.ceilDiv(counts.channels(), TOGETHER)
        || patterns.planeFloats() != counts.planeFloats()
        || patterns.origin() != counts.origin()) {
      throw new IllegalArgumentException(
          "%s are not the patterns of %s".formatted(patterns, counts));
    }
    NeuronArguments.requireFloats("counts", from, counts.bytes(groups));
    NeuronArguments.requireFloats("patterns", to, patterns.bytes(groups));
    NeuronArguments.requireApart(
        "counts", from, counts.bytes(groups), "patterns", to, patterns.bytes(groups));
    SpikeArguments.checkRange("planes", fromPlane, toPlane, (long) groups * patterns.planes());
  }

  void check(
      MemorySegment counts,
      MemorySegment sums,
      int groups,
      int fromGroup,
      int toGroup,
      int fromRow,
      int toRow) {
    if (groups < 0) {
      throw new IllegalArgumentException("groups must not be negative: " + groups);
    }
    // Vectors read on behind the last element, as far as floats would lie.
    NeuronArguments.requireFloats("counts", counts, in.bytes(groups));
    NeuronArguments.requireFloats("sums", sums, out.bytes(groups));
    NeuronArguments.requireApart(
        "counts", counts, in.bytes(groups), "sums", sums, out.bytes(groups));
    SpikeArguments.checkRange("groups", fromGroup, toGroup, groups);
    SpikeArguments.checkRange("rows", fromRow, toRow, rows());
  }
}
