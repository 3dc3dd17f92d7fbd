package dev.coppice.cli;

import com.google.gson.JsonObject;
import dev.coppice.train.EpochMetrics;
import java.util.List;

/**
 * What a run has cost. Forward operations are those of all training images: dense with every weight
 * and input, effective with the rates of the evaluation after each epoch. The backward pass is
 * taken as twice the forward pass over every input: dense with every weight, or with the weights
 * that are left, but for dense gradients that a method wants.
 *
 * @param backward with the weights that are left
 */
record Cost(
    int epochs,
    long steps,
    double denseForward,
    double effectiveForward,
    double backward,
    double seconds) {
  private static final List<String> COLUMNS = List.of(EpochMetrics.csvHeader().split(",", -1));

  /**
   * Adds up a run.
   *
   * @param csv the lines of metrics.csv
   * @param densePerImage operations of one image with every weight and input
   * @param denseGradients the share of the steps whose gradients are of pruned weights too
   */
  static Cost of(
      List<String> csv, int images, double densePerImage, double denseGradients, double seconds) {
    int operations = COLUMNS.indexOf("sops_per_image");
    int survivors = COLUMNS.indexOf("surviving_sops_per_image");
    double effective = 0;
    double surviving = 0;
    double pending = 0;
    double known = 0;
    double knownSurvivors = densePerImage;
    long steps = 0;
    for (String line : csv) {
      String[] cells = line.split(",", -1);
      steps = Long.parseLong(cells[COLUMNS.indexOf("step")]);
      pending += images;
      if (!cells[operations].isEmpty()) {
        known = Double.parseDouble(cells[operations]);
        knownSurvivors = Double.parseDouble(cells[survivors]);
        effective += pending * known;
        surviving += pending * knownSurvivors;
        pending = 0;
      }
    }
    surviving += pending * knownSurvivors;
    double dense = densePerImage * images * csv.size();
    return new Cost(
        csv.size(),
        steps,
        dense,
        effective + pending * known,
        2 * surviving + denseGradients * (dense - surviving),
        seconds);
  }

  /** Returns the synaptic operations of training, forward and back. */
  double operations() {
    return effectiveForward + backward;
  }

  JsonObject json() {
    JsonObject json = new JsonObject();
    json.addProperty("epochs", epochs);
    json.addProperty("steps", steps);
    json.addProperty("forwardSopsDense", denseForward);
    json.addProperty("forwardSopsEffective", effectiveForward);
    json.addProperty("backwardSopsDense", 2 * denseForward);
    json.addProperty("backwardSops", backward);
    json.addProperty("seconds", seconds);
    return json;
  }
}
