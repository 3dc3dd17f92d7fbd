package dev.coppice.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A comparison of methods that has ended: every run, and what they come to together.
 *
 * @param options of {@code coppice compare}, as {@link Configuration#values} gives them
 * @param runs in the order of the tables: by method, sparsity and seed, the dense reference first
 * @param accuracies that costs are told for, in [0, 1]
 */
record Comparison(JsonObject options, List<ComparedRun> runs, List<Double> accuracies) {
  /** The file in the folder of a comparison that {@link #read} begins with. */
  static final String RESULTS = "results.json";

  /** What the others are set against, if it takes part. */
  static final String BASELINE = "magnitude";

  /** Copies the lists. */
  Comparison {
    runs = List.copyOf(runs);
    accuracies = List.copyOf(accuracies);
  }

  /** Returns the outcomes of the runs that ended well. */
  static List<ComparedRun.Finished> finished(List<ComparedRun> runs) {
    return runs.stream()
        .map(ComparedRun::outcome)
        .filter(ComparedRun.Finished.class::isInstance)
        .map(ComparedRun.Finished.class::cast)
        .toList();
  }

  /** Returns the methods in the order of the tables, the dense reference among them. */
  List<String> methods() {
    return runs.stream().map(run -> run.cell().method()).distinct().toList();
  }

  /** Returns the runs of each method at each sparsity, in the order of the tables. */
  List<List<ComparedRun>> groups() {
    record Group(String method, double sparsityTarget) {}
    return List.copyOf(
        runs.stream()
            .collect(
                Collectors.groupingBy(
                    run -> new Group(run.cell().method(), run.cell().sparsityTarget()),
                    LinkedHashMap::new,
                    Collectors.toList()))
            .values());
  }

  /** Ranks the methods. */
  MethodRanks ranks() {
    return MethodRanks.of(runs);
  }

  /** Returns what each method comes to at each sparsity. */
  List<CellSummary> summary() {
    MethodRanks ranks = ranks();
    return groups().stream().map(group -> CellSummary.of(group, difference(group), ranks)).toList();
  }

  /** Returns what each method spends at each sparsity to reach each accuracy. */
  List<CostToReach> costs() {
    List<CostToReach> costs = new ArrayList<>();
    for (double accuracy : accuracies) {
      for (List<ComparedRun> group : groups()) {
        Cell cell = group.getFirst().cell();
        costs.add(CostToReach.of(cell.method(), cell.sparsityTarget(), accuracy, finished(group)));
      }
    }
    return costs;
  }

  private @Nullable PairedDifference difference(List<ComparedRun> group) {
    Cell first = group.getFirst().cell();
    if (first.isDense() || first.method().equals(BASELINE)) {
      return null;
    }
    Map<Cell, Double> accuracies = new LinkedHashMap<>();
    for (ComparedRun run : runs) {
      if (run.outcome() instanceof ComparedRun.Finished finished) {
        accuracies.put(run.cell(), finished.accuracy());
      }
    }
    double[] differences =
        group.stream()
            .map(ComparedRun::cell)
            .filter(accuracies::containsKey)
            .flatMap(
                cell ->
                    Optional.ofNullable(
                        accuracies.get(new Cell(BASELINE, cell.sparsityTarget(), cell.seed())))
                        .map(baseline -> accuracies.getOrDefault(cell, Double.NaN) - baseline)
                        .stream())
            .mapToDouble(Double::doubleValue)
            .toArray();
    return differences.length == 0 ? null : PairedDifference.of(differences);
  }

  /**
   * Reads the folder of a comparison that has ended.
   *
   * @throws UsageException if it is not one
   * @throws IOException if it cannot be read
   */
  static Comparison read(Path folder) throws IOException {
    Path file = folder.resolve(RESULTS);
    if (!Files.isRegularFile(file)) {
      throw new UsageException(
          folder + ": is not the folder of a comparison that has ended (no " + RESULTS + ")");
    }
    try {
      JsonObject json = JsonParser.parseString(Files.readString(file)).getAsJsonObject();
      List<ComparedRun> runs = new ArrayList<>();
      for (JsonElement row : json.getAsJsonArray("runs")) {
        runs.add(run(folder, row.getAsJsonObject()));
      }
      return new Comparison(
          json.getAsJsonObject("options"),
          runs,
          json.getAsJsonArray("accuracies").asList().stream()
              .map(JsonElement::getAsDouble)
              .toList());
    } catch (JsonParseException
        | IllegalStateException
        | UnsupportedOperationException
        | NumberFormatException
        | ClassCastException
        | NullPointerException e) {
      throw new UsageException(file + ": is not as Coppice writes it", e);
    }
  }

  private static ComparedRun run(Path folder, JsonObject row) throws IOException {
    Cell cell =
        new Cell(
            row.get("method").getAsString(),
            row.get("sparsityTarget").getAsDouble(),
            row.get("seed").getAsLong());
    JsonArray command = row.getAsJsonArray("command");
    String run = row.get("run").getAsString();
    return new ComparedRun(
        cell,
        command.asList().stream().map(JsonElement::getAsString).toList(),
        run,
        row.get("status").getAsInt() == 0
            ? ComparedRun.Finished.read(folder.resolve(run), cell.describe())
            : new ComparedRun.Failed(row.get("status").getAsInt(), row.get("error").getAsString()));
  }
}
