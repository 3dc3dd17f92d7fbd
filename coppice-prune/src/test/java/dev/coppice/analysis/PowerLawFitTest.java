package dev.coppice.analysis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PowerLawFitTest {
  private static long[] sample(double exponent, long minimum, int count, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    PowerLawFit.Sampler law = new PowerLawFit.Sampler(exponent, minimum);
    long[] values = new long[count];
    Arrays.setAll(values, i -> law.draw(random));
    return values;
  }

  @ParameterizedTest
  @ValueSource(doubles = {1.5, 2, 2.5})
  void findsTheExponentOfALaw(double exponent) {
    long[] values = sample(exponent, 1, 5_000, 1);

    PowerLawFit fit = PowerLawFit.of(values).orElseThrow();

    assertThat(fit.exponent()).isCloseTo(exponent, within(0.06));
    assertThat(Math.abs(fit.exponent() - exponent)).isLessThan(4 * fit.standardError());
    assertThat(fit.samples()).isEqualTo(5_000);
  }

  @Test
  void theGoodnessOfSamplesOfALawIsUniform() {
    double mean = 0;
    for (int i = 0; i < 12; i++) {
      long[] values = sample(2, 1, 1_000, 100 + i);
      mean += PowerLawFit.of(values).orElseThrow().goodness(values, 40, i) / 12;
    }

    assertThat(mean).isBetween(0.25, 0.75);
  }

  @ParameterizedTest
  @CsvSource({"1.5, 8", "2.5, 8"})
  void findsWhereTheLawBegins(double exponent, long minimum) {
    SplittableRandom random = new SplittableRandom(3);
    long[] values = sample(exponent, minimum, 8_000, 4);
    // Below it, values are uniform, which no power law is.
    for (int i = 0; i < 4_000; i++) {
      values[i] = 1L + random.nextInt((int) minimum - 1);
    }

    PowerLawFit fit = PowerLawFit.of(values).orElseThrow();

    assertThat(fit.minimum()).isBetween(minimum - 2, minimum + 4);
    assertThat(fit.exponent()).isCloseTo(exponent, within(0.15));
    assertThat(fit.goodness(values, 40, 5)).isGreaterThan(0.1);
  }

  @Test
  void rulesOutWhatIsNoPowerLaw() {
    SplittableRandom random = new SplittableRandom(6);
    long[] values = new long[3_000];
    Arrays.setAll(values, i -> 1 + random.nextInt(50));

    PowerLawFit fit = PowerLawFit.of(values).orElseThrow();

    assertThat(fit.goodness(values, 40, 7)).isLessThan(0.1);
  }

  @Test
  void theSampleFollowsTheLaw() {
    long[] values = sample(2, 1, 100_000, 8);

    double share = Arrays.stream(values).filter(x -> x == 1).count() / 100_000.0;
    assertThat(share).isCloseTo(6 / (Math.PI * Math.PI), within(0.01));
    double far = Arrays.stream(values).filter(x -> x >= 5_000).count() / 100_000.0;
    assertThat(far).isCloseTo(6 / (Math.PI * Math.PI) / 5_000, within(0.00005));
  }

  @Test
  void zetaHasItsKnownValues() {
    assertThat(Zeta.of(2, 1)).isCloseTo(Math.PI * Math.PI / 6, within(1e-13));
    assertThat(Zeta.of(4, 1)).isCloseTo(Math.pow(Math.PI, 4) / 90, within(1e-13));
    assertThat(Zeta.of(1.5, 1)).isCloseTo(2.612375348685488, within(1e-12));
    assertThat(Zeta.of(3, 20) - Zeta.of(3, 21)).isCloseTo(1.0 / 8000, within(1e-16));
  }

  @Test
  void tooFewValuesHaveNoLaw() {
    assertThat(PowerLawFit.of(sample(2, 1, 49, 9))).isEmpty();
    assertThat(PowerLawFit.of(new long[0])).isEmpty();
    long[] same = new long[100];
    Arrays.fill(same, 7);
    assertThat(PowerLawFit.of(same)).isEmpty();
  }

  @Test
  void refusesWhatIsNotPositive() {
    assertThatThrownBy(() -> PowerLawFit.of(new long[] {3, 0, 2}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("found 0");
  }
}
