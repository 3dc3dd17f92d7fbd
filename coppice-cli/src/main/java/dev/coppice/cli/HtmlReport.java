package dev.coppice.cli;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.coppice.graph.AtomicFile;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * A report in the making: one page that needs nothing else, on screen and on paper. Its sections
 * come in the order in which they are added. Charts are drawn by ECharts, which is on the page.
 */
final class HtmlReport {
  /** Where the WebJar of ECharts has its script. */
  private static final String ECHARTS = "/META-INF/resources/webjars/echarts/5.5.0/echarts.min.js";

  /** Nothing may be loaded, whatever gets onto the page. */
  private static final String POLICY =
      "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:";

  private static final Gson GSON = new Gson();

  private final String title;
  private final String subtitle;
  private final List<String> filters;
  private final Markup body = new Markup();
  private final JsonArray charts = new JsonArray();

  /**
   * Starts a report.
   *
   * @param title such as {@code Pruning on digits}
   * @param filters names of columns; the reader chooses which of their values the charts and tables
   *     with such a column show
   */
  HtmlReport(String title, String subtitle, List<String> filters) {
    this.title = title;
    this.subtitle = subtitle;
    this.filters = List.copyOf(filters);
  }

  /** Adds names and values, if there are any. */
  HtmlReport facts(String heading, Map<String, String> facts) {
    if (facts.isEmpty()) {
      return this;
    }
    section(heading).open("div", "class", "scroll").open("table", "class", "facts").open("tbody");
    facts.forEach(
        (name, value) ->
            body.line().open("tr").leaf("th", name, "scope", "row").leaf("td", value).close());
    body.close().close().close().close().line();
    return this;
  }

  /**
   * Adds a table.
   *
   * @param note what a reader has to know besides; may be empty
   */
  HtmlReport table(String heading, String note, Table table) {
    section(heading);
    note(note);
    body.open("div", "class", "scroll").open("table", "class", "rows").open("thead").open("tr");
    for (int i = 0; i < table.header().size(); i++) {
      body.leaf("th", table.header().get(i), "scope", "col", "class", align(table, i));
    }
    body.close().close().open("tbody");
    for (List<String> row : table.body()) {
      body.line().open("tr");
      for (int i = 0; i < row.size(); i++) {
        body.leaf("td", row.get(i), "class", align(table, i));
      }
      body.close();
    }
    body.close().close().close().close().line();
    return this;
  }

  private static String align(Table table, int column) {
    return column < table.leftColumns() ? "text" : "number";
  }

  /** Adds those charts that have values, if any has. */
  HtmlReport charts(String heading, List<Chart> all) {
    List<Chart> shown = all.stream().filter(Chart::hasValues).toList();
    if (shown.isEmpty()) {
      return this;
    }
    section(heading).open("div", "class", "charts").line();
    for (Chart chart : shown) {
      charts.add(chart.json());
      body.open("figure", "id", chart.id()).leaf("figcaption", chart.title());
      note(chart.note());
      body.leaf("div", "", "class", "controls");
      body.leaf("div", "", "class", "chart", "role", "img", "aria-label", chart.title());
      body.open("details").leaf("summary", "Data").leaf("div", "", "class", "scroll").close();
      body.close().line();
    }
    body.close().close().line();
    return this;
  }

  /** Adds text as it is. */
  HtmlReport text(String heading, String text) {
    section(heading).leaf("pre", text).close().line();
    return this;
  }

  private Markup section(String heading) {
    return body.open("section").leaf("h2", heading).line();
  }

  private void note(String note) {
    if (!note.isEmpty()) {
      body.leaf("p", note, "class", "note").line();
    }
  }

  /** Returns the page as it is so far. */
  String html() {
    Markup page = new Markup();
    page.open("html", "lang", "en").open("head");
    page.empty("meta", "charset", "utf-8").line();
    page.empty("meta", "http-equiv", "Content-Security-Policy", "content", POLICY).line();
    page.empty("meta", "name", "viewport", "content", "width=device-width, initial-scale=1");
    page.line().leaf("title", title + " – Coppice").line();
    page.open("style").raw(resource("report.css")).close().close().line();
    page.open("body").open("main").line();
    page.open("header").leaf("h1", title).leaf("p", subtitle, "class", "note");
    page.leaf("button", "", "type", "button", "id", "theme").close().line();
    page.leaf("div", "", "id", "filters").line();
    page.leaf("noscript", "The charts and their tables need JavaScript.").line();
    page.raw(body.toString()).close().line();
    if (!charts.isEmpty()) {
      page.open("script", "type", "application/json", "id", "data").raw(data()).close().line();
      page.open("script").raw(resource(ECHARTS)).close().line();
    }
    page.open("script").raw(resource("report.js")).close().close().line().close().line();
    return "<!DOCTYPE html>\n" + page;
  }

  /**
   * Writes the page; the file appears whole or not at all.
   *
   * @throws IOException if the file cannot be written
   */
  void write(Path file) throws IOException {
    byte[] page = html().getBytes(StandardCharsets.UTF_8);
    AtomicFile.write(file, out -> out.write(page));
  }

  /** What makes a report. */
  interface Source {
    HtmlReport report() throws IOException;
  }

  /**
   * Writes the report of a run that has its result without it.
   *
   * @param problem told in a line if it cannot be made or written
   */
  static void write(Path file, Source source, Consumer<String> problem) {
    try {
      source.report().write(file);
    } catch (IOException | RuntimeException e) {
      problem.accept(
          "the report could not be written: "
              + (e instanceof IOException io ? Failure.describe(io) : e.toString()));
    }
  }

  /** Gson writes the characters that could end the element as escapes. */
  private String data() {
    JsonObject data = new JsonObject();
    data.add("filters", GSON.toJsonTree(filters));
    data.add("charts", charts);
    return GSON.toJson(data);
  }

  private static String resource(String name) {
    try (InputStream in = HtmlReport.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("the class path has no " + name);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
