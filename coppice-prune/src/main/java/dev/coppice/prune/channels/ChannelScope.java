package dev.coppice.prune.channels;

import java.util.LinkedHashMap;
import java.util.Map;

/** Which channels compete to stay. */
public enum ChannelScope {
  /** Those of the whole network, as published. */
  GLOBAL,
  /** Those of a group: every group loses the same share, but for rounding. */
  LAYER;

  /**
   * Returns the scores by which the channels of all groups are compared: of {@link #LAYER} the
   * share of the group's channels that score no higher. Equal scores stay equal.
   */
  Map<String, float[]> compared(Map<String, float[]> scores) {
    if (this == GLOBAL) {
      return scores;
    }
    Map<String, float[]> shares = new LinkedHashMap<>();
    scores.forEach((group, own) -> shares.put(group, shares(own)));
    return shares;
  }

  private static float[] shares(float[] scores) {
    float[] shares = new float[scores.length];
    for (int i = 0; i < shares.length; i++) {
      int noHigher = 0;
      for (float other : scores) {
        noHigher += other <= scores[i] ? 1 : 0;
      }
      shares[i] = noHigher / (float) shares.length;
    }
    return shares;
  }
}
