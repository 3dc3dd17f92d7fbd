package dev.coppice.graph;

/**
 * The function whose derivative stands in for that of the spike's step in the backward pass; {@code
 * x} is the membrane potential minus the threshold.
 */
public sealed interface Surrogate {
  /** {@code g′ = (α/2) / (1 + (π·α·x/2)²)}. */
  record ATan(float alpha) implements Surrogate {
    /** Throws {@link GraphException} unless {@code alpha} is positive and finite. */
    public ATan {
      Check.positive("the alpha of a surrogate", alpha);
    }
  }

  /** {@code g′ = α·σ(αx)·(1 − σ(αx))}. */
  record Sigmoid(float alpha) implements Surrogate {
    /** Throws {@link GraphException} unless {@code alpha} is positive and finite. */
    public Sigmoid {
      Check.positive("the alpha of a surrogate", alpha);
    }
  }

  /** {@code g′ = k·sech²(kx) / (2·tanh(k/2))} where {@code |x| <= ½}, else 0. */
  record Tanh(float temperature) implements Surrogate {
    /** Throws {@link GraphException} unless {@code temperature} is positive and finite. */
    public Tanh {
      Check.positive("the temperature of a surrogate", temperature);
    }
  }

  /** {@code g′ = max(0, γ − |x|) / γ²}. */
  record Triangle(float gamma) implements Surrogate {
    /** Throws {@link GraphException} unless {@code gamma} is positive and finite. */
    public Triangle {
      Check.positive("the gamma of a surrogate", gamma);
    }
  }

  /** {@code g′ = 1/width} where {@code |x| < width/2}, else 0. */
  record Rectangle(float width) implements Surrogate {
    /** Throws {@link GraphException} unless {@code width} is positive and finite. */
    public Rectangle {
      Check.positive("the width of a surrogate", width);
    }
  }
}
