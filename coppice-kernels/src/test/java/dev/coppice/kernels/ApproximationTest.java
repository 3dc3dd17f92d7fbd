package dev.coppice.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class ApproximationTest {
  @Test
  void expIsWithinTwoUnitsOfTheSeventhDigit() {
    double worst = 0;
    for (int i = 0; i <= 1_000_000; i++) {
      float z = 87f * i / 1_000_000;
      double exact = Math.exp(-(double) z);
      worst = Math.max(worst, Math.abs(Approximation.expOfMinus(z) - exact) / exact);
    }
    assertThat(worst).isLessThan(2e-7);
  }

  @Test
  void expIsEvenAndVanishesFarOut() {
    assertThat(Approximation.expOfMinus(0)).isEqualTo(1);
    assertThat(Approximation.expOfMinus(-3.7f)).isEqualTo(Approximation.expOfMinus(3.7f));
    assertThat(Approximation.expOfMinus(88)).isZero();
    assertThat(Approximation.expOfMinus(Float.POSITIVE_INFINITY)).isZero();
    assertThat(Approximation.expOfMinus(-Float.MAX_VALUE)).isZero();
    assertThat(Approximation.expOfMinus(Float.NaN)).isNaN();
  }

  @Test
  void tanhAndAtanAreCloseToTheirLimitsAndBetween() {
    for (int i = -200_000; i <= 200_000; i++) {
      float y = i / 10_000f;
      assertThat((double) Approximation.tanh(y)).isCloseTo(Math.tanh(y), within(1.5e-7));
      assertThat((double) Approximation.atan(y)).isCloseTo(Math.atan(y), within(2e-7));
    }
    assertThat(Approximation.tanh(Float.NEGATIVE_INFINITY)).isEqualTo(-1);
    assertThat(Approximation.atan(Float.POSITIVE_INFINITY)).isEqualTo((float) (Math.PI / 2));
    assertThat(Approximation.atan(Float.NaN)).isNaN();
  }
}
