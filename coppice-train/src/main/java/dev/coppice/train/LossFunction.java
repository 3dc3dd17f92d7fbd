package dev.coppice.train;

/**
 * A loss over logits {@code [T, B, K]} and integer labels. With label smoothing ε the target is
 * {@code 1 − ε} on the label plus {@code ε/K} everywhere.
 */
public sealed interface LossFunction {
  /** Cross entropy of the logits averaged over time. */
  record MeanLogits() implements LossFunction {}

  /** The mean over time of each step's cross entropy. */
  record PerStep() implements LossFunction {}

  /**
   * Temporal efficient training (Deng et al., ICLR 2022, arXiv 2202.11946): {@code (1−λ)·per-step
   * cross entropy + λ·mean((o − φ)²)} over all logits.
   */
  record Tet(float lambda, float phi) implements LossFunction {
    /** Throws {@link IllegalArgumentException} unless {@code 0 <= lambda <= 1}. */
    public Tet {
      if (!(lambda >= 0 && lambda <= 1)) {
        throw new IllegalArgumentException("TET lambda must lie in [0, 1], not " + lambda);
      }
    }
  }

  /**
   * A loss and its gradient.
   *
   * @param value the mean over the batch
   * @param gradient with respect to the logits, {@code [T, B, K]}
   * @param correct how many samples have their largest time-mean logit on the label
   */
  record Value(double value, float[] gradient, int correct) {}

  /**
   * Evaluates a loss.
   *
   * @param logits {@code [T, B, K]}
   * @param labels {@code [B]}
   * @throws IllegalArgumentException if a label is not a class
   */
  default Value evaluate(float[] logits, int[] labels, int steps, float labelSmoothing) {
    int batch = labels.length;
    int classes = logits.length / (steps * batch);
    float[] gradient = new float[logits.length];
    double[] mean = new double[classes];
    double[] row = new double[classes];
    double[] rowGradient = new double[classes];
    double total = 0;
    int correct = 0;
    for (int b = 0; b < batch; b++) {
      if (labels[b] < 0 || labels[b] >= classes) {
        throw new IllegalArgumentException(
            "label " + labels[b] + " is not one of the network's " + classes + " classes");
      }
      java.util.Arrays.fill(mean, 0);
      for (int t = 0; t < steps; t++) {
        for (int k = 0; k < classes; k++) {
          mean[k] += logits[(t * batch + b) * classes + k] / (double) steps;
        }
      }
      if (argMax(mean) == labels[b]) {
        correct++;
      }
      for (int t = 0; t < steps; t++) {
        int offset = (t * batch + b) * classes;
        double weight = 1.0 / ((double) steps * batch);
        switch (this) {
          case MeanLogits() -> {
            if (t == 0) {
              total += crossEntropy(mean, labels[b], labelSmoothing, rowGradient) / batch;
            }
          }
          case PerStep() -> {
            read(logits, offset, row);
            total += weight * crossEntropy(row, labels[b], labelSmoothing, rowGradient);
          }
          case Tet(float lambda, float phi) -> {
            read(logits, offset, row);
            double entropy = crossEntropy(row, labels[b], labelSmoothing, rowGradient);
            total += weight * (1 - lambda) * entropy;
            for (int k = 0; k < classes; k++) {
              double error = row[k] - phi;
              total += weight * lambda * error * error / classes;
              rowGradient[k] = (1 - lambda) * rowGradient[k] + 2 * lambda * error / classes;
            }
          }
        }
        for (int k = 0; k < classes; k++) {
          gradient[offset + k] = (float) (weight * rowGradient[k]);
        }
      }
    }
    return new Value(total, gradient, correct);
  }

  private static void read(float[] logits, int offset, double[] row) {
    for (int k = 0; k < row.length; k++) {
      row[k] = logits[offset + k];
    }
  }

  private static int argMax(double[] values) {
    int best = 0;
    for (int k = 1; k < values.length; k++) {
      if (values[k] > values[best]) {
        best = k;
      }
    }
    return best;
  }

  /**
   * Returns the cross entropy of softmax(row) against the smoothed label and writes its gradient.
   */
  private static double crossEntropy(double[] row, int label, float smoothing, double[] gradient) {
    double max = Double.NEGATIVE_INFINITY;
    for (double value : row) {
      max = Math.max(max, value);
    }
    double sum = 0;
    for (double value : row) {
      sum += Math.exp(value - max);
    }
    double logSum = max + Math.log(sum);
    double loss = 0;
    for (int k = 0; k < row.length; k++) {
      double target = smoothing / row.length + (k == label ? 1 - smoothing : 0);
      loss += target * (logSum - row[k]);
      gradient[k] = Math.exp(row[k] - logSum) - target;
    }
    return loss;
  }
}
