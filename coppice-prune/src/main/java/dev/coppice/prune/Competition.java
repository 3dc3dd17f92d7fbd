package dev.coppice.prune;

import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Weights that compete with each other for places in the mask.
 *
 * @param layers whose weights they are
 * @param places how many there are
 * @param pattern whose groups have places of their own; null if all places are open to all
 */
record Competition(List<PrunableLayers.Layer> layers, int places, Scope.@Nullable Pattern pattern) {

  /**
   * Returns the competitions of a scope.
   *
   * @param keep the weights to keep in all; a pattern keeps its own number where that is larger
   */
  static List<Competition> of(Scope scope, PrunableLayers layers, int keep) {
    List<PrunableLayers.Layer> all = layers.layers();
    return switch (scope) {
      case Scope.Pattern pattern ->
          List.of(new Competition(all, Math.max(keep, pattern.least(layers)), pattern));
      case Scope.Budget.GLOBAL -> List.of(new Competition(all, keep, null));
      case Scope.Budget budget -> {
        int[] budgets = budget.budgets(all, keep);
        yield IntStream.range(0, budgets.length)
            .mapToObj(i -> new Competition(List.of(all.get(i)), budgets[i], null))
            .toList();
      }
    };
  }

  /**
   * Returns the candidates that find a place if they come one after the other, the best first. With
   * a pattern, a weight takes one of its group's places and, once these are taken, one of those
   * that all groups share: in whatever order all places are filled, each group's own ones are.
   *
   * @param scores the order is theirs, then that of {@code second} and of {@code seed}, as in
   *     {@link Selection#best}
   * @param candidates none of them chosen
   * @param chosen have their places already
   */
  boolean[] placed(
      float[] scores, float[] second, boolean[] candidates, boolean[] chosen, long seed) {
    if (pattern == null) {
      return candidates;
    }
    boolean[] placed = new boolean[scores.length];
    boolean[] rest = candidates.clone();
    int shared = places;
    SplittableRandom random = new SplittableRandom(seed);
    long[] draws = new long[pattern.m()];
    for (PrunableLayers.Layer layer : layers) {
      int row = layer.shape()[layer.shape().length - 1];
      for (int start = layer.offset(); start < layer.end(); start += row) {
        for (int from = start; from < start + row; from += pattern.m()) {
          int to = Math.min(from + pattern.m(), start + row);
          int taken = 0;
          for (int i = from; i < to; i++) {
            draws[i - from] = random.nextLong();
            taken += chosen[i] ? 1 : 0;
          }
          int own = pattern.least(to - from);
          shared -= Math.max(own, taken);
          Selection.bestOf(from, to, scores, second, candidates, own - taken, draws, placed);
        }
      }
    }
    int waiting = 0;
    for (int i = 0; i < rest.length; i++) {
      rest[i] &= !placed[i];
      waiting += rest[i] ? 1 : 0;
    }
    Selection.best(scores, second, rest, Math.min(shared, waiting), seed, placed);
    return placed;
  }
}
