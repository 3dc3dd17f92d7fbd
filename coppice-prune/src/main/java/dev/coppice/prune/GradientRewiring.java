package dev.coppice.prune;

import dev.coppice.train.Optimizer;
import java.util.Map;

/**
 * Grad R (Chen et al., IJCAI 2021, arXiv 2105.04916): every weight is a synapse of a fixed sign s
 * and a hidden strength θ, {@code w = s·max(θ, 0)}. The gradient goes to θ as {@code s·∂L/∂w} also
 * where θ is negative and the synapse dormant, and a Laplace prior of the density {@code
 * ½α·exp(−α|θ − μ|)} draws it to μ: {@code θ ← θ − η_t·s·ĝ − η_t·α·sign(θ − μ)}, where {@code
 * η_t·ĝ} is the optimizer's step. A weight that is zero at the start has the sign 0 and is dead for
 * ever.
 */
final class GradientRewiring implements Hidden {
  /** A prior that is not stronger than this is none. */
  private static final double NO_PRIOR = 1e-8;

  private final Optimizer optimizer;
  private final double alpha;
  private final double center;
  private float[] signs = new float[0];
  private float[] strengths = new float[0];

  /**
   * Makes the method.
   *
   * @param optimizer of the run
   * @param alpha α
   * @param sparsity the share p of strengths below zero in the prior, which sets its center
   * @throws IllegalArgumentException for an α that is not finite or negative, or p out of [0.5, 1)
   */
  GradientRewiring(Optimizer optimizer, double alpha, double sparsity) {
    PruningSettings.require(
        alpha >= 0 && alpha < Double.POSITIVE_INFINITY,
        "the strength must be finite and not negative, not " + alpha);
    PruningSettings.require(
        sparsity >= 0.5 && sparsity < 1,
        "Grad R's prior needs a sparsity in [0.5, 1), not " + sparsity);
    this.optimizer = optimizer;
    this.alpha = alpha;
    this.center = center(alpha, sparsity);
  }

  /** Returns {@code μ = ln(2(1 − p))/α}: a strength drawn from the prior is negative with p. */
  static double center(double alpha, double sparsity) {
    return Math.log(2 * (1 - sparsity)) / alpha;
  }

  @Override
  public void begin(float[] weights) {
    signs = new float[weights.length];
    strengths = new float[weights.length];
    for (int i = 0; i < weights.length; i++) {
      signs[i] = Math.signum(weights[i]);
      strengths[i] = Math.abs(weights[i]);
    }
  }

  /** Returns {@code s·θ}, which has the gradient {@code ∂L/∂w}. */
  @Override
  public float[] moved() {
    float[] moved = new float[signs.length];
    for (int i = 0; i < moved.length; i++) {
      moved[i] = signs[i] * strengths[i];
    }
    return moved;
  }

  @Override
  public void after(float[] moved, double rate, long step) {
    float leak = alpha <= NO_PRIOR ? 0 : (float) (optimizer.effectiveRate(rate, step) * alpha);
    for (int i = 0; i < moved.length; i++) {
      if (signs[i] != 0) {
        float after = signs[i] * moved[i];
        strengths[i] =
            leak == 0 ? after : after - leak * (float) Math.signum(strengths[i] - center);
      }
    }
  }

  @Override
  public float[] weights() {
    float[] weights = new float[signs.length];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = strengths[i] > 0 ? signs[i] * strengths[i] : 0;
    }
    return weights;
  }

  @Override
  public Map<String, float[]> state() {
    return Map.of("signs", signs.clone(), "strengths", strengths.clone());
  }

  @Override
  public void restore(Map<String, float[]> state) {
    signs = Hidden.part(state, "signs").clone();
    strengths = Hidden.part(state, "strengths").clone();
  }
}
