package dev.coppice.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/**
 * What a method spends until its network has an accuracy on the test images, first seen after an
 * epoch at the run's final sparsity.
 *
 * @param accuracy to reach, in [0, 1]
 * @param runs that ended
 * @param reached how many of them reached it
 * @param epochs the mean over those that did, like all that follows; NaN if none did
 * @param steps optimizer steps
 * @param sops synaptic operations of training, forward and back
 * @param seconds of training
 */
record CostToReach(
    String method,
    double sparsityTarget,
    double accuracy,
    int runs,
    int reached,
    double epochs,
    double steps,
    double sops,
    double seconds) {

  /** How far an epoch may be from the final sparsity: a few weights of a small network. */
  private static final double TOLERANCE = 1e-4;

  /** Averages over the runs of a method at a sparsity. */
  static CostToReach of(
      String method, double sparsityTarget, double accuracy, List<ComparedRun.Finished> runs) {
    List<ComparedRun.Spent> costs =
        runs.stream().map(run -> cost(run, accuracy)).flatMap(Optional::stream).toList();
    return new CostToReach(
        method,
        sparsityTarget,
        accuracy,
        runs.size(),
        costs.size(),
        mean(costs, ComparedRun.Spent::epochs),
        mean(costs, ComparedRun.Spent::steps),
        mean(costs, ComparedRun.Spent::sops),
        mean(costs, ComparedRun.Spent::seconds));
  }

  private static double mean(
      List<ComparedRun.Spent> costs, ToDoubleFunction<ComparedRun.Spent> part) {
    return costs.stream().mapToDouble(part).average().orElse(Double.NaN);
  }

  private static Optional<ComparedRun.Spent> cost(ComparedRun.Finished run, double accuracy) {
    List<RunRecords.Epoch> spent = new ArrayList<>();
    double seconds = 0;
    for (RunRecords.Epoch epoch : run.records().epochs()) {
      spent.add(epoch);
      seconds += epoch.seconds();
      if (epoch.testAccuracy() >= accuracy && epoch.sparsity() >= run.sparsity() - TOLERANCE) {
        Cost whole = run.cost();
        double dense = whole.denseForward() / whole.epochs() / run.trainingImages();
        Cost part = Cost.of(spent, run.trainingImages(), dense, whole.denseGradients(), seconds);
        return Optional.of(run.spent().until(whole, part));
      }
    }
    return Optional.empty();
  }
}
