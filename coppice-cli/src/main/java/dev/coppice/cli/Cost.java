package dev.coppice.cli;

import com.google.gson.JsonObject;
import java.util.List;

/**
 * What a run has cost. Forward operations are those of all training images: dense with every weight
 * and input, effective with the rates of the evaluation after each epoch. The backward pass is
 * taken as twice the forward pass over every input: dense with every weight, or with the weights
 * that are left, but for dense gradients that a method wants.
 *
 * @param backward with the weights that are left
 * @param denseGradients the share of the steps whose gradients are of pruned weights too
 */
record Cost(
    int epochs,
    long steps,
    double denseForward,
    double effectiveForward,
    double backward,
    double denseGradients,
    double seconds) {
  /**
   * Adds up a run, or its first epochs.
   *
   * @param images of an epoch
   * @param densePerImage operations of one image with every weight and input
   * @param denseGradients the share of the steps whose gradients are of pruned weights too
   */
  static Cost of(
      List<RunRecords.Epoch> epochs,
      int images,
      double densePerImage,
      double denseGradients,
      double seconds) {
    double effective = 0;
    double surviving = 0;
    double pending = 0;
    double known = 0;
    double knownSurvivors = densePerImage;
    for (RunRecords.Epoch epoch : epochs) {
      pending += images;
      if (!Double.isNaN(epoch.sopsPerImage())) {
        known = epoch.sopsPerImage();
        knownSurvivors = epoch.survivingSopsPerImage();
        effective += pending * known;
        surviving += pending * knownSurvivors;
        pending = 0;
      }
    }
    surviving += pending * knownSurvivors;
    double dense = densePerImage * images * epochs.size();
    return new Cost(
        epochs.size(),
        epochs.isEmpty() ? 0 : epochs.getLast().step(),
        dense,
        effective + pending * known,
        2 * surviving + denseGradients * (dense - surviving),
        denseGradients,
        seconds);
  }

  /** Returns what both take. */
  Cost plus(Cost other) {
    long both = steps + other.steps;
    return new Cost(
        epochs + other.epochs,
        both,
        denseForward + other.denseForward,
        effectiveForward + other.effectiveForward,
        backward + other.backward,
        both == 0 ? 0 : (denseGradients * steps + other.denseGradients * other.steps) / both,
        seconds + other.seconds);
  }

  /** Returns the synaptic operations of training, forward and back. */
  double operations() {
    return effectiveForward + backward;
  }

  /** Reads what {@link #json} wrote. */
  static Cost read(JsonObject json) {
    return new Cost(
        json.get("epochs").getAsInt(),
        json.get("steps").getAsLong(),
        json.get("forwardSopsDense").getAsDouble(),
        json.get("forwardSopsEffective").getAsDouble(),
        json.get("backwardSops").getAsDouble(),
        json.get("denseGradients").getAsDouble(),
        json.get("seconds").getAsDouble());
  }

  JsonObject json() {
    JsonObject json = new JsonObject();
    json.addProperty("epochs", epochs);
    json.addProperty("steps", steps);
    json.addProperty("forwardSopsDense", denseForward);
    json.addProperty("forwardSopsEffective", effectiveForward);
    json.addProperty("backwardSopsDense", 2 * denseForward);
    json.addProperty("backwardSops", backward);
    json.addProperty("denseGradients", denseGradients);
    json.addProperty("seconds", seconds);
    return json;
  }
}
