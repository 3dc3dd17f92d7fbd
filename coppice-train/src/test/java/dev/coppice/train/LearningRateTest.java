package dev.coppice.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;

class LearningRateTest {
  private static final LearningRate CONSTANT = new LearningRate.Constant();
  private static final LearningRate COSINE = new LearningRate.Cosine();
  private static final LearningRate STEP = new LearningRate.Step(0.1f, List.of(0.5f, 0.75f));

  @Test
  void cosineFallsFromOneToZero() {
    assertThat(COSINE.factor(0, 100, 0)).isEqualTo(1);
    assertThat(COSINE.factor(25, 100, 0)).isCloseTo(0.853553, within(1e-6));
    assertThat(COSINE.factor(50, 100, 0)).isCloseTo(0.5, within(1e-12));
    assertThat(COSINE.factor(100, 100, 0)).isCloseTo(0, within(1e-12));
  }

  @Test
  void stepsAreTakenAtTheirFractions() {
    assertThat(STEP.factor(49, 100, 0)).isEqualTo(1);
    assertThat(STEP.factor(50, 100, 0)).isCloseTo(0.1, within(1e-6));
    assertThat(STEP.factor(74, 100, 0)).isCloseTo(0.1, within(1e-6));
    assertThat(STEP.factor(75, 100, 0)).isCloseTo(0.01, within(1e-6));
  }

  @Test
  void warmUpRisesLinearlyAndTheScheduleFollows() {
    for (LearningRate rate : List.of(CONSTANT, COSINE, STEP)) {
      assertThat(rate.factor(0, 110, 10)).isCloseTo(0.1, within(1e-12));
      assertThat(rate.factor(4, 110, 10)).isCloseTo(0.5, within(1e-12));
      assertThat(rate.factor(9, 110, 10)).isCloseTo(1, within(1e-12));
      for (long step = 0; step < 100; step += 7) {
        assertThat(rate.factor(10 + step, 110, 10)).isEqualTo(rate.factor(step, 100, 0));
      }
    }
  }

  @Property(tries = 100)
  void factorsLieBetweenZeroAndOneAndDoNotRiseAfterTheWarmUp(
      @ForAll @LongRange(min = 1, max = 1000) long total,
      @ForAll @LongRange(max = 1000) long warmUp) {
    long first = Math.min(warmUp, total);
    for (LearningRate rate : List.of(CONSTANT, COSINE, STEP)) {
      double before = 1;
      for (long step = 0; step < total; step++) {
        double factor = rate.factor(step, total, first);
        assertThat(factor).isBetween(0.0, 1.0);
        if (step >= first) {
          assertThat(factor).isLessThanOrEqualTo(before);
          before = factor;
        }
      }
    }
  }
}
