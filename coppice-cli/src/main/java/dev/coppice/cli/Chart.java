package dev.coppice.cli;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * A chart of a report as data: a table in long form, and which of its columns are drawn how. The
 * page's script ({@code report.js}) draws it, and writes the table beside it, from the same rows.
 *
 * @param id unique on the page; the name of files that the page exports
 * @param title what it shows
 * @param note what a reader has to know besides; may be empty
 * @param x the column along which things are set out; text makes it a list of categories
 * @param y the column of the values
 * @param series the columns whose combinations are drawn and named apart; may be empty
 * @param facets columns of which the reader picks one value at a time; may be empty
 * @param data the rows; where text is empty, the row belongs to every choice of that column
 */
record Chart(
    String id,
    String title,
    String note,
    Kind kind,
    Scale x,
    Scale y,
    List<String> series,
    List<String> facets,
    DataTable data) {

  /** How rows are drawn. */
  enum Kind {
    /** Curves; rows of the same place become their mean, in a band of a standard deviation. */
    LINES,
    /** Bars from zero; of rows of the same place the mean. */
    BARS,
    /** A dot for every row. */
    POINTS,
    /** Boxes and whiskers from the columns of {@link #BOX}; of several rows the mean of each. */
    BOXES,
    /** Values with the ends of their intervals, from the columns of {@link #INTERVAL}. */
    INTERVALS
  }

  /**
   * A column as an axis.
   *
   * @param column its name, with the unit
   */
  record Scale(String column, boolean logarithmic) {
    static Scale linear(String column) {
      return new Scale(column, false);
    }

    static Scale logarithmic(String column) {
      return new Scale(column, true);
    }
  }

  /** The columns of {@link Kind#BOXES}. */
  static final List<String> BOX =
      List.of("minimum", "lower quartile", "median", "upper quartile", "maximum");

  /** The ends of {@link Kind#INTERVALS}. */
  static final List<String> INTERVAL = List.of("low", "high");

  /** Six digits are more than a chart can show. */
  private static final MathContext DIGITS = new MathContext(6);

  private static final Gson GSON = new Gson();

  /** Checks that the columns are there. */
  Chart {
    series = List.copyOf(series);
    facets = List.copyOf(facets);
    List<String> used =
        switch (kind) {
          case LINES, BARS, POINTS -> List.of(y.column());
          case BOXES -> BOX;
          case INTERVALS -> Stream.concat(Stream.of(y.column()), INTERVAL.stream()).toList();
        };
    for (String column :
        Stream.of(List.of(x.column()), used, series, facets).flatMap(List::stream).toList()) {
      if (!data.columns().contains(column)) {
        throw new IllegalArgumentException("chart " + id + " has no column " + column);
      }
    }
  }

  /** Makes a chart without facets. */
  Chart(
      String id,
      String title,
      String note,
      Kind kind,
      Scale x,
      Scale y,
      List<String> series,
      DataTable data) {
    this(id, title, note, kind, x, y, series, List.of(), data);
  }

  /** Returns whether there is a value to draw. */
  boolean hasValues() {
    int column = data.columns().indexOf(kind == Kind.BOXES ? BOX.getFirst() : y.column());
    return data.rows().stream()
        .map(row -> row.get(column))
        .anyMatch(value -> value instanceof Number number && Double.isFinite(number.doubleValue()));
  }

  /**
   * Returns what the page's script reads. Columns are stored whole: numbers as they are, null if
   * not finite, and text as places in the list of its values.
   */
  JsonObject json() {
    JsonObject json = new JsonObject();
    json.addProperty("id", id);
    json.addProperty("title", title);
    json.addProperty("note", note);
    json.addProperty("kind", kind.name());
    json.add("x", GSON.toJsonTree(x));
    json.add("y", GSON.toJsonTree(y));
    json.add("series", GSON.toJsonTree(series));
    json.add("facets", GSON.toJsonTree(facets));
    JsonArray columns = new JsonArray();
    for (int i = 0; i < data.columns().size(); i++) {
      columns.add(column(i));
    }
    json.add("columns", columns);
    return json;
  }

  private JsonObject column(int index) {
    JsonObject column = new JsonObject();
    column.addProperty("name", data.columns().get(index));
    Map<String, Integer> places = new LinkedHashMap<>();
    JsonArray values = new JsonArray();
    for (List<Object> row : data.rows()) {
      values.add(
          switch (row.get(index)) {
            case Number number -> number(number);
            case Object text when text.toString().isEmpty() -> JsonNull.INSTANCE;
            case Object text -> {
              places.putIfAbsent(text.toString(), places.size());
              yield new JsonPrimitive(Objects.requireNonNull(places.get(text.toString())));
            }
          });
    }
    if (!places.isEmpty()) {
      column.add("texts", GSON.toJsonTree(places.keySet()));
    }
    column.add("values", values);
    return column;
  }

  private static JsonElement number(Number value) {
    return switch (value) {
      case Double d when !Double.isFinite(d) -> JsonNull.INSTANCE;
      case Double d -> new JsonPrimitive(new BigDecimal(d).round(DIGITS).stripTrailingZeros());
      case Number whole -> new JsonPrimitive(whole);
    };
  }
}
