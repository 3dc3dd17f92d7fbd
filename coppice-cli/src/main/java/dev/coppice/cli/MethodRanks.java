package dev.coppice.cli;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.commons.statistics.ranking.NaNStrategy;
import org.apache.commons.statistics.ranking.NaturalRanking;
import org.apache.commons.statistics.ranking.RankingAlgorithm;
import org.apache.commons.statistics.ranking.TiesStrategy;

/**
 * Which place methods take, as in Friedman's test: among the runs of the same sparsity and seed the
 * most accurate has rank 1, equals share the mean of their ranks, and those that failed come last.
 * The dense reference takes no part.
 */
record MethodRanks(Map<Cell, Double> byCell) {
  private static final RankingAlgorithm RANKING =
      new NaturalRanking(NaNStrategy.MINIMAL, TiesStrategy.AVERAGE);

  /** Ranks runs. */
  static MethodRanks of(Collection<ComparedRun> runs) {
    record Block(double sparsityTarget, long seed) {}
    Map<Block, List<ComparedRun>> blocks =
        runs.stream()
            .filter(run -> !run.cell().isDense())
            .collect(
                Collectors.groupingBy(
                    run -> new Block(run.cell().sparsityTarget(), run.cell().seed()),
                    LinkedHashMap::new,
                    Collectors.toList()));
    Map<Cell, Double> ranks = new LinkedHashMap<>();
    for (List<ComparedRun> block : blocks.values()) {
      double[] errors = block.stream().mapToDouble(MethodRanks::error).toArray();
      double[] places = RANKING.apply(errors);
      for (int i = 0; i < places.length; i++) {
        ranks.put(block.get(i).cell(), places[i]);
      }
    }
    return new MethodRanks(ranks);
  }

  private static double error(ComparedRun run) {
    return run.outcome() instanceof ComparedRun.Finished finished
        ? 1 - finished.accuracy()
        : Double.POSITIVE_INFINITY;
  }

  /** Returns the mean rank of every method over all sparsities and seeds, the best first. */
  Map<String, Double> means() {
    Map<String, Double> means =
        byCell.entrySet().stream()
            .collect(
                Collectors.groupingBy(
                    entry -> entry.getKey().method(),
                    LinkedHashMap::new,
                    Collectors.averagingDouble(Map.Entry::getValue)));
    List<Map.Entry<String, Double>> ordered = new ArrayList<>(means.entrySet());
    ordered.sort(Map.Entry.comparingByValue());
    Map<String, Double> best = new LinkedHashMap<>();
    ordered.forEach(entry -> best.put(entry.getKey(), entry.getValue()));
    return best;
  }

  /** Returns the mean rank of a method at a sparsity, over the seeds. */
  double mean(String method, double sparsityTarget) {
    return byCell.entrySet().stream()
        .filter(entry -> entry.getKey().method().equals(method))
        .filter(entry -> entry.getKey().sparsityTarget() == sparsityTarget)
        .mapToDouble(Map.Entry::getValue)
        .average()
        .orElse(Double.NaN);
  }
}
