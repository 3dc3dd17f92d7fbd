package dev.coppice.cli;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.coppice.prune.PruningIteration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/**
 * The charts of one run.
 *
 * @param stages the records of the run, or of each of its stages in order
 * @param result what {@code result.json} says
 */
record RunCharts(List<RunRecords> stages, JsonObject result) {
  private static final String EPOCH = "epoch";
  private static final String STAGE = "stage";
  private static final String IMAGES = "images";
  private static final String STEP = "step";
  private static final String ITERATION = "iteration";
  private static final String LAYER = "layer";

  /** Copies the list. */
  RunCharts {
    stages = List.copyOf(stages);
  }

  /** Result members that charts show, and the record that a file of its own has. */
  private static final List<String> SHOWN_ELSEWHERE =
      List.of("operations", "firingRate", "densityByLayer", "widths", "iterations");

  /** The member of a result that says where it came from rather than what it is. */
  private static final String PROVENANCE = "provenance";

  /** The member of a provenance that the settings tell, too. */
  private static final String OPTIONS = "options";

  /**
   * Returns the report of the run.
   *
   * @param title such as {@code Pruning on digits}
   * @param configuration its {@code config.yaml}
   */
  HtmlReport report(String title, String configuration) {
    JsonObject outcome = result.deepCopy();
    SHOWN_ELSEWHERE.forEach(outcome::remove);
    JsonElement provenance = outcome.remove(PROVENANCE);
    HtmlReport report =
        new HtmlReport(title, "A run of Coppice", List.of())
            .facts("Result", ResultFields.of(outcome))
            .charts("Training", training())
            .charts("Pruning", pruning())
            .charts("Energy", energy());
    if (provenance instanceof JsonObject origin) {
      origin.remove(OPTIONS);
      report.facts("Provenance", ResultFields.of(origin));
    }
    return report.text("Settings", configuration);
  }

  /** Returns how training went, by epoch. */
  private List<Chart> training() {
    return List.of(
        curves(
            "loss",
            "Loss",
            "loss",
            Map.of("training", RunRecords.Epoch::loss, "test", RunRecords.Epoch::testLoss)),
        curves(
            "accuracy",
            "Accuracy",
            "accuracy, %",
            Map.of(
                "training",
                epoch -> 100 * epoch.accuracy(),
                "test",
                epoch -> 100 * epoch.testAccuracy())),
        curves(
            "learning-rate",
            "Learning rate",
            "learning rate",
            Map.of("training", RunRecords.Epoch::learningRate)),
        curves(
            "firing-rate",
            "Firing rate: spikes per neuron and time step, mean of the layers",
            "firing rate",
            Map.of("test", RunRecords.Epoch::firingRate)));
  }

  /** Returns what an image costs. */
  private List<Chart> energy() {
    return List.of(
        curves(
            "operations",
            "Effective synaptic operations of an image",
            "operations",
            Map.of("test", RunRecords.Epoch::sopsPerImage)),
        curves(
            "energy",
            "Energy of an image",
            "energy, nJ",
            Map.of("test", RunRecords.Epoch::energyNanojoule)),
        operationsByLayer(),
        bars(
            "firing-rate-layers",
            "Firing rate by layer, at the end",
            "firing rate",
            members("firingRate"),
            1));
  }

  /** Returns what pruning did; without values where connections were not pruned. */
  private List<Chart> pruning() {
    return List.of(
        sparsity(),
        survival(),
        regrown(),
        bars(
            "density",
            "Density: the share of weights alive, by layer, at the end",
            "density, %",
            iterations().isEmpty() && members("widths").isEmpty()
                ? Map.of()
                : members("densityByLayer"),
            100),
        densityOverIterations(),
        criticality(),
        channels());
  }

  private static DataTable table(List<String> columns, List<List<Object>> rows) {
    return new DataTable(columns, rows);
  }

  /** Epochs of later stages are numbered on. */
  private Chart curves(
      String id,
      String title,
      String column,
      Map<String, ToDoubleFunction<RunRecords.Epoch>> parts) {
    List<List<Object>> rows = new ArrayList<>();
    int before = 0;
    for (RunRecords stage : stages) {
      for (String images : List.of("training", "test")) {
        ToDoubleFunction<RunRecords.Epoch> part = parts.get(images);
        if (part == null) {
          continue;
        }
        for (RunRecords.Epoch epoch : stage.epochs()) {
          double value = part.applyAsDouble(epoch);
          if (!Double.isNaN(value)) {
            rows.add(List.of(stage.name(), images, before + epoch.number(), value));
          }
        }
      }
      before += stage.epochs().size();
    }
    return new Chart(
        id,
        title,
        "",
        Chart.Kind.LINES,
        Chart.Scale.linear(EPOCH),
        Chart.Scale.linear(column),
        stages.size() > 1 ? List.of(STAGE, IMAGES) : List.of(IMAGES),
        table(List.of(STAGE, IMAGES, EPOCH, column), rows));
  }

  private Map<String, JsonElement> members(String name) {
    return result.get(name) instanceof JsonObject object ? object.asMap() : Map.of();
  }

  private static Chart bars(
      String id, String title, String column, Map<String, JsonElement> values, double scale) {
    List<List<Object>> rows = new ArrayList<>();
    values.forEach((layer, value) -> rows.add(List.of(layer, scale * value.getAsDouble())));
    return new Chart(
        id,
        title,
        "",
        Chart.Kind.BARS,
        Chart.Scale.linear(LAYER),
        Chart.Scale.linear(column),
        List.of(),
        table(List.of(LAYER, column), rows));
  }

