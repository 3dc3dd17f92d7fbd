package dev.coppice.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.Set;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class PruningSettingsTest {
  private static PruningSettings settings(
      double sparsity, int iterations, int interval, long start, double ratio, int window) {
    return new PruningSettings(
        sparsity,
        SparsitySchedule.CUBIC,
        iterations,
        interval,
        start,
        Scope.Budget.GLOBAL,
        new Regrowth.Random(),
        ratio,
        PruningSettings.Decay.CONSTANT,
        Ties.EXACT,
        PruningSettings.RegrownValue.ZERO,
        window,
        Set.of());
  }

  @Test
  void valuesOutOfTheirRangeAreRefused() {
    for (double sparsity : new double[] {-0.1, 1, 1.2, Double.NaN}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> settings(sparsity, 1, 1, 0, 0.1, 1))
          .withMessage("sparsity must lie in [0, 1), not " + sparsity);
    }
    for (double ratio : new double[] {-0.1, 1.1, Double.NaN}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> settings(0.5, 1, 1, 0, ratio, 1))
          .withMessage("the regrowth ratio must lie in [0, 1], not " + ratio);
    }
    assertThatIllegalArgumentException().isThrownBy(() -> settings(0.5, -1, 1, 0, 0.1, 1));
    assertThatIllegalArgumentException().isThrownBy(() -> settings(0.5, 1, 0, 0, 0.1, 1));
    assertThatIllegalArgumentException().isThrownBy(() -> settings(0.5, 1, 1, -1, 0.1, 1));
    assertThatIllegalArgumentException().isThrownBy(() -> settings(0.5, 1, 3, 0, 0.1, 0));
    assertThatIllegalArgumentException().isThrownBy(() -> settings(0.5, 1, 3, 0, 0.1, 4));
  }

  @Test
  void iterationsFollowTheirIntervalAndScoresTheirWindow() {
    PruningSettings settings = settings(0.5, 2, 4, 3, 0.1, 2);
    assertThat(LongStream.rangeClosed(1, 20).filter(s -> settings.iterationAt(s) > 0))
        .containsExactly(7L, 11L);
    assertThat(settings.iterationAt(7)).isEqualTo(1);
    assertThat(settings.iterationAt(11)).isEqualTo(2).isEqualTo(settings.iterations());
    assertThat(LongStream.rangeClosed(1, 20).filter(settings::measuredAt))
        .containsExactly(6L, 7L, 10L, 11L);
    assertThat(settings.lastStep()).isEqualTo(11);
    assertThat(LongStream.rangeClosed(1, 20).filter(settings(0.5, 0, 4, 3, 0.1, 2)::measuredAt))
        .isEmpty();
  }

  @Test
  void theRatioMayDecayToZero() {
    PruningSettings.Decay cosine = PruningSettings.Decay.COSINE;
    assertThat(cosine.factor(1, 4)).isCloseTo(0.853553, within(1e-6));
    assertThat(cosine.factor(2, 4)).isCloseTo(0.5, within(1e-12));
    assertThat(cosine.factor(4, 4)).isCloseTo(0, within(1e-12));
    assertThat(PruningSettings.Decay.CONSTANT.factor(4, 4)).isEqualTo(1);
  }

  @Test
  void theDefaultsFitRunsOfAnyLength() {
    PruningSettings settings = PruningSettings.builder().sparsity(0.9).within(1080).build();
    assertThat(settings.sparsity()).isEqualTo(0.9);
    assertThat(settings.iterations()).isEqualTo(10);
    assertThat(settings.interval()).isEqualTo(59);
    assertThat(settings.regrowth()).isEqualTo(Regrowth.Criticality.paper(0.5f));
    assertThat(PruningSettings.builder().start(94).within(1080).build().lastStep()).isEqualTo(594);
    for (int steps = 1; steps <= 30; steps++) {
      assertThat(PruningSettings.builder().within(steps).build().lastStep())
          .isBetween(1L, (long) steps);
    }
  }
}
