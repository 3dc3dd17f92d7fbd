package dev.coppice.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class StrengthSearchTest {
  /** The odds of a weight to stay fall with a power of the strength, as they about do. */
  @Property(tries = 200)
  void aGoalThatThereIsIsMet(
      @ForAll @DoubleRange(min = 0.6, max = 0.98) double goal,
      @ForAll @DoubleRange(min = 1, max = 2) double power,
      @ForAll @IntRange(min = 1, max = 100) int thousandths)
      throws IOException {
    double half = thousandths / 1000.0;
    List<StrengthSearch.Tried> tried =
        new StrengthSearch(1e-4, 10, goal)
            .run((number, strength) -> 1 - 1 / (1 + Math.pow(strength / half, power)));
    assertThat(tried).hasSizeLessThanOrEqualTo(StrengthSearch.TRIALS);
    assertThat(1 - tried.getFirst().sparsity()).isCloseTo(1 - goal, within(0.6 * (1 - goal)));
    for (StrengthSearch.Tried one : tried) {
      assertThat(one.strength()).isBetween(0.9e-4, 11.0);
      assertThat(Math.abs(tried.getFirst().sparsity() - goal))
          .isLessThanOrEqualTo(Math.abs(one.sparsity() - goal));
    }
  }

  @Test
  void aGoalOutOfReachEndsNearTheEdge() throws IOException {
    List<StrengthSearch.Tried> tried =
        new StrengthSearch(1e-4, 1, 0.9).run((number, strength) -> 0.1);
    assertThat(tried).hasSize(StrengthSearch.TRIALS);
    assertThat(tried.getLast().strength()).isBetween(0.5, 1.0);
  }

  @Test
  void theFirstThatIsNearEnoughIsTaken() throws IOException {
    List<StrengthSearch.Tried> tried =
        new StrengthSearch(1e-4, 1, 0.9).run((number, strength) -> 0.905);
    assertThat(tried).hasSize(1);
    assertThat(tried.getFirst().strength()).isCloseTo(0.01, within(1e-9));
  }
}
