package dev.coppice.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.coppice.runtime.StepTime;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;

/** The plan of a compiled network, for {@code --explain}. */
final class PlanTable {
  private PlanTable() {}

  /**
   * Prints the steps and adds them to the result.
   *
   * @param images how many were run at a time
   */
  static void print(List<StepTime> steps, int images, JsonObject result, PrintWriter out) {
    Table table = new Table(2, "step", "how", "ms");
    JsonArray plan = new JsonArray();
    long sum = 0;
    for (StepTime step : steps) {
      sum += step.nanoseconds();
      table.add(step.node(), step.kernel(), milliseconds(step.nanoseconds()));
      JsonObject json = new JsonObject();
      json.addProperty("node", step.node());
      json.addProperty("kernel", step.kernel());
      json.addProperty("milliseconds", step.nanoseconds() / 1e6);
      plan.add(json);
    }
    table.add("all", images == 1 ? "one image" : images + " images at a time", milliseconds(sum));
    table.print(out);
    result.add("plan", plan);
  }

  private static String milliseconds(long nanoseconds) {
    return String.format(Locale.ROOT, "%.4f", nanoseconds / 1e6);
  }
}
