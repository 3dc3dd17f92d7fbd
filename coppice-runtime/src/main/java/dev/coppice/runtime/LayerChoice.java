package dev.coppice.runtime;

import dev.coppice.kernels.IntegerConvolution;
import java.util.Locale;

/**
 * The cost model: which kernel computes a convolution or linear layer. It goes by the shape, the
 * share of weights that are left and the share of neurons that fire, and not by what the machine is
 * doing, so that a model is computed in the same way, with the same roundings, wherever it runs and
 * however many images come together.
 *
 * <p>Costs are nanoseconds of one thread of a processor with vectors of 512 bit; only their ratios
 * matter.
 *
 * @param kernel the cheapest
 * @param reason why, for people
 */
record LayerChoice(Kernel kernel, String reason) {
  /** How a layer is computed. */
  enum Kernel {
    DENSE,
    SPIKE_DRIVEN,
    SPIKE_COLUMNS,
    SPARSE,
    COUNTS,
    PATTERNS
  }

  private static final int LANES = 16;
  private static final int SHORTS = 32;

  /** A multiply-add of a vector of the sparse kernel, which reads its operand from memory. */
  private static final double SPARSE_VECTOR = 0.8;

  /** A multiply-add of a vector of the kernel of counts. */
  private static final double COUNT_VECTOR = 0.4;

  /** The same of single spikes, which select weights. */
  private static final double SELECT_VECTOR = 0.32;

  /** A look-up and add of a vector of the kernel of patterns. */
  private static final double PATTERN_VECTOR = 0.34;

  /** Fetching the sums of a pattern's weights where they do not stay in the second cache. */
  private static final double FAR_PATTERN = 3;

  /** Sums of patterns that stay in the second cache, in vectors; the third has other users. */
  private static final int CACHED_PATTERNS = 1 << 14;

  /** Sums of patterns that there may be at all, in vectors. */
  private static final int MOST_PATTERNS = 1 << 20;

  /** Folding a vector of counts. */
  private static final double FOLD_VECTOR = 3;

  /** What each list of a row costs besides. */
  private static final double SPARSE_ROW = 20;

  /** An add of a vector of weights for a spike. */
  private static final double SPIKE_VECTOR = 0.56;

  /** The same where the weights do not stay in the second cache. */
  private static final double FAR_SPIKE_VECTOR = 0.75;

  /** Weights that stay in the second cache. */
  private static final int CACHED_WEIGHTS = 1 << 18;

  /** An add of one weight for a spike. */
  private static final double SPIKE_WEIGHT = 0.62;

  /** A multiply-add of a vector of the dense kernel. */
  private static final double DENSE_VECTOR = 0.4;

  /** Finding a spike and where it goes. */
  private static final double SPIKE = 4;

  /** Sums of an output begin with zero and are copied where they belong. */
  private static final double CLEAR = 0.1;

  /** Neurons between planes rather than maps, and back: a float of a map changes place. */
  private static final double MOVE = 1;

  /** The kernels for whole numbers that can compute a layer. */
  enum Whole {
    NONE,
    /** Counts are multiplied by weights. */
    COUNTS,
    /** Single spikes select weights. */
    SPIKES,
    /** So they do, or several together look up sums. */
    SPIKES_AND_PATTERNS
  }

