package dev.coppice.kernels;

import java.util.HashMap;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Where the sums of an {@link IntegerConvolution} lie while a block of vectors is computed: in runs
 * of neighbouring pixels, each with its time steps one after the other, so that neurons can go on
 * with them at once.
 *
 * @param length sums of a run at a time step: {@link FoldedPlanes#PIECE}, or half as many
 * @param blocks where the runs of a block begin; one more than there are blocks
 * @param lanes for every run and step the first sum, among those of the block's vectors and then of
 *     the ones folded onto them
 * @param targets for every run and step where it goes, in elements from the first pixel of a plane
 */
record SumRuns(int length, int[] blocks, int[] lanes, int[] targets) {

  /** Returns the runs, or null where they differ in length or a block lacks steps of them. */
  static @Nullable SumRuns of(FoldedPlanes folded) {
    int length = folded.piece();
    int map = folded.out().mapFloats();
    int steps = folded.out().stack();
    if (length != FoldedPlanes.PIECE && length != FoldedPlanes.PIECE / 2) {
      return null;
    }
    IntStream.Builder blocks = IntStream.builder().add(0);
    IntStream.Builder lanes = IntStream.builder();
    IntStream.Builder targets = IntStream.builder();
    int runs = 0;
    for (int vector = 0; vector < folded.half(); vector += folded.block(vector)) {
      Map<Integer, Integer> laneOf = lanes(folded, vector);
      for (int target : laneOf.keySet().stream().filter(to -> to < map).sorted().toList()) {
        if (target + length > map) {
          return null;
        }
        for (int step = 0; step < steps; step++) {
          Integer lane = laneOf.remove(target + step * map);
          if (lane == null) {
            return null;
          }
          lanes.add(lane);
          targets.add(target + step * map);
        }
        runs++;
      }
      if (!laneOf.isEmpty()) {
        return null;
      }
      blocks.add(runs);
    }
    return new SumRuns(
        length, blocks.build().toArray(), lanes.build().toArray(), targets.build().toArray());
  }

  /** Returns the first sums of the spans of a block by where they go. */
  private static Map<Integer, Integer> lanes(FoldedPlanes folded, int vector) {
    int vectors = folded.block(vector);
    Map<Integer, Integer> laneOf = new HashMap<>();
    for (int k = 0; k < 2 * vectors; k++) {
      int at = k < vectors ? vector + k : folded.half() + vector + k - vectors;
      if (at < folded.vectors()) {
        for (int span = folded.spans[at]; span < folded.spans[at + 1]; span++) {
          laneOf.put(folded.targets[span], folded.lanes[span] + (k - at) * FoldedPlanes.LANES);
        }
      }
    }
    return laneOf;
  }
}
