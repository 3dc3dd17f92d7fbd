package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The surviving weights of a convolution in whole numbers, for inference: of {@link
 * PlaneNumbers#COUNTS}, which {@link Kernels#foldCounts} lays out as they are read, it writes as
 * floats the exact sums of weights times counts. What lies around the maps of the output may be
 * left with any numbers.
 *
 * <p>Sums are taken in 16 bits. A row whose sums might not fit is cut into segments that do,
 * whatever fires, of which the sums are added as floats; being whole numbers up to 2²⁴, these are
 * exact, too, and so the order of sums does not matter.
 *
 * <p>Where inputs are single spikes, {@value #TOGETHER} channels can be taken together: the bits of
 * a number tell which of them fired, and one entry holds the sums of their weights for all
 * patterns, to be looked up: see {@link PatternTable}.
 *
 * <p>The entries of a segment are sorted by the columns of the kernel. What a column adds up to is
 * moved to the lanes that it belongs to, so that inputs need not be there once for every column.
 */
public final class IntegerConvolution {
  /** Channels whose spikes make a pattern. */
  public static final int TOGETHER = 6;

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

    /** What numbers of spikes, or patterns, are multiplied by for the elements. */
    int factor() {
      return factor;
    }
  }

  /** Entries that there is room for at first. */
  private static final int FIRST = 1024;

  private static final int MOST_EXACT = 1 << 24;

  private final ConvolutionShape shape;

  /** How inputs lie. */
  final FoldedPlanes folded;

  /** How neurons find the sums, or null if they have to wait until all are written. */
  final @Nullable SumRuns runs;

  private final Entries entries;

  /** Where the segments of a row begin; one more than there are rows. */
  final int[] rows;

  /**
   * Where the entries of a column of the kernel of a segment begin; one more than there are columns
   * of segments.
   */
  final int[] lists;

  /**
   * What is added to all sums of a list: how many single weights are negative, or the smallest sums
   * of its tables.
   */
  final int[] constants;

  /** For every entry its weight, or its absolute value in both bytes with its sign above. */
  final short[] numbers;

  /** For every entry its {@link PatternTable}, of which two make a pair. */
  final byte[] tables;

  /** Bytes from what the first tap reads of the first input plane to what an entry reads. */
  final int[] offsets;

  /**
   * The surviving weights, wherever planes lie. Taps are counted down the columns of the kernel.
   *
   * @param lists where the entries of a column of a segment begin
   * @param places the plane of an entry's input, times the number of taps, plus its tap
   */
  private record Entries(
      int[] rows, int[] lists, int[] constants, short[] numbers, byte[] tables, int[] places) {}

  private IntegerConvolution(ConvolutionShape shape, FoldedPlanes folded, Entries entries) {
    this.shape = shape;
    this.folded = folded;
    this.runs = SumRuns.of(folded);
    this.entries = entries;
    this.rows = entries.rows;
    this.lists = entries.lists;
    this.numbers = entries.numbers;
    this.constants = entries.constants;
    this.tables = entries.tables;
    this.offsets =
        IntStream.of(entries.places)
            .map(
                place ->
                    folded.offset(
                        place / shape.taps(), place % shape.taps() % shape.kernelHeight()))
            .map(elements -> elements * Short.BYTES)
            .toArray();
  }

  /** Whether convolutions of that shape and of counts up to {@code most} can be computed. */
  public static boolean fits(ConvolutionShape shape, int most) {
    double largest = -(double) Byte.MIN_VALUE * most;
    return shape.stride() == 1
        && shape.kernelWidth() <= FoldedPlanes.LANES / 2
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
    shape.requirePlanes(in, out, 0);
    float[] lowest = {0};
    weights.forEach(
        (o, values) -> {
          shape.requireRow(o, values);
          for (float value : values) {
            lowest[0] = Math.min(lowest[0], value);
          }
        });
    Reading reading = reading(together, most, lowest[0]);
    Lists lists = new Lists(shape, most, reading);
    weights.forEach((_, values) -> lists.add(new Row(shape, values, together)));
    return new IntegerConvolution(
        shape, new FoldedPlanes(shape, in, out, reading), lists.entries());
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
      int tap = place % shape.taps();
      int row = tap % shape.kernelHeight();
      int column = tap / shape.kernelHeight();
      int at = (row * shape.kernelWidth() + column) * shape.in() + channel(place) + k;
      return (short) weights[at];
    }

    boolean survives(int place) {
      boolean any = false;
      for (int k = 0; k < side(place); k++) {
        any |= weight(place, k) != 0;
      }
      return any;
    }

    short[] weights(int place) {
      short[] some = new short[side(place)];
      for (int k = 0; k < some.length; k++) {
        some[k] = weight(place, k);
      }
      return some;
    }
  }

  /** The lists of a convolution while they are made. */
  private static final class Lists {
    private final ConvolutionShape shape;
    private final int most;
    private final Reading reading;
    private final int[] rows;

    /** Those of the list at hand. */
    private final List<PatternTable> waiting = new ArrayList<>();

    private int[] places = new int[FIRST];
    private short[] numbers;
    private byte[] tables;

    /** Where the lists of the segments so far begin and the last one ends. */
    private int[] lists;

    private int[] constants;
    private int row;
    private int segment;
    private int entry;
    private int highest;
    private int lowest;

    Lists(ConvolutionShape shape, int most, Reading reading) {
      this.shape = shape;
      this.most = most;
      this.reading = reading;
      this.rows = new int[shape.out() + 1];
      this.lists = new int[shape.out() * shape.kernelWidth() + 1];
      this.constants = new int[lists.length - 1];
      this.numbers = new short[reading == Reading.PATTERNS ? 0 : FIRST];
      this.tables = new byte[reading == Reading.PATTERNS ? FIRST * PatternTable.SIZE : 0];
    }

    void add(Row row) {
      begin(0);
      int height = shape.kernelHeight();
      for (int column = 0; column < shape.kernelWidth(); column++) {
        for (int place = column * height; place < row.places(); place += shape.taps()) {
          for (int k = place; k < place + height; k++) {
            if (row.survives(k)) {
              add(row, k, column);
            }
          }
        }
        writeTables();
        lists[list(column) + 1] = entry;
      }
      rows[++this.row] = segment;
    }

    private int list(int column) {
      return (segment - 1) * shape.kernelWidth() + column;
    }

    /** Begins a segment at a column; what came before has been added to the last one. */
    private void begin(int column) {
      highest = 0;
      lowest = 0;
      segment++;
      if (list(shape.kernelWidth()) > constants.length) {
        lists = Arrays.copyOf(lists, 2 * lists.length);
        constants = Arrays.copyOf(constants, lists.length - 1);
      }
      Arrays.fill(lists, list(0), list(column) + 1, entry);
    }

    private void add(Row row, int place, int column) {
      int positive = 0;
      int negative = 0;
      for (int k = 0; k < row.side(place); k++) {
        positive += Math.max(0, row.weight(place, k)) * most;
        negative += Math.min(0, row.weight(place, k)) * most;
      }
      if (highest + positive > Short.MAX_VALUE || lowest + negative < Short.MIN_VALUE) {
        writeTables();
        Arrays.fill(lists, list(column) + 1, list(shape.kernelWidth()) + 1, entry);
        begin(column);
      }
      highest += positive;
      lowest += negative;
      switch (reading) {
        case COUNTS -> write(place, row.weight(place, 0));
        case SPIKES -> {
          write(place, signed(row.weight(place, 0)));
          constants[list(column)] += row.weight(place, 0) < 0 ? 1 : 0;
        }
        case PATTERNS -> {
          waiting.addAll(PatternTable.of(place, row.weights(place)));
          constants[list(column)] += negative;
        }
      }
    }

    private void write(int place, short number) {
      int at = entryAt(place);
      numbers[at] = number;
    }

    private void writeTables() {
      for (PatternTable table : PatternTable.pairs(waiting)) {
        int at = entryAt(table.place());
        table.write(tables, at * PatternTable.SIZE);
      }
      waiting.clear();
    }

    /** Returns a new entry, for which there is room. */
    private int entryAt(int place) {
      if (entry == places.length) {
        places = Arrays.copyOf(places, 2 * entry);
        numbers = Arrays.copyOf(numbers, 2 * numbers.length);
        tables = Arrays.copyOf(tables, 2 * tables.length);
      }
      places[entry] = place;
      return entry++;
    }

    /** Returns the absolute value in both bytes, below the sign. */
    private static short signed(short weight) {
      return (short) (Math.abs(weight) * 0x101 | (weight & Short.MIN_VALUE));
    }

    Entries entries() {
      int count = segment * shape.kernelWidth();
      return new Entries(
          rows,
          Arrays.copyOf(lists, count + 1),
          Arrays.copyOf(constants, count),
          numbers.length == 0 ? numbers : Arrays.copyOf(numbers, entry),
          tables.length == 0 ? tables : Arrays.copyOf(tables, entry * PatternTable.SIZE),
          Arrays.copyOf(places, entry));
    }
  }

  /**
   * Returns the same weights between planes of other borders and stacks; lists are shared.
   *
   * @throws IllegalArgumentException when the planes do not fit the shape
   */
  public IntegerConvolution between(Planes newIn, Planes newOut) {
    shape.requirePlanes(newIn, newOut, 0);
    return new IntegerConvolution(
        shape, new FoldedPlanes(shape, newIn, newOut, folded.reading()), entries);
  }

  /** Whether every row has one segment, which has the number of the row then. */
  boolean oneSegment() {
    return rows[rows()] == rows();
  }

  /** Whether spikes are taken together as patterns. */
  public boolean patterns() {
    return folded.reading() == Reading.PATTERNS;
  }

  /** Returns the planes of the counts. */
  public Planes in() {
    return folded.in();
  }

  /** Returns the planes that are written. */
  public Planes out() {
    return folded.out();
  }

  /** Returns the rows: the planes of an image of the output. */
  public int rows() {
    return rows.length - 1;
  }

  /** Returns the planes of an image that elements are made of. */
  public int foldedPlanes() {
    return folded.planes();
  }

  /** Returns the memory of the elements of so many images. */
  public long foldedBytes(int images) {
    return folded.bytes(images);
  }

  /** Where the first pixel of an output plane lies, in elements. */
  long first(int image, int row) {
    Planes out = folded.out();
    return (long) image * out.groupFloats() + out.origin() + (long) row * out.planeFloats();
  }

  void checkFold(
      MemorySegment counts, MemorySegment elements, int images, int fromPlane, int toPlane) {
    if (images < 0) {
      throw new IllegalArgumentException("images must not be negative: " + images);
    }
    NeuronArguments.requireFloats("counts", counts, in().bytes(images));
    NeuronArguments.requireFloats("elements", elements, foldedBytes(images));
    NeuronArguments.requireApart(
        "counts", counts, in().bytes(images), "elements", elements, foldedBytes(images));
    SpikeArguments.checkRange("planes", fromPlane, toPlane, (long) images * folded.planes());
  }

  void check(
      MemorySegment elements,
      MemorySegment sums,
      int images,
      int fromImage,
      int toImage,
      int fromRow,
      int toRow) {
    if (images < 0) {
      throw new IllegalArgumentException("images must not be negative: " + images);
    }
    NeuronArguments.requireFloats("elements", elements, foldedBytes(images));
    NeuronArguments.requireFloats("sums", sums, out().bytes(images));
    NeuronArguments.requireApart(
        "elements", elements, foldedBytes(images), "sums", sums, out().bytes(images));
    SpikeArguments.checkRange("images", fromImage, toImage, images);
    SpikeArguments.checkRange("rows", fromRow, toRow, rows());
  }
}
