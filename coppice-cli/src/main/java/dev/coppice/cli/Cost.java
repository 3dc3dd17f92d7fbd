package dev.coppice.cli;

import com.google.gson.JsonObject;
import java.util.List;

/**
 * What a run has cost. Forward operations are those of all training images: dense with every weight
 * and input, effective with the rates of the evaluation after each epoch. The backward pass is
 * taken as twice the dense forward pass.
 */
record Cost(int epochs, long steps, double denseForward, double effectiveForward, double seconds) {
  /**
   * Adds up a run, or its first epochs.
   *
   * @param images of an epoch
   * @param densePerImage operations of one image with every weight and input
   */
  static Cost of(List<RunRecords.Epoch> epochs, int images, double densePerImage, double seconds) {
    double effective = 0;
    double pending = 0;
    double known = 0;
    for (RunRecords.Epoch epoch : epochs) {
      pending += images;
      if (!Double.isNaN(epoch.sopsPerImage())) {
        known = epoch.sopsPerImage();
        effective += pending * known;
        pending = 0;
      }
    }
    return new Cost(
        epochs.size(),
        epochs.isEmpty() ? 0 : epochs.getLast().step(),
        densePerImage * images * epochs.size(),
        effective + pending * known,
        seconds);
  }

  /** Reads what {@link #json} wrote. */
  static Cost read(JsonObject json) {
    return new Cost(
        json.get("epochs").getAsInt(),
        json.get("steps").getAsLong(),
        json.get("forwardSopsDense").getAsDouble(),
        json.get("forwardSopsEffective").getAsDouble(),
        json.get("seconds").getAsDouble());
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