  /**
   * What is known of a layer.
   *
   * @param weightDensity the share of weights that are not zero
   * @param spikeDensity the share of inputs that are spikes; 1 of inputs that are any numbers
   * @param steps T, 1 if the input is the same at all steps
   * @param inputs the size of the input
   * @param positions pixels of the output
   * @param channels O
   * @param rowWeights weights of an output channel
   * @param planar whether the input lies in planes
   * @param whole which of the kernels for whole numbers can compute it
   */
  record Facts(
      double weightDensity,
      double spikeDensity,
      int steps,
      int inputs,
      int positions,
      int channels,
      int rowWeights,
      boolean planar,
      Whole whole) {

    /** Returns the cost of the sparse kernel. */
    double sparse() {
      double vectors = Math.ceil(1.2 * steps * positions / LANES);
      return channels * (SPARSE_ROW + vectors * rowWeights * weightDensity * SPARSE_VECTOR)
          + (planar ? 0 : MOVE * steps * inputs);
    }

    /** Returns the cost of the kernel of counts. */
    double counts() {
      return whole == Whole.NONE
          ? Double.POSITIVE_INFINITY
          : whole(
              rowWeights * weightDensity, whole == Whole.COUNTS ? COUNT_VECTOR : SELECT_VECTOR, 1);
    }

    /** Returns the cost of the kernel of patterns, of which those without weights are left out. */
    double patterns() {
      if (whole != Whole.SPIKES_AND_PATTERNS) {
        return Double.POSITIVE_INFINITY;
      }
      double together = IntegerConvolution.TOGETHER;
      double lookUps = rowWeights / together * (1 - Math.pow(1 - weightDensity, together));
      if (channels * lookUps > MOST_PATTERNS) {
        return Double.POSITIVE_INFINITY;
      }
      boolean cached = channels * lookUps <= CACHED_PATTERNS;
      return whole(lookUps, PATTERN_VECTOR, together)
          + (cached ? 0 : channels * lookUps * FAR_PATTERN);
    }

    private double whole(double entries, double vector, double together) {
      double vectors = Math.ceil((double) steps * positions / SHORTS);
      return channels * (SPARSE_ROW + vectors * entries * vector)
          + (double) steps * inputs / SHORTS / together * FOLD_VECTOR
          + (planar ? 0 : MOVE * steps * inputs);
    }

    private double spikes() {
      return spikeDensity * steps * inputs;
    }

    /** Weights that a spike reaches, pruned or not. */
    private double fanOut() {
      return (double) rowWeights * channels * positions / inputs;
    }

    double spikeDriven() {
      double vectors = fanOut() / channels * Math.ceil((double) channels / LANES);
      boolean cached = (double) rowWeights * channels <= CACHED_WEIGHTS;
      double vector = cached ? SPIKE_VECTOR : FAR_SPIKE_VECTOR;
      return spikes() * (SPIKE + vectors * vector) + (planar ? MOVE * steps * inputs : 0);
    }

    double spikeColumns() {
      return spikes() * (SPIKE + fanOut() * weightDensity * SPIKE_WEIGHT)
          + CLEAR * steps * positions * channels
          + (planar ? MOVE * steps * inputs : 0);
    }

    /** Returns the cost of moving the output into planes. */
    double moved() {
      return MOVE * steps * positions * channels;
    }

    double dense() {
      return (double) steps
          * positions
          * rowWeights
          * Math.ceil((double) channels / LANES)
          * DENSE_VECTOR;
    }

    private String explain() {
      String weights = String.format(Locale.ROOT, "%.1f %% of the weights", 100 * weightDensity);
      return spikeDensity == 1
          ? weights + " are left, its input is not taken as spikes"
          : weights + String.format(Locale.ROOT, " and %.1f %% spikes", 100 * spikeDensity);
    }
  }

  /** Chooses for a layer that reads spikes. */
  static LayerChoice ofSpikes(Facts facts, boolean planes) {
    if (Math.min(facts.counts(), facts.patterns())
        < Math.min(facts.spikeDriven(), facts.spikeColumns())) {
      return new LayerChoice(
          facts.patterns() < facts.counts() ? Kernel.PATTERNS : Kernel.COUNTS, facts.explain());
    }
    double driven = facts.spikeDriven();
    double columns = facts.spikeColumns();
    double sparse = planes ? facts.sparse() : Double.POSITIVE_INFINITY;
    Kernel kernel =
        driven <= Math.min(sparse, columns)
            ? Kernel.SPIKE_DRIVEN
            : sparse <= columns ? Kernel.SPARSE : Kernel.SPIKE_COLUMNS;
    return new LayerChoice(kernel, facts.explain());
  }

  /** Whether whole numbers are computed with. */
  boolean whole() {
    return kernel == Kernel.COUNTS || kernel == Kernel.PATTERNS;
  }

  /**
   * Chooses for a layer that reads any numbers.
   *
   * @param planes whether its input is a map, which may lie in planes
   * @param moved whether its output had better lie in planes, too
   */
  static LayerChoice ofNumbers(Facts facts, boolean planes, boolean moved) {
    double dense = facts.dense() + (moved ? facts.moved() : 0);
    Kernel kernel = planes && facts.sparse() < dense ? Kernel.SPARSE : Kernel.DENSE;
    return new LayerChoice(kernel, facts.explain());
  }
}
