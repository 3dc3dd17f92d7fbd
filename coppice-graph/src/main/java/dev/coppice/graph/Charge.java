package dev.coppice.graph;

/**
 * How a neuron integrates its input current {@code x} into the membrane potential {@code h} before
 * reset, from the potential {@code u} after the last reset. Every charge is the affine map {@code h
 * = leak·u + gain·x + drift}.
 */
public sealed interface Charge {
  /** Returns the factor of the old potential. */
  float leak();

  /** Returns the factor of the input current. */
  float gain();

  /** Returns the constant term, for a reset potential of {@code reset}. */
  float drift(float reset);

  /** {@code h = λ·u + x}: the form of the STBP family. */
  record Decay(float lambda) implements Charge {
    /** Throws {@link GraphException} unless {@code 0 <= lambda <= 1}. */
    public Decay {
      if (!(lambda >= 0 && lambda <= 1)) {
        throw new GraphException("decay must lie in [0, 1], not " + lambda);
      }
    }

    @Override
    public float leak() {
      return lambda;
    }

    @Override
    public float gain() {
      return 1;
    }

    @Override
    public float drift(float reset) {
      return 0;
    }
  }

  /**
   * {@code h = u + (x − (u − v_reset))/τ} with {@code decayInput}, else {@code h = u − (u −
   * v_reset)/τ + x}.
   */
  record TimeConstant(float tau, boolean decayInput) implements Charge {
    /** Throws {@link GraphException} unless {@code tau >= 1} and finite. */
    public TimeConstant {
      if (!(tau >= 1 && tau < Float.POSITIVE_INFINITY)) {
        throw new GraphException("tau must be finite and at least 1, not " + tau);
      }
    }

    @Override
    public float leak() {
      return 1 - 1 / tau;
    }

    @Override
    public float gain() {
      return decayInput ? 1 / tau : 1;
    }

    @Override
    public float drift(float reset) {
      return reset / tau;
    }
  }

  /** {@code h = u + x}: integrate and fire. */
  record Integrate() implements Charge {
    @Override
    public float leak() {
      return 1;
    }

    @Override
    public float gain() {
      return 1;
    }

    @Override
    public float drift(float reset) {
      return 0;
    }
  }
}
