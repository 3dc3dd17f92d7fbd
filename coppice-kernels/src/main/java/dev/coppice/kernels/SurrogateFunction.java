package dev.coppice.kernels;

/**
 * A smooth stand-in for the step of a spike: its derivative replaces that of the step in the
 * backward pass. Its argument is the membrane potential before reset minus the threshold, {@code x
 * = h − θ}. The derivative is even and has the area 1; the primitive rises from 0 to 1.
 *
 * <p>Exponentials, hyperbolic and inverse tangents are the project's own, so that every
 * implementation of {@link Kernels} gives the same bits.
 */
public sealed interface SurrogateFunction {

  /** Returns {@code g′(x)}. */
  float derivative(float x);

  /** Returns {@code p(x)} with {@code p′ = g′}. */
  float primitive(float x);

  /**
   * Returns the primitive without the clamp of its argument that {@link Tanh} has; the same as
   * {@link #primitive} for the others. It is what criticality is read from when the function itself
   * is asked for.
   */
  default float unclampedPrimitive(float x) {
    return primitive(x);
  }

  private static void requirePositive(String what, float value) {
    if (!(value > 0 && value < Float.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(what + " must be positive and finite, not " + value);
    }
  }

  /** {@code g′ = (α/2) / (1 + (π·α·x/2)²)}, {@code p = atan(π·α·x/2)/π + ½}. */
  record ATan(float alpha) implements SurrogateFunction {
    /** Throws {@link IllegalArgumentException} unless {@code alpha} is positive and finite. */
    public ATan {
      requirePositive("alpha", alpha);
    }

    float height() {
      return 0.5f * alpha;
    }

    float slope() {
      return (float) (0.5 * Math.PI * alpha);
    }

    @Override
    public float derivative(float x) {
      float z = slope() * x;
      return height() / (1 + z * z);
    }

    @Override
    public float primitive(float x) {
      return Approximation.atan(slope() * x) * Approximation.ONE_OVER_PI + 0.5f;
    }
  }

  /** {@code g′ = α·σ(αx)·(1 − σ(αx))}, {@code p = σ(αx)}. */
  record Sigmoid(float alpha) implements SurrogateFunction {
    /** Throws {@link IllegalArgumentException} unless {@code alpha} is positive and finite. */
    public Sigmoid {
      requirePositive("alpha", alpha);
    }

    @Override
    public float derivative(float x) {
      float e = Approximation.expOfMinus(alpha * x);
      float d = 1 + e;
      return alpha * (e / (d * d));
    }

    @Override
    public float primitive(float x) {
      float z = alpha * x;
      float e = Approximation.expOfMinus(z);
      return (z < 0 ? e : 1) / (1 + e);
    }
  }

  /**
   * {@code g′ = k·sech²(k·x) / (2·tanh(k/2))} where {@code |x| <= ½}, ends included, else 0; {@code
   * p = (tanh(k·clip(x, −½, ½)) + tanh(k/2)) / (2·tanh(k/2))}.
   */
  record Tanh(float temperature) implements SurrogateFunction {
    /**
     * Throws {@link IllegalArgumentException} unless {@code temperature} is positive and finite.
     */
    public Tanh {
      requirePositive("temperature", temperature);
    }

    /** The factor of {@code e/(1+e)²}, a quarter of sech², in the derivative. */
    float height() {
      return (float) (2 * temperature / Math.tanh(0.5 * temperature));
    }

    /** The factor of the hyperbolic tangent in the primitive. */
    float share() {
      return (float) (0.5 / Math.tanh(0.5 * temperature));
    }

    @Override
    public float derivative(float x) {
      return derivative(x, 2 * temperature, height());
    }

    static float derivative(float x, float twiceTemperature, float height) {
      float e = Approximation.expOfMinus(twiceTemperature * x);
      float d = 1 + e;
      return Math.abs(x) <= 0.5f ? height * (e / (d * d)) : 0;
    }

    @Override
    public float primitive(float x) {
      return unclampedPrimitive(Math.min(Math.max(x, -0.5f), 0.5f));
    }

    @Override
    public float unclampedPrimitive(float x) {
      return unclampedPrimitive(x, temperature, share());
    }

    static float unclampedPrimitive(float x, float temperature, float share) {
      return Approximation.tanh(temperature * x) * share + 0.5f;
    }
  }

  /**
   * {@code g′ = max(0, γ − |x|) / γ²}, {@code p = ½ + c/γ − c·|c|/(2γ²)} with {@code c = clip(x,
   * −γ, γ)}.
   */
  record Triangle(float gamma) implements SurrogateFunction {
    /** Throws {@link IllegalArgumentException} unless {@code gamma} is positive and finite. */
    public Triangle {
      requirePositive("gamma", gamma);
    }

    @Override
    public float derivative(float x) {
      return Math.max(gamma - Math.abs(x), 0) / gamma / gamma;
    }

    @Override
    public float primitive(float x) {
      float c = Math.min(Math.max(x / gamma, -1), 1);
      return (0.5f + c) - c * Math.abs(c) * 0.5f;
    }
  }

  /**
   * {@code g′ = 1/width} where {@code |x| < width/2}, else 0; {@code p = clip(x/width + ½, 0, 1)}.
   */
  record Rectangle(float width) implements SurrogateFunction {
    /** Throws {@link IllegalArgumentException} unless {@code width} is positive and finite. */
    public Rectangle {
      requirePositive("width", width);
    }

    @Override
    public float derivative(float x) {
      return Math.abs(x) < 0.5f * width ? 1 / width : 0;
    }

    @Override
    public float primitive(float x) {
      return Math.min(Math.max(x / width + 0.5f, 0), 1);
    }
  }
}
