package dev.coppice.cli;

import dev.coppice.prune.PruningIteration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The report of a comparison of methods. Its charts have rows of single runs, so that the reader's
 * choice of methods, sparsities and seeds holds for means and bands as well.
 */
final class ComparisonReport {
  private static final String METHOD = "method";
  private static final String TARGET = "target %";
  private static final String SEED = "seed";
  private static final String SPARSITY = "sparsity, %";
  private static final String ACCURACY = "accuracy, %";
  private static final String LAYER = "layer";
  private static final String COST = "cost";
  private static final String COST_IN = "cost in";

  /** Rows of a chart above which its curves are thinned, for a page that opens fast. */
  private static final int MANY_ROWS = 5000;

  /** Points that a curve keeps in any case. */
  private static final int LEAST_POINTS = 10;

  private static final String ALL_SEEDS = "Over all seeds, whatever is chosen above.";

  private final Comparison comparison;
  private final Map<Cell, ComparedRun.Finished> runs = new LinkedHashMap<>();

  private ComparisonReport(Comparison comparison) {
    this.comparison = comparison;
    for (ComparedRun run : comparison.runs()) {
      if (run.outcome() instanceof ComparedRun.Finished finished) {
        runs.put(run.cell(), finished);
      }
    }
  }

  /** Returns the report of a comparison. */
  static HtmlReport of(Comparison comparison) {
    return new ComparisonReport(comparison).report();
  }

  private HtmlReport report() {
    return new HtmlReport(
            "Comparison of methods",
            comparison.runs().size()
                + " runs of Coppice. Curves are means over the seeds, in bands of a standard"
                + " deviation to either side.",
            List.of(METHOD, TARGET, SEED))
        .charts(
            "Accuracy",
            List.of(
                overSparsity(
                    "accuracy",
                    "Accuracy against sparsity",
                    Chart.Scale.linear(ACCURACY),
                    run -> 100 * run.accuracy()),
                differences(),
                ranks()))
        .charts("Cost of training", List.of(cost(), costToReach()))
        .charts(
            "Energy",
            List.of(
                overSparsity(
                    "energy",
                    "Energy of an image",
                    Chart.Scale.logarithmic("energy, nJ"),
                    ComparedRun.Finished::energyNanojoule),
                overSparsity(
                    "operations",
                    "Effective synaptic operations of an image",
                    Chart.Scale.logarithmic("operations"),
                    ComparedRun.Finished::sopsPerImage)))
        .charts("Networks", List.of(density(), criticality(), survival()))
        .charts(
            "Training",
            List.of(
                byEpoch(
                    "test-accuracy",
                    "Accuracy on test images",
                    ACCURACY,
                    epoch -> 100 * epoch.testAccuracy()),
                byEpoch("loss", "Training loss", "loss", RunRecords.Epoch::loss),
                byEpoch("sparsity", "Sparsity", SPARSITY, epoch -> 100 * epoch.sparsity())))
        .table(
            "Means, differences and ranks",
            "Accuracies are means ± the standard deviation; differences are those to magnitude with"
                + " the same seed, with 95 % confidence intervals. "
                + ALL_SEEDS,
            ComparisonTables.summary(comparison))
        .table("Cost to reach an accuracy", ALL_SEEDS, ComparisonTables.costs(comparison))
        .facts("Runs that failed", failures())
        .facts("Settings", ResultFields.of(comparison.options()));
  }

  private Map<String, String> failures() {
    Map<String, String> failures = new LinkedHashMap<>();
    for (ComparedRun run : comparison.runs()) {
      if (run.outcome() instanceof ComparedRun.Failed(int status, String message)) {
        failures.put(run.cell().describe(), "status " + status + ": " + message);
      }
    }
    return failures;
  }

  /** The dense network belongs to every sparsity. */
  private static String target(Cell cell) {
    return cell.isDense() ? "" : percent(cell.sparsityTarget());
  }

  private static String percent(double share) {
    return Markup.number(100 * share, 4);
  }

  /** Returns the cells of a row of a run. */
  private static List<Object> row(Cell cell, Object... values) {
    List<Object> row = new ArrayList<>(List.of(cell.method(), target(cell)));
    row.add(Long.toString(cell.seed()));
    row.addAll(Arrays.asList(values));
    return row;
  }

  private static List<String> columns(String... more) {
    return Stream.concat(Stream.of(METHOD, TARGET, SEED), Stream.of(more)).toList();
  }

