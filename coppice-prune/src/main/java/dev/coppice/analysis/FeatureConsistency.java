package dev.coppice.analysis;

import java.util.ArrayList;
import java.util.List;

/**
 * How alike the features of a class are, within a set and between the training and the test set
 * (arXiv 2311.16141). A sample's features are the spikes of the last spiking layer, summed over
 * time and map, {@code [C]}, scaled within the sample to {@code (max − f) / (max − min)}. Samples
 * come one by one; memory does not grow with their number.
 */
public final class FeatureConsistency {
  private final int features;
  private final List<Moments> training = new ArrayList<>();
  private final List<Moments> test = new ArrayList<>();
  private int flat;

  /** Starts without samples. */
  public FeatureConsistency(int classes, int features) {
    this.features = features;
    for (int i = 0; i < classes; i++) {
      training.add(new Moments(features));
      test.add(new Moments(features));
    }
  }

  /**
   * A class's result.
   *
   * @param label the class
   * @param trainingSamples how many there were
   * @param testSamples how many there were
   * @param trainingVariance the mean over the features of their variance (divided by the number of
   *     samples) over the class's training samples; NaN without samples
   * @param testVariance the same of the test samples
   * @param similarity the cosine between the mean features of the class's training samples and of
   *     its test samples; NaN without samples of both, or if a mean is zero
   */
  public record ClassResult(
      int label,
      int trainingSamples,
      int testSamples,
      double trainingVariance,
      double testVariance,
      double similarity) {}

  /**
   * Adds a training sample.
   *
   * @param feature spikes by channel, not yet scaled
   */
  public void addTraining(int label, double[] feature) {
    training.get(label).add(scaled(feature));
  }

  /** Adds a test sample; see {@link #addTraining}. */
  public void addTest(int label, double[] feature) {
    test.get(label).add(scaled(feature));
  }

  /** Returns the result of each class. */
  public List<ClassResult> byClass() {
    List<ClassResult> results = new ArrayList<>();
    for (int label = 0; label < training.size(); label++) {
      Moments seen = training.get(label);
      Moments unseen = test.get(label);
      results.add(
          new ClassResult(
              label,
              seen.samples,
              unseen.samples,
              seen.variance(),
              unseen.variance(),
              cosine(seen.mean, unseen.mean)));
    }
    return results;
  }

  /** Returns the number of samples whose features were all the same, and count as all zero. */
  public int flatSamples() {
    return flat;
  }

  /**
   * Returns {@code (max − f) / (max − min)}: 0 for the channel that fired most, 1 for the one that
   * fired least; all 0 if they are the same.
   */
  public static double[] scale(double[] feature) {
    double minimum = Double.POSITIVE_INFINITY;
    double maximum = Double.NEGATIVE_INFINITY;
    for (double f : feature) {
      minimum = Math.min(minimum, f);
      maximum = Math.max(maximum, f);
    }
    double[] scaled = new double[feature.length];
    if (maximum > minimum) {
      for (int i = 0; i < scaled.length; i++) {
        scaled[i] = (maximum - feature[i]) / (maximum - minimum);
      }
    }
    return scaled;
  }

  private double[] scaled(double[] feature) {
    if (feature.length != features) {
      throw new IllegalArgumentException(
          "expected " + features + " features, found " + feature.length);
    }
    double[] scaled = scale(feature);
    boolean zero = true;
    for (double value : scaled) {
      zero &= value == 0;
    }
    flat += zero ? 1 : 0;
    return scaled;
  }

  private static double cosine(double[] a, double[] b) {
    double aa = 0;
    double bb = 0;
    double ab = 0;
    for (int i = 0; i < a.length; i++) {
      aa += a[i] * a[i];
      bb += b[i] * b[i];
      ab += a[i] * b[i];
    }
    return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : Double.NaN;
  }

  /** Means and squared deviations, by Welford's recurrence. */
  private static final class Moments {
    private final double[] mean;
    private final double[] squares;
    private int samples;

    Moments(int features) {
      mean = new double[features];
      squares = new double[features];
    }

    void add(double[] values) {
      samples++;
      for (int i = 0; i < values.length; i++) {
        double difference = values[i] - mean[i];
        mean[i] += difference / samples;
        squares[i] += difference * (values[i] - mean[i]);
      }
    }

    double variance() {
      if (samples == 0) {
        return Double.NaN;
      }
      double sum = 0;
      for (double square : squares) {
        sum += square / samples;
      }
      return sum / squares.length;
    }
  }
}
