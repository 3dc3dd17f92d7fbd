package dev.coppice.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Rows for programs, as CSV or JSON.
 *
 * @param columns their names
 * @param rows text, whole numbers or {@link Double}; what is not finite is left empty
 */
record DataTable(List<String> columns, List<List<Object>> rows) {
  /** Copies the lists. */
  DataTable {
    columns = List.copyOf(columns);
    rows = List.copyOf(rows);
  }

  /** Returns the table as CSV. */
  String csv() {
    List<String> lines = new ArrayList<>();
    lines.add(String.join(",", columns));
    for (List<Object> row : rows) {
      lines.add(row.stream().map(DataTable::cell).collect(Collectors.joining(",")));
    }
    return String.join("\n", lines) + "\n";
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

  private static String cell(Object value) {
    return switch (value) {
      case Double number -> Double.isFinite(number) ? number.toString() : "";
      case String text when text.matches("[^\",\r\n]*") -> text;
      case String text -> '"' + text.replace("\"", "\"\"") + '"';
      case Object other -> other.toString();
    };
  }
}
