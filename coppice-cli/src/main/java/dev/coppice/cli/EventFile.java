package dev.coppice.cli;

import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import dev.coppice.prune.PruningIteration;
import dev.coppice.train.EpochMetrics;
import dev.coppice.train.Evaluation;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.DoubleSummaryStatistics;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.zip.CRC32C;

/**
 * Scalars and histograms over steps as a file that TensorBoard reads: records framed as in
 * TFRecord, each an {@code Event} message of protocol buffers. Every record is written at once, so
 * that a run that is killed leaves whole records; a resumed run opens a new file in the same
 * folder, and TensorBoard joins them.
 */
final class EventFile implements Closeable {
  private static final String VERSION = "brain.Event:2";

  /**
   * Field numbers and wire types of event.proto and summary.proto, as {@code number << 3 | type}.
   */
  private static final int EVENT_WALL_TIME = 1 << 3 | 1;

  private static final int EVENT_STEP = 2 << 3;
  private static final int EVENT_FILE_VERSION = 3 << 3 | 2;
  private static final int EVENT_SUMMARY = 5 << 3 | 2;
  private static final int SUMMARY_VALUE = 1 << 3 | 2;
  private static final int VALUE_TAG = 1 << 3 | 2;
  private static final int VALUE_SIMPLE = 2 << 3 | 5;
  private static final int VALUE_HISTOGRAM = 5 << 3 | 2;
  private static final int HISTOGRAM_MINIMUM = 1 << 3 | 1;
  private static final int HISTOGRAM_MAXIMUM = 2 << 3 | 1;
  private static final int HISTOGRAM_COUNT = 3 << 3 | 1;
  private static final int HISTOGRAM_SUM = 4 << 3 | 1;
  private static final int HISTOGRAM_SQUARES = 5 << 3 | 1;
  private static final int HISTOGRAM_LIMITS = 6 << 3 | 2;
  private static final int HISTOGRAM_COUNTS = 7 << 3 | 2;

  /** Bins of equal width between the least and the greatest value. */
  private static final int BINS = 50;

  /** Added to a rotated checksum, so that a checksum of data with checksums in it stays useful. */
  private static final int MASK_DELTA = 0xa282ead8;

  private final FileChannel channel;

