package dev.coppice.cli;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.coppice.train.Engine;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.DoubleSummaryStatistics;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What {@code bench train} found.
 *
 * @param rows one for every sparsity
 * @param peers what the peer's script wrote in every round, nothing without a peer
 */
record BenchResult(
    List<Row> rows, List<JsonObject> peers, TrainMeasurement.@Nullable Overhead overhead) {

  /** Training and large networks keep their threads busier than this on an idle machine. */
  static final double BUSY_SHARE = 0.8;

  /** What to say where something else may have kept the processors from a measurement. */
  static final String DISTURBED =
      "the threads were not busy all the time: measure large networks, on an idle machine";

  /** Copies the rows. */
  BenchResult {
    rows = List.copyOf(rows);
    peers = List.copyOf(peers);
  }

  /**
   * The measurements at one sparsity.
   *
   * @param runs one of every round, and with a peer one after the last
   */
  record Row(BenchSettings settings, List<TrainMeasurement.Figures> runs) {
    /** Copies the runs. */
    Row {
      runs = List.copyOf(runs);
    }

    private double secondsPerStep() {
      return TrainMeasurement.median(
          runs.stream().mapToDouble(TrainMeasurement.Figures::secondsPerStep).toArray());
    }

    private double imagesPerSecond() {
      return settings.batch() / secondsPerStep();
    }

    private double peakMegabytes() {
      return runs.stream().mapToDouble(TrainMeasurement.Figures::peakMegabytes).max().orElseThrow();
    }

    /** Returns how many times as fast as the peer Coppice is just before and after each round's. */
    private double[] ratios(List<JsonObject> peers) {
      double[] ratios = new double[peers.size()];
      for (int i = 0; i < ratios.length; i++) {
        double around =
            TrainMeasurement.median(runs.get(i).secondsPerStep(), runs.get(i + 1).secondsPerStep());
        ratios[i] = settings.batch() / around / images(peers.get(i));
      }
      return ratios;
    }

    private double spikeRate() {
      return runs.getFirst().spikeRates().values().stream()
          .mapToDouble(Double::doubleValue)
          .average()
          .orElse(0);
    }

    private boolean disturbed() {
      return runs.stream().anyMatch(run -> run.cpusUsed() < BUSY_SHARE * settings.threads());
    }

    private JsonObject json(List<JsonObject> peers) {
      JsonObject result = new JsonObject();
      result.addProperty("imagesPerSecond", imagesPerSecond());
      result.addProperty("secondsPerStep", secondsPerStep());
      result.addProperty("peakMegabytes", peakMegabytes());
      if (!peers.isEmpty()) {
        double[] ratios = ratios(peers);
        result.addProperty("ratio", TrainMeasurement.median(ratios));
        result.add("ratios", new Gson().toJsonTree(ratios));
      }
      result.add("runs", new Gson().toJsonTree(runs));
      return result;
    }
  }

  /** Prints the result for people. */
  void print(PrintWriter out) {
    boolean several = rows.size() > 1 || rows.getFirst().settings().sparsity().part() > 0;
    Table table = new Table(2, "", "setting", "images/s", "s/step", "peak MB");
    for (Row row : rows) {
      table.add(
          several ? "coppice" + row.settings().where() : "coppice",
          row.runs().getFirst().kernels(),
          decimals(row.imagesPerSecond(), 2),
          decimals(row.secondsPerStep(), 4),
          decimals(row.peakMegabytes(), 0));
    }
    if (!peers.isEmpty()) {
      JsonObject peer = peers.getFirst();
      double images =
          TrainMeasurement.median(peers.stream().mapToDouble(BenchResult::images).toArray());
      double megabytes =
          peers.stream()
              .mapToDouble(round -> round.get("peakMegabytes").getAsDouble())
              .max()
              .orElseThrow();
      table.add(
          peer.get("name").getAsString() + " " + peer.get("version").getAsString(),
          peer.get("setting").getAsString(),
          decimals(images, 2),
          decimals(rows.getFirst().settings().batch() / images, 4),
          decimals(megabytes, 0));
    }
    table.print(out);
    for (Row row : rows) {
      String where = several ? row.settings().where() : "";
      out.println("a neuron fires at " + percent(row.spikeRate()) + " % of the time steps" + where);
      if (!peers.isEmpty()) {
        double[] ratios = row.ratios(peers);
        out.println(
            "coppice trains "
                + decimals(TrainMeasurement.median(ratios), 2)
                + " times as many images a second"
                + where
                + (ratios.length > 1 ? " (" + range(ratios) + ")" : ""));
      }
    }
    rows.forEach(row -> explain(row, out));
    if (overhead != null) {
      out.println(
          String.format(
              Locale.ROOT,
              "scoring criticality: %+.2f %% of a step by the median, %+.2f %% by the mean,"
                  + " %+.2f %% by the fastest (%d steps each)",
              overhead.medianPercent(),
              overhead.meanPercent(),
              overhead.fastestPercent(),
              overhead.steps()));
    }
  }

  private static double images(JsonObject peer) {
    return peer.get("imagesPerSecond").getAsDouble();
  }

  private static String range(double[] ratios) {
    DoubleSummaryStatistics all = Arrays.stream(ratios).summaryStatistics();
    return decimals(all.getMin(), 2) + " to " + decimals(all.getMax(), 2);
  }

  private static void explain(Row row, PrintWriter out) {
    TrainMeasurement.Figures run = row.runs().getFirst();
    if (run.layers().isEmpty()) {
      return;
    }
    out.println();
    out.println("layers" + row.settings().where() + ":");
    Table table = new Table(2, "layer", "ms", "runs", "because");
    for (Engine.LayerReport layer : run.layers()) {
      table.add(layer.node(), decimals(1000 * layer.seconds(), 2), layer.way(), layer.reason());
    }
    table.print(out);
  }

  private static String percent(double part) {
    return decimals(100 * part, 1);
  }

  /** Returns whether something else may have kept the processors from the measurement. */
  boolean disturbed() {
    return rows.stream().anyMatch(Row::disturbed);
  }

  /** Returns the result for machines: the fields of the first sparsity, and rows if several. */
  JsonObject json() {
    Gson gson = new Gson();
    Row first = rows.getFirst();
    JsonObject result = first.json(peers);
    if (!peers.isEmpty()) {
      result.add("peer", peers.getFirst());
      result.add("peers", gson.toJsonTree(peers));
    }
    if (overhead != null) {
      result.add("scoreOverhead", gson.toJsonTree(overhead));
    }
    if (rows.size() > 1) {
      JsonArray all = new JsonArray();
      for (Row row : rows) {
        JsonObject fields = new JsonObject();
        add(row.settings().sparsity(), fields);
        row.json(peers).entrySet().forEach(entry -> fields.add(entry.getKey(), entry.getValue()));
        all.add(fields);
      }
      result.add("rows", all);
    }
    JsonObject work = gson.toJsonTree(first.settings()).getAsJsonObject();
    work.addProperty("input", first.settings().input().toString());
    add(first.settings().sparsity(), work);
    result.add("settings", work);
    result.addProperty("kernels", first.runs().getFirst().kernels());
    JsonObject versions = new JsonObject();
    versions.addProperty("coppice", Version.number());
    versions.addProperty("java", Runtime.version().toString());
    versions.addProperty("djl", first.runs().getFirst().djl());
    versions.addProperty("pytorch", first.runs().getFirst().pytorch());
    result.add("versions", versions);
    return result;
  }

  private static void add(BenchSparsity sparsity, JsonObject fields) {
    fields.addProperty("sparsity", sparsity.part());
    if (sparsity.groups() != null) {
      fields.addProperty("pattern", sparsity.groups().toString());
    }
  }

  private static String decimals(double value, int digits) {
    return String.format(Locale.ROOT, "%." + digits + "f", value);
  }
}
