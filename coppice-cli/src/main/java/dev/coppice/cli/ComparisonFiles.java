package dev.coppice.cli;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The files of a comparison: those for programs, which {@link Comparison#read} reads back, and the
 * report.
 */
final class ComparisonFiles {
  private static final Gson GSON = new Gson();

  /** What was not measured. */
  private static final Double NONE = Double.NaN;

  private ComparisonFiles() {}

  /** Writes the files, each whole or not at all. */
  static void write(Comparison comparison, RunDirectory directory) throws IOException {
    directory.writeText("results.csv", runs(comparison).csv());
    directory.writeText("summary.csv", summary(comparison).csv());
    directory.writeText("costs.csv", costs(comparison).csv());
    directory.writeText("summary.md", ComparisonTables.markdown(comparison));
    directory.writeJson(Comparison.RESULTS, json(comparison));
    ComparisonReport.of(comparison).write(directory.report());
  }

  /** Returns everything, with all that is needed to repeat a run. */
  static JsonObject json(Comparison comparison) {
    JsonObject json = new JsonObject();
    json.add("options", comparison.options());
    json.add("accuracies", GSON.toJsonTree(comparison.accuracies()));
    JsonArray rows = runs(comparison).json();
    for (int i = 0; i < rows.size(); i++) {
      JsonObject row = rows.get(i).getAsJsonObject();
      ComparedRun run = comparison.runs().get(i);
      row.add("command", GSON.toJsonTree(run.command()));
      row.addProperty("run", run.folder());
      if (run.outcome() instanceof ComparedRun.Finished finished) {
        row.add("provenance", finished.provenance());
      }
    }
    json.add("runs", rows);
    json.add("summary", summary(comparison).json());
    JsonObject ranks = new JsonObject();
    for (Map.Entry<String, Double> rank : comparison.ranks().means().entrySet()) {
      ranks.addProperty(rank.getKey(), rank.getValue());
    }
    json.add("ranks", ranks);
    json.add("costs", costs(comparison).json());
    return json;
  }

  private static DataTable runs(Comparison comparison) {
    List<List<Object>> rows = new ArrayList<>();
    for (ComparedRun run : comparison.runs()) {
      Cell cell = run.cell();
      List<Object> row = new ArrayList<>(List.of(cell.method(), cell.sparsityTarget()));
      switch (run.outcome()) {
        case ComparedRun.Finished finished -> {
          row.addAll(List.of(finished.sparsity(), cell.seed(), finished.accuracy()));
          ComparedRun.Spent spent = finished.spent();
          row.addAll(List.of(spent.epochs(), spent.steps(), spent.sops(), spent.seconds()));
          row.addAll(List.of(finished.sopsPerImage(), finished.energyNanojoule(), 0, ""));
        }
        case ComparedRun.Failed(int status, String message) -> {
          row.addAll(List.of(NONE, cell.seed(), NONE, NONE, NONE, NONE, NONE, NONE, NONE));
          row.addAll(List.of(status, message));
        }
      }
      rows.add(row);
    }
    return new DataTable(
        List.of(
            "method",
            "sparsityTarget",
            "sparsity",
            "seed",
            "accuracy",
            "epochs",
            "steps",
            "sops",
            "seconds",
            "sopsPerImage",
            "energyNanojoule",
            "status",
            "error"),
        rows);
  }

  private static DataTable summary(Comparison comparison) {
    List<List<Object>> rows = new ArrayList<>();
    for (CellSummary cell : comparison.summary()) {
      PairedDifference difference = cell.difference();
      rows.add(
          List.of(
              cell.method(),
              cell.sparsityTarget(),
              cell.runs(),
              cell.failed(),
              cell.sparsity(),
              cell.accuracy(),
              cell.accuracyDeviation(),
              difference == null ? NONE : difference.mean(),
              difference == null ? NONE : difference.low(),
              difference == null ? NONE : difference.high(),
              cell.rank(),
              cell.epochs(),
              cell.steps(),
              cell.sops(),
              cell.seconds()));
    }
    return new DataTable(
        List.of(
            "method",
            "sparsityTarget",
            "runs",
            "failed",
            "sparsity",
            "accuracy",
            "accuracyDeviation",
            "difference",
            "differenceLow",
            "differenceHigh",
            "rank",
            "epochs",
            "steps",
            "sops",
            "seconds"),
        rows);
  }

  private static DataTable costs(Comparison comparison) {
    List<List<Object>> rows = new ArrayList<>();
    for (CostToReach cost : comparison.costs()) {
      rows.add(
          List.of(
              cost.method(),
              cost.sparsityTarget(),
              cost.accuracy(),
              cost.runs(),
              cost.reached(),
              cost.epochs(),
              cost.steps(),
              cost.sops(),
              cost.seconds()));
    }
    return new DataTable(
        List.of(
            "method",
            "sparsityTarget",
            "accuracy",
            "runs",
            "reached",
            "epochs",
            "steps",
            "sops",
            "seconds"),
        rows);
  }
}
