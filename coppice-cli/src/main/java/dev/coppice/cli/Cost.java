package dev.coppice.cli;

import com.google.gson.JsonObject;
import dev.coppice.train.EpochMetrics;
import java.util.List;

/**
 * What a run has cost. Forward operations are those of all training images: dense with every weight
 * and input, effective with the rates of the evaluation after each epoch. The backward pass is
 * taken as twice the dense forward pass.
 */
record Cost(int epochs, long steps, double denseForward, double effectiveForward, double seconds) {
  private static final List<String> COLUMNS = List.of(EpochMetrics.csvHeader().split(",", -1));

  /**
   * Adds up a run.
   *
   * @param csv the lines of metrics.csv
   * @param densePerImage operations of one image with every weight and input
   */
  static Cost of(List<String> csv, int images, double densePerImage, double seconds) {
    int operations = COLUMNS.indexOf("sops_per_image");
    double effective = 0;
    double pending = 0;
    double known = 0;
    long steps = 0;
    for (String line : csv) {
      String[] cells = line.split(",", -1);
      steps = Long.parseLong(cells[COLUMNS.indexOf("step")]);
      pending += images;
      if (!cells[operations].isEmpty()) {
        known = Double.parseDouble(cells[operations]);
        effective += pending * known;
        pending = 0;
      }
    }
    return new Cost(
        csv.size(),
        steps,
        densePerImage * images * csv.size(),
        effective + pending * known,
        seconds);
  }

  JsonObject json() {
    JsonObject json = new JsonObject();
    json.addProperty("epochs", epochs);
    json.addProperty("steps", steps);
    json.addProperty("forwardSopsDense", denseForward);
    json.addProperty("forwardSopsEffective", effectiveForward);
    json.addProperty("backwardSopsDense", 2 * denseForward);
    json.addProperty("seconds", seconds);
    return json;
  }
}
