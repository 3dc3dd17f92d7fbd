package dev.coppice.prune.channels;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * How the number of channels that a group keeps is rounded up: dense libraries are slow at odd
 * widths.
 */
public sealed interface Rounding {
  /** To a multiple of a number, 1 for none. */
  record To(int multiple) implements Rounding {
    /** Throws {@link IllegalArgumentException} if the number is not positive. */
    public To {
      if (multiple < 1) {
        throw new IllegalArgumentException(
            "channels are rounded to a multiple of at least 1, not " + multiple);
      }
    }
  }

  /**
   * To a multiple of 16, the floats of the widest vector of today's processors, or of a smaller
   * power of two for a group that would have fewer than four widths to choose from.
   */
  record Vectors() implements Rounding {}

  /** Returns the rounded choice; groups get back their best-scored channels. */
  default Map<String, boolean[]> round(Map<String, boolean[]> keep, Map<String, float[]> scores) {
    Map<String, boolean[]> rounded = new LinkedHashMap<>();
    keep.forEach(
        (name, chosen) ->
            rounded.putAll(Surgery.roundUp(Map.of(name, chosen), scores, multiple(chosen.length))));
    return rounded;
  }

  private int multiple(int channels) {
    return switch (this) {
      case To(int multiple) -> multiple;
      case Vectors() -> Math.clamp(Integer.highestOneBit(Math.max(1, channels / 4)), 1, 16);
    };
  }
}
