package dev.coppice.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class PruningSettingsTest {
  private static PruningSettings settings(
      double sparsity, int iterations, int interval, long start, double ratio, int window) {
    return PruningSettings.builder()
        .sparsity(sparsity)
        .iterations(iterations)
        .interval(interval)
        .start(start)
        .scope(Scope.Budget.GLOBAL)
        .regrowth(new Regrowth.Random())
        .ratio(ratio)
        .decay(Renewal.Decay.CONSTANT)
        .window(window)
        .build();
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
    Timetable timetable = settings(0.5, 2, 4, 3, 0.1, 2).timetable();
    assertThat(LongStream.rangeClosed(1, 20).filter(s -> timetable.iterationAt(s) > 0))
        .containsExactly(7L, 11L);
    assertThat(timetable.iterationAt(7)).isEqualTo(1);
    assertThat(timetable.iterationAt(11)).isEqualTo(2).isEqualTo(timetable.iterations());
    assertThat(LongStream.rangeClosed(1, 20).filter(timetable::measuredAt))
        .containsExactly(6L, 7L, 10L, 11L);
    assertThat(timetable.lastStep()).isEqualTo(11);
    Timetable none = settings(0.5, 0, 4, 3, 0.1, 2).timetable();
    assertThat(LongStream.rangeClosed(1, 20).filter(none::measuredAt)).isEmpty();
  }

  @Test
  void exchangesGoOnAfterTheLastRiseOfTheTarget() {
    Timetable timetable = new Timetable(0, 5, 2, 2, 1, false);
    assertThat(LongStream.rangeClosed(1, 30).filter(s -> timetable.iterationAt(s) > 0))
        .containsExactly(5L, 10L, 15L, 20L);
    assertThat(timetable.lastStep()).isEqualTo(20);
    assertThat(timetable.measuredAt(15)).isTrue();
    assertThat(timetable.measuredAt(25)).isFalse();
  }

  private static Renewal renewal(double first, double last, Renewal.Decay decay) {
    return PruningSettings.builder()
        .regrowth(new Regrowth.Gradient())
        .ratio(first)
        .lastRatio(last)
        .decay(decay)
        .build()
        .renewal();
  }

  /** The fractions of GraNet and RigL at the quarters of a run. */
  @Test
  void theRatioMayDecay() {
    Renewal granet = renewal(0.5, 0.005, Renewal.Decay.COSINE);
    double[] expected = {0.5, 0.42751, 0.2525, 0.07749, 0.005};
    Renewal rigl = renewal(0.3, 0, Renewal.Decay.COSINE);
    double[] toZero = {0.3, 0.25607, 0.15, 0.04393, 0};
    for (int k = 0; k <= 4; k++) {
      assertThat(granet.ratio(k, 4)).isCloseTo(expected[k], within(5e-6));
      assertThat(rigl.ratio(k, 4)).isCloseTo(toZero[k], within(5e-6));
      assertThat(renewal(0.3, 0, Renewal.Decay.CONSTANT).ratio(k, 4)).isEqualTo(0.3);
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> renewal(0.3, 1.5, Renewal.Decay.COSINE))
        .withMessage("the last regrowth ratio must lie in [0, 1], not 1.5");
  }

  @Test
  void theDefaultsFitRunsOfAnyLength() {
    PruningSettings settings = PruningSettings.builder().sparsity(0.9).within(1080).build();
    assertThat(settings.sparsity()).isEqualTo(0.9);
    assertThat(settings.timetable().iterations()).isEqualTo(10);
    assertThat(settings.timetable().interval()).isEqualTo(59);
    assertThat(settings.renewal().rule()).isEqualTo(Regrowth.Criticality.paper(0.5f));
    assertThat(PruningSettings.builder().start(94).within(1080).build().timetable().lastStep())
        .isEqualTo(594);
    for (int steps = 1; steps <= 30; steps++) {
      assertThat(PruningSettings.builder().within(steps).build().timetable().lastStep())
          .isBetween(1L, (long) steps);
    }
  }
}
