package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * The surviving weights of a convolution in whole numbers, for inference: of {@link
 * PlaneNumbers#COUNTS}, of which {@link Kernels#shiftCounts} makes copies that lie as they are
 * read, it writes as floats the exact sums of weights times counts. What lies around the maps of
 * the output may be left with any numbers.
 *
 * <p>Sums are taken in 16 bits. A row whose sums might not fit is cut into segments that do,
 * whatever fires, of which the sums are added as floats; being whole numbers up to 2²⁴, these are
 * exact, too, and so the order of sums does not matter.
 *
 * <p>Where inputs are single spikes, {@value #TOGETHER} channels can be taken together: the bits of
 * one element of the copies tell which of them fired, and one entry holds the sums of their weights
 * for all patterns, to be looked up.
 */
public final class IntegerConvolution {
  /** Channels whose spikes make a pattern. */
  public static final int TOGETHER = 5;

  /** How inputs are read. */
  enum Reading {
    /** Numbers of spikes are multiplied by weights. */
    COUNTS(1, 1),
    /** Single spikes, seven bits of a byte, select the absolute values of weights. */
    SPIKES(1, 127),
    /** The sums of weights are looked up. */
    PATTERNS(TOGETHER, 1);

    private final int together;
    private final int factor;

    Reading(int together, int factor) {
      this.together = together;
      this.factor = factor;
    }

    /** Channels that are read together. */
    int together() {
      return together;
    }

    /** What numbers of spikes, or patterns, are multiplied by for the copies. */
    int factor() {
      return factor;
    }
  }

  /** How many patterns there are. */
  static final int PATTERNS = 1 << TOGETHER;

  private static final int MOST_EXACT = 1 << 24;

  private final ConvolutionShape shape;

  /** How inputs lie. */
  final ShiftedPlanes shifted;

  /** Where the segments of a row begin; one more than there are rows. */
  final int[] rows;

  /** Where the entries of a segment begin; one more than there are segments. */
  final int[] segments;

  /** How many single weights of a segment are negative. */
  final int[] negatives;

  /**
   * For every entry its weight, its absolute value in both bytes with its sign above, or its sums
   * by pattern.
   */
  final short[] numbers;

  /** Bytes from what the first tap reads of the first input plane to what an entry reads. */
  final int[] offsets;

  /** The plane of an entry's input, times the number of taps, plus its tap. */
  private final int[] places;

  private IntegerConvolution(
      ConvolutionShape shape,
      ShiftedPlanes shifted,
      int[] rows,
      int[] segments,
      int[] negatives,
      short[] numbers,
      int[] places) {
    this.shape = shape;
    this.shifted = shifted;
    this.rows = rows;
    this.segments = segments;
    this.negatives = negatives;
    this.numbers = numbers;
    this.places = places;
    this.offsets =
        IntStream.of(places)
            .map(place -> shifted.offset(place / shape.taps(), place % shape.taps()))
            .map(elements -> elements * Short.BYTES)
            .toArray();
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
   * @param in planes of the input, such as {@link ConvolutionShape#input}
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
    requireFit(shape, in, out);
    int[] entries = {0};
    float[] lowest = {0};
    weights.forEach(
        (o, values) -> {
          shape.requireRow(o, values);
          entries[0] += new Row(shape, values, together).entries();
          for (float value : values) {
            lowest[0] = Math.min(lowest[0], value);
          }
        });
    Reading reading = reading(together, most, lowest[0]);
    Lists lists = new Lists(shape.out(), entries[0], most, reading);
    weights.forEach((_, values) -> lists.add(new Row(shape, values, together)));
    return new IntegerConvolution(
        shape,
        new ShiftedPlanes(shape, in, out, reading),
        lists.rows,
        lists.segments(),
        lists.negatives(),
        lists.numbers,
        lists.places);
  }

  private static Reading reading(int together, int most, float lowest) {
    if (together > 1) {
      return Reading.PATTERNS;
    }
    // What a spike selects has seven bits.
    return most == 1 && lowest > Byte.MIN_VALUE ? Reading.SPIKES : Reading.COUNTS;
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
    private final Reading reading;
    private final int[] rows;
    private final int[] segments;
    private final int[] negatives;
    private final int[] places;
    private final short[] numbers;
    private int row;
    private int segment;
    private int entry;
    private int highest;
    private int lowest;

    Lists(int rows, int entries, int most, Reading reading) {
      this.most = most;
      this.reading = reading;
      this.rows = new int[rows + 1];
      // There are not more segments than entries and rows.
      this.segments = new int[entries + rows + 1];
      this.negatives = new int[entries + rows];
      this.places = new int[entries];
      this.numbers = new short[entries * (reading == Reading.PATTERNS ? PATTERNS : 1)];
    }

    void add(Row row) {
      begin();
      for (int place = 0; place < row.places(); place++) {
        if (row.survives(place)) {
          add(row, place);
        }
      }
      rows[++this.row] = segment;
    }

    private void begin() {
      highest = 0;
      lowest = 0;
      segments[segment++] = entry;
    }

    private void add(Row row, int place) {
      int positive = 0;
      int negative = 0;
      for (int k = 0; k < row.side(place); k++) {
        positive += Math.max(0, row.weight(place, k)) * most;
        negative += Math.min(0, row.weight(place, k)) * most;
      }
      if (highest + positive > Short.MAX_VALUE || lowest + negative < Short.MIN_VALUE) {
        begin();
      }
      highest += positive;
      lowest += negative;
      switch (reading) {
        case COUNTS -> numbers[entry] = row.weight(place, 0);
        case SPIKES -> {
          numbers[entry] = signed(row.weight(place, 0));
          negatives[segment - 1] += numbers[entry] < 0 ? 1 : 0;
        }
        case PATTERNS -> {
          for (int pattern = 0; pattern < PATTERNS; pattern++) {
            numbers[entry * PATTERNS + pattern] = row.sum(place, pattern);
          }
        }
      }
      places[entry++] = place;
    }

    /** Returns the absolute value in both bytes, below the sign. */
    private static short signed(short weight) {
      return (short) (Math.abs(weight) * 0x101 | (weight & Short.MIN_VALUE));
    }

    int[] negatives() {
      return Arrays.copyOf(negatives, segment);
    }

    int[] segments() {
      segments[segment] = entry;
      return Arrays.copyOf(segments, segment + 1);
    }
  }

  /**
   * Returns the same weights between planes of other borders and stacks; lists are shared.
   *
   * @throws IllegalArgumentException when the planes do not fit the shape
   */
  public IntegerConvolution between(Planes newIn, Planes newOut) {
    requireFit(shape, newIn, newOut);
    return new IntegerConvolution(
        shape,
        new ShiftedPlanes(shape, newIn, newOut, shifted.reading()),
        rows,
        segments,
        negatives,
        numbers,
        places);
  }

  private static void requireFit(ConvolutionShape shape, Planes in, Planes out) {
    Planes input = shape.input(1, in.border()).stacked(in.stack());
    Planes output = shape.output(1, out.border()).stacked(in.stack());
    if (!in.equals(input) || !out.equals(output)) {
      throw new IllegalArgumentException(
          "%s and %s are not the planes of %s".formatted(in, out, shape));
    }
  }

  /** Whether spikes are taken together as patterns. */
  public boolean patterns() {
    return shifted.reading() == Reading.PATTERNS;
  }

  /** Returns the planes of the counts. */
  public Planes in() {
    return shifted.in();
  }

  /** Returns the planes that are written. */
  public Planes out() {
    return shifted.out();
  }

  /** Returns the rows: the planes of an image of the output. */
  public int rows() {
    return rows.length - 1;
  }

  /** Returns the planes of an image that copies are made of. */
  public int shiftedPlanes() {
    return shifted.planes();
  }

  /** Returns the memory of the copies of so many images. */
  public long shiftedBytes(int images) {
    return shifted.bytes(images);
  }

  /** Where the first pixel of an output plane lies, in elements. */
  long first(int image, int row) {
    Planes out = shifted.out();
    return (long) image * out.groupFloats() + out.origin() + (long) row * out.planeFloats();
  }

  void checkShift(
      MemorySegment counts, MemorySegment copies, int images, int fromPlane, int toPlane) {
    if (images < 0) {
      throw new IllegalArgumentException("images must not be negative: " + images);
    }
    NeuronArguments.requireFloats("counts", counts, in().bytes(images));
    NeuronArguments.requireFloats("copies", copies, shiftedBytes(images));
    NeuronArguments.requireApart(
        "counts", counts, in().bytes(images), "copies", copies, shiftedBytes(images));
    SpikeArguments.checkRange("planes", fromPlane, toPlane, (long) images * shifted.planes());
  }

  void check(
      MemorySegment copies,
      MemorySegment sums,
      int images,
      int fromImage,
      int toImage,
      int fromRow,
      int toRow) {
    if (images < 0) {
      throw new IllegalArgumentException("images must not be negative: " + images);
    }
    NeuronArguments.requireFloats("copies", copies, shiftedBytes(images));
    NeuronArguments.requireFloats("sums", sums, out().bytes(images));
    NeuronArguments.requireApart(
        "copies", copies, shiftedBytes(images), "sums", sums, out().bytes(images));
    SpikeArguments.checkRange("images", fromImage, toImage, images);
    SpikeArguments.checkRange("rows", fromRow, toRow, rows());
  }
}
