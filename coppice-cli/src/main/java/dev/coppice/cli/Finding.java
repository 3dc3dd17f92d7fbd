package dev.coppice.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * What an analysis found: a table, of which what is too long to read only goes to the CSV file, and
 * a picture.
 *
 * @param name of the files
 * @param columns of the table
 * @param rows text, whole numbers or {@link Double}; what is not finite is left empty
 * @param details a longer table for a CSV file of its own; may have no rows
 */
record Finding(
    String name,
    String title,
    List<String> columns,
    List<List<Object>> rows,
    List<String> detailColumns,
    List<List<Object>> details,
    Plot plot) {
  private static final int TEXT_COLUMNS = 2;

  Finding {
    columns = List.copyOf(columns);
    rows = List.copyOf(rows);
    detailColumns = List.copyOf(detailColumns);
    details = List.copyOf(details);
  }

  /** Prints the table. */
  void print(PrintWriter out) {
    out.println(title);
    Table table = new Table(TEXT_COLUMNS, columns.toArray(String[]::new));
    for (List<Object> row : rows) {
      table.add(row.stream().map(Finding::readable).toArray(String[]::new));
    }
    table.print(out);
    out.println();
  }

  /** Returns the table as CSV. */
  String csv() {
    return csv(columns, rows);
  }

  /** Returns the longer table as CSV. */
  String detailCsv() {
    return csv(detailColumns, details);
  }

  /** Returns the rows as objects. */
  JsonArray json() {
    JsonArray array = new JsonArray();
    for (List<Object> row : rows) {
      JsonObject object = new JsonObject();
      for (int i = 0; i < columns.size(); i++) {
        switch (row.get(i)) {
          case Double value when !Double.isFinite(value) -> {}
          case Number value -> object.addProperty(columns.get(i), value);
          case Object value -> object.addProperty(columns.get(i), value.toString());
        }
      }
      array.add(object);
    }
    return array;
  }

  private static String csv(List<String> columns, List<List<Object>> rows) {
    List<String> lines = new ArrayList<>();
    lines.add(String.join(",", columns));
    for (List<Object> row : rows) {
      lines.add(row.stream().map(Finding::cell).collect(Collectors.joining(",")));
    }
    return String.join("\n", lines) + "\n";
  }

  private static String cell(Object value) {
    return switch (value) {
      case Double number -> Double.isFinite(number) ? number.toString() : "";
      case String text when text.matches("[^\",\r\n]*") -> text;
      case String text -> '"' + text.replace("\"", "\"\"") + '"';
      case Object other -> other.toString();
    };
  }

  private static String readable(Object value) {
    return switch (value) {
      case Double number when number > 1 && number == Math.rint(number) && number < 1e15 ->
          String.format(Locale.ROOT, "%,.0f", number);
      case Double number ->
          Double.isFinite(number) ? String.format(Locale.ROOT, "%.4f", number) : "-";
      case Number number -> String.format(Locale.ROOT, "%,d", number.longValue());
      case Object other -> other.toString();
    };
  }
}
