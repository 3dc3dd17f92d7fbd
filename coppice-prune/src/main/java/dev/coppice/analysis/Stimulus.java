package dev.coppice.analysis;

import dev.coppice.data.Batch;
import dev.coppice.data.Encoder;
import dev.coppice.data.Normalization;

/**
 * What a network is shown.
 *
 * @param encoder how an image becomes input over time
 * @param normalization of its pixels, for an encoder that takes the image as it is
 * @param steps the number T of time steps
 * @param seed the source of randomness of the encoder
 */
public record Stimulus(Encoder encoder, Normalization normalization, int steps, long seed) {
  /** The most time steps; a recording of avalanches needs many. */
  public static final int MOST_STEPS = 1_000_000;

  /**
   * Throws {@link IllegalArgumentException} unless the time steps are positive, and not too many.
   */
  public Stimulus {
    if (steps < 1 || steps > MOST_STEPS) {
      throw new IllegalArgumentException(
          "expected between 1 and " + MOST_STEPS + " time steps, found " + steps);
    }
  }

  /** Returns the normalisation that batches are to be made with. */
  Normalization batchNormalization() {
    return encoder.isStatic() ? normalization : Normalization.NONE;
  }

  /** Returns what {@link dev.coppice.train.Engine} reads; the batch begins with this sample. */
  float[] input(Batch batch, int firstSample) {
    return encoder.isStatic()
        ? batch.pixels()
        : encoder.encode(batch.pixels(), batch.size(), steps, seed + 31L * firstSample);
  }
}
