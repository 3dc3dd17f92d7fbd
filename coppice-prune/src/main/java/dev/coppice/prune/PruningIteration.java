package dev.coppice.prune;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.reflect.TypeToken;
import dev.coppice.train.TrainingMethod;
import java.util.List;
import java.util.Map;

/**
 * The record of a pruning iteration.
 *
 * @param iteration 1 for the first
 * @param step the optimizer step it followed
 * @param target the sparsity aimed at, over the prunable weights
 * @param sparsity the sparsity reached
 * @param kept weights alive
 * @param threshold the magnitude threshold
 * @param grow connections that regrowth was to choose
 * @param regrown connections alive that magnitude alone would have left out
 * @param survivalPercent of the connections that magnitude removed now, the share brought back
 * @param density the share of weights alive, by layer
 * @param criticality how the neurons' scores are distributed, by neuron layer; empty if not
 *     measured
 */
public record PruningIteration(
    int iteration,
    long step,
    double target,
    double sparsity,
    int kept,
    float threshold,
    int grow,
    int regrown,
    double survivalPercent,
    Map<String, Double> density,
    Map<String, Distribution> criticality) {

  /** The name under which a method's state has the records. */
  static final String HISTORY = "history";

  /** A threshold is infinite where nothing is kept. */
  private static final Gson GSON = new GsonBuilder().serializeSpecialFloatingPointValues().create();

  /** Returns records as {@link #read} reads them. */
  static String write(List<PruningIteration> history) {
    return GSON.toJson(history);
  }

  /** Returns the records that a method's state has under {@link #HISTORY}. */
  static List<PruningIteration> read(TrainingMethod.State state) {
    return GSON.fromJson(
        state.text().getOrDefault(HISTORY, "[]"),
        new TypeToken<List<PruningIteration>>() {}.getType());
  }

  /** The five-number summary and the mean of some scores. */
  public record Distribution(
      double minimum,
      double lowerQuartile,
      double median,
      double upperQuartile,
      double maximum,
      double mean) {

    static Distribution of(float[] scores) {
      float[] sorted = scores.clone();
      java.util.Arrays.sort(sorted);
      double sum = 0;
      for (float score : sorted) {
        sum += score;
      }
      return new Distribution(
          sorted[0],
          quantile(sorted, 0.25),
          quantile(sorted, 0.5),
          quantile(sorted, 0.75),
          sorted[sorted.length - 1],
          sum / sorted.length);
    }

    private static double quantile(float[] sorted, double q) {
      double position = q * (sorted.length - 1);
      int below = (int) position;
      int above = Math.min(below + 1, sorted.length - 1);
      return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
    }
  }
}