  /** The dense network is drawn across, for its accuracy is what the others are to keep. */
  private Chart overSparsity(
      String id, String title, Chart.Scale y, ToDoubleFunction<ComparedRun.Finished> value) {
    List<List<Object>> rows = new ArrayList<>();
    List<String> targets =
        runs.keySet().stream()
            .filter(cell -> !cell.isDense())
            .map(Cell::sparsityTarget)
            .sorted()
            .distinct()
            .map(ComparisonReport::percent)
            .toList();
    for (String target : targets) {
      runs.forEach(
          (cell, run) -> {
            if (cell.isDense() || target(cell).equals(target)) {
              List<Object> row = row(cell, target, value.applyAsDouble(run));
              row.set(1, target);
              rows.add(row);
            }
          });
    }
    return new Chart(
        id,
        title,
        "",
        Chart.Kind.LINES,
        Chart.Scale.linear(SPARSITY),
        y,
        List.of(METHOD),
        new DataTable(columns(SPARSITY, y.column()), rows));
  }

  private Chart differences() {
    List<List<Object>> rows = new ArrayList<>();
    for (CellSummary cell : comparison.summary()) {
      PairedDifference difference = cell.difference();
      if (difference != null) {
        rows.add(
            List.of(
                cell.method(),
                percent(cell.sparsityTarget()),
                100 * difference.mean(),
                100 * difference.low(),
                100 * difference.high(),
                difference.pairs()));
      }
    }
    return new Chart(
        "differences",
        "Accuracy less that of magnitude with the same seed",
        "Means and 95 % confidence intervals. " + ALL_SEEDS,
        Chart.Kind.INTERVALS,
        Chart.Scale.linear(METHOD),
        Chart.Scale.linear("percentage points"),
        List.of(TARGET),
        new DataTable(List.of(METHOD, TARGET, "percentage points", "low", "high", "pairs"), rows));
  }

  private Chart ranks() {
    List<List<Object>> rows = new ArrayList<>();
    comparison.ranks().means().forEach((method, rank) -> rows.add(List.of(method, rank)));
    return new Chart(
        "ranks",
        "Mean rank over all sparsities and seeds",
        "1 is the most accurate of the methods. Over all runs, whatever is chosen above.",
        Chart.Kind.BARS,
        Chart.Scale.linear(METHOD),
        Chart.Scale.linear("mean rank"),
        List.of(),
        new DataTable(List.of(METHOD, "mean rank"), rows));
  }

  private Chart cost() {
    List<List<Object>> rows = new ArrayList<>();
    runs.forEach(
        (cell, run) ->
            measures(
                    run.spent().sops(),
                    run.spent().seconds(),
                    (double) run.spent().epochs(),
                    (double) run.spent().steps())
                .forEach(
                    (measure, cost) -> rows.add(row(cell, measure, cost, 100 * run.accuracy()))));
    return new Chart(
        "cost",
        "Accuracy against the cost of training",
        "A dot for every run. Operations are synaptic, forward and back, over all training images.",
        Chart.Kind.POINTS,
        Chart.Scale.logarithmic(COST),
        Chart.Scale.linear(ACCURACY),
        List.of(METHOD),
        List.of(TARGET, COST_IN),
        new DataTable(columns(COST_IN, COST, ACCURACY), rows));
  }

  private Chart costToReach() {
    List<List<Object>> rows = new ArrayList<>();
    List<CostToReach> costs = new ArrayList<>(comparison.costs());
    costs.sort(Comparator.comparingDouble(CostToReach::accuracy));
    for (CostToReach cost : costs) {
      Cell cell = new Cell(cost.method(), cost.sparsityTarget(), 0);
      measures(cost.sops(), cost.seconds(), cost.epochs(), cost.steps())
          .forEach(
              (measure, value) ->
                  rows.add(
                      List.of(
                          cost.method(),
                          target(cell),
                          measure,
                          Markup.number(100 * cost.accuracy(), 2),
                          value,
                          cost.reached())));
    }
    return new Chart(
        "cost-to-reach",
        "Cost to reach an accuracy at the final sparsity",
        "Means over the runs that reached it. " + ALL_SEEDS,
        Chart.Kind.LINES,
        Chart.Scale.linear("accuracy reached, %"),
        Chart.Scale.linear(COST),
        List.of(METHOD),
        List.of(TARGET, COST_IN),
        new DataTable(
            List.of(METHOD, TARGET, COST_IN, "accuracy reached, %", COST, "runs that reached it"),
            rows));
  }

