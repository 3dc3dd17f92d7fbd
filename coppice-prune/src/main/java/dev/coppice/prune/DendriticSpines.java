package dev.coppice.prune;

import java.util.Map;

/**
 * STDS (Chen et al., ICML 2022, PMLR 162): {@code w = sign(θ)·max(|θ| − d, 0)} with a threshold
 * that rises after every step n of N, {@code d = D·½(1 + sin(π(n/N − ½)))}. The gradient goes to θ
 * as if w were θ, so that a connection below the threshold learns on and may come back, with the
 * other sign too.
 */
final class DendriticSpines implements Hidden {
  private final double height;
  private final long steps;
  private float[] spines = new float[0];
  private long done;

  /**
   * Makes the method.
   *
   * @param height D, the threshold at the end
   * @param steps N, the optimizer steps of the run
   * @throws IllegalArgumentException for a height that is not finite or negative
   */
  DendriticSpines(double height, long steps) {
    PruningSettings.require(
        height >= 0 && height < Double.POSITIVE_INFINITY,
        "the strength must be finite and not negative, not " + height);
    this.height = height;
    this.steps = steps;
  }

  /** Returns the share of the final threshold after a part of the run. */
  static double rise(double progress) {
    return 0.5 * (1 + Math.sin(Math.PI * (progress - 0.5)));
  }

  @Override
  public void begin(float[] weights) {
    spines = weights.clone();
    done = 0;
  }

  @Override
  public float[] moved() {
    return spines.clone();
  }

  @Override
  public void after(float[] moved, double rate, long step) {
    spines = moved.clone();
    done = step;
  }

  @Override
  public float[] weights() {
    float limit = (float) (height * rise(done / (double) steps));
    float[] weights = new float[spines.length];
    for (int i = 0; i < weights.length; i++) {
      float magnitude = Math.abs(spines[i]) - limit;
      weights[i] = magnitude > 0 ? Math.copySign(magnitude, spines[i]) : 0;
    }
    return weights;
  }

  @Override
  public Map<String, float[]> state() {
    return Map.of("spines", spines.clone(), "step", new float[] {done});
  }

  @Override
  public void restore(Map<String, float[]> state) {
    spines = Hidden.part(state, "spines").clone();
    done = (long) Hidden.part(state, "step")[0];
  }
}
