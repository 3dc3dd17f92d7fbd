package dev.coppice.data;

import java.util.Locale;

/**
 * Turns a batch of images into input over T time steps. An encoder is a pure function of its
 * arguments.
 */
public sealed interface Encoder {
  /**
   * Encodes a batch.
   *
   * @param batch images {@code [B, H, W, C]}
   * @param batchSize the number B of images
   * @param steps the number T of time steps
   * @param seed the seed of random encoders; the same seed gives the same spikes
   * @return the input {@code [T·B, H, W, C]}, time-major
   * @throws IllegalArgumentException if the length is not a multiple of the batch size, the result
   *     exceeds the largest array, or a value is not in the range that the encoder needs
   */
  float[] encode(float[] batch, int batchSize, int steps, long seed);

  /**
   * Returns whether every time step is the batch itself, so that layers without a state may run on
   * it once and repeat their result, and {@link #encode} need not be called.
   */
  default boolean isStatic() {
    return false;
  }

  /** Direct coding: the real, normalised image at every step; the first layer makes the spikes. */
  record Direct() implements Encoder {
    @Override
    public boolean isStatic() {
      return true;
    }

    @Override
    public float[] encode(float[] batch, int batchSize, int steps, long seed) {
      float[] encoded = allocate(batch, batchSize, steps);
      for (int t = 0; t < steps; t++) {
        System.arraycopy(batch, 0, encoded, t * batch.length, batch.length);
      }
      return encoded;
    }
  }

  /**
   * Rate coding: {@code s[t] = 1 if u[t] < x}, with {@code u} uniform on [0, 1) and independent for
   * every step and element, so that the mean over T steps estimates x with a standard deviation of
   * {@code sqrt(x(1-x)/T)}. Needs pixels in 0..1: make the batches with {@link Normalization#NONE}.
   * The spikes of a sample depend on the seed and its place in the batch, not on its neighbours.
   */
  record PoissonRate() implements Encoder {
    @Override
    public float[] encode(float[] batch, int batchSize, int steps, long seed) {
      float[] encoded = allocate(batch, batchSize, steps);
      requireUnitRange(batch);
      int length = batch.length / batchSize;
      for (int b = 0; b < batchSize; b++) {
        Rng rng = Rng.of(seed, b);
        for (int t = 0; t < steps; t++) {
          int target = t * batch.length + b * length;
          for (int i = 0; i < length; i++) {
            encoded[target + i] = rng.nextFloat() < batch[b * length + i] ? 1f : 0f;
          }
        }
      }
      return encoded;
    }
  }

  /**
   * Latency coding: one spike per element, the earlier the larger its value. Needs pixels in 0..1:
   * make the batches with {@link Normalization#NONE}.
   *
   * @param law how the value determines the step
   * @param silentZero whether a value of exactly 0 gives no spike, rather than one at the last step
   */
  record Latency(Law law, boolean silentZero) implements Encoder {
    /** The step of the spike, rounded half to even, with T steps counted from 0. */
    public enum Law {
      /** {@code (T-1)(1-x)}. */
      LINEAR,
      /** {@code T-1 - ln(αx+1)} with {@code α = e^(T-1) - 1}. */
      LOGARITHMIC
    }

    @Override
    public float[] encode(float[] batch, int batchSize, int steps, long seed) {
      float[] encoded = allocate(batch, batchSize, steps);
      requireUnitRange(batch);
      for (int i = 0; i < batch.length; i++) {
        if (batch[i] > 0 || !silentZero) {
          encoded[step(batch[i], steps) * batch.length + i] = 1f;
        }
      }
      return encoded;
    }

    private int step(double x, int steps) {
      int last = steps - 1;
      double time =
          switch (law) {
            case LINEAR -> last * (1 - x);
            // The same as the formula above, without its overflow for many steps.
            case LOGARITHMIC -> -Math.log(x + (1 - x) * Math.exp(-last));
          };
      return (int) Math.clamp(Math.rint(time), 0, last);
    }
  }

  /**
   * Returns the encoder of that name: {@code direct}, {@code rate}, {@code latency} (linear, zero
   * silent) or {@code latency-log}.
   *
   * @throws IllegalArgumentException if there is none
   */
  static Encoder of(String name) {
    return switch (name.toLowerCase(Locale.ROOT)) {
      case "direct" -> new Direct();
      case "rate" -> new PoissonRate();
      case "latency" -> new Latency(Latency.Law.LINEAR, true);
      case "latency-log" -> new Latency(Latency.Law.LOGARITHMIC, true);
      default ->
          throw new IllegalArgumentException(
              "expected an encoder of direct, rate, latency, latency-log, found \"" + name + "\"");
    };
  }

  private static float[] allocate(float[] batch, int batchSize, int steps) {
    if (batchSize < 1 || steps < 1 || batch.length % batchSize != 0) {
      throw new IllegalArgumentException(
          "expected a batch of a positive size over a positive number of steps, found "
              + batch.length
              + " values, batch size "
              + batchSize
              + ", steps "
              + steps);
    }
    if ((long) batch.length * steps > Images.MAX_PIXELS) {
      throw new IllegalArgumentException(
          batch.length + " values over " + steps + " steps exceed the largest array");
    }
    return new float[batch.length * steps];
  }

  private static void requireUnitRange(float[] batch) {
    for (float value : batch) {
      if (!(value >= 0 && value <= 1)) {
        throw new IllegalArgumentException(
            "expected pixels in 0..1 (not normalised by mean and std), found " + value);
      }
    }
  }
}
