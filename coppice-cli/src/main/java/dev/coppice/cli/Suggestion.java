package dev.coppice.cli;

import java.util.Collection;
import java.util.Comparator;

/** Guesses what a mistyped name was meant to be. */
final class Suggestion {
  private Suggestion() {}

  /** Returns {@code "; did you mean X?"} for the nearest of the known names, or nothing. */
  static String of(String typed, Collection<String> known) {
    return known.stream()
        .filter(name -> distance(typed, name) <= Math.max(2, name.length() / 3))
        .min(Comparator.comparingInt(name -> distance(typed, name)))
        .map(name -> "; did you mean " + name + "?")
        .orElse("");
  }

  /** The edit distance of Levenshtein, over the first hundred characters. */
  private static int distance(String a, String b) {
    int length = Math.min(a.length(), 100);
    int[] row = new int[b.length() + 1];
    for (int j = 0; j < row.length; j++) {
      row[j] = j;
    }
    for (int i = 1; i <= length; i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j < row.length; j++) {
        int substituted = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(substituted, Math.min(row[j], row[j - 1]) + 1);
      }
    }
    return row[b.length()];
  }
}
