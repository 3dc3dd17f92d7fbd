package dev.coppice.cli;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Op;
import dev.coppice.runtime.LayerActivity;
import dev.coppice.runtime.StepTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What {@code bench runtime} found about a network and a batch.
 *
 * @param work what was run
 * @param runs one, or one before and one after the peer's
 * @param images N, those whose logits were compared
 * @param fileBytes of the model as it is deployed
 * @param peer what the peer's script wrote, null without a peer
 */
record RuntimeRow(
    String network,
    Graph graph,
    ModelSummary summary,
    RuntimeWork work,
    int images,
    List<RuntimeMeasurement.Figures> runs,
    long fileBytes,
    ResidentMemory resident,
    @Nullable JsonObject peer) {

  /** Logits that differ by no more than this differ by rounding, not by a spike. */
  private static final double TOLERANCE = 1e-4;

  /** Copies the runs. */
  RuntimeRow {
    runs = List.copyOf(runs);
  }

  /** The columns of a table of rows. */
  static List<String> columns(boolean peer) {
    List<String> columns =
        List.of(
            "network",
            "sparsity",
            "spikes",
            "batch",
            "p50 ms",
            "p99 ms",
            "images/s",
            "file kB",
            "memory MB");
    List<String> more =
        List.of("peer p50 ms", "ratio", "logits differ", "same class", "file kB", "memory MB");
    return peer ? Stream.concat(columns.stream(), more.stream()).toList() : columns;
  }

  /** Returns whether something else may have kept the processors from the measurement. */
  boolean disturbed() {
    return cpusUsed() < BenchResult.BUSY_SHARE * work.threads();
  }

  private double cpusUsed() {
    return runs.stream().mapToDouble(RuntimeMeasurement.Figures::cpusUsed).min().orElseThrow();
  }

  /** Returns what the table shows, by column. */
  List<String> cells() {
    JsonObject row = json();
    List<String> cells =
        new ArrayList<>(
            List.of(
                network,
                decimals(100 * summary.sparsity(), 2) + " %",
                decimals(100 * row.get("spikeDensity").getAsDouble(), 1) + " %",
                Integer.toString(work.batch()),
                decimals(row.get("millisP50").getAsDouble(), 3),
                decimals(row.get("millisP99").getAsDouble(), 3),
                decimals(row.get("imagesPerSecond").getAsDouble(), 1),
                decimals(fileBytes / 1e3, 0),
                decimals(resident.megabytes(), 0)));
    if (peer != null) {
      cells.add(decimals(row.get("peerMillisP50").getAsDouble(), 3));
      cells.add(decimals(row.get("ratio").getAsDouble(), 2));
      cells.add(String.format(Locale.ROOT, "%.1e", row.get("maxLogitDifference").getAsDouble()));
      cells.add(decimals(100 * row.get("sameClass").getAsDouble(), 1) + " %");
      cells.add(decimals(row.get("peerFileBytes").getAsLong() / 1e3, 0));
      cells.add(decimals(row.get("peerResidentMegabytes").getAsDouble(), 0));
    }
    return cells;
  }

  /** Returns the steps of the plan and their times in the last run. */
  Table explanation() {
    Table table = new Table(2, "node", "how", "µs");
    for (StepTime step : runs.getLast().plan()) {
      table.add(step.node(), step.kernel(), decimals(step.nanoseconds() / 1e3, 1));
    }
    return table;
  }

  /** Returns the row for machines. */
  JsonObject json() {
    Gson gson = new Gson();
    double median = millis(0.5);
    JsonObject row = new JsonObject();
    row.addProperty("network", network);
    row.addProperty("sparsity", summary.sparsity());
    row.addProperty("spikeDensity", density(runs.getFirst().layers()));
    row.addProperty("threads", work.threads());
    row.addProperty("batch", work.batch());
    row.addProperty("timeSteps", work.timeSteps());
    row.addProperty("millisP50", median);
    row.addProperty("millisP99", millis(0.99));
    row.addProperty("imagesPerSecond", 1000 * work.batch() / median);
    row.addProperty("cpusUsed", cpusUsed());
    row.addProperty(
        "heapGrowthBytes",
        runs.stream().mapToLong(RuntimeMeasurement.Figures::heapGrowthBytes).max().orElseThrow());
    row.addProperty("fileBytes", fileBytes);
    row.addProperty("residentMegabytes", resident.megabytes());
    row.addProperty("residentPeakMegabytes", resident.peakMegabytes());
    row.addProperty("residentHeapMegabytes", resident.heapMegabytes());
    row.addProperty("millisToFirstAnswer", resident.millisToFirstAnswer());
    if (peer != null) {
      addPeer(row, peer, median);
    }
    row.add("densityByLayer", gson.toJsonTree(summary.density()));
    row.add("spikeDensityByLayer", gson.toJsonTree(densities(runs.getFirst().layers())));
    row.add("plan", gson.toJsonTree(runs.getLast().plan()));
    row.addProperty("kernels", runs.getFirst().kernels());
    return row;
  }

  /** Adds the peer's figures; the logits of its settings become what they differ by. */
  private void addPeer(JsonObject row, JsonObject other, double median) {
    JsonObject shown = other.deepCopy();
    double memory = Double.POSITIVE_INFINITY;
    for (JsonElement element : shown.getAsJsonArray("settings")) {
      JsonObject setting = element.getAsJsonObject();
      if (setting.has("error")) {
        continue;
      }
      compare(setting, setting.remove("logits").getAsJsonArray());
      memory = Math.min(memory, setting.get("residentMegabytes").getAsDouble());
      if (setting.get("setting").equals(shown.get("setting"))) {
        for (String name : List.of("maxLogitDifference", "sameLogits", "sameClass")) {
          row.add(name, setting.get(name));
        }
        row.add("peerMillisP50", setting.get("millisP50"));
        row.add("peerMillisP99", setting.get("millisP99"));
        row.add("peerFileBytes", setting.get("checkpointBytes"));
        row.addProperty("ratio", setting.get("millisP50").getAsDouble() / median);
      }
    }
    row.addProperty("peerResidentMegabytes", memory);
    row.add("peer", shown);
  }

  private void compare(JsonObject setting, JsonArray logits) {
    float[] own = runs.getFirst().logits();
    int outputs = own.length / images;
    double greatest = 0;
    int close = 0;
    int same = 0;
    for (int n = 0; n < images; n++) {
      JsonArray theirs = logits.get(n).getAsJsonArray();
      double difference = 0;
      int ownBest = 0;
      int theirBest = 0;
      for (int k = 0; k < outputs; k++) {
        double value = theirs.get(k).getAsDouble();
        difference = Math.max(difference, Math.abs(value - own[n * outputs + k]));
        ownBest = own[n * outputs + k] > own[n * outputs + ownBest] ? k : ownBest;
        theirBest = value > theirs.get(theirBest).getAsDouble() ? k : theirBest;
      }
      greatest = Math.max(greatest, difference);
      close += difference <= TOLERANCE ? 1 : 0;
      same += ownBest == theirBest ? 1 : 0;
    }
    setting.addProperty("maxLogitDifference", greatest);
    setting.addProperty("sameLogits", close / (double) images);
    setting.addProperty("sameClass", same / (double) images);
  }

  /** Returns what so large a share of the runs did not exceed. */
  private double millis(double share) {
    long[] sorted =
        runs.stream().flatMapToLong(run -> Arrays.stream(run.nanoseconds())).sorted().toArray();
    int rank = (int) Math.ceil(share * sorted.length);
    return sorted[Math.max(1, rank) - 1] / 1e6;
  }

  /** Returns spikes per neuron and time step. */
  private double density(List<LayerActivity> layers) {
    double spikes = 0;
    double neurons = 0;
    for (Map.Entry<String, Double> layer : densities(layers).entrySet()) {
      int size = graph.shape(layer.getKey()).size();
      spikes += layer.getValue() * size;
      neurons += size;
    }
    return neurons == 0 ? 0 : spikes / neurons;
  }

  private Map<String, Double> densities(List<LayerActivity> layers) {
    Map<String, Double> densities = new LinkedHashMap<>();
    for (LayerActivity layer : layers) {
      if (graph.node(layer.node()).op() instanceof Op.Neuron) {
        double all = (double) graph.shape(layer.node()).size() * work.timeSteps() * images;
        densities.put(layer.node(), layer.spikes() / all);
      }
    }
    return densities;
  }

  private static String decimals(double value, int digits) {
    return String.format(Locale.ROOT, "%." + digits + "f", value);
  }
}
