package dev.coppice.kernels;

/**
 * Two sums for every channel of an array {@code [rows, C]}, gathered by several threads. The rows
 * are cut into chunks of a fixed size; a chunk is summed by one thread and the chunks are added in
 * their order, so that the result does not depend on the number of threads.
 */
public final class ChannelSums {
  private static final int BLOCK = 512;
  private static final int BLOCKS_PER_CHUNK = 32;

  private final long rows;
  private final int channels;
  private final int blockRows;
  private final double[] first;
  private final double[] second;

  /**
   * Makes sums of zero.
   *
   * @throws IllegalArgumentException unless both numbers are positive
   */
  public ChannelSums(long rows, int channels) {
    if (rows < 1 || channels < 1) {
      throw new IllegalArgumentException(
          "%d rows of %d channels cannot be summed".formatted(rows, channels));
    }
    this.rows = rows;
    this.channels = channels;
    this.blockRows = blockRows(channels);
    int size = Math.toIntExact(Math.ceilDiv(rows, chunkRows()) * channels);
    this.first = new double[size];
    this.second = new double[size];
  }

  /** Rows that kernels work on at a time: about 2 KiB of a step. */
  static int blockRows(int channels) {
    return Math.max(1, BLOCK / channels);
  }

  /** Returns the rows of a chunk: ranges of rows start and end at its multiples. */
  public int chunkRows() {
    return blockRows * BLOCKS_PER_CHUNK;
  }

  /** Returns how many rows are summed. */
  public long rows() {
    return rows;
  }

  /** Returns C. */
  public int channels() {
    return channels;
  }

  /** Returns the first sum of every channel. */
  public double[] first() {
    return total(first);
  }

  /** Returns the second sum of every channel. */
  public double[] second() {
    return total(second);
  }

  private double[] total(double[] chunks) {
    double[] total = new double[channels];
    for (int i = 0; i < chunks.length; i++) {
      total[i % channels] += chunks[i];
    }
    return total;
  }

  /**
   * Mean and variance of every channel.
   *
   * @param variance the mean squared distance from the mean: divided by the rows, not by one less
   */
  public record Moments(double[] mean, double[] variance) {}

  /**
   * Returns the moments that {@link Kernels#channelMoments} gathered. Those of the chunks are
   * merged as in Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing
   * sample variances" (1979), which loses nothing when the mean is much larger than the deviation.
   */
  public Moments moments() {
    double[] mean = first();
    for (int c = 0; c < channels; c++) {
      mean[c] /= rows;
    }
    double[] variance = second();
    for (int i = 0; i < first.length; i++) {
      int c = i % channels;
      long count = Math.min(chunkRows(), rows - (long) (i / channels) * chunkRows());
      double distance = first[i] / count - mean[c];
      variance[c] += count * distance * distance;
    }
    for (int c = 0; c < channels; c++) {
      variance[c] /= rows;
    }
    return new Moments(mean, variance);
  }

  /** Sets the sums of the chunk that starts at a row. */
  void put(long startRow, double[] firstSums, double[] secondSums) {
    int at = Math.toIntExact(startRow / chunkRows() * channels);
    System.arraycopy(firstSums, 0, first, at, channels);
    System.arraycopy(secondSums, 0, second, at, channels);
  }

  void checkRange(long fromRow, long toRow) {
    if (fromRow % chunkRows() != 0 || (toRow % chunkRows() != 0 && toRow != rows)) {
      throw new IllegalArgumentException(
          "rows %d to %d are not whole chunks of %d rows".formatted(fromRow, toRow, chunkRows()));
    }
  }

  /**
   * Adds up, per channel, the float sums of the rows of a block: {@code slots[r·C + c]} holds the
   * sum over every row of a chunk whose number in its block is {@code r}.
   */
  static double[] fold(float[] slots, int channels) {
    double[] sums = new double[channels];
    for (int i = 0; i < slots.length; i++) {
      sums[i % channels] += slots[i];
    }
    return sums;
  }

  /** Repeats the numbers of the channels for every row of a block. */
  static float[] tile(float[] perChannel, int blockRows) {
    float[] tiled = new float[Math.multiplyExact(perChannel.length, blockRows)];
    for (int i = 0; i < tiled.length; i += perChannel.length) {
      System.arraycopy(perChannel, 0, tiled, i, perChannel.length);
    }
    return tiled;
  }
}