  /** Charts show the last one first. */
  private static Map<String, Double> measures(
      double operations, double seconds, double epochs, double steps) {
    Map<String, Double> measures = new LinkedHashMap<>();
    measures.put("epochs", epochs);
    measures.put("steps", steps);
    measures.put("seconds", seconds);
    measures.put("operations", operations);
    return measures;
  }

  private Chart density() {
    List<List<Object>> rows = new ArrayList<>();
    runs.forEach(
        (cell, run) ->
            run.densityByLayer()
                .forEach((layer, density) -> rows.add(row(cell, layer, 100 * density))));
    return new Chart(
        "density",
        "Density by layer",
        "The share of weights that are not zero at the end.",
        Chart.Kind.LINES,
        Chart.Scale.linear(LAYER),
        Chart.Scale.logarithmic("density, %"),
        List.of(METHOD),
        List.of(TARGET),
        new DataTable(columns(LAYER, "density, %"), rows));
  }

  private Chart criticality() {
    List<List<Object>> rows = new ArrayList<>();
    runs.forEach(
        (cell, run) -> {
          List<PruningIteration> prunings = run.records().prunings();
          if (!prunings.isEmpty()) {
            prunings
                .getLast()
                .criticality()
                .forEach(
                    (layer, scores) -> {
                      List<Object> row = row(cell, layer);
                      row.addAll(RunCharts.box(scores));
                      rows.add(row);
                    });
          }
        });
    return new Chart(
        "criticality",
        "Criticality of neurons by layer",
        "Least, quartiles and greatest at the last pruning, means over the seeds; of the methods"
            + " that measure it.",
        Chart.Kind.BOXES,
        Chart.Scale.linear(LAYER),
        Chart.Scale.linear("criticality"),
        List.of(METHOD),
        List.of(TARGET),
        new DataTable(
            columns(Stream.concat(Stream.of(LAYER), Chart.BOX.stream()).toArray(String[]::new)),
            rows));
  }

  private Chart survival() {
    List<List<Object>> rows = new ArrayList<>();
    for (Map.Entry<Cell, ComparedRun.Finished> run : runs.entrySet()) {
      List<PruningIteration> prunings = run.getValue().records().prunings();
      if (prunings.stream().anyMatch(one -> one.grow() > 0)) {
        for (PruningIteration one : thinned(prunings)) {
          rows.add(row(run.getKey(), one.iteration(), one.survivalPercent()));
        }
      }
    }
    return new Chart(
        "survival",
        "Survival of connections",
        "Of the connections that magnitude removed in an iteration, the share brought back.",
        Chart.Kind.LINES,
        Chart.Scale.linear("iteration"),
        Chart.Scale.linear("survival, %"),
        List.of(METHOD),
        List.of(TARGET),
        new DataTable(columns("iteration", "survival, %"), rows));
  }

  private Chart byEpoch(
      String id, String title, String column, ToDoubleFunction<RunRecords.Epoch> value) {
    List<List<Object>> rows = new ArrayList<>();
    for (Map.Entry<Cell, ComparedRun.Finished> run : runs.entrySet()) {
      List<RunRecords.Epoch> measured =
          run.getValue().records().epochs().stream()
              .filter(epoch -> !Double.isNaN(value.applyAsDouble(epoch)))
              .toList();
      for (RunRecords.Epoch epoch : thinned(measured)) {
        rows.add(row(run.getKey(), epoch.number(), value.applyAsDouble(epoch)));
      }
    }
    return new Chart(
        id,
        title,
        "",
        Chart.Kind.LINES,
        Chart.Scale.linear("epoch"),
        Chart.Scale.linear(column),
        List.of(METHOD),
        List.of(TARGET),
        new DataTable(columns("epoch", column), rows));
  }

  /** Returns points of a curve at even distances, the first and the last among them. */
  private <T> List<T> thinned(List<T> curve) {
    int most = Math.max(LEAST_POINTS, MANY_ROWS / runs.size());
    if (curve.size() <= most) {
      return curve;
    }
    return IntStream.range(0, most)
        .mapToObj(i -> curve.get(Math.toIntExact((long) i * (curve.size() - 1) / (most - 1))))
        .toList();
  }
}
