package dev.coppice.analysis;

import java.util.Arrays;

/**
 * How often the neurons of a layer fire.
 *
 * @param channels the innermost dimension C
 * @param rates the mean spikes per time step of each neuron, {@code [H·W·C]}, in [0, 1]
 */
public record FiringRates(int channels, double[] rates) {
  /** Throws {@link IllegalArgumentException} unless these are rates of whole maps. */
  public FiringRates {
    if (channels < 1 || rates.length == 0 || rates.length % channels != 0) {
      throw new IllegalArgumentException(
          rates.length + " rates are not those of whole maps of " + channels + " channels");
    }
  }

  /** Returns the rates that spike counts come to. */
  public static FiringRates of(SpikeCounts counts) {
    double[] rates = new double[counts.neurons()];
    for (int i = 0; i < rates.length; i++) {
      int[] histogram = counts.of(i);
      double spikes = 0;
      double samples = 0;
      for (int k = 0; k < histogram.length; k++) {
        spikes += (double) k * histogram[k];
        samples += histogram[k];
      }
      rates[i] = samples == 0 ? 0 : spikes / (samples * counts.steps());
    }
    return new FiringRates(counts.channels(), rates);
  }

  /** Returns the mean over all neurons. */
  public double mean() {
    return Arrays.stream(rates).average().orElseThrow();
  }

  /** Returns the mean over each channel's map, {@code [C]}. */
  public double[] byChannel() {
    double[] means = new double[channels];
    for (int i = 0; i < rates.length; i++) {
      means[i % channels] += rates[i] * channels / rates.length;
    }
    return means;
  }

  /** Returns the share of neurons that never fired. */
  public double silent() {
    return Arrays.stream(rates).filter(rate -> rate == 0).count() / (double) rates.length;
  }

  /**
   * Returns the share of saturated neurons, those that fire at least so often.
   *
   * @param rate spikes per time step; 1 for neurons that fired at every step of every sample
   */
  public double saturated(double rate) {
    return Arrays.stream(rates).filter(r -> r >= rate).count() / (double) rates.length;
  }
}
