package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.function.IntPredicate;

/**
 * The surviving weights of a convolution between {@link Planes}, compressed by rows: for every
 * plane of the output the list of what is added up for it, each a value and the distance in memory
 * to the input's pixel. One such entry serves all pixels and images of a group, whose sums stay in
 * registers while the list is read once. The same structure turned around ({@link #transposed})
 * takes the gradient of the output to that of the input.
 *
 * <p>The structure never changes; values may be renewed ({@link #refresh}) between calls of
 * kernels.
 *
 * <p>The order of sums is part of the contract of the kernels, {@code fma} rounding once for every
 * entry. Sums of a row begin with 0 and go through its entries from first to last. Where a map of
 * the output has at most {@value #NARROW} pixels, four sums take entries in turn, the last ones
 * going to the first sums, and end as {@code (a + b) + (c + d)}: neither depends on how many images
 * or maps there are. The gradient of a weight goes through the groups and through pieces of {@link
 * #chunk} floats, adding for each 16 sums of every sixteenth float, as a balanced tree of
 * neighbours at distances 8, 4, 2, 1.
 */
public final class SparseConvolution {
  /** Pixels of a map up to which rows are summed in four parts, to hide the latency of adds. */
  static final int NARROW = 4;

  /** Sums of which the gradient of a weight is made. */
  static final int SUMS = 16;

  /**
   * Floats of a plane that a row computes before the next row does: its list and the pages that it
   * reads and writes are at hand then.
   */
  static final int RUN = 2048;

  /** Bytes that rows which go through a run one after the other had better read. */
  private static final long RUN_CACHED = 600 << 10;

  private static final long MOST_CACHED = 1 << 18;

  /** Entries of a row that a part has to have: sums are stored and loaded between parts. */
  private static final int PART = 14;

  private final ConvolutionShape shape;
  private final Planes in;
  private final Planes out;
  private final Pieces cut;
  private final boolean turned;

  /** Whether what lies around the maps of the output is made zero again. */
  private final boolean clears;

  /** Where the entries of a row begin; one more than there are rows. */
  final int[] starts;

  /** Bytes from an output's pixel, taken as one of the first input plane, to the input's pixel. */
  final int[] offsets;

  final float[] values;

  /**
   * Rows are cut into parts, each of which reads some of the channels: of these a run stays in the
   * second cache while all rows read it. Part {@code p} of row {@code r} begins at the entry at
   * {@code p·rows + r} and ends where part {@code p + 1} begins.
   */
  final int[] partStarts;

  /** Where the weight of an entry lies among the dense ones. */
  private final int[] dense;

  private SparseConvolution(
      ConvolutionShape shape,
      Planes in,
      Planes out,
      boolean turned,
      boolean clears,
      int[] starts,
      int[] offsets,
      float[] values,
      int[] dense) {
    this.shape = shape;
    this.in = in;
    this.out = out;
    this.cut = new Pieces(in, out);
    this.turned = turned;
    this.clears = clears;
    this.starts = starts;
    this.offsets = offsets;
    this.values = values;
    this.dense = dense;
    this.partStarts = partStarts();
  }

  /** Cuts rows at the same channels. */
  private int[] partStarts() {
    int channels = in.channels();
    long read = (long) Math.min(RUN, cut.size()) + around();
    long parts = Math.ceilDiv(in.planes() * read * Float.BYTES, RUN_CACHED);
    int count = Math.clamp(Math.min(parts, entries() / ((long) rows() * PART)), 1, channels);
    int[] found = new int[(count + 1) * rows()];
    for (int row = 0; row < rows(); row++) {
      int entry = starts[row];
      for (int part = 0; part <= count; part++) {
        int firstChannel = (int) ((long) channels * part / count);
        while (entry < starts[row + 1] && readChannel(dense[entry]) < firstChannel) {
          entry++;
        }
        found[part * rows() + row] = entry;
      }
    }
    return found;
  }

  /** Returns the channel that the entry of a dense weight reads; those of a row ascend. */
  private int readChannel(int k) {
    return turned ? k / shape.in() / shape.taps() : k % shape.in();
  }

  /**
   * Compresses the weights that are not zero.
   *
   * @param weights {@code [O, k, k, I]}
   * @param in planes of the input, such as {@link ConvolutionShape#input}
   * @param out planes of the output, such as {@link ConvolutionShape#output}
   * @throws IllegalArgumentException when the planes or the weights do not fit the shape
   */
  public static SparseConvolution of(
      ConvolutionShape shape, Planes in, Planes out, MemorySegment weights) {
    requireWeights(shape, weights);
    return of(
        shape, in, out, weights, k -> weights.getAtIndex(ValueLayout.JAVA_FLOAT, (long) k) != 0);
  }

