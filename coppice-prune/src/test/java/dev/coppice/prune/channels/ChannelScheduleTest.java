package dev.coppice.prune.channels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.coppice.prune.SparsitySchedule;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class ChannelScheduleTest {
  @Property(tries = 300)
  void allRoundsTogetherLeaveWhatOneWould(
      @ForAll SparsitySchedule shape,
      @ForAll @IntRange(min = 1, max = 12) int rounds,
      @ForAll @IntRange(min = 1, max = 5000) int channels,
      @ForAll @DoubleRange(min = 0.01, max = 0.99) double goal) {
    ChannelSchedule schedule = new ChannelSchedule(shape, rounds, goal);
    int left = channels;
    for (int round = 1; round <= rounds; round++) {
      double percent = schedule.percent(round, channels, left);
      assertThat(percent).isBetween(0.0, 1.0).isNotEqualTo(1.0);
      left -= (int) Math.floor(left * percent);
    }
    assertThat(left).isEqualTo(channels - (int) Math.floor(channels * goal));
  }

  @Test
  void aRoundTakesUpWhatRoundsBeforeItLeft() {
    ChannelSchedule schedule = new ChannelSchedule(SparsitySchedule.LINEAR, 2, 0.5);
    assertThat((int) (100 * schedule.percent(1, 100, 100))).isEqualTo(25);
    assertThat((int) (75 * schedule.percent(2, 100, 75))).isEqualTo(25);
    assertThat((int) (80 * schedule.percent(2, 100, 80))).isEqualTo(30);
    assertThat(schedule.percent(2, 100, 50)).isZero();
    assertThat(schedule.percent(2, 100, 40)).isZero();
  }

  @Test
  void valuesOutOfTheirRangeAreRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new ChannelSchedule(SparsitySchedule.CUBIC, 0, 0.5))
        .withMessage("channels are pruned in at least one round, not in 0");
    for (double goal : new double[] {0, 1, Double.NaN}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> new ChannelSchedule(SparsitySchedule.CUBIC, 1, goal));
    }
  }
}
