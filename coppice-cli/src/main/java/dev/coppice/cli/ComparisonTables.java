package dev.coppice.cli;

import java.io.PrintWriter;
import java.util.Locale;
import java.util.Map;

/** The tables of a comparison for people. */
final class ComparisonTables {
  private static final String NOTHING = "-";

  private ComparisonTables() {}

  /** Prints the tables. */
  static void print(Comparison comparison, PrintWriter out) {
    summary(comparison).print(out);
    out.println();
    ranks(comparison).print(out);
    out.println();
    costs(comparison).print(out);
  }

  /** Returns the tables in Markdown. */
  static String markdown(Comparison comparison) {
    return "Accuracies are means over the seeds ± the standard deviation, and differences those to"
        + " magnitude with the same seed, with 95 % confidence intervals, in percent. Operations"
        + " are the synaptic ones of training, forward and back.\n\n"
        + summary(comparison).markdown()
        + "\nMean ranks over all sparsities and seeds, 1 for the most accurate:\n\n"
        + ranks(comparison).markdown()
        + "\nCost to reach an accuracy at the final sparsity, means over the runs that reached"
        + " it:\n\n"
        + costs(comparison).markdown();
  }

  /** Returns what each method comes to at each sparsity. */
  static Table summary(Comparison comparison) {
    Table table =
        new Table(
            "method",
            "target %",
            "sparsity %",
            "runs",
            "accuracy %",
            "to magnitude",
            "95 % interval",
            "rank",
            "epochs",
            "steps",
            "SOPs",
            "seconds");
    for (CellSummary cell : comparison.summary()) {
      PairedDifference difference = cell.difference();
      table.add(
          cell.method(),
          percent(cell.sparsityTarget()),
          percent(cell.sparsity()),
          cell.failed() == 0
              ? Integer.toString(cell.runs())
              : cell.runs() + ", " + cell.failed() + " failed",
          Double.isNaN(cell.accuracyDeviation())
              ? percent(cell.accuracy())
              : percent(cell.accuracy()) + " ± " + percent(cell.accuracyDeviation()),
          difference == null ? NOTHING : signed(difference.mean()),
          difference == null || Double.isNaN(difference.low())
              ? NOTHING
              : signed(difference.low()) + " … " + signed(difference.high()),
          number("%.2f", cell.rank()),
          number("%.0f", cell.epochs()),
          number("%,.0f", cell.steps()),
          number("%.3g", cell.sops()),
          number("%.1f", cell.seconds()));
    }
    return table;
  }

  private static Table ranks(Comparison comparison) {
    Table table = new Table("method", "mean rank");
    for (Map.Entry<String, Double> rank : comparison.ranks().means().entrySet()) {
      table.add(rank.getKey(), number("%.2f", rank.getValue()));
    }
    return table;
  }

  /** Returns what reaching an accuracy costs. */
  static Table costs(Comparison comparison) {
    Table table =
        new Table(
            "method", "target %", "accuracy %", "reached by", "epochs", "steps", "SOPs", "seconds");
    for (CostToReach cost : comparison.costs()) {
      table.add(
          cost.method(),
          percent(cost.sparsityTarget()),
          percent(cost.accuracy()),
          cost.reached() + " of " + cost.runs(),
          number("%.1f", cost.epochs()),
          number("%,.0f", cost.steps()),
          number("%.3g", cost.sops()),
          number("%.1f", cost.seconds()));
    }
    return table;
  }

  private static String percent(double share) {
    return number("%.2f", 100 * share);
  }

  private static String signed(double share) {
    return number("%+.2f", 100 * share);
  }

  private static String number(String format, double value) {
    return Double.isNaN(value) ? NOTHING : String.format(Locale.ROOT, format, value);
  }
}
