package dev.coppice.cli;

import com.google.gson.JsonObject;
import java.io.PrintWriter;
import java.util.Locale;

/** The result of a run for people. */
final class RunReport {
  private RunReport() {}

  static void print(JsonObject result, PrintWriter out) {
    Table table = new Table("result", "");
    table.add("accuracy", percent(result, "accuracy"));
    table.add("sparsity", percent(result, "sparsity"));
    table.add(
        "parameters (not zero)",
        String.format(
            Locale.ROOT,
            "%,d (%,d)",
            result.get("parameters").getAsLong(),
            result.get("nonZeroParameters").getAsLong()));
    table.add("synaptic operations per image", number("%,.0f", result, "sopsPerImage"));
    table.add("energy per image", number("%,.1f nJ", result, "energyNanojoule"));
    if (result.has("regrown")) {
      table.add("connections regrown", number("%,.0f", result, "regrown"));
      table.add("survival", number("%.1f %%", result, "survivalPercent"));
    }
    table.add(
        "epochs, steps", result.get("epochs").getAsInt() + ", " + result.get("steps").getAsLong());
    table.add("training", number("%.1f s", result, "seconds"));
    table.add("images per second", number("%.0f", result, "imagesPerSecond"));
    table.add("peak memory", number("%.0f MB", result, "peakMegabytes"));
    table.print(out);
    out.println("model: " + result.get("model").getAsString());
  }

  private static String percent(JsonObject result, String key) {
    return String.format(Locale.ROOT, "%.2f %%", 100 * result.get(key).getAsDouble());
  }

  private static String number(String format, JsonObject result, String key) {
    return String.format(Locale.ROOT, format, result.get(key).getAsDouble());
  }
}
