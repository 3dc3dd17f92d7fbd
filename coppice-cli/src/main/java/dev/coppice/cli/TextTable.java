package dev.coppice.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A table for people: the first column to the left, numbers to the right. */
final class TextTable {
  private final List<List<String>> rows = new ArrayList<>();
  private final int leftColumns;

  /**
   * Makes a table.
   *
   * @param leftColumns how many columns, from the first, hold text rather than numbers
   */
  TextTable(int leftColumns, String... titles) {
    this.leftColumns = leftColumns;
    rows.add(List.of(titles));
  }

  /** Adds a row. */
  TextTable row(String... cells) {
    rows.add(Arrays.asList(cells));
    return this;
  }

  @Override
  public String toString() {
    int[] widths = new int[rows.getFirst().size()];
    for (List<String> row : rows) {
      for (int i = 0; i < widths.length; i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    StringBuilder out = new StringBuilder();
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < widths.length; i++) {
        String space = " ".repeat(widths[i] - row.get(i).length());
        line.append(i == 0 ? "" : "  ");
        line.append(i < leftColumns ? row.get(i) + space : space + row.get(i));
      }
      out.append(line.toString().stripTrailing()).append('\n');
    }
    return out.toString();
  }
}
