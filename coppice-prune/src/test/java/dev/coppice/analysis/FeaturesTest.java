package dev.coppice.analysis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Distributions, rates, entropies, features and scales, by hand. */
class FeaturesTest {
  @Test
  void aDistributionHasItsQuantiles() {
    CriticalityDistribution found = CriticalityDistribution.of(new float[] {0.5f, 0, 1, 0.25f});

    assertThat(found.quantile(0)).isZero();
    assertThat(found.quantile(0.5)).isEqualTo(0.375);
    assertThat(found.quantile(1)).isEqualTo(1);
    assertThat(found.mean()).isEqualTo(0.4375);
    assertThat(found.histogram(4, 1)).containsExactly(1, 1, 1, 1);
    assertThat(found.histogram(2, 0.5)).containsExactly(1, 3);
    assertThatThrownBy(() -> found.quantile(1.5)).hasMessageContaining("1.5");
    assertThatThrownBy(() -> CriticalityDistribution.of(new float[0])).hasMessageContaining("none");
  }

  @Test
  void theDistanceOfDistributionsIsTheLargestGap() {
    CriticalityDistribution low = CriticalityDistribution.of(new float[] {0, 0.1f, 0.2f, 0.3f});
    CriticalityDistribution high = CriticalityDistribution.of(new float[] {0.8f, 0.9f});
    CriticalityDistribution mixed = CriticalityDistribution.of(new float[] {0.1f, 0.3f});

    assertThat(low.distance(low)).isZero();
    assertThat(low.distance(high)).isEqualTo(1);
    assertThat(low.distance(mixed)).isEqualTo(0.25);
    assertThat(mixed.distance(low)).isEqualTo(0.25);
  }

  @Test
  void ratesTellSilentAndSaturatedNeurons() {
    SpikeCounts counts = SpikeCounts.none(2, 2, 4);
    int[][] spikes = {{0, 2, 1, 2}, {0, 2, 2, 1}};
    for (int[] sample : spikes) {
      for (int i = 0; i < sample.length; i++) {
        counts.add(i, sample[i]);
      }
    }

    FiringRates rates = FiringRates.of(counts);

    assertThat(rates.rates()).containsExactly(0, 1, 0.75, 0.75);
    assertThat(rates.byChannel()).containsExactly(0.375, 0.875);
    assertThat(rates.mean()).isEqualTo(0.625);
    assertThat(rates.silent()).isEqualTo(0.25);
    assertThat(rates.saturated(1)).isEqualTo(0.25);
    assertThat(rates.saturated(0.7)).isEqualTo(0.75);
  }

  @Test
  void entropyIsThatOfTheCounts() {
    assertThat(FeatureEntropy.plugIn(new int[] {4, 4})).isEqualTo(1);
    assertThat(FeatureEntropy.plugIn(new int[] {8, 0, 0})).isZero();
    assertThat(FeatureEntropy.plugIn(new int[] {2, 2, 2, 2})).isEqualTo(2);
    assertThat(FeatureEntropy.millerMadow(new int[] {4, 4}))
        .isCloseTo(1 + 1 / (16 * Math.log(2)), within(1e-12));
    assertThat(FeatureEntropy.millerMadow(new int[3])).isZero();

    SpikeCounts counts = new SpikeCounts(1, 1, new int[] {4, 4, 8, 0});
    assertThat(FeatureEntropy.of(counts).plugIn()).containsExactly(0.5);
  }

  @Test
  void theCorrectionOfMillerAndMadowRemovesMostOfTheBias() {
    java.util.SplittableRandom random = new java.util.SplittableRandom(1);
    double plugIn = 0;
    double corrected = 0;
    for (int repeat = 0; repeat < 500; repeat++) {
      int[] histogram = new int[8];
      for (int i = 0; i < 40; i++) {
        histogram[random.nextInt(8)]++;
      }
      plugIn += FeatureEntropy.plugIn(histogram) / 500;
      corrected += FeatureEntropy.millerMadow(histogram) / 500;
    }

    assertThat(plugIn).isLessThan(2.9);
    assertThat(corrected).isCloseTo(3, within(0.02));
  }

  @Test
  void correlationsAreThoseOfValuesAndRanks() {
    double[] x = {1, 2, 3, 4};
    double[] y = {1, 8, 27, 64};

    assertThat(Correlation.spearman(x, y)).isCloseTo(1, within(1e-12));
    assertThat(Correlation.pearson(x, y)).isCloseTo(0.9513, within(1e-4));
    assertThat(Correlation.spearman(x, new double[] {4, 3, 2, 1})).isCloseTo(-1, within(1e-12));
    assertThat(Correlation.spearman(new double[] {1, 1, 2}, new double[] {5, 6, 7}))
        .isCloseTo(Math.sqrt(3) / 2, within(1e-12));
    assertThat(Correlation.pearson(x, new double[4])).isNaN();
    assertThatThrownBy(() -> Correlation.pearson(x, new double[3])).hasMessageContaining("pairs");
  }

  @Test
  void featuresAreScaledWithinASample() {
    assertThat(FeatureConsistency.scale(new double[] {2, 6, 4})).containsExactly(1, 0, 0.5);
    assertThat(FeatureConsistency.scale(new double[] {3, 3})).containsExactly(0, 0);
  }

  @Test
  void aConsistentClassHasNoVarianceAndACosineOfOne() {
    FeatureConsistency consistency = new FeatureConsistency(2, 3);
    consistency.addTraining(0, new double[] {0, 4, 2});
    consistency.addTraining(0, new double[] {0, 8, 4});
    consistency.addTest(0, new double[] {1, 3, 2});
    consistency.addTraining(1, new double[] {0, 1, 1});
    consistency.addTraining(1, new double[] {1, 0, 1});
    consistency.addTest(1, new double[] {5, 5, 5});

    List<FeatureConsistency.ClassResult> classes = consistency.byClass();

    assertThat(classes.get(0).trainingVariance()).isZero();
    assertThat(classes.get(0).similarity()).isCloseTo(1, within(1e-12));
    assertThat(classes.get(0).trainingSamples()).isEqualTo(2);
    // {1, 0, 0} and {0, 1, 0}: variances 1/4, 1/4 and 0.
    assertThat(classes.get(1).trainingVariance()).isCloseTo(1.0 / 6, within(1e-12));
    assertThat(classes.get(1).similarity()).isNaN();
    assertThat(consistency.flatSamples()).isEqualTo(1);
    assertThatThrownBy(() -> consistency.addTest(0, new double[2])).hasMessageContaining("3");
  }

  @Test
  void importanceIsThatOfWhatOnlyOneModelKept() {
    float[] first = {4, -1, 2, 0, 9};
    float[] second = {1, 5, 9, 3, 9};
    boolean[] firstKept = {true, true, true, false, false};
    boolean[] secondKept = {true, false, false, true, false};

    ScaleImportance found = ScaleImportance.of(first, firstKept, second, secondKept);

    // Of 4, 1 and 2 the first kept alone 1 and 2; of 1 and 3 the second kept alone 3.
    assertThat(found.onlyFirst()).isEqualTo(2);
    assertThat(found.onlySecond()).isEqualTo(1);
    assertThat(found.first()).isCloseTo((1 + 2.0 / 3) / 2, within(1e-12));
    assertThat(found.second()).isZero();
    assertThat(ScaleImportance.of(first, firstKept, first, firstKept).first()).isNaN();
    assertThatThrownBy(() -> ScaleImportance.of(first, firstKept, new float[4], new boolean[4]))
        .hasMessageContaining("same channels");
  }
}