  private Chart operationsByLayer() {
    List<List<Object>> rows = new ArrayList<>();
    members("operations")
        .forEach(
            (layer, value) -> {
              JsonObject counts = value.getAsJsonObject();
              for (String kind : List.of("Effective_ACs", "Effective_MACs")) {
                rows.add(
                    List.of(
                        layer,
                        kind.endsWith("MACs") ? "multiply and add" : "add",
                        counts.get(kind).getAsDouble()));
              }
            });
    return new Chart(
        "operations-layers",
        "Effective synaptic operations of an image by layer, at the end",
        "",
        Chart.Kind.BARS,
        Chart.Scale.linear(LAYER),
        Chart.Scale.linear("operations"),
        List.of("kind"),
        table(List.of(LAYER, "kind", "operations"), rows));
  }

  private List<PruningIteration> iterations() {
    return stages.stream().flatMap(stage -> stage.prunings().stream()).toList();
  }

  private Chart sparsity() {
    List<List<Object>> rows = new ArrayList<>();
    for (PruningIteration one : iterations()) {
      rows.add(List.of("target", one.step(), 100 * one.target()));
      rows.add(List.of("reached", one.step(), 100 * one.sparsity()));
    }
    if (!rows.isEmpty()) {
      for (RunRecords stage : stages) {
        for (RunRecords.Epoch epoch : stage.epochs()) {
          rows.add(List.of("all weights, by epoch", epoch.step(), 100 * epoch.sparsity()));
        }
      }
    }
    return new Chart(
        "sparsity",
        "Sparsity over optimizer steps",
        "Target and reached are of the weights that may be pruned.",
        Chart.Kind.LINES,
        Chart.Scale.linear(STEP),
        Chart.Scale.linear("sparsity, %"),
        List.of("of"),
        table(List.of("of", STEP, "sparsity, %"), rows));
  }

  private Chart survival() {
    return regrowth(
        "survival",
        "Survival of connections",
        "Of the connections that magnitude removed in an iteration, the share brought back.",
        "survival, %",
        PruningIteration::survivalPercent);
  }

  private Chart regrown() {
    return regrowth(
        "regrown",
        "Connections regrown",
        "Alive after an iteration though magnitude alone would have left them out.",
        "connections",
        PruningIteration::regrown);
  }

  /** There is nothing to see where nothing was to grow. */
  private Chart regrowth(
      String id,
      String title,
      String note,
      String column,
      ToDoubleFunction<PruningIteration> value) {
    List<List<Object>> rows = new ArrayList<>();
    if (iterations().stream().anyMatch(one -> one.grow() > 0)) {
      for (PruningIteration one : iterations()) {
        rows.add(List.of(one.iteration(), value.applyAsDouble(one)));
      }
    }
    return new Chart(
        id,
        title,
        note,
        Chart.Kind.LINES,
        Chart.Scale.linear(ITERATION),
        Chart.Scale.linear(column),
        List.of(),
        table(List.of(ITERATION, column), rows));
  }

  private Chart densityOverIterations() {
    List<List<Object>> rows = new ArrayList<>();
    for (PruningIteration one : iterations()) {
      one.density()
          .forEach((layer, density) -> rows.add(List.of(layer, one.iteration(), 100 * density)));
    }
    return new Chart(
        "density-iterations",
        "Density by layer over pruning iterations",
        "",
        Chart.Kind.LINES,
        Chart.Scale.linear(ITERATION),
        Chart.Scale.logarithmic("density, %"),
        List.of(LAYER),
        table(List.of(LAYER, ITERATION, "density, %"), rows));
  }

  private Chart criticality() {
    List<List<Object>> rows = new ArrayList<>();
    for (PruningIteration one : iterations()) {
      one.criticality()
          .forEach(
              (layer, scores) -> {
                List<Object> row = new ArrayList<>();
                row.add(Integer.toString(one.iteration()));
                row.add(layer);
                row.addAll(box(scores));
                rows.add(row);
              });
    }
    List<String> columns = new ArrayList<>(List.of(ITERATION, LAYER));
    columns.addAll(Chart.BOX);
    return new Chart(
        "criticality",
        "Criticality of neurons by layer",
        "Least, quartiles and greatest of the scores that an iteration measured.",
        Chart.Kind.BOXES,
        Chart.Scale.linear(LAYER),
        Chart.Scale.linear("criticality"),
        List.of(),
        List.of(ITERATION),
        table(columns, rows));
  }

  private Chart channels() {
    List<List<Object>> rows = new ArrayList<>();
    members("widths")
        .forEach(
            (group, width) -> {
              for (String when : List.of("before", "after")) {
                rows.add(List.of(group, when, width.getAsJsonObject().get(when).getAsInt()));
              }
            });
    return new Chart(
        "channels",
        "Channels before and after",
        "Of every group of layers whose channels go together.",
        Chart.Kind.BARS,
        Chart.Scale.linear("channels of"),
        Chart.Scale.linear("channels"),
        List.of("when"),
        table(List.of("channels of", "when", "channels"), rows));
  }

  /** Returns the cells of {@link Chart#BOX}. */
  static List<Double> box(PruningIteration.Distribution scores) {
    return List.of(
        scores.minimum(),
        scores.lowerQuartile(),
        scores.median(),
        scores.upperQuartile(),
        scores.maximum());
  }
}
