package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.function.IntPredicate;

/**
 * The surviving weights of a convolution in whole numbers, for inference, of {@link
 * PlaneNumbers#BYTES}: an entry of a weight reads as many pixels as a vector has bytes, wherever
 * they begin. It writes as floats the exact sums of weights times counts. What lies around the maps
 * of the output may be left with any numbers.
 *
 * <p>Single spikes select the absolute values of weights. Two of these fit into a byte, so entries
 * come in pairs, those of positive weights before those of negative ones.
 *
 * <p>Sums are taken in 16 bits. A row whose sums might not fit is cut into segments that do,
 * whatever fires, of which the sums are added as floats; being whole numbers up to 2²⁴, these are
 * exact, too, and so the order of sums does not matter.
 */
public final class ByteConvolution {
  private static final int MOST_EXACT = 1 << 24;

  private final ConvolutionShape shape;
  private final Planes in;
  private final Planes out;

  /** How planes are gone through. */
  final Pieces cut;

  private final Entries entries;

  /** Whether single spikes select weights, and entries come in pairs. */
  final boolean selects;

  /** Where the segments of a row begin; one more than there are rows. */
  final int[] rows;

  /**
   * Where the entries of a segment begin that are added, and those that are subtracted; one more
   * than twice as many as there are segments.
   */
  final int[] lists;

  /**
   * For every entry its weight: the absolute value in every byte for single spikes, otherwise the
   * weight in both shorts.
   */
  final int[] weights;

  /** From an output's pixel, taken as one of the first input plane, to what an entry reads. */
  final int[] offsets;

  /**
   * The surviving weights, wherever planes lie.
   *
   * @param places the channel of an entry's input, times the number of taps, plus its tap
   */
  private record Entries(boolean selects, int[] rows, int[] lists, int[] weights, int[] places) {}

  private ByteConvolution(ConvolutionShape shape, Planes in, Planes out, Entries entries) {
    shape.requirePlanes(in, out, shape.inputBorder());
    this.shape = shape;
    this.in = in;
    this.out = out;
    this.cut = new Pieces(in, out);
    this.entries = entries;
    this.selects = entries.selects;
    this.rows = entries.rows;
    this.lists = entries.lists;
    this.weights = entries.weights;
    this.offsets = Arrays.stream(entries.places).map(this::offset).toArray();
  }

  private int offset(int place) {
    int tap = place % shape.taps();
    return place / shape.taps() * in.planeFloats()
        + SparseConvolution.down(shape, tap) * in.pitch()
        + SparseConvolution.right(shape, tap);
  }

