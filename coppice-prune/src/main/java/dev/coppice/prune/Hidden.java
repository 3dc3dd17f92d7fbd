package dev.coppice.prune;

import java.util.Map;

/**
 * Parameters behind the prunable weights of a network: the optimizer moves them, the network
 * computes with what they make of the weights. All arrays are laid out as {@link PrunableLayers}
 * says.
 */
sealed interface Hidden permits GradientRewiring, DendriticSpines, PricedGates {
  /** Begins with a network's weights. */
  void begin(float[] weights);

  /** Returns what the optimizer moves. */
  float[] moved();

  /**
   * Returns the gradient by {@link #moved}.
   *
   * @param gradient by the weights that the network computes with
   */
  default float[] gradient(float[] gradient) {
    return gradient;
  }

  /**
   * Takes up where the optimizer has left what it moves.
   *
   * @param rate the learning rate of the step
   * @param step 1 for the first
   */
  void after(float[] moved, double rate, long step);

  /** Returns the weights that the network computes with; those that are pruned are exactly 0. */
  float[] weights();

  /**
   * Returns the step after which the connections that are left stay as they are, trained as usual.
   */
  default long lastStep() {
    return Long.MAX_VALUE;
  }

  /** Whether that step is done. */
  default boolean fixed() {
    return false;
  }

  /** Returns what a checkpoint must keep, by names of its own. */
  Map<String, float[]> state();

  /** Restores what {@link #state} returned. */
  void restore(Map<String, float[]> state);

  /** Returns a part of a state. */
  static float[] part(Map<String, float[]> state, String name) {
    float[] part = state.get(name);
    if (part == null) {
      throw new IllegalArgumentException("the method's state has no " + name);
    }
    return part;
  }
}
