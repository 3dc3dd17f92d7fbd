package dev.coppice.cli;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.coppice.graph.AtomicFile;
import dev.coppice.prune.PruningIteration;
import dev.coppice.train.EpochMetrics;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/**
 * The report of a run: one page that needs nothing else, with charts of the training and the
 * pruning, the result, the settings and where everything came from.
 */
final class HtmlReport {
  /** The member of a result that says where it came from rather than what it is. */
  private static final String PROVENANCE = "provenance";

  private static final String STYLE =
      """
      :root { color-scheme: light dark; --page: #fbfbf8; --card: #ffffff; --text: #1d2420;
        --soft: #5c665f; --line: #dfe3dd; --s0: #1f7a4d; --s1: #c2571a; --rest: #eceeea; }
      @media (prefers-color-scheme: dark) { :root { --page: #141815; --card: #1d221e;
        --text: #e6eae6; --soft: #9da79f; --line: #343b36; --s0: #58c08a; --s1: #f0935a;
        --rest: #2b322d; } }
      * { box-sizing: border-box; }
      body { margin: 0 auto; padding: 1rem; max-width: 62rem; background: var(--page);
        color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
      h1 { font-size: 1.5rem; margin: .5rem 0 0; overflow-wrap: anywhere; }
      h2 { font-size: 1.1rem; margin: 2rem 0 .75rem; }
      .sub { color: var(--soft); margin: 0 0 1rem; }
      .cards { display: grid; gap: 1rem;
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); }
      figure { margin: 0; padding: .75rem; background: var(--card);
        border: 1px solid var(--line); border-radius: .5rem; }
      figcaption { font-weight: 600; margin-bottom: .25rem; }
      .legend { color: var(--soft); font-size: .85rem; margin: 0 0 .25rem; }
      .legend i { display: inline-block; width: .9rem; height: .2rem; margin: 0 .35rem .2rem 0; }
      .legend span { margin-right: 1rem; }
      i.s0 { background: var(--s0); } i.s1 { background: var(--s1); }
      svg { display: block; width: 100%; height: auto; font: 13px system-ui, sans-serif; }
      svg text { fill: var(--soft); }
      .grid { stroke: var(--line); } .axis, .whisker { stroke: var(--soft); }
      .curve { fill: none; stroke-width: 2; stroke-linejoin: round; }
      .curve.s0 { stroke: var(--s0); } .curve.s1 { stroke: var(--s1); stroke-dasharray: 6 4; }
      .dot { stroke: var(--card); stroke-width: 1; }
      .dot.s0, .bar { fill: var(--s0); } .dot.s1 { fill: var(--s1); }
      .rest { fill: var(--rest); } .median { stroke: var(--card); stroke-width: 2; }
      .scroll { overflow-x: auto; }
      table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
      th, td { text-align: left; padding: .25rem .75rem .25rem 0; vertical-align: top;
        border-bottom: 1px solid var(--line); }
      th { font-weight: 400; color: var(--soft); white-space: nowrap; }
      td { overflow-wrap: anywhere; }
      td.n, th.n { text-align: right; white-space: nowrap; }
      summary { cursor: pointer; }
      pre { overflow-x: auto; padding: .75rem; background: var(--card);
        border: 1px solid var(--line); border-radius: .5rem; font-size: .85rem; }
      """;

  /**
   * What a report is about.
   *
   * @param title such as {@code Pruning of digits}
   * @param metrics the lines of {@code metrics.csv}, with or without {@link EpochMetrics#csvHeader}
   * @param pruning empty for a run that only trains
   * @param result the run's {@code result.json}; its member {@code provenance} gets a section of
   *     its own
   * @param config the run's {@code config.yaml}
   */
  record Content(
      String title,
      List<String> metrics,
      List<PruningIteration> pruning,
      String result,
      String config) {
    /** Copies the lists. */
    Content {
      metrics = List.copyOf(metrics);
      pruning = List.copyOf(pruning);
    }
  }

  private final Markup page = new Markup();

  private HtmlReport() {}

  /**
   * Writes a report; the file appears whole or not at all.
   *
   * @throws com.google.gson.JsonParseException if the result is not JSON
   * @throws IOException if the file cannot be written
   */
  static void write(Path file, Content content) throws IOException {
    byte[] page = html(content).getBytes(StandardCharsets.UTF_8);
    AtomicFile.write(file, out -> out.write(page));
  }

  static String html(Content content) {
    return new HtmlReport().page(content);
  }

  private String page(Content content) {
    JsonObject result = JsonParser.parseString(content.result()).getAsJsonObject();
    page.open("html", "lang", "en").open("head");
    page.empty("meta", "charset", "utf-8").line();
    page.empty("meta", "name", "viewport", "content", "width=device-width, initial-scale=1");
    page.line().leaf("title", content.title() + " – Coppice").line();
    page.leaf("style", STYLE).close().line();
    page.open("body").open("main");
    page.leaf("h1", content.title()).line();
    page.leaf("p", "A run of Coppice", "class", "sub").line();
    JsonElement provenance = result.remove(PROVENANCE);
    table("Result", ResultFields.of(result));
    training(metrics(content.metrics()));
    if (!content.pruning().isEmpty()) {
      pruning(content.pruning());
    }
    if (provenance instanceof JsonObject origin) {
      table("Provenance", ResultFields.of(origin));
    }
    heading("Settings").leaf("pre", content.config()).line();
    page.close().close().line().close().line();
    return "<!DOCTYPE html>\n" + page;
  }

  private Markup heading(String text) {
    return page.leaf("h2", text).line();
  }

