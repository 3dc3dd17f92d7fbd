package dev.coppice.cli;

import dev.coppice.prune.PruningIteration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** Turns the records of runs into tables and pictures. */
record RunFindings(List<RunRecords> runs) {
  RunFindings {
    runs = List.copyOf(runs);
  }

  /** Returns what there is to see: curves, and survival if a run pruned connections. */
  List<Finding> all() {
    boolean pruned = runs.stream().anyMatch(run -> !run.prunings().isEmpty());
    return pruned ? List.of(accuracy(), loss(), survival()) : List.of(accuracy(), loss());
  }

  private Finding accuracy() {
    return curves(
        "accuracy",
        "Accuracy by epoch",
        RunRecords.Epoch::accuracy,
        RunRecords.Epoch::testAccuracy);
  }

  private Finding loss() {
    return curves("loss", "Loss by epoch", RunRecords.Epoch::loss, RunRecords.Epoch::testLoss);
  }

  private Finding curves(
      String name,
      String title,
      ToDoubleFunction<RunRecords.Epoch> training,
      ToDoubleFunction<RunRecords.Epoch> test) {
    List<List<Object>> rows = new ArrayList<>();
    List<Plot.Series> series = new ArrayList<>();
    for (RunRecords run : runs) {
      for (RunRecords.Epoch epoch : run.epochs()) {
        rows.add(
            List.of(
                run.name(),
                Integer.toString(epoch.number()),
                training.applyAsDouble(epoch),
                test.applyAsDouble(epoch)));
      }
      double[] x = run.epochs().stream().mapToDouble(RunRecords.Epoch::number).toArray();
      series.add(
          new Plot.Series(
              run.name() + " train",
              x,
              run.epochs().stream().mapToDouble(training).toArray(),
              true));
      series.add(
          new Plot.Series(
              run.name() + " test", x, run.epochs().stream().mapToDouble(test).toArray(), true));
    }
    return new Finding(
        name,
        title,
        List.of("run", "epoch", "train", "test"),
        rows,
        List.of(),
        List.of(),
        new Plot(title, "epoch", name, false, series));
  }

  private Finding survival() {
    List<List<Object>> rows = new ArrayList<>();
    List<Plot.Series> series = new ArrayList<>();
    for (RunRecords run : runs) {
      for (PruningIteration one : run.prunings()) {
        rows.add(
            List.of(
                run.name(),
                Integer.toString(one.iteration()),
                one.step(),
                one.sparsity(),
                one.regrown(),
                one.survivalPercent()));
      }
      series.add(
          new Plot.Series(
              run.name(),
              run.prunings().stream().mapToDouble(PruningIteration::iteration).toArray(),
              run.prunings().stream().mapToDouble(PruningIteration::survivalPercent).toArray(),
              true));
    }
    return new Finding(
        "survival",
        "Survival: of the connections that magnitude removed, the share brought back, in percent",
        List.of("run", "iteration", "step", "sparsity", "regrown", "survival"),
        rows,
        List.of(),
        List.of(),
        new Plot("Survival of connections", "pruning iteration", "percent", false, series));
  }
}
