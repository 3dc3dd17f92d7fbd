package dev.coppice.cli;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What {@code bench train} found.
 *
 * @param runs one, or one before and one after the peer's
 * @param peer what the peer's script wrote, null without a peer
 */
record BenchResult(
    BenchSettings settings,
    List<TrainMeasurement.Figures> runs,
    @Nullable JsonObject peer,
    TrainMeasurement.@Nullable Overhead overhead) {

  /** Training and large networks keep their threads busier than this on an idle machine. */
  static final double BUSY_SHARE = 0.8;

  /** Copies the runs. */
  BenchResult {
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

  /** Returns how many times as fast as the peer Coppice is. */
  private double ratio(JsonObject other) {
    return imagesPerSecond() / other.get("imagesPerSecond").getAsDouble();
  }

  /** Prints the result for people. */
  void print(PrintWriter out) {
    Table table = new Table(2, "", "setting", "images/s", "s/step", "peak MB");
    table.add(
        "coppice",
        runs.getFirst().kernels(),
        decimals(imagesPerSecond(), 2),
        decimals(secondsPerStep(), 4),
        decimals(peakMegabytes(), 0));
    if (peer != null) {
      double images = peer.get("imagesPerSecond").getAsDouble();
      table.add(
          peer.get("name").getAsString() + " " + peer.get("version").getAsString(),
          peer.get("setting").getAsString(),
          decimals(images, 2),
          decimals(settings.batch() / images, 4),
          decimals(peer.get("peakMegabytes").getAsDouble(), 0));
    }
    table.print(out);
    if (peer != null) {
      out.println("coppice trains " + decimals(ratio(peer), 2) + " times as many images a second");
    }
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

  /** What to say where something else may have kept the processors from a measurement. */
  static final String DISTURBED =
      "the threads were not busy all the time: measure large networks, on an idle machine";

  /** Returns whether something else may have kept the processors from the measurement. */
  boolean disturbed() {
    return runs.stream().anyMatch(run -> run.cpusUsed() < BUSY_SHARE * settings.threads());
  }

  /** Returns the result for machines. */
  JsonObject json() {
    Gson gson = new Gson();
    JsonObject result = new JsonObject();
    result.addProperty("imagesPerSecond", imagesPerSecond());
    result.addProperty("secondsPerStep", secondsPerStep());
    result.addProperty("peakMegabytes", peakMegabytes());
    if (peer != null) {
      result.add("peer", peer);
      result.addProperty("ratio", ratio(peer));
    }
    if (overhead != null) {
      result.add("scoreOverhead", gson.toJsonTree(overhead));
    }
    result.add("runs", gson.toJsonTree(runs));
    JsonObject work = gson.toJsonTree(settings).getAsJsonObject();
    work.addProperty("input", settings.input().toString());
    result.add("settings", work);
    result.addProperty("kernels", runs.getFirst().kernels());
    JsonObject versions = new JsonObject();
    versions.addProperty("coppice", Version.number());
    versions.addProperty("java", Runtime.version().toString());
    versions.addProperty("djl", runs.getFirst().djl());
    versions.addProperty("pytorch", runs.getFirst().pytorch());
    result.add("versions", versions);
    return result;
  }

  private static String decimals(double value, int digits) {
    return String.format(Locale.ROOT, "%." + digits + "f", value);
  }
}
