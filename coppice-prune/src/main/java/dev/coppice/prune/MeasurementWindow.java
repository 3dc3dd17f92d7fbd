package dev.coppice.prune;

import dev.coppice.graph.Tensor;
import dev.coppice.train.Probes;
import java.util.LinkedHashMap;
import java.util.Map;

/** The mean of measurements over mini-batches, each of which counts alike whatever its size. */
public final class MeasurementWindow {
  private final Map<String, float[]> sums = new LinkedHashMap<>();
  private int steps;

  /** Adds what was measured of a mini-batch; outputs and potentials are not kept. */
  public void add(Probes.Measured measured) {
    steps++;
    measured.criticality().forEach((name, values) -> add("criticality." + name, values));
    measured.presynaptic().forEach((name, values) -> add("presynaptic." + name, values));
    measured.gradients().forEach((name, values) -> add("gradient." + name, values));
    measured.magnitudes().forEach((name, values) -> add("magnitude." + name, values));
  }

  private void add(String name, float[] values) {
    float[] sum = sums.computeIfAbsent(name, key -> new float[values.length]);
    for (int i = 0; i < values.length; i++) {
      sum[i] += values[i];
    }
  }

  /** Returns the means; there are none before a first mini-batch. */
  public Probes.Measured mean() {
    return new Probes.Measured(
        means("criticality."),
        means("presynaptic."),
        means("gradient."),
        Map.of(),
        Map.of(),
        means("magnitude."));
  }

  private Map<String, float[]> means(String prefix) {
    Map<String, float[]> means = new LinkedHashMap<>();
    sums.forEach(
        (name, sum) -> {
          if (name.startsWith(prefix)) {
            float[] mean = sum.clone();
            for (int i = 0; i < mean.length; i++) {
              mean[i] /= steps;
            }
            means.put(name.substring(prefix.length()), mean);
          }
        });
    return means;
  }

  void clear() {
    sums.clear();
    steps = 0;
  }

  /** Adds what a checkpoint must keep. */
  void save(Map<String, Tensor> state) {
    state.put("window.steps", Tensor.of(steps));
    sums.forEach((name, sum) -> state.put("window." + name, Tensor.of(sum.clone())));
  }

  void restore(Map<String, Tensor> state) {
    clear();
    state.forEach(
        (name, tensor) -> {
          if (name.equals("window.steps")) {
            steps = (int) tensor.data()[0];
          } else if (name.startsWith("window.")) {
            sums.put(name.substring("window.".length()), tensor.data().clone());
          }
        });
  }
}
