package dev.coppice.analysis;

/**
 * The information entropy of what neurons emit: of the distribution of a neuron's firing rate over
 * the samples, a rate being one of the T+1 values k/T.
 *
 * <p>From n samples of which {@code n_k} show the rate k/T, the plug-in (maximum-likelihood)
 * estimate is {@code H = −Σ (n_k/n) log2 (n_k/n)}, which is too low on average; the correction of
 * Miller (1955) and Madow adds {@code (m − 1) / (2 n ln 2)} bits, m being the number of rates seen
 * at least once.
 *
 * @param plugIn bits by channel, {@code [C]}: the mean over the map of its neurons' entropies
 * @param corrected the same with the correction of Miller and Madow
 */
public record FeatureEntropy(double[] plugIn, double[] corrected) {
  private static final double LN_2 = Math.log(2);

  /** Returns the entropies of a layer. */
  public static FeatureEntropy of(SpikeCounts counts) {
    int channels = counts.channels();
    double positions = (double) counts.neurons() / channels;
    double[] plugIn = new double[channels];
    double[] corrected = new double[channels];
    for (int i = 0; i < counts.neurons(); i++) {
      int[] histogram = counts.of(i);
      plugIn[i % channels] += plugIn(histogram) / positions;
      corrected[i % channels] += millerMadow(histogram) / positions;
    }
    return new FeatureEntropy(plugIn, corrected);
  }

  /** Returns the plug-in estimate in bits; 0 for no samples. */
  public static double plugIn(int[] histogram) {
    double samples = 0;
    for (int count : histogram) {
      samples += count;
    }
    double entropy = 0;
    for (int count : histogram) {
      if (count > 0) {
        double share = count / samples;
        entropy -= share * Math.log(share) / LN_2;
      }
    }
    return entropy;
  }

  /** Returns the estimate with the correction of Miller and Madow in bits; 0 for no samples. */
  public static double millerMadow(int[] histogram) {
    double samples = 0;
    int seen = 0;
    for (int count : histogram) {
      samples += count;
      seen += count > 0 ? 1 : 0;
    }
    return seen == 0 ? 0 : plugIn(histogram) + (seen - 1) / (2 * samples * LN_2);
  }
}