  /** Whether convolutions of that shape and of counts up to {@code most} can be computed. */
  public static boolean fits(ConvolutionShape shape, int most) {
    double largest = -(double) Byte.MIN_VALUE * most;
    return shape.stride() == 1
        && most >= 1
        && most <= Byte.MAX_VALUE
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
  public static ByteConvolution of(
      ConvolutionShape shape, Planes in, Planes out, WeightRows weights, int most) {
    if (!fits(shape, most)) {
      throw new IllegalArgumentException(
          "sums of counts up to %d are not exact for %s".formatted(most, shape));
    }
    int[] entries = {0};
    float[] lowest = {0};
    weights.forEach(
        (o, values) -> {
          shape.requireRow(o, values);
          for (float value : values) {
            entries[0] += value != 0 ? 1 : 0;
            lowest[0] = Math.min(lowest[0], value);
          }
        });
    // Twice 128 is no byte.
    boolean selects = most == 1 && lowest[0] > Byte.MIN_VALUE;
    Lists lists = new Lists(shape, entries[0], most, selects);
    weights.forEach((_, values) -> lists.add(values));
    return new ByteConvolution(shape, in, out, lists.entries());
  }

  /** The lists of a convolution while they are made. */
  private static final class Lists {
    private final ConvolutionShape shape;
    private final int most;
    private final boolean selects;
    private final int[] rows;
    private int[] lists;
    private int[] weights;
    private int[] places;
    private int row;
    private int segment;
    private int entry;

    Lists(ConvolutionShape shape, int entries, int most, boolean selects) {
      this.shape = shape;
      this.most = most;
      this.selects = selects;
      this.rows = new int[shape.out() + 1];
      this.lists = new int[2 * shape.out() + 1];
      this.weights = new int[entries];
      this.places = new int[entries];
    }

    /**
     * Adds a row.
     *
     * @param values {@code [k, k, I]}
     */
    void add(float[] values) {
      int place = 0;
      do {
        int end = end(values, place);
        if (2 * segment + 2 >= lists.length) {
          lists = Arrays.copyOf(lists, 2 * lists.length);
        }
        add(values, place, end, weight -> weight > 0 || (!selects && weight < 0));
        lists[2 * segment + 1] = entry;
        add(values, place, end, weight -> weight < 0 && selects);
        lists[2 * ++segment] = entry;
        place = end;
      } while (place < values.length);
      rows[++row] = segment;
    }

    private int weight(float[] values, int place) {
      return (int) values[place % shape.taps() * shape.in() + place / shape.taps()];
    }

    /** Returns where a segment ends that begins at a place. */
    private int end(float[] values, int first) {
      int highest = 0;
      int lowest = 0;
      for (int place = first; place < values.length; place++) {
        highest += Math.max(0, weight(values, place)) * most;
        lowest += Math.min(0, weight(values, place)) * most;
        if (highest > Short.MAX_VALUE || lowest < Short.MIN_VALUE) {
          return place;
        }
      }
      return values.length;
    }

    private void add(float[] values, int from, int to, IntPredicate wanted) {
      int first = entry;
      for (int place = from; place < to; place++) {
        int weight = weight(values, place);
        if (wanted.test(weight)) {
          add(place, selects ? Math.abs(weight) * 0x0101_0101 : (weight & 0xFFFF) * 0x0001_0001);
        }
      }
      if (selects && (entry - first) % 2 == 1) {
        add(places[entry - 1], 0);
      }
    }

    private void add(int place, int weight) {
      if (entry == places.length) {
        places = Arrays.copyOf(places, entry + entry / 2 + 1);
        weights = Arrays.copyOf(weights, places.length);
      }
      places[entry] = place;
      weights[entry++] = weight;
    }

    Entries entries() {
      return new Entries(
          selects,
          rows,
          Arrays.copyOf(lists, 2 * segment + 1),
          Arrays.copyOf(weights, entry),
          Arrays.copyOf(places, entry));
    }
  }

  /**
   * Returns the same weights between planes of other borders and stacks; lists are shared.
   *
   * @throws IllegalArgumentException when the planes do not fit the shape
   */
  public ByteConvolution between(Planes newIn, Planes newOut) {
    return new ByteConvolution(shape, newIn, newOut, entries);
  }

  /** Whether every row has one segment, which has the number of the row then. */
  boolean oneSegment() {
    return rows[rows()] == rows();
  }

  /** Returns the planes of the counts. */
  public Planes in() {
    return in;
  }

  /** Returns the planes that are written. */
  public Planes out() {
    return out;
  }

  /** Returns the rows: the planes of an image of the output. */
  public int rows() {
    return rows.length - 1;
  }

  void check(
      MemorySegment counts,
      MemorySegment sums,
      int images,
      int fromImage,
      int toImage,
      int fromRow,
      int toRow) {
    if (images < 0) {
      throw new IllegalArgumentException("images must not be negative: " + images);
    }
    NeuronArguments.requireFloats("counts", counts, in.bytes(images));
    NeuronArguments.requireFloats("sums", sums, out.bytes(images));
    NeuronArguments.requireApart(
        "counts", counts, in.bytes(images), "sums", sums, out.bytes(images));
    SpikeArguments.checkRange("images", fromImage, toImage, images);
    SpikeArguments.checkRange("rows", fromRow, toRow, rows());
  }
}
