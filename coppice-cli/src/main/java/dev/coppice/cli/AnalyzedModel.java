package dev.coppice.cli;

import dev.coppice.analysis.ActivityRecording;
import dev.coppice.analysis.FeatureConsistency;
import dev.coppice.analysis.NetworkMeasurement;
import dev.coppice.graph.Model;
import java.util.List;

/**
 * A model and what was measured of it.
 *
 * @param name {@code model}, or {@code other} for the one it is compared with
 * @param measurement on training images; without layers if not wanted
 * @param recording without layers if not wanted
 */
record AnalyzedModel(
    String name,
    Model model,
    NetworkMeasurement measurement,
    FeatureConsistency consistency,
    ActivityRecording recording,
    List<String> classes) {
  AnalyzedModel {
    classes = List.copyOf(classes);
  }
}