  private void table(String title, Map<String, String> rows) {
    if (rows.isEmpty()) {
      return;
    }
    heading(title).open("div", "class", "scroll").open("table").open("tbody").line();
    rows.forEach(
        (name, value) ->
            page.open("tr").leaf("th", name, "scope", "row").leaf("td", value).close().line());
    page.close().close().close().line();
  }

  private void training(List<Map<String, Double>> epochs) {
    if (epochs.isEmpty()) {
      return;
    }
    heading("Training").open("div", "class", "cards").line();
    curves(
        "Loss",
        "epoch",
        List.of(series("training", epochs, "loss", 1), series("test", epochs, "test_loss", 1)));
    curves(
        "Accuracy, %",
        "epoch",
        List.of(
            series("training", epochs, "train_accuracy", 100),
            series("test", epochs, "test_accuracy", 100)));
    curves("Sparsity, %", "epoch", List.of(series("weights", epochs, "sparsity", 100)));
    curves(
        "Synaptic operations per image",
        "epoch",
        List.of(series("effective", epochs, "sops_per_image", 1)));
    page.close().line();
  }

  private void pruning(List<PruningIteration> iterations) {
    PruningIteration last = iterations.getLast();
    heading("Pruning").open("div", "class", "cards").line();
    curves(
        "Sparsity, %",
        "iteration",
        List.of(
            series("reached", iterations, one -> 100 * one.sparsity()),
            series("target", iterations, one -> 100 * one.target())));
    curves(
        "Survival: share of the newly pruned that was brought back, %",
        "iteration", List.of(series("survival", iterations, PruningIteration::survivalPercent)));
    figure(
        "Weights alive by layer, at the end", Chart.bars("Weights alive by layer", last.density()));
    if (!last.criticality().isEmpty()) {
      Map<String, Chart.Box> boxes = new LinkedHashMap<>();
      last.criticality()
          .forEach(
              (name, d) ->
                  boxes.put(
                      name,
                      new Chart.Box(
                          d.minimum(),
                          d.lowerQuartile(),
                          d.median(),
                          d.upperQuartile(),
                          d.maximum())));
      figure("Criticality of neurons by layer, at the end", Chart.boxes("criticality", boxes));
    }
    page.close().line();
    iterationTable(iterations);
  }

  private void iterationTable(List<PruningIteration> iterations) {
    page.open("details").leaf("summary", "Every iteration").open("div", "class", "scroll");
    page.open("table").open("thead").open("tr");
    for (String name :
        List.of("#", "step", "target", "sparsity", "kept", "regrown", "survival", "threshold")) {
      page.leaf("th", name, "class", "n", "scope", "col");
    }
    page.close().close().open("tbody").line();
    for (PruningIteration one : iterations) {
      page.open("tr");
      for (String cell :
          List.of(
              Integer.toString(one.iteration()),
              Long.toString(one.step()),
              Markup.number(100 * one.target(), 2) + " %",
              Markup.number(100 * one.sparsity(), 2) + " %",
              Integer.toString(one.kept()),
              Integer.toString(one.regrown()),
              Markup.number(one.survivalPercent(), 2) + " %",
              Markup.number(one.threshold(), 6))) {
        page.leaf("td", cell, "class", "n");
      }
      page.close().line();
    }
    page.close().close().close().close().line();
  }

  /** Adds the chart of those curves that have points. */
  private void curves(String title, String xTitle, List<Chart.Series> all) {
    List<Chart.Series> shown =
        all.stream()
            .filter(one -> one.points().stream().anyMatch(p -> Double.isFinite(p.y())))
            .toList();
    if (shown.isEmpty()) {
      return;
    }
    startFigure(title);
    if (shown.size() > 1) {
      page.open("p", "class", "legend");
      for (int i = 0; i < shown.size(); i++) {
        page.open("span").leaf("i", "", "class", "s" + i).text(shown.get(i).name()).close();
      }
      page.close();
    }
    page.line().raw(Chart.lines(xTitle, title, shown)).close().line();
  }

  private void figure(String title, String chart) {
    startFigure(title);
    page.line().raw(chart).close().line();
  }

  private void startFigure(String title) {
    page.open("figure").leaf("figcaption", title);
  }

  /** Epochs without the value, such as those without an evaluation, are passed over. */
  private static Chart.Series series(
      String name, List<Map<String, Double>> epochs, String column, double scale) {
    List<Chart.Point> points = new ArrayList<>();
    for (Map<String, Double> epoch : epochs) {
      Double value = epoch.get(column);
      if (value != null) {
        points.add(new Chart.Point(epoch.getOrDefault("epoch", Double.NaN), scale * value));
      }
    }
    return new Chart.Series(name, points);
  }

  private static Chart.Series series(
      String name, List<PruningIteration> iterations, ToDoubleFunction<PruningIteration> value) {
    return new Chart.Series(
        name,
        iterations.stream()
            .map(one -> new Chart.Point(one.iteration(), value.applyAsDouble(one)))
            .toList());
  }

  /** Returns the numbers of each line by column; empty fields are left out. */
  private static List<Map<String, Double>> metrics(List<String> lines) {
    List<String> columns = List.of(EpochMetrics.csvHeader().split(","));
    List<Map<String, Double>> rows = new ArrayList<>();
    for (String line : lines) {
      if (line.isBlank() || line.equals(EpochMetrics.csvHeader())) {
        continue;
      }
      String[] fields = line.split(",", -1);
      Map<String, Double> row = new LinkedHashMap<>();
      for (int i = 0; i < Math.min(fields.length, columns.size()); i++) {
        if (!fields[i].isBlank()) {
          row.put(columns.get(i), Double.valueOf(fields[i]));
        }
      }
      rows.add(row);
    }
    return rows;
  }
}
