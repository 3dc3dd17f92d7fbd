package dev.coppice.analysis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

class AvalanchesTest {
  @Test
  void cutsActivityAtSilence() {
    Avalanches found =
        Avalanches.of(List.of(new long[] {9, 0, 1, 2, 0, 0, 3, 0, 4, 4}, new long[] {0, 5, 0}), 0);

    assertThat(found.sizes()).containsExactly(3, 3, 5);
    assertThat(found.durations()).containsExactly(2, 1, 1);
  }

  @Test
  void aThresholdMakesSilence() {
    long[] activity = {5, 7, 9, 5, 4, 6, 5, 8};

    assertThat(Avalanches.of(List.of(activity), 0).count()).isZero();
    Avalanches found = Avalanches.of(List.of(activity), 5);
    assertThat(found.sizes()).containsExactly(2 + 4, 1);
    assertThat(found.durations()).containsExactly(2, 1);
    assertThat(found.meanSize()).isEqualTo(3.5);
    assertThat(found.meanDuration()).isEqualTo(1.5);
  }

  @Test
  void suggestsTheMedianWhereThereIsNoSilence() {
    assertThat(Avalanches.suggestedThreshold(List.of(new long[] {4, 9, 2}))).isEqualTo(4);
    assertThat(Avalanches.suggestedThreshold(List.of(new long[] {4, 0, 9}))).isZero();
  }

  @Test
  void aCriticalBranchingProcessHasItsExponents() {
    long[] activity = BranchingProcess.criticalAvalanches(20_000, 5_000, 1);
    Avalanches avalanches = Avalanches.of(List.of(activity), 0);

    PowerLawFit sizes = PowerLawFit.of(avalanches.sizes()).orElseThrow();
    PowerLawFit durations = PowerLawFit.of(avalanches.durations()).orElseThrow();
    ShapeCollapse collapse = ShapeCollapse.of(avalanches, sizes, durations).orElseThrow();

    assertThat(avalanches.count()).isEqualTo(20_000);
    assertThat(sizes.exponent()).isCloseTo(1.5, within(0.05));
    assertThat(durations.exponent()).isCloseTo(2, within(0.15));
    assertThat(collapse.measured()).isCloseTo(2, within(0.15));
    assertThat(collapse.predicted()).isCloseTo(2, within(0.3));
    assertThat(collapse.deviation()).isLessThan(0.3);
  }

  @Test
  void sizesThatGrowLinearlyCollapseWithOne() {
    long[] durations = {1, 2, 3, 4, 2, 3};
    long[] sizes = {10, 20, 30, 40, 20, 30};
    PowerLawFit law = new PowerLawFit(2, 0.1, 1, 6, 6, 0.1);

    ShapeCollapse collapse =
        ShapeCollapse.of(new Avalanches(0, sizes, durations), law, law).orElseThrow();

    assertThat(collapse.measured()).isCloseTo(1, within(1e-12));
    assertThat(collapse.predicted()).isEqualTo(1);
    assertThat(collapse.durations()).isEqualTo(4);
  }
}
