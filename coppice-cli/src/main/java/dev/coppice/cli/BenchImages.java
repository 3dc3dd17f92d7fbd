package dev.coppice.cli;

import dev.coppice.data.Images;
import dev.coppice.graph.Safetensors;
import dev.coppice.graph.Shape;
import dev.coppice.graph.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/**
 * Images to measure with.
 *
 * @param shape of one
 * @param pixels {@code [N, H, W, C]} in 0..1
 */
record BenchImages(Shape.Map shape, float[] pixels) {
  private static final String PIXELS = "pixels";
  private static final String NORMALIZED = "normalized";
  private static final int WAVES = 8;
  private static final double NOISE = 0.03;

  /** Returns images of a data set. */
  static BenchImages of(Images images) {
    byte[] bytes = images.pixels();
    float[] pixels = new float[bytes.length];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (bytes[i] & 0xff) / images.divisor();
    }
    return new BenchImages(images.shape(), pixels);
  }

  /**
   * Returns random images that are smooth as photographs are: waves whose amplitudes fall with
   * their frequencies, much the same in all channels, and a little noise.
   */
  static BenchImages smooth(Shape.Map shape, int count, long seed) {
    RandomGenerator random = new SplittableRandom(seed);
    float[] pixels = new float[Math.multiplyExact(count, shape.size())];
    for (int n = 0; n < count; n++) {
      paint(shape, pixels, n * shape.size(), random);
    }
    return new BenchImages(shape, pixels);
  }

  private static void paint(Shape.Map shape, float[] pixels, int at, RandomGenerator random) {
    int channels = shape.channels();
    double[] values = new double[shape.size()];
    double base = 0.5 + 0.15 * random.nextGaussian();
    Arrays.fill(values, base);
    for (int wave = 0; wave < WAVES; wave++) {
      double rows = 3 * random.nextGaussian();
      double columns = 3 * random.nextGaussian();
      double phase = 2 * Math.PI * random.nextDouble();
      double amplitude = 0.25 / (1 + Math.hypot(rows, columns));
      double[] perChannel = new double[channels];
      Arrays.setAll(perChannel, c -> amplitude * (1 + 0.3 * random.nextGaussian()));
      for (int i = 0; i < values.length; i++) {
        int pixel = i / channels;
        int row = pixel / shape.width();
        double y = row / (double) shape.height();
        double x = pixel % shape.width() / (double) shape.width();
        values[i] +=
            perChannel[i % channels] * Math.cos(2 * Math.PI * (rows * y + columns * x) + phase);
      }
    }
    for (int i = 0; i < values.length; i++) {
      pixels[at + i] = (float) Math.clamp(values[i] + NOISE * random.nextGaussian(), 0.0, 1.0);
    }
  }

  /** Returns N. */
  int count() {
    return pixels.length / shape.size();
  }

  /**
   * Returns the pixels {@code (x − mean) / std} as the runtime and the training engine compute
   * them.
   *
   * @param mean one per channel, one for all, or none to leave them as they are
   * @param std as many
   */
  float[] normalized(float[] mean, float[] std) {
    float[] normalized = pixels.clone();
    if (mean.length > 0) {
      int channels = shape.channels();
      for (int i = 0; i < normalized.length; i++) {
        int c = mean.length == 1 ? 0 : i % channels;
        normalized[i] = (normalized[i] - mean[c]) / std[c];
      }
    }
    return normalized;
  }

  /** Writes them as a safetensors file, {@code [N, H, W, C]}: as they are, and normalised. */
  void write(Path file, float[] mean, float[] std) throws IOException {
    int[] dimensions = {count(), shape.height(), shape.width(), shape.channels()};
    SequencedMap<String, Safetensors.Array> arrays = new LinkedHashMap<>();
    arrays.put(PIXELS, Safetensors.Array.of(new Tensor(dimensions, pixels)));
    arrays.put(NORMALIZED, Safetensors.Array.of(new Tensor(dimensions, normalized(mean, std))));
    Safetensors.write(file, Map.of(), arrays);
  }

  /** Reads what {@link #write} wrote. */
  static BenchImages read(Path file) throws IOException {
    Safetensors.Array array = Safetensors.read(file).get(PIXELS);
    int[] shape = array.shape();
    return new BenchImages(new Shape.Map(shape[1], shape[2], shape[3]), array.floats());
  }

  /** Returns {@code length} images from number {@code first} on, the first ones after the last. */
  float[] batch(int first, int length) {
    float[] batch = new float[length * shape.size()];
    for (int b = 0; b < length; b++) {
      int from = (first + b) % count() * shape.size();
      System.arraycopy(pixels, from, batch, b * shape.size(), shape.size());
    }
    return batch;
  }
}
