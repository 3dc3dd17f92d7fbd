package dev.coppice.cli;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.coppice.prune.PruningIteration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A run and a comparison to report on, with values that are easy to check. */
final class SampleReports {
  static final List<String> LAYERS = List.of("conv1", "conv2", "layer3.block1.conv2", "fc1");

  private SampleReports() {}

  /** Returns epochs of which every other was evaluated. */
  static List<RunRecords.Epoch> epochs(int count, double sparsity, double accuracy) {
    List<RunRecords.Epoch> epochs = new ArrayList<>();
    for (int i = 1; i <= count; i++) {
      boolean evaluated = i % 2 == 0;
      double done = i / (double) count;
      epochs.add(
          new RunRecords.Epoch(
              i,
              45L * i,
              1.0 / i,
              accuracy * done,
              0.1 * (1 - done),
              sparsity * done,
              1.5,
              512,
              evaluated ? accuracy * done : Double.NaN,
              evaluated ? 1.25 / i : Double.NaN,
              evaluated ? 90000.0 / i : Double.NaN,
              evaluated ? 95000.0 / i : Double.NaN,
              evaluated ? 12.5 / i : Double.NaN,
              evaluated ? 0.125 : Double.NaN));
    }
    return epochs;
  }

  static List<PruningIteration> iterations(int count, double goal) {
    List<PruningIteration> all = new ArrayList<>();
    for (int i = 1; i <= count; i++) {
      double target = goal * (1 - Math.pow(1 - i / (double) count, 3));
      Map<String, Double> density = new LinkedHashMap<>();
      Map<String, PruningIteration.Distribution> scores = new LinkedHashMap<>();
      for (int layer = 0; layer < LAYERS.size(); layer++) {
        density.put(LAYERS.get(layer), (1 - target) / (layer + 1));
        scores.put(
            "neuron" + (layer + 1),
            new PruningIteration.Distribution(
                0.01, 0.12 * i / count, 0.2, 0.41, 0.9 + 0.01 * layer, 0.3));
      }
      all.add(
          new PruningIteration(
              i,
              28L * i,
              target,
              target - 0.001,
              1000 / i,
              0.01f * i,
              50,
              20,
              60.0 / i,
              density,
              scores));
    }
    return all;
  }

  static JsonObject result() {
    return JsonParser.parseString(
            """
            {"accuracy": 0.9725, "sparsity": 0.95, "cost": {"epochs": 24, "steps": 1080},
             "firingRate": {"neuron1": 0.25, "neuron2": 0.0625},
             "operations": {"conv1": {"Effective_ACs": 0, "Effective_MACs": 500, "Dense": 900},
              "conv2": {"Effective_ACs": 250.5, "Effective_MACs": 0, "Dense": 4000}},
             "densityByLayer": {"conv1": 0.5, "conv2": 0.25, "fc1": 1},
             "model": "runs/1/model.safetensors", "provenance": {"seed": 1, "kernels": "vector-256"}}
            """)
        .getAsJsonObject();
  }

  /** Returns the report of a run that trains for some epochs and prunes in some iterations. */
  static HtmlReport run(int epochs, int iterations) {
    RunRecords records =
        new RunRecords("run", epochs(epochs, 0.95, 0.9), iterations(iterations, 0.95));
    return new RunCharts(List.of(records), result()).report("Pruning on digits", "epochs: 24\n");
  }

  /**
   * Returns a comparison of methods at 90, 95 and 98 % with three seeds; criticality is better than
   * magnitude by a percentage point for each step in sparsity, and one run of the third failed.
   */
  static Comparison comparison() {
    List<ComparedRun> runs = new ArrayList<>();
    for (long seed = 1; seed <= 3; seed++) {
      runs.add(finished(new Cell(Cell.DENSE, 0, seed), 0.98 - 0.001 * seed));
    }
    for (String method : List.of("magnitude", "criticality", "set</script><b>")) {
      double[] sparsities = {0.9, 0.95, 0.98};
      for (int i = 0; i < sparsities.length; i++) {
        for (long seed = 1; seed <= 3; seed++) {
          Cell cell = new Cell(method, sparsities[i], seed);
          double better = method.equals("criticality") ? 0.01 * (i + 1) + 0.0005 * seed : 0;
          runs.add(
              method.startsWith("set") && i == 2 && seed == 3
                  ? new ComparedRun(cell, List.of(), "", new ComparedRun.Failed(1, "diverged"))
                  : finished(cell, 0.95 - 0.03 * i - 0.002 * seed + better));
        }
      }
    }
    JsonObject options = JsonParser.parseString("{\"data\": \"digits\"}").getAsJsonObject();
    return new Comparison(options, runs, List.of(0.9, 0.93));
  }

  private static ComparedRun finished(Cell cell, double accuracy) {
    Map<String, Double> density = new LinkedHashMap<>();
    for (int i = 0; i < LAYERS.size(); i++) {
      density.put(LAYERS.get(i), (1 - cell.sparsityTarget()) / (1 + 0.1 * i));
    }
    JsonObject provenance =
        JsonParser.parseString("{\"data\": {\"trainSamples\": 50}}").getAsJsonObject();
    double operations = 1e5 * (1.02 - cell.sparsityTarget());
    return new ComparedRun(
        cell,
        List.of("prune"),
        "jobs/" + cell.seed(),
        new ComparedRun.Finished(
            accuracy,
            cell.sparsityTarget(),
            new Cost(24, 1080, 1e9, operations * 1200, 2e8, 0, 30 + cell.seed()),
            new ComparedRun.Spent(24, 1080, operations * 1200 + 2e8, 30 + cell.seed()),
            operations,
            operations / 1000,
            density,
            provenance,
            new RunRecords(
                cell.describe(),
                epochs(24, cell.sparsityTarget(), accuracy),
                cell.isDense() ? List.of() : iterations(6, cell.sparsityTarget()))));
  }
}
