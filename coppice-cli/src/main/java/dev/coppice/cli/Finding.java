package dev.coppice.cli;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;

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

  /** Returns the table for programs. */
  DataTable table() {
    return new DataTable(columns, rows);
  }

  /** Returns the longer table for programs. */
  DataTable detailTable() {
    return new DataTable(detailColumns, details);
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
