package dev.coppice.cli;

import static java.util.stream.Collectors.joining;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;

/** A table of plain text; the first columns are aligned to the left, the others to the right. */
final class Table {
  private final List<List<String>> rows = new ArrayList<>();
  private final int leftColumns;

  /** Makes a table whose first column alone is aligned to the left. */
  Table(String... header) {
    this(1, header);
  }

  /** Makes a table whose first columns, so many, are aligned to the left. */
  Table(int leftColumns, String... header) {
    this.leftColumns = leftColumns;
    rows.add(List.of(header));
  }

  void add(String... cells) {
    rows.add(List.of(cells));
  }

  List<String> header() {
    return rows.getFirst();
  }

  /** Returns the rows below the header. */
  List<List<String>> body() {
    return rows.subList(1, rows.size());
  }

  /** Returns how many columns are aligned to the left. */
  int leftColumns() {
    return leftColumns;
  }

  void print(PrintWriter out) {
    int[] widths = new int[rows.getFirst().size()];
    for (List<String> row : rows) {
      for (int i = 0; i < widths.length; i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < widths.length; i++) {
        String padding = " ".repeat(widths[i] - row.get(i).length());
        line.append(i == 0 ? "" : "  ");
        line.append(i < leftColumns ? row.get(i) + padding : padding + row.get(i));
      }
      out.println(line.toString().stripTrailing());
    }
  }

  /** Returns the table in Markdown. */
  String markdown() {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < rows.size(); i++) {
      String cells =
          rows.get(i).stream().map(cell -> cell.replace("|", "\\|")).collect(joining(" | "));
      text.append("| ").append(cells).append(" |\n");
      if (i == 0) {
        for (int column = 0; column < rows.getFirst().size(); column++) {
          text.append(column < leftColumns ? "|---" : "|--:");
        }
        text.append("|\n");
      }
    }
    return text.toString();
  }
}
