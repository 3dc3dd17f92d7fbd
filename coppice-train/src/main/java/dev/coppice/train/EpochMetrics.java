package dev.coppice.train;

import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What an epoch of training came to.
 *
 * @param epoch 1 for the first
 * @param step optimizer steps done since the start of the run
 * @param loss the mean training loss
 * @param trainAccuracy in [0, 1], on the batches as they were trained
 * @param learningRate at the end of the epoch
 * @param sparsity the share of zeros in the weights of convolutions and linear layers
 * @param seconds of training, without the evaluation
 * @param imagesPerSecond in training
 * @param peakMegabytes the greatest resident memory of the process so far, or 0 if unknown
 * @param test the evaluation on the test set, or null if this epoch had none
 */
public record EpochMetrics(
    int epoch,
    long step,
    double loss,
    double trainAccuracy,
    double learningRate,
    double sparsity,
    double seconds,
    double imagesPerSecond,
    double peakMegabytes,
    @Nullable Evaluation test) {

  /** The columns of {@code metrics.csv}, in order. */
  public static String csvHeader() {
    return "epoch,step,loss,train_accuracy,learning_rate,sparsity,seconds,images_per_second,"
        + "peak_megabytes,test_accuracy,test_loss,sops_per_image,energy_nanojoule,firing_rate,"
        + "surviving_sops_per_image";
  }

  /** One line of {@code metrics.csv}; what was not measured is empty. */
  public String csv() {
    String measured =
        String.format(
            Locale.ROOT,
            "%d,%d,%.6f,%.6f,%.8f,%.6f,%.3f,%.1f,%.1f",
            epoch,
            step,
            loss,
            trainAccuracy,
            learningRate,
            sparsity,
            seconds,
            imagesPerSecond,
            peakMegabytes);
    if (test == null) {
      return measured + ",,,,,,";
    }
    return measured
        + String.format(
            Locale.ROOT,
            ",%.6f,%.6f,%.1f,%.3f,%.6f,%.1f",
            test.accuracy(),
            test.loss(),
            test.operations().synaptic(),
            test.operations().nanojoules(),
            mean(test.firingRates()),
            test.operations().surviving());
  }

  private static double mean(Map<String, Double> rates) {
    return rates.values().stream().mapToDouble(Double::doubleValue).average().orElse(0);
  }
}