  /**
   * Compresses the weights that survive, zero or not.
   *
   * @param survives whether the weight of an index into {@code [O, k, k, I]} does
   */
  public static SparseConvolution of(
      ConvolutionShape shape, Planes in, Planes out, MemorySegment weights, IntPredicate survives) {
    requireWeights(shape, weights);
    requireFit(shape, in, out);
    int[] starts = new int[shape.out() + 1];
    int row = shape.taps() * shape.in();
    for (int o = 0; o < shape.out(); o++) {
      int count = 0;
      for (int k = o * row; k < (o + 1) * row; k++) {
        count += survives.test(k) ? 1 : 0;
      }
      starts[o + 1] = starts[o] + count;
    }
    int[] dense = new int[starts[shape.out()]];
    int entry = 0;
    for (int o = 0; o < shape.out(); o++) {
      // Channel by channel, so that what is read from one plane is read together.
      for (int i = 0; i < shape.in(); i++) {
        for (int tap = 0; tap < shape.taps(); tap++) {
          int k = (o * shape.taps() + tap) * shape.in() + i;
          if (survives.test(k)) {
            dense[entry++] = k;
          }
        }
      }
    }
    SparseConvolution made =
        new SparseConvolution(
            shape,
            in,
            out,
            false,
            true,
            starts,
            offsets(shape, in, dense),
            new float[dense.length],
            dense);
    made.refresh(weights);
    return made;
  }

  /**
   * Compresses the weights that are not zero, as {@link #of(ConvolutionShape, Planes, Planes,
   * MemorySegment)} does, without all of them.
   *
   * @throws IllegalArgumentException when the planes or the rows do not fit the shape
   */
  public static SparseConvolution of(
      ConvolutionShape shape, Planes in, Planes out, WeightRows weights) {
    requireFit(shape, in, out);
    int row = shape.taps() * shape.in();
    int[] starts = new int[shape.out() + 1];
    weights.forEach(
        (o, values) -> {
          shape.requireRow(o, values);
          int count = 0;
          for (float value : values) {
            count += value != 0 ? 1 : 0;
          }
          starts[o + 1] = starts[o] + count;
        });
    int[] dense = new int[starts[shape.out()]];
    float[] survivors = new float[dense.length];
    weights.forEach(
        (o, values) -> {
          int entry = starts[o];
          for (int i = 0; i < shape.in(); i++) {
            for (int k = i; k < row; k += shape.in()) {
              if (values[k] != 0) {
                dense[entry] = o * row + k;
                survivors[entry++] = values[k];
              }
            }
          }
        });
    return new SparseConvolution(
        shape, in, out, false, true, starts, offsets(shape, in, dense), survivors, dense);
  }

  private static int[] offsets(ConvolutionShape shape, Planes in, int[] dense) {
    int[] offsets = new int[dense.length];
    for (int entry = 0; entry < dense.length; entry++) {
      int tap = dense[entry] / shape.in() % shape.taps();
      offsets[entry] =
          Float.BYTES
              * (inputPlane(shape, dense[entry] % shape.in(), tap) * in.planeFloats()
                  + down(shape, tap) * in.pitch()
                  + right(shape, tap) * in.group());
    }
    return offsets;
  }

  /**
   * Returns the same weights between planes of other groups, borders and stacks, for readers such
   * as {@link PlaneNeurons} that look at the maps of the output alone: what lies around them is
   * left with any numbers. Values and lists are shared with this.
   *
   * @throws IllegalStateException when this is transposed
   */
  public SparseConvolution between(Planes newIn, Planes newOut) {
    if (turned) {
      throw new IllegalStateException("a transposed structure stays where it is");
    }
    requireFit(shape, newIn, newOut);
    int[] moved = newIn.equals(in) ? offsets : offsets(shape, newIn, dense);
    return new SparseConvolution(shape, newIn, newOut, false, false, starts, moved, values, dense);
  }

  /**
   * Returns the structure that takes the gradient of the output to the gradient of the input, with
   * the present values.
   *
   * @param gradOut planes of the output's gradient, with a border of at least {@link
   *     ConvolutionShape#outputBorder()}
   * @param gradIn planes of the input's gradient
   * @throws IllegalStateException when this is such a structure itself
   */
  public SparseConvolution transposed(Planes gradOut, Planes gradIn) {
    if (turned) {
      throw new IllegalStateException("the structure is transposed already");
    }
    requirePlanes(
        "output gradient",
        gradOut,
        shape.output(gradOut.group(), gradOut.border()).stacked(gradOut.stack()));
    requirePlanes(
        "input gradient",
        gradIn,
        shape.input(gradOut.group(), gradIn.border()).stacked(gradOut.stack()));
    requireBorder("output gradient", gradOut, shape.outputBorder());
    int[] starts = new int[gradIn.planes() + 1];
    for (int k : dense) {
      starts[inputPlane(shape, k % shape.in(), tap(k)) + 1]++;
    }
    for (int row = 0; row < gradIn.planes(); row++) {
      starts[row + 1] += starts[row];
    }
    int[] next = starts.clone();
    int[] turnedDense = new int[dense.length];
    int[] offsets = new int[dense.length];
    float[] turnedValues = new float[dense.length];
    for (int entry = 0; entry < dense.length; entry++) {
      int k = dense[entry];
      int place = next[inputPlane(shape, k % shape.in(), tap(k))]++;
      turnedDense[place] = k;
      turnedValues[place] = values[entry];
      offsets[place] =
          Float.BYTES
              * (k / shape.in() / shape.taps() * gradOut.planeFloats()
                  - down(shape, tap(k)) * gradOut.pitch()
                  - right(shape, tap(k)) * gradOut.group());
    }
    return new SparseConvolution(
        shape, gradOut, gradIn, true, true, starts, offsets, turnedValues, turnedDense);
  }

