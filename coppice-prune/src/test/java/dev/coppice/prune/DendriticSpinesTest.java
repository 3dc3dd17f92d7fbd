package dev.coppice.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class DendriticSpinesTest {
  private static DendriticSpines grown(double height, float... spines) {
    DendriticSpines rule = new DendriticSpines(height, 10);
    rule.begin(spines);
    rule.after(spines, 0.1, 10);
    return rule;
  }

  @Test
  void weightsAreSpinesBeyondTheThreshold() {
    float[] weights = grown(0.1, -.3f, .05f, .2f).weights();
    assertThat((double) weights[0]).isCloseTo(-.2, within(1e-7));
    assertThat(weights[1]).isZero();
    assertThat((double) weights[2]).isCloseTo(.1, within(1e-7));
  }

  @Test
  void theThresholdRisesByASine() {
    double[] expected = {0, .14645, .5, .85355, 1};
    for (int k = 0; k <= 4; k++) {
      assertThat(DendriticSpines.rise(k / 4.0)).isCloseTo(expected[k], within(5e-6));
    }
  }

  /** The optimizer moves spines as if they were weights, also those below the threshold. */
  @Test
  void spinesBelowTheThresholdMayComeBackWithTheOtherSign() {
    DendriticSpines rule = grown(0.1, 0.05f);
    float[] gradient = {3};
    assertThat(rule.gradient(gradient)).isSameAs(gradient);
    assertThat(rule.moved()).containsExactly(0.05f);
    rule.after(new float[] {-0.25f}, 0.1, 10);
    assertThat((double) rule.weights()[0]).isCloseTo(-0.15, within(1e-7));
  }

  @Test
  void withoutAThresholdWeightsAreSpines() {
    float[] spines = {0.1f, -1e-20f, 0, 3};
    assertThat(grown(0, spines).weights()).isEqualTo(spines);
  }

  @Test
  void aHeightMustBeANumber() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new DendriticSpines(Double.NaN, 10))
        .withMessage("the strength must be finite and not negative, not NaN");
  }
}
