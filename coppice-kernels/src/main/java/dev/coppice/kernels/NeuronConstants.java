package dev.coppice.kernels;

import java.util.Objects;

/**
 * A neuron as an affine charge and an affine reset. With the potential {@code u} after the last
 * reset and the input current {@code x}:
 *
 * <pre>
 *   h = leak·u + gain·x + drift
 *   s = 1 if h fires, else 0
 *   u = keep·h + offset if h fires, else h
 * </pre>
 *
 * A hard reset has {@code keep = 0} and the reset potential as {@code offset}, a soft reset {@code
 * keep = 1} and {@code offset = −threshold}.
 *
 * @param leak factor of the old potential
 * @param gain factor of the input current
 * @param drift constant term of the charge
 * @param threshold θ
 * @param strict whether the neuron fires when {@code h > threshold} rather than {@code h >=
 *     threshold}
 * @param keep factor of the potential of a neuron that fired
 * @param offset constant term of the reset
 * @param rest potential before the first step
 * @param attached whether the gradient flows through the spike in the reset too
 * @param surrogate what the derivative of the spike is taken from
 */
public record NeuronConstants(
    float leak,
    float gain,
    float drift,
    float threshold,
    boolean strict,
    float keep,
    float offset,
    float rest,
    boolean attached,
    SurrogateFunction surrogate) {

  /** Throws {@link IllegalArgumentException} when a number is not finite. */
  public NeuronConstants {
    requireFinite("leak", leak);
    requireFinite("gain", gain);
    requireFinite("drift", drift);
    requireFinite("threshold", threshold);
    requireFinite("keep", keep);
    requireFinite("offset", offset);
    requireFinite("rest", rest);
    Objects.requireNonNull(surrogate, "surrogate");
  }

  /** Returns the least potential that fires. */
  public float fireAt() {
    return strict ? Math.nextUp(threshold) : threshold;
  }

  /** Returns the factor of an input whose current is {@code input·scale + …}. */
  float factor(float scale) {
    return gain * scale;
  }

  /** Returns the constant term of the charge where the current is {@code … + shift}. */
  float term(float shift) {
    return gain * shift + drift;
  }

  /** Returns {@link #factor} of all. */
  float[] factors(float[] scale) {
    float[] factors = new float[scale.length];
    for (int i = 0; i < scale.length; i++) {
      factors[i] = factor(scale[i]);
    }
    return factors;
  }

  /** Returns {@link #term} of all. */
  float[] terms(float[] shift) {
    float[] terms = new float[shift.length];
    for (int i = 0; i < shift.length; i++) {
      terms[i] = term(shift[i]);
    }
    return terms;
  }

  private static void requireFinite(String what, float value) {
    if (!Float.isFinite(value)) {
      throw new IllegalArgumentException(what + " must be finite, not " + value);
    }
  }
}