  private int tap(int k) {
    return k / shape.in() % shape.taps();
  }

  /** The plane in which the inputs of a tap lie. */
  private static int inputPlane(ConvolutionShape shape, int channel, int tap) {
    int stride = shape.stride();
    int y = Math.floorMod(tap / shape.kernelWidth() - shape.padding(), stride);
    int x = Math.floorMod(tap % shape.kernelWidth() - shape.padding(), stride);
    return (channel * stride + y) * stride + x;
  }

  /** Rows of a plane from an output to the input of a tap. */
  static int down(ConvolutionShape shape, int tap) {
    return Math.floorDiv(tap / shape.kernelWidth() - shape.padding(), shape.stride());
  }

  static int right(ConvolutionShape shape, int tap) {
    return Math.floorDiv(tap % shape.kernelWidth() - shape.padding(), shape.stride());
  }

  static void requireWeights(ConvolutionShape shape, MemorySegment weights) {
    long bytes = (long) shape.weights() * Float.BYTES;
    if (weights.byteSize() < bytes) {
      throw new IllegalArgumentException(
          "weights must have at least %d bytes, not %d".formatted(bytes, weights.byteSize()));
    }
  }

  private static void requireFit(ConvolutionShape shape, Planes in, Planes out) {
    requirePlanes("input", in, shape.input(in.group(), in.border()).stacked(in.stack()));
    requirePlanes("output", out, shape.output(in.group(), out.border()).stacked(in.stack()));
    requireBorder("input", in, shape.inputBorder());
  }

  private static void requirePlanes(String name, Planes planes, Planes expected) {
    if (!planes.equals(expected)) {
      throw new IllegalArgumentException(
          "planes of the %s must be %s, not %s".formatted(name, expected, planes));
    }
  }

  private static void requireBorder(String name, Planes planes, int border) {
    if (planes.border() < border) {
      throw new IllegalArgumentException(
          "planes of the %s need a border of at least %d, not %d"
              .formatted(name, border, planes.border()));
    }
  }

  /**
   * Takes the values from dense weights; the structure stays.
   *
   * @param weights {@code [O, k, k, I]}
   */
  public void refresh(MemorySegment weights) {
    requireWeights(shape, weights);
    for (int entry = 0; entry < dense.length; entry++) {
      values[entry] = weights.getAtIndex(ValueLayout.JAVA_FLOAT, (long) dense[entry]);
    }
  }

  /**
   * Writes numbers of the entries, such as gradients, to where their weights lie; nothing else is
   * written.
   *
   * @param numbers one for every entry
   * @param weights {@code [O, k, k, I]}
   */
  public void scatter(float[] numbers, MemorySegment weights) {
    requireWeights(shape, weights);
    if (numbers.length < dense.length) {
      throw new IllegalArgumentException(
          "there must be at least %d numbers, not %d".formatted(dense.length, numbers.length));
    }
    for (int entry = 0; entry < dense.length; entry++) {
      weights.setAtIndex(ValueLayout.JAVA_FLOAT, (long) dense[entry], numbers[entry]);
    }
  }

  /** Returns the numbers of the entries in the order in which their weights lie. */
  public int[] order() {
    long[] keys = new long[dense.length];
    for (int entry = 0; entry < dense.length; entry++) {
      keys[entry] = (long) dense[entry] << Integer.SIZE | entry;
    }
    Arrays.sort(keys);
    return Arrays.stream(keys).mapToInt(key -> (int) key).toArray();
  }

  /** Returns the shape of the convolution, also of one that is transposed. */
  public ConvolutionShape shape() {
    return shape;
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
    return starts.length - 1;
  }

  /** Returns the number of surviving weights. */
  public int entries() {
    return dense.length;
  }

  /** The parts of {@link #partStarts}. */
  int parts() {
    return partStarts.length / rows() - 1;
  }

