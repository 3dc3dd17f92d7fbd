package dev.coppice.analysis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.coppice.analysis.BranchingParameter.Mean;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BranchingParameterTest {
  private static final int STEPS = 40_000;

  private static BranchingParameter estimate(List<long[]> trials, int lags) {
    return BranchingParameter.of(trials, lags, Mean.COMMON).orElseThrow();
  }

  /** A mean activity of 100. */
  private static long[] stationary(double sigma, long seed) {
    return BranchingProcess.driven(sigma, 100 * (1 - sigma), 100, STEPS, seed);
  }

  @ParameterizedTest
  @CsvSource({"0.8, 20, 0.02", "0.95, 60, 0.01", "0.99, 150, 0.005"})
  void findsTheParameterOfADrivenProcess(double sigma, int lags, double tolerance) {
    BranchingParameter found = estimate(List.of(stationary(sigma, 1)), lags);

    assertThat(found.fit().m()).isCloseTo(sigma, within(tolerance));
    assertThat(found.naive()).isCloseTo(sigma, within(tolerance));
    assertThat(found.fit().b()).isCloseTo(1, within(0.1));
    assertThat(found.fit().timescale())
        .isCloseTo(-1 / Math.log(sigma), within(0.35 * -1 / Math.log(sigma)));
  }

  @ParameterizedTest
  @CsvSource({"0.8, 20, 0.04", "0.95, 60, 0.02", "0.99, 150, 0.007"})
  void isNotMisledBySubsamplingAsTheOneStepEstimateIs(double sigma, int lags, double tolerance) {
    long[] seen = BranchingProcess.subsampled(stationary(sigma, 2), 0.1, 3);

    BranchingParameter found = estimate(List.of(seen), lags);

    assertThat(found.fit().m()).isCloseTo(sigma, within(tolerance));
    assertThat(found.naive()).isLessThan(0.9 * sigma);
    assertThat(found.fit().b()).isLessThan(0.9);
  }

  @Test
  void atOneTheActivityGrowsAndTheEstimateStaysNearOne() {
    long[] whole = BranchingProcess.driven(1, 1, 100, 2_000, 4);
    long[] seen = BranchingProcess.subsampled(whole, 0.1, 5);

    assertThat(estimate(List.of(whole), 100).fit().m()).isCloseTo(1, within(0.005));
    assertThat(estimate(List.of(seen), 100).fit().m()).isCloseTo(1, within(0.01));
  }

  @Test
  void poolsTrialsAndIsBiasedLowWhereTheyAreShort() {
    List<long[]> trials =
        LongStream.range(0, 200)
            .mapToObj(i -> BranchingProcess.driven(0.95, 5, 100, 400, 10 + i))
            .toList();

    assertThat(estimate(trials, 40).fit().m()).isCloseTo(0.95, within(0.01));
    double[] alone =
        trials.stream().mapToDouble(trial -> estimate(List.of(trial), 40).naive()).toArray();
    double mean = java.util.Arrays.stream(alone).average().orElseThrow();
    // Kendall's bias of a regression on T steps: −(1 + 3m)/T.
    assertThat(mean - 0.95).isCloseTo(-(1 + 3 * 0.95) / 400, within(0.004));
  }

  @Test
  void trialsThatAreDrivenDifferentlyNeedMeansOfTheirOwn() {
    List<long[]> trials =
        IntStream.range(0, 20)
            .mapToObj(i -> BranchingProcess.driven(0.8, 10 + 4 * i, 50 + 20L * i, 2_000, 300 + i))
            .toList();

    double own = BranchingParameter.of(trials, 20, Mean.OF_TRIAL).orElseThrow().fit().m();

    assertThat(own).isCloseTo(0.8, within(0.02));
    assertThat(estimate(trials, 20).fit().m()).isGreaterThan(0.95);
  }

  @Test
  void theOffsetTakesUpASlowDrift() {
    long[] process = stationary(0.8, 6);
    long[] drifting = new long[process.length];
    for (int t = 0; t < drifting.length; t++) {
      drifting[t] = process[t] + Math.round(40 * Math.sin(2 * Math.PI * t / drifting.length));
    }

    BranchingParameter found = estimate(List.of(drifting), 20);

    assertThat(found.offsetFit().m()).isCloseTo(0.8, within(0.03));
    assertThat(found.fit().m()).isGreaterThan(0.9);
    assertThat(found.offsetFit().residual()).isLessThan(found.fit().residual());
  }

  @Test
  void independentActivityHasNoMemory() {
    long[] noise = BranchingProcess.driven(0, 100, 100, STEPS, 7);

    assertThat(Math.abs(estimate(List.of(noise), 10).naive())).isLessThan(0.02);
  }

  @Test
  void activityThatDoesNotVaryHasNoParameter() {
    assertThat(BranchingParameter.of(List.of(new long[100]), 10, Mean.COMMON)).isEmpty();
  }

  @Test
  void refusesWhatIsTooShort() {
    assertThatThrownBy(() -> BranchingParameter.of(List.of(new long[11]), 10, Mean.COMMON))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("11 time steps is too short for 10 lags");
    assertThatThrownBy(() -> BranchingParameter.of(List.of(new long[11]), 2, Mean.COMMON))
        .hasMessageContaining("three lags");
  }
}