  private EventFile(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * Opens a new file in a folder, which is made if it is missing.
   *
   * @throws IOException if the file cannot be made
   */
  static EventFile open(Path folder) throws IOException {
    Files.createDirectories(folder);
    long seconds = System.currentTimeMillis() / 1000;
    for (int number = 0; ; number++) {
      String name =
          String.format(Locale.ROOT, "events.out.tfevents.%010d.coppice.%03d", seconds, number);
      try {
        FileChannel channel =
            FileChannel.open(
                folder.resolve(name), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        EventFile file = new EventFile(channel);
        file.write(0, new Message().text(EVENT_FILE_VERSION, VERSION));
        return file;
      } catch (FileAlreadyExistsException e) {
        // Opened within the same second: take the next number.
      }
    }
  }

  /**
   * Adds a value to the curve of that name.
   *
   * @param tag such as {@code loss/train}; what precedes the slash groups the curves
   * @throws IOException if it cannot be written
   */
  void scalar(String tag, long step, double value) throws IOException {
    value(step, new Message().text(VALUE_TAG, tag).real(VALUE_SIMPLE, (float) value));
  }

  /**
   * Adds how values are distributed; without values there is nothing to add.
   *
   * @param tag such as {@code weights/conv1}
   * @param values finite
   * @throws IOException if it cannot be written
   */
  void histogram(String tag, long step, float[] values) throws IOException {
    if (values.length == 0) {
      return;
    }
    DoubleSummaryStatistics range = new DoubleSummaryStatistics();
    double squares = 0;
    for (float value : values) {
      range.accept(value);
      squares += (double) value * value;
    }
    double width = (range.getMax() - range.getMin()) / BINS;
    double[] counts = new double[width > 0 ? BINS : 1];
    for (float value : values) {
      int bin = width > 0 ? (int) ((value - range.getMin()) / width) : 0;
      counts[Math.min(bin, counts.length - 1)]++;
    }
    double[] limits = new double[counts.length];
    Arrays.setAll(limits, i -> range.getMin() + (i + 1) * width);
    limits[limits.length - 1] = range.getMax();
    Message histogram =
        new Message()
            .real(HISTOGRAM_MINIMUM, range.getMin())
            .real(HISTOGRAM_MAXIMUM, range.getMax())
            .real(HISTOGRAM_COUNT, (double) values.length)
            .real(HISTOGRAM_SUM, range.getSum())
            .real(HISTOGRAM_SQUARES, squares)
            .reals(HISTOGRAM_LIMITS, limits)
            .reals(HISTOGRAM_COUNTS, counts);
    value(step, new Message().text(VALUE_TAG, tag).message(VALUE_HISTOGRAM, histogram));
  }

  private void value(long step, Message value) throws IOException {
    write(step, new Message().message(EVENT_SUMMARY, new Message().message(SUMMARY_VALUE, value)));
  }

  /**
   * Adds the values of an epoch at its last optimizer step, the weights then, and what the pruning
   * iterations of the epoch did.
   *
   * @param history of all iterations so far; may be empty
   * @throws IOException if they cannot be written
   */
  void epoch(EpochMetrics metrics, Weights weights, List<PruningIteration> history)
      throws IOException {
    metrics(metrics);
    weights(metrics.step(), weights);
    // All epochs have the same number of steps.
    long before = metrics.step() - metrics.step() / metrics.epoch();
    for (PruningIteration iteration : history) {
      if (iteration.step() > before && iteration.step() <= metrics.step()) {
        pruning(iteration);
      }
    }
  }

  private void metrics(EpochMetrics metrics) throws IOException {
    long step = metrics.step();
    scalar("loss/train", step, metrics.loss());
    scalar("accuracy/train", step, metrics.trainAccuracy());
    scalar("learning_rate", step, metrics.learningRate());
    scalar("sparsity", step, metrics.sparsity());
    Evaluation test = metrics.test();
    if (test != null) {
      scalar("loss/test", step, test.loss());
      scalar("accuracy/test", step, test.accuracy());
      scalar("sops_per_image", step, test.operations().synaptic());
      for (Map.Entry<String, Double> rate : test.firingRates().entrySet()) {
        scalar("firing_rate/" + rate.getKey(), step, rate.getValue());
      }
    }
  }

  /** Adds the weights of each layer that are not zero as a histogram. */
  private void weights(long step, Weights weights) throws IOException {
    for (Map.Entry<String, Tensor> entry : weights.asMap().entrySet()) {
      Tensor tensor = entry.getValue();
      if (tensor.shape().length > 1) {
        String layer = entry.getKey().substring(0, entry.getKey().lastIndexOf('.'));
        histogram("weights/" + layer, step, nonZero(tensor));
      }
    }
  }

  private static float[] nonZero(Tensor tensor) {
    float[] left = new float[tensor.countNonZero()];
    int count = 0;
    for (float value : tensor.data()) {
      if (value != 0) {
        left[count++] = value;
      }
    }
    return left;
  }

  private void pruning(PruningIteration iteration) throws IOException {
    long step = iteration.step();
    scalar("pruning/target", step, iteration.target());
    scalar("pruning/sparsity", step, iteration.sparsity());
    scalar("pruning/threshold", step, iteration.threshold());
    scalar("pruning/regrown", step, iteration.regrown());
    scalar("pruning/survival_percent", step, iteration.survivalPercent());
    for (Map.Entry<String, Double> layer : iteration.density().entrySet()) {
      scalar("density/" + layer.getKey(), step, layer.getValue());
    }
    for (Map.Entry<String, PruningIteration.Distribution> layer :
        iteration.criticality().entrySet()) {
      PruningIteration.Distribution scores = layer.getValue();
      scalar("criticality_lower_quartile/" + layer.getKey(), step, scores.lowerQuartile());
      scalar("criticality_median/" + layer.getKey(), step, scores.median());
      scalar("criticality_upper_quartile/" + layer.getKey(), step, scores.upperQuartile());
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }

  private void write(long step, Message what) throws IOException {
    byte[] event =
        new Message()
            .real(EVENT_WALL_TIME, System.currentTimeMillis() / 1000.0)
            .integer(EVENT_STEP, step)
            .append(what)
            .bytes();
    ByteBuffer frame = ByteBuffer.allocate(16 + event.length).order(ByteOrder.LITTLE_ENDIAN);
    frame.putLong(event.length).putInt(maskedChecksum(frame.array(), 8));
    frame.put(event).putInt(maskedChecksum(event, event.length)).flip();
    while (frame.hasRemaining()) {
      channel.write(frame);
    }
  }

  private static int maskedChecksum(byte[] bytes, int length) {
    CRC32C checksum = new CRC32C();
    checksum.update(bytes, 0, length);
    return Integer.rotateRight((int) checksum.getValue(), 15) + MASK_DELTA;
  }

  /** A message of protocol buffers in the making. */
  private static final class Message {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    Message integer(int key, long value) {
      return varint(key).varint(value);
    }

    Message real(int key, double value) {
      return varint(key)
          .raw(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putDouble(value).array());
    }

    Message real(int key, float value) {
      return varint(key)
          .raw(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putFloat(value).array());
    }

    Message reals(int key, double... values) {
      ByteBuffer packed =
          ByteBuffer.allocate(values.length * Double.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      packed.asDoubleBuffer().put(values);
      return delimited(key, packed.array());
    }

    Message text(int key, String value) {
      return delimited(key, value.getBytes(StandardCharsets.UTF_8));
    }

    Message message(int key, Message value) {
      return delimited(key, value.bytes());
    }

    Message append(Message fields) {
      return raw(fields.bytes());
    }

    byte[] bytes() {
      return out.toByteArray();
    }

    private Message delimited(int key, byte[] value) {
      return varint(key).varint(value.length).raw(value);
    }

    private Message varint(long value) {
      long rest = value;
      while ((rest & ~0x7fL) != 0) {
        out.write((int) ((rest & 0x7f) | 0x80));
        rest >>>= 7;
      }
      out.write((int) rest);
      return this;
    }

    private Message raw(byte[] value) {
      out.writeBytes(value);
      return this;
    }
  }
}
