package dev.coppice.prune;

import java.util.Arrays;
import java.util.List;

/**
 * One iteration of magnitude pruning and regrowth over connections: procedure U of arXiv
 * 2311.16141.
 *
 * @param scope which weights compete
 * @param ties how ties are broken
 */
record PruningStep(Scope scope, Ties ties) {
  /**
   * What an iteration did.
   *
   * @param mask which weights are alive now
   * @param byMagnitude which of them magnitude chose; the others were regrown
   * @param keep how many were to be
   * @param grow how many were to be regrown
   * @param regrown how many of those that magnitude alone would have left out are alive
   * @param removed how many that were alive fell below the magnitude threshold
   * @param survived how many of those are alive all the same
   * @param threshold the smallest magnitude that magnitude alone keeps; with a scope by layer that
   *     of the last pattern the smallest magnitude that it lets stay
   */
  record Result(
      boolean[] mask,
      boolean[] byMagnitude,
      int keep,
      int grow,
      int regrown,
      int removed,
      int survived,
      float threshold) {
    /** Returns the share, in percent, of the removed that regrowth brought back. */
    double survivalPercent() {
      return removed == 0 ? 0 : 100.0 * survived / removed;
    }

    /** Returns the number of weights alive. */
    int kept() {
      return count(mask);
    }
  }

  /**
   * Runs the iteration.
   *
   * @param weights the weights now
   * @param alive which of them were alive before
   * @param scores of regrowth, by weight
   * @param sparsity the target
   * @param ratio the share of the kept that regrowth chooses, in [0, 1]
   * @param seed of the random choice among ties
   */
  Result run(
      PrunableLayers layers,
      float[] weights,
      boolean[] alive,
      float[] scores,
      double sparsity,
      double ratio,
      long seed) {
    float[] magnitudes = new float[weights.length];
    for (int i = 0; i < weights.length; i++) {
      magnitudes[i] = Math.abs(weights[i]);
    }
    float[] aliveFirst = new float[weights.length];
    for (int i = 0; i < weights.length; i++) {
      aliveFirst[i] = alive[i] ? 1 : 0;
    }
    List<Competition> competitions =
        Competition.of(scope, layers, (int) Math.floor(layers.size() * (1 - sparsity)));
    boolean[] mask = new boolean[weights.length];
    boolean[] byMagnitude = new boolean[weights.length];
    boolean[] aboveThreshold = new boolean[weights.length];
    int growAll = 0;
    float threshold = 0;
    for (Competition competition : competitions) {
      boolean[] candidates = new boolean[weights.length];
      boolean[] regrowable = new boolean[weights.length];
      for (PrunableLayers.Layer layer : competition.layers()) {
        Arrays.fill(candidates, layer.offset(), layer.end(), true);
        Arrays.fill(regrowable, layer.offset(), layer.end(), !layer.classifier());
      }
      boolean[] largest = new boolean[weights.length];
      threshold =
          Selection.keep(
              ties,
              magnitudes,
              aliveFirst,
              placed(competition, magnitudes, aliveFirst, candidates, largest, seed),
              competition.places(),
              seed,
              largest);
      int fixed = 0;
      for (int i = 0; i < weights.length; i++) {
        if (largest[i]) {
          aboveThreshold[i] = true;
          if (!regrowable[i]) {
            mask[i] = true;
            fixed++;
          }
        }
      }
      int open = competition.places() - fixed;
      int grow = (int) Math.floor(open * ratio);
      growAll += grow;
      Selection.keep(
          ties,
          magnitudes,
          aliveFirst,
          placed(competition, magnitudes, aliveFirst, regrowable, mask, seed),
          open - grow,
          seed,
          mask);
      boolean[] pruned = new boolean[weights.length];
      for (int i = 0; i < weights.length; i++) {
        pruned[i] = regrowable[i] && !mask[i];
        byMagnitude[i] |= candidates[i] && mask[i];
      }
      Selection.regrow(
          ties,
          scores,
          magnitudes,
          placed(competition, scores, magnitudes, pruned, mask, seed + 1),
          grow,
          seed + 1,
          mask);
    }
    int regrown = 0;
    int removed = 0;
    int survived = 0;
    for (int i = 0; i < weights.length; i++) {
      if (!aboveThreshold[i]) {
        regrown += mask[i] ? 1 : 0;
        removed += alive[i] ? 1 : 0;
        survived += alive[i] && mask[i] ? 1 : 0;
      }
    }
    int keep = competitions.stream().mapToInt(Competition::places).sum();
    return new Result(mask, byMagnitude, keep, growAll, regrown, removed, survived, threshold);
  }

  /** Returns the candidates for which the competition has room; the published code knows none. */
  private boolean[] placed(
      Competition competition,
      float[] scores,
      float[] second,
      boolean[] candidates,
      boolean[] chosen,
      long seed) {
    return ties == Ties.EXACT
        ? competition.placed(scores, second, candidates, chosen, seed)
        : candidates;
  }

  private static int count(boolean[] mask) {
    int ones = 0;
    for (boolean one : mask) {
      ones += one ? 1 : 0;
    }
    return ones;
  }
}
