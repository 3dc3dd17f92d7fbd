package dev.coppice.analysis;

/**
 * How important the channels are that only one of two pruned models kept (arXiv 2311.16141). The
 * importance of a channel is the scale γ of its batch norm, normalised over the channels that its
 * model kept to {@code (|γ| − max) / (min − max)}: 0 for the largest, 1 for the smallest, so that
 * lower is more important.
 *
 * @param onlyFirst channels that only the first model kept
 * @param onlySecond channels that only the second kept
 * @param first their mean normalised |γ| in the first model; NaN if there are none
 * @param second the same of the second
 */
public record ScaleImportance(int onlyFirst, int onlySecond, double first, double second) {
  /**
   * Compares two models pruned from the same network.
   *
   * @param firstScales γ of the first model by channel of the unpruned network, {@code [n]}; what
   *     stands at channels that it did not keep is not read
   * @param firstKept the channels that it kept
   * @throws IllegalArgumentException if the lengths differ
   */
  public static ScaleImportance of(
      float[] firstScales, boolean[] firstKept, float[] secondScales, boolean[] secondKept) {
    int channels = firstScales.length;
    if (firstKept.length != channels
        || secondScales.length != channels
        || secondKept.length != channels) {
      throw new IllegalArgumentException(
          "expected two models of the same channels, found "
              + channels
              + " and "
              + secondScales.length);
    }
    Mean first = mean(firstScales, firstKept, secondKept);
    Mean second = mean(secondScales, secondKept, firstKept);
    return new ScaleImportance(first.count, second.count, first.value, second.value);
  }

  private record Mean(int count, double value) {}

  private static Mean mean(float[] scales, boolean[] kept, boolean[] keptByOther) {
    double minimum = Double.POSITIVE_INFINITY;
    double maximum = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < scales.length; i++) {
      if (kept[i]) {
        minimum = Math.min(minimum, Math.abs(scales[i]));
        maximum = Math.max(maximum, Math.abs(scales[i]));
      }
    }
    int count = 0;
    double sum = 0;
    for (int i = 0; i < scales.length; i++) {
      if (kept[i] && !keptByOther[i]) {
        count++;
        // Scales that are all the same are all the largest.
        sum += maximum > minimum ? (Math.abs(scales[i]) - maximum) / (minimum - maximum) : 0;
      }
    }
    return new Mean(count, count == 0 ? Double.NaN : sum / count);
  }
}
