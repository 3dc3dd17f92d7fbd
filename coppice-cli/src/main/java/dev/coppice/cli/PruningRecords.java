package dev.coppice.cli;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import dev.coppice.prune.PruningIteration;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** {@code pruning.csv} and {@code pruning.json}: what every pruning iteration did. */
record PruningRecords(List<PruningIteration> iterations) {
  private static final Gson GSON = new Gson();

  /** Returns connections regrown over the run. */
  long regrown() {
    return iterations.stream().mapToLong(PruningIteration::regrown).sum();
  }

  /** Returns the mean over the iterations of the share that was brought back, in percent. */
  double survivalPercent() {
    return iterations.stream().mapToDouble(PruningIteration::survivalPercent).average().orElse(0);
  }

  /** Returns a line for people. */
  static String describe(PruningIteration iteration, int of) {
    return String.format(
        Locale.ROOT,
        "pruning %d/%d after step %d: sparsity %.2f %% (target %.2f %%), kept %d, regrown %d,"
            + " survival %.1f %%",
        iteration.iteration(),
        of,
        iteration.step(),
        100 * iteration.sparsity(),
        100 * iteration.target(),
        iteration.kept(),
        iteration.regrown(),
        iteration.survivalPercent());
  }

  /** Writes both files. */
  void write(RunDirectory directory) throws IOException {
    StringBuilder csv = new StringBuilder();
    for (PruningIteration iteration : iterations) {
      if (csv.isEmpty()) {
        csv.append(header(iteration)).append('\n');
      }
      csv.append(line(iteration)).append('\n');
    }
    directory.writeText("pruning.csv", csv.toString());
    JsonObject json = new JsonObject();
    json.add("iterations", GSON.toJsonTree(iterations));
    directory.writeJson("pruning.json", json);
  }

  private static String header(PruningIteration iteration) {
    List<String> columns =
        new ArrayList<>(
            List.of(
                "iteration",
                "step",
                "target",
                "sparsity",
                "kept",
                "threshold",
                "grow",
                "regrown",
                "survival_percent"));
    iteration.density().keySet().forEach(layer -> columns.add("density." + layer));
    for (String neuron : iteration.criticality().keySet()) {
      for (String part : List.of("min", "q1", "median", "q3", "max", "mean")) {
        columns.add("criticality." + neuron + "." + part);
      }
    }
    return String.join(",", columns);
  }

  private static String line(PruningIteration iteration) {
    List<String> cells =
        new ArrayList<>(
            List.of(
                Integer.toString(iteration.iteration()),
                Long.toString(iteration.step()),
                Double.toString(iteration.target()),
                Double.toString(iteration.sparsity()),
                Integer.toString(iteration.kept()),
                Float.toString(iteration.threshold()),
                Integer.toString(iteration.grow()),
                Integer.toString(iteration.regrown()),
                Double.toString(iteration.survivalPercent())));
    iteration.density().values().forEach(density -> cells.add(density.toString()));
    for (PruningIteration.Distribution scores : iteration.criticality().values()) {
      for (double value :
          new double[] {
            scores.minimum(),
            scores.lowerQuartile(),
            scores.median(),
            scores.upperQuartile(),
            scores.maximum(),
            scores.mean()
          }) {
        cells.add(Double.toString(value));
      }
    }
    return String.join(",", cells);
  }
}
