package dev.coppice.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class SparsityScheduleTest {
  @Test
  void cubicByHand() {
    assertThat(SparsitySchedule.CUBIC.target(1, 4, 0, 0.8)).isCloseTo(0.4625, within(1e-12));
    assertThat(SparsitySchedule.CUBIC.target(2, 4, 0, 0.8)).isCloseTo(0.7, within(1e-12));
    assertThat(SparsitySchedule.CUBIC.target(4, 4, 0, 0.8)).isCloseTo(0.8, within(1e-12));
    assertThat(SparsitySchedule.CUBIC.target(1, 2, 0.5, 0.9)).isCloseTo(0.85, within(1e-12));
  }

  @Test
  void linearByHand() {
    assertThat(SparsitySchedule.LINEAR.target(1, 4, 0, 0.8)).isCloseTo(0.2, within(1e-12));
    assertThat(SparsitySchedule.LINEAR.target(3, 4, 0.4, 0.8)).isCloseTo(0.7, within(1e-12));
  }

  @Property(tries = 100)
  void targetsRiseFromTheStartToTheGoal(
      @ForAll @IntRange(min = 1, max = 50) int iterations,
      @ForAll @DoubleRange(max = 0.5) double initial,
      @ForAll @DoubleRange(min = 0.5, max = 0.99) double goal) {
    for (SparsitySchedule schedule : SparsitySchedule.values()) {
      double before = initial;
      for (int k = 1; k <= iterations; k++) {
        double target = schedule.target(k, iterations, initial, goal);
        assertThat(target).isGreaterThanOrEqualTo(before);
        before = target;
      }
      assertThat(before).isCloseTo(goal, within(1e-12));
    }
  }
}