  /** Returns the number of surviving weights of the rows before one: to share work evenly. */
  public int entriesBefore(int row) {
    return starts[row];
  }

  /** Returns where the weights of the entries lie among the dense ones; not to be changed. */
  int[] dense() {
    return dense;
  }

  /** How the maps of a plane are cut into pieces. */
  Pieces cut() {
    return cut;
  }

  /**
   * Floats of a piece that the gradient of weights goes through: where enough zeros of the border
   * follow, as many as fill all sums.
   */
  int gradientFloats() {
    boolean zerosFollow = cut.whole() && (long) out.border() * (out.pitch() + out.group()) >= SUMS;
    return zerosFollow ? Math.ceilDiv(cut.size(), SUMS) * SUMS : cut.size();
  }

  /** Floats of a plane that are read beside those at the places of the output. */
  private int around() {
    return Math.max(in.border(), 1) * 2 * in.pitch();
  }

  /** Whether rows are summed in four parts. */
  boolean narrow() {
    return out.height() * out.width() <= NARROW;
  }

  /**
   * Floats of the output's gradient for which the gradients of all weights are computed before the
   * next: what is read for them shares the second cache.
   */
  int chunk() {
    long share = MOST_CACHED / in.planes() - around();
    return Math.clamp(share / SUMS * SUMS, 72 * SUMS, 128 * SUMS);
  }

  /** Where the inputs of a piece lie of an entry without distance. */
  long inputBytes(int group, int piece) {
    return cut.input(group, piece) * Float.BYTES;
  }

  /** Where a piece of an output plane lies. */
  long outputBytes(int group, int row, int piece) {
    return cut.output(group, row, piece) * Float.BYTES;
  }

  /** Makes the border between rows of pixels and between maps zero again: pieces ran over it. */
  void clearGaps(MemorySegment output, int group, int fromRow, int toRow) {
    if (!clears || !cut.rowsTogether() || out.border() == 0) {
      return;
    }
    long row = (long) out.columns() * out.group() * Float.BYTES;
    long pitch = (long) out.pitch() * Float.BYTES;
    int lastMap = out.stack() - 1;
    for (int plane = fromRow; plane < toRow; plane++) {
      for (int map = 0; map <= lastMap; map++) {
        long at = outputBytes(group, plane, 0) + (long) map * out.mapFloats() * Float.BYTES + row;
        for (int y = 1; y < out.rows(); y++) {
          clear(output, at, at - row + pitch);
          at += pitch;
        }
        if (cut.whole() && map < lastMap) {
          clear(output, at, at - row + (out.border() + 1) * pitch);
        }
      }
    }
  }

  private static void clear(MemorySegment output, long from, long to) {
    for (long at = from; at < to; at += Float.BYTES) {
      output.set(ValueLayout.JAVA_FLOAT, at, 0);
    }
  }

  /** Adds up 16 sums as a balanced tree. */
  static float tree(float[] s, int at) {
    float a = (s[at] + s[at + 8]) + (s[at + 4] + s[at + 12]);
    float b = (s[at + 1] + s[at + 9]) + (s[at + 5] + s[at + 13]);
    float c = (s[at + 2] + s[at + 10]) + (s[at + 6] + s[at + 14]);
    float d = (s[at + 3] + s[at + 11]) + (s[at + 7] + s[at + 15]);
    return (a + c) + (b + d);
  }

  void checkForward(
      MemorySegment input,
      MemorySegment output,
      int groups,
      int fromGroup,
      int toGroup,
      int fromRow,
      int toRow) {
    checkPlanes("input", input, "output", output, groups);
    SpikeArguments.checkRange("groups", fromGroup, toGroup, groups);
    SpikeArguments.checkRange("rows", fromRow, toRow, rows());
  }

  void checkWeightGradient(
      MemorySegment input,
      MemorySegment gradOut,
      float[] gradient,
      int groups,
      int fromRow,
      int toRow) {
    if (turned) {
      throw new IllegalArgumentException(
          "the gradient of weights wants the structure that is not transposed");
    }
    checkPlanes("input", input, "gradient of the output", gradOut, groups);
    SpikeArguments.checkRange("rows", fromRow, toRow, rows());
    if (gradient.length < entries()) {
      throw new IllegalArgumentException(
          "gradients must be at least %d, not %d".formatted(entries(), gradient.length));
    }
  }

  private void checkPlanes(
      String name, MemorySegment a, String otherName, MemorySegment b, int groups) {
    if (groups < 0) {
      throw new IllegalArgumentException("groups must not be negative: " + groups);
    }
    NeuronArguments.requireFloats(name, a, in.bytes(groups));
    NeuronArguments.requireFloats(otherName, b, out.bytes(groups));
    NeuronArguments.requireApart(name, a, in.bytes(groups), otherName, b, out.bytes(groups));
  }
}
