package dev.coppice.analysis;

/**
 * How often each neuron of a layer emitted how many spikes per sample.
 *
 * @param steps the number T of time steps
 * @param channels the innermost dimension C of the layer
 * @param histogram {@code [H·W·C, T+1]}: samples in which the neuron emitted so many spikes
 */
public record SpikeCounts(int steps, int channels, int[] histogram) {
  /**
   * Throws {@link IllegalArgumentException} unless the histogram is one of whole maps of the
   * channels.
   */
  public SpikeCounts {
    if (steps < 1 || channels < 1 || histogram.length % ((steps + 1L) * channels) != 0) {
      throw new IllegalArgumentException(
          histogram.length
              + " counts are not those of whole maps of "
              + channels
              + " channels over "
              + steps
              + " time steps");
    }
  }

  /** Returns counts of no samples. */
  static SpikeCounts none(int steps, int channels, int neurons) {
    return new SpikeCounts(
        steps, channels, new int[Math.toIntExact(Math.multiplyExact(neurons, steps + 1L))]);
  }

  /** Returns the number H·W·C of neurons. */
  public int neurons() {
    return histogram.length / (steps + 1);
  }

  /** Returns the counts of one neuron, {@code [T+1]}. */
  public int[] of(int neuron) {
    return java.util.Arrays.copyOfRange(
        histogram, neuron * (steps + 1), (neuron + 1) * (steps + 1));
  }

  /** Notes that a neuron emitted so many spikes in a sample. */
  void add(int neuron, int spikes) {
    histogram[neuron * (steps + 1) + spikes]++;
  }
}
