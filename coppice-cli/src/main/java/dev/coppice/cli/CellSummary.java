package dev.coppice.cli;

import java.util.List;
import java.util.function.ToDoubleFunction;
import org.apache.commons.statistics.descriptive.StandardDeviation;
import org.jspecify.annotations.Nullable;

/**
 * What a method comes to at a sparsity, over the seeds. Means and deviations are of the runs that
 * ended well; NaN if none did.
 *
 * @param runs of all seeds
 * @param failed of them
 * @param accuracy the mean, in [0, 1]
 * @param accuracyDeviation the standard deviation of a sample; NaN for a single run
 * @param sparsity reached
 * @param epochs of training
 * @param steps optimizer steps
 * @param sops synaptic operations of training, forward and back
 * @param seconds of training
 * @param difference of the accuracy to that of magnitude at the same sparsity and seed; null for
 *     magnitude itself and where there is none
 * @param rank the mean over the seeds, see {@link MethodRanks}; NaN for the dense reference
 */
record CellSummary(
    String method,
    double sparsityTarget,
    int runs,
    int failed,
    double accuracy,
    double accuracyDeviation,
    double sparsity,
    double epochs,
    double steps,
    double sops,
    double seconds,
    @Nullable PairedDifference difference,
    double rank) {

  /**
   * Summarises the runs of a method at a sparsity.
   *
   * @param runs at least one
   */
  static CellSummary of(
      List<ComparedRun> runs, @Nullable PairedDifference difference, MethodRanks ranks) {
    Cell first = runs.getFirst().cell();
    List<ComparedRun.Finished> finished = Comparison.finished(runs);
    double[] accuracies = finished.stream().mapToDouble(run -> run.accuracy()).toArray();
    return new CellSummary(
        first.method(),
        first.sparsityTarget(),
        runs.size(),
        runs.size() - finished.size(),
        mean(finished, run -> run.accuracy()),
        accuracies.length < 2 ? Double.NaN : StandardDeviation.of(accuracies).getAsDouble(),
        mean(finished, run -> run.sparsity()),
        mean(finished, run -> run.spent().epochs()),
        mean(finished, run -> run.spent().steps()),
        mean(finished, run -> run.spent().sops()),
        mean(finished, run -> run.spent().seconds()),
        difference,
        ranks.mean(first.method(), first.sparsityTarget()));
  }

  private static double mean(
      List<ComparedRun.Finished> runs, ToDoubleFunction<ComparedRun.Finished> part) {
    return runs.stream().mapToDouble(part).average().orElse(Double.NaN);
  }
}
