package dev.coppice.prune.channels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.concurrent.atomic.AtomicInteger;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ChannelBudgetTest {
  @Test
  void aBudgetIsAQuantityAndAShare() {
    for (String text :
        new String[] {"channels=0.5", "parameters=1.0", "weights=0.1", "sops=0.4", "flops=0.25"}) {
      assertThat(ChannelBudget.parse(text)).hasToString(text);
    }
    assertThat(ChannelBudget.parse("sops=0.4").quantity()).isEqualTo(ChannelBudget.Quantity.SOPS);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "sops", "sops=", "sops=a", "energy=0.4", "0.4", "sops=0.4=1"})
  void otherTextsAreRefused(String text) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ChannelBudget.parse(text))
        .withMessage(
            "expected a budget such as sops=0.4, a share to keep of channels, parameters, weights, sops,"
                + " flops, found \""
                + text
                + "\"");
  }

  @ParameterizedTest
  @ValueSource(strings = {"sops=0", "sops=1.01", "sops=-1", "sops=NaN"})
  void sharesOutOfTheirRangeAreRefused(String text) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ChannelBudget.parse(text))
        .withMessageStartingWith("the share of sops to keep must lie in (0, 1], not be ");
  }

  /** As the product of two layers' widths, the quantity falls with the square of the share. */
  @Property(tries = 200)
  void theNearestOfAllSharesIsFoundInFewLooks(
      @ForAll @IntRange(min = 1, max = 3000) int channels,
      @ForAll @DoubleRange(min = 0.01, max = 1) double share) {
    ChannelBudget budget = new ChannelBudget(ChannelBudget.Quantity.PARAMETERS, share);
    AtomicInteger looks = new AtomicInteger();
    ChannelBudget.Found found =
        budget.search(
            channels,
            percent -> {
              looks.incrementAndGet();
              assertThat(percent).isBetween(0.0, 1.0).isNotIn(0.0, 1.0);
              return left(channels, (int) Math.floor(channels * percent));
            });
    double nearest = 1;
    for (int pruned = 0; pruned < channels; pruned++) {
      nearest = Math.min(nearest, Math.abs(left(channels, pruned) - share));
    }
    assertThat(Math.abs(found.share() - share)).isCloseTo(nearest, within(1e-12));
    assertThat(found.share())
        .isEqualTo(left(channels, (int) Math.floor(channels * found.percent())));
    assertThat(looks.get()).isLessThanOrEqualTo(1 + (int) (Math.log(channels) / Math.log(2)));
    if (channels >= 200 && share >= 0.02) {
      assertThat(found.share()).isCloseTo(share, within(0.01));
    }
  }

  private static double left(int channels, int pruned) {
    return Math.pow((channels - pruned) / (double) channels, 2);
  }

  @Test
  void aBudgetOfEverythingPrunesNothing() {
    ChannelBudget.Found found =
        ChannelBudget.parse("channels=1").search(7, percent -> 1 - Math.floor(7 * percent) / 7);
    assertThat(found.share()).isEqualTo(1);
    assertThat(Math.floor(7 * found.percent())).isZero();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ChannelBudget.parse("channels=1").search(0, percent -> 1));
  }
}
