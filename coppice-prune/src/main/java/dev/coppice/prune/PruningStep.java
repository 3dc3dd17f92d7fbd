package dev.coppice.prune;

import java.util.Arrays;
import java.util.List;

/**
 * One iteration of magnitude pruning and regrowth over connections: procedure U of arXiv
 * 2311.16141.
 *
 * @param scope which weights compete
 * @param ties how ties are broken
 * @param turnover what the ratio of regrowth is a share of
 * @param withinLayers whether every layer regrows as many as it gave up for that
 * @param classifiers whether layers that drive no neuron take part in regrowth
 */
record PruningStep(
    Scope scope, Ties ties, Renewal.Turnover turnover, boolean withinLayers, boolean classifiers) {

  /** The published procedure. */
  PruningStep(Scope scope, Ties ties) {
    this(scope, ties, Renewal.Turnover.OF_KEPT, false, false);
  }

  /** Returns the step of a run. */
  static PruningStep of(PruningSettings settings) {
    Renewal renewal = settings.renewal();
    return new PruningStep(
        settings.scope(),
        settings.ties(),
        renewal.turnover(),
        renewal.withinLayers(),
        renewal.classifiers());
  }

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
   * @param saliencies the weights now, or other scores: the magnitude says what is kept
   * @param alive which of them were alive before
   * @param scores of regrowth, by weight
   * @param sparsity the target
   * @param ratio the share that regrowth chooses, in [0, 1]
   * @param seed of the random choice among ties
   */
  Result run(
      PrunableLayers layers,
      float[] saliencies,
      boolean[] alive,
      float[] scores,
      double sparsity,
      double ratio,
      long seed) {
    float[] magnitudes = new float[saliencies.length];
    for (int i = 0; i < saliencies.length; i++) {
      magnitudes[i] = Math.abs(saliencies[i]);
    }
    float[] aliveFirst = new float[saliencies.length];
    for (int i = 0; i < saliencies.length; i++) {
      aliveFirst[i] = alive[i] ? 1 : 0;
    }
    int places = (int) Math.floor(layers.size() * (1 - sparsity));
    if (ties == Ties.EXACT) {
      // A layer without a weight cuts the network in two, whatever the others are worth.
      int byMagnitudes = (int) Math.floor(places * (1 - ratio));
      keepOneOfEach(layers, magnitudes, alive, aliveFirst, byMagnitudes, seed);
    }
    List<Competition> competitions =
        Competition.of(scope, layers, places).stream()
            .flatMap(one -> split(one, magnitudes, aliveFirst, seed).stream())
            .toList();
    boolean[] mask = new boolean[saliencies.length];
    boolean[] byMagnitude = new boolean[saliencies.length];
    boolean[] aboveThreshold = new boolean[saliencies.length];
    int growAll = 0;
    float threshold = 0;
    for (Competition competition : competitions) {
      boolean[] candidates = new boolean[saliencies.length];
      boolean[] regrowable = new boolean[saliencies.length];
      for (PrunableLayers.Layer layer : competition.layers()) {
        Arrays.fill(candidates, layer.offset(), layer.end(), true);
        Arrays.fill(regrowable, layer.offset(), layer.end(), classifiers || !layer.classifier());
      }
      boolean[] largest = new boolean[saliencies.length];
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
      for (int i = 0; i < saliencies.length; i++) {
        if (largest[i]) {
          aboveThreshold[i] = true;
          if (!regrowable[i]) {
            mask[i] = true;
            fixed++;
          }
        }
      }
      int open = competition.places() - fixed;
      int grow = turnover.grow(open, count(alive, regrowable), ratio);
      growAll += grow;
      Selection.keep(
          ties,
          magnitudes,
          aliveFirst,
          placed(competition, magnitudes, aliveFirst, regrowable, mask, seed),
          open - grow,
          seed,
          mask);
      boolean[] pruned = new boolean[saliencies.length];
      for (int i = 0; i < saliencies.length; i++) {
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
    for (int i = 0; i < saliencies.length; i++) {
      if (!aboveThreshold[i]) {
        regrown += mask[i] ? 1 : 0;
        removed += alive[i] ? 1 : 0;
        survived += alive[i] && mask[i] ? 1 : 0;
      }
    }
    int keep = competitions.stream().mapToInt(Competition::places).sum();
    return new Result(mask, byMagnitude, keep, growAll, regrown, removed, survived, threshold);
  }

  /**
   * Where the magnitudes of all layers compete and some layer would lose its last, makes the best
   * of each layer count for more than all others, if there is room for them.
   *
   * @param count weights that are kept for their magnitude
   */
  private void keepOneOfEach(
      PrunableLayers layers,
      float[] magnitudes,
      boolean[] alive,
      float[] aliveFirst,
      int count,
      long seed) {
    if (scope != Scope.Budget.GLOBAL || count < layers.layers().size()) {
      return;
    }
    int size = magnitudes.length;
    boolean[] all = new boolean[size];
    Arrays.fill(all, true);
    boolean[] largest = new boolean[size];
    Selection.best(magnitudes, aliveFirst, all, count, seed, largest);
    boolean[] best = new boolean[size];
    boolean lost = false;
    for (PrunableLayers.Layer layer : layers.layers()) {
      boolean[] within = within(layer, size);
      if (count(alive, within) > 0) {
        Selection.best(aliveFirst, magnitudes, within, 1, seed, best);
        lost |= count(largest, within) == 0;
      }
    }
    if (!lost) {
      return;
    }
    for (int i = 0; i < size; i++) {
      magnitudes[i] = best[i] ? Float.POSITIVE_INFINITY : magnitudes[i];
    }
  }

  private static boolean[] within(PrunableLayers.Layer layer, int size) {
    boolean[] within = new boolean[size];
    Arrays.fill(within, layer.offset(), layer.end(), true);
    return within;
  }

  /**
   * Returns a competition for each layer, with as many places as the layer wins of those of all.
   */
  private List<Competition> split(
      Competition all, float[] magnitudes, float[] aliveFirst, long seed) {
    if (!withinLayers || all.layers().size() == 1) {
      return List.of(all);
    }
    boolean[] candidates = new boolean[magnitudes.length];
    Arrays.fill(candidates, true);
    boolean[] largest = new boolean[magnitudes.length];
    Selection.keep(ties, magnitudes, aliveFirst, candidates, all.places(), seed, largest);
    return all.layers().stream()
        .map(
            layer ->
                new Competition(
                    List.of(layer), count(largest, within(layer, largest.length)), null))
        .toList();
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

  private static int count(boolean[] mask, boolean[] among) {
    int ones = 0;
    for (int i = 0; i < mask.length; i++) {
      ones += mask[i] && among[i] ? 1 : 0;
    }
    return ones;
  }

  private static int count(boolean[] mask) {
    int ones = 0;
    for (boolean one : mask) {
      ones += one ? 1 : 0;
    }
    return ones;
  }
}
