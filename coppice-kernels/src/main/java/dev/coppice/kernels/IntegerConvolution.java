package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.stream.IntStream;

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
      int[] places,
      int[] offsets) {
    this.shape = shape;
    this.in = in;
    this.out = out;
    this.cut = new Pieces(in, out);
    this.patterns = patterns;
    this.rows = rows;
    this.segments = segments;
    this.numbers = numbers;
    this.places = places;
    this.offsets = offsets;
  }

  private static int[] offsets(ConvolutionShape shape, Planes in, int[] places) {
    int[] offsets = new int[places.length];
    for (int entry = 0; entry < places.length; entry++) {
      int tap = places[entry] % shape.taps();
      offsets[entry] =
          Short.BYTES
              * (places[entry] / shape.taps() * in.planeFloats()
                  + SparseConvolution.down(shape, tap) * in.pitch()
                  + SparseConvolution.right(shape, tap) * in.group());
    }
    return offsets;
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
   * @param in planes of the input, such as {@link ConvolutionShape#input}
   * @param out planes of the output, such as {@link ConvolutionShape#output}
   * @param weights whole numbers in [-128, 127]
   * @param most the largest count of the input
   * @throws IllegalArgumentException when the shape does not {@linkplain #fits fit}, or the planes
   *     or the weights do not fit it
   */
  public static IntegerConvolution ofCounts(
      ConvolutionShape shape, Planes in, Planes out, WeightRows weights, int most) {
    return of(shape, in, out, weights, most, 1);
  }

  /**
   * Compresses weights that are not zero, for patterns of spikes.
   *
   * @param in planes of {@linkplain #patterns patterns} of the input
   * @param out planes of the output, such as {@link ConvolutionShape#output}
   * @param weights whole numbers in [-128, 127]
   * @throws IllegalArgumentException when the shape does not {@linkplain #fits fit}, or the planes
   *     or the weights do not fit it
   */
  public static IntegerConvolution ofPatterns(
      ConvolutionShape shape, Planes in, Planes out, WeightRows weights) {
    return of(shape, in, out, weights, 1, TOGETHER);
  }

  private static IntegerConvolution of(
      ConvolutionShape shape, Planes in, Planes out, WeightRows weights, int most, int together) {
    if (!fits(shape, most)) {
      throw new IllegalArgumentException(
          "sums of counts up to %d are not exact for %s".formatted(most, shape));
    }
    requireFit(shape, in, out, together > 1);
    int[] entries = {0};
    weights.forEach(
        (o, values) -> {
          shape.requireRow(o, values);
          entries[0] += new Row(shape, values, together).entries();
        });
    Lists lists = new Lists(shape.out(), entries[0], most, together);
    weights.forEach((_, values) -> lists.add(new Row(shape, values, together)));
    int[] places = lists.places;
    return new IntegerConvolution(
        shape,
        in,
        out,
        together > 1,
        lists.rows,
        lists.segments(),
        lists.numbers,
        places,
        offsets(shape, in, places));
  }

  /**
   * The weights of an output channel, of so many input channels together.
   *
   * @param weights {@code [k, k, I]}
   */
  private record Row(ConvolutionShape shape, float[] weights, int together) {
    int places() {
      return Math.ceilDiv(shape.in(), together) * shape.taps();
    }

    private int channel(int place) {
      return place / shape.taps() * together;
    }

    /** How many channels are together at a place. */
    int side(int place) {
      return Math.min(together, shape.in() - channel(place));
    }

    short weight(int place, int k) {
      return (short) weights[place % shape.taps() * shape.in() + channel(place) + k];
    }

    boolean survives(int place) {
      boolean any = false;
      for (int k = 0; k < side(place); k++) {
        any |= weight(place, k) != 0;
      }
      return any;
    }

    int entries() {
      return (int) IntStream.range(0, places()).filter(this::survives).count();
    }

    /** Returns the sum of the weights of a pattern. */
    short sum(int place, int pattern) {
      int sum = 0;
      for (int k = 0; k < side(place); k++) {
        sum += (pattern >>> k & 1) * weight(place, k);
      }
      return (short) sum;
    }
  }

  /** The lists of a convolution while they are made. */
  private static final class Lists {
    private final int most;
    private final int together;
    private final int[] rows;
    private final int[] segments;
    private final int[] places;
    private final short[] numbers;
    private int row;
    private int segment;
    private int entry;

    Lists(int rows, int entries, int most, int together) {
      this.most = most;
      this.together = together;
      this.rows = new int[rows + 1];
      // There are not more segments than entries and rows.
      this.segments = new int[entries + rows + 1];
      this.places = new int[entries];
      this.numbers = new short[entries * (together == 1 ? 1 : PATTERNS)];
    }

    void add(Row weights) {
      int highest = 0;
      int lowest = 0;
      segments[segment++] = entry;
      for (int place = 0; place < weights.places(); place++) {
        if (!weights.survives(place)) {
          continue;
        }
        int positive = 0;
        int negative = 0;
        for (int k = 0; k < weights.side(place); k++) {
          positive += Math.max(0, weights.weight(place, k)) * most;
          negative += Math.min(0, weights.weight(place, k)) * most;
        }
        if (highest + positive > Short.MAX_VALUE || lowest + negative < Short.MIN_VALUE) {
          highest = 0;
          lowest = 0;
          segments[segment++] = entry;
        }
        highest += positive;
        lowest += negative;
        if (together == 1) {
          numbers[entry] = weights.weight(place, 0);
        } else {
          for (int pattern = 0; pattern < PATTERNS; pattern++) {
            numbers[entry * PATTERNS + pattern] = weights.sum(place, pattern);
          }
        }
        places[entry++] = place;
      }
      rows[++row] = segment;
    }

    int[] segments() {
      segments[segment] = entry;
      return Arrays.copyOf(segments, segment + 1);
    }
  }

  /** Returns the planes that patterns of some planes lie in. */
  public static Planes patterns(Planes counts) {
    return new Planes(
        Math.ceilDiv(counts.channels(), TOGETHER),
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
    requireFit(shape, newIn, newOut, patterns);
    int[] moved = newIn.equals(in) ? offsets : offsets(shape, newIn, places);
    return new IntegerConvolution(
        shape, newIn, newOut, patterns, rows, segments, numbers, places, moved);
  }

  private static void requireFit(ConvolutionShape shape, Planes in, Planes out, boolean patterns) {
    Planes input = shape.input(in.group(), in.border()).stacked(in.stack());
    Planes expected = patterns ? patterns(input) : input;
    Planes output = shape.output(in.group(), out.border()).stacked(in.stack());
    if (!in.equals(expected) || !out.equals(output) || in.border() < shape.inputBorder()) {
      throw new IllegalArgumentException(
          "%s and %s are not the planes of %s".formatted(in, out, shape));
    }
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
