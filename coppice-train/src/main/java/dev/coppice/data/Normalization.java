package dev.coppice.data;

import java.util.Arrays;

/**
 * Per-channel normalisation: a pixel scaled to 0..1 becomes {@code (x - mean) / std}. Either array
 * may have length 1 and then holds for every channel.
 *
 * @param mean one mean per channel, {@code [C]}
 * @param std one positive standard deviation per channel, {@code [C]}
 */
public record Normalization(float[] mean, float[] std) {
  /** Leaves pixels in 0..1, as the rate and latency encoders need them. */
  public static final Normalization NONE = new Normalization(new float[] {0f}, new float[] {1f});

  /**
   * Checks the numbers.
   *
   * @throws IllegalArgumentException if the lengths differ, a mean is not finite or a standard
   *     deviation is not positive and finite
   */
  public Normalization {
    mean = mean.clone();
    std = std.clone();
    if (mean.length == 0 || mean.length != std.length) {
      throw new IllegalArgumentException(
          "expected as many standard deviations as means and at least one, found "
              + std.length
              + " and "
              + mean.length);
    }
    for (int c = 0; c < mean.length; c++) {
      if (!Float.isFinite(mean[c]) || !(std[c] > 0) || !Float.isFinite(std[c])) {
        throw new IllegalArgumentException(
            "channel " + c + " cannot be normalised by mean " + mean[c] + " and std " + std[c]);
      }
    }
  }

  /**
   * Computes the mean and the population standard deviation (divided by N) of every channel over
   * all pixels, in one pass and exactly, from counts of the 256 values. A constant channel gets a
   * standard deviation of 1.
   *
   * @throws IllegalArgumentException if there are no images
   */
  public static Normalization of(Images images) {
    if (images.size() == 0) {
      throw new IllegalArgumentException(images.name() + ": no images to take a mean over");
    }
    int channels = images.shape().channels();
    long[][] counts = new long[channels][256];
    byte[] pixels = images.pixels();
    int c = 0;
    for (byte pixel : pixels) {
      counts[c][pixel & 0xff]++;
      c = c + 1 == channels ? 0 : c + 1;
    }
    float[] mean = new float[channels];
    float[] std = new float[channels];
    double n = (double) pixels.length / channels;
    for (c = 0; c < channels; c++) {
      long sum = 0;
      for (int value = 0; value < 256; value++) {
        sum += value * counts[c][value];
      }
      double average = sum / n;
      double squares = 0;
      for (int value = 0; value < 256; value++) {
        squares += (value - average) * (value - average) * counts[c][value];
      }
      mean[c] = (float) (average / images.divisor());
      std[c] = squares == 0 ? 1f : (float) (Math.sqrt(squares / n) / images.divisor());
    }
    return new Normalization(mean, std);
  }

  /**
   * Returns what each byte becomes, {@code [C][256]}.
   *
   * @throws IllegalArgumentException if the normalisation is for another number of channels
   */
  float[][] table(int channels, float divisor) {
    if (mean.length != 1 && mean.length != channels) {
      throw new IllegalArgumentException(
          "a normalisation of " + mean.length + " channels does not fit images of " + channels);
    }
    float[][] table = new float[channels][256];
    for (int c = 0; c < channels; c++) {
      int k = mean.length == 1 ? 0 : c;
      for (int value = 0; value < 256; value++) {
        table[c][value] = (value / divisor - mean[k]) / std[k];
      }
    }
    return table;
  }

  @Override
  public String toString() {
    return "mean " + Arrays.toString(mean) + ", std " + Arrays.toString(std);
  }
}
