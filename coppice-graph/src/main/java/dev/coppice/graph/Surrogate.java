package dev.coppice.graph;

/**
 * The function whose derivative stands in for that of the spike's step in the backward pass; {@code
 * x} is the membrane potential minus the threshold.
 */
public sealed interface Surrogate {
  /** {@code g′ = (α/2) / (1 + (π·α·x/2)²)}. */
  record ATan(float alpha) implements Surrogate {}

  /** {@code g′ = α·σ(αx)·(1 − σ(αx))}. */
  record Sigmoid(float alpha) implements Surrogate {}

  /** {@code g′ = k·sech²(kx) / (2·tanh(k/2))} where {@code |x| <= ½}, else 0. */
  record Tanh(float temperature) implements Surrogate {}

  /** {@code g′ = max(0, γ − |x|) / γ²}. */
  record Triangle(float gamma) implements Surrogate {}

  /** {@code g′ = 1/width} where {@code |x| < width/2}, else 0. */
  record Rectangle(float width) implements Surrogate {}
}
