package dev.coppice.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.coppice.data.Encoder.Latency;
import dev.coppice.data.Encoder.Latency.Law;
import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.FloatRange;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EncoderTest {
  private static int[] spikeSteps(Encoder encoder, int steps, float... values) {
    float[] encoded = encoder.encode(values, 1, steps, 0);
    int[] found = new int[values.length];
    Arrays.fill(found, -1);
    for (int t = 0; t < steps; t++) {
      for (int i = 0; i < values.length; i++) {
        float spike = encoded[t * values.length + i];
        assertThat(spike == 0f || spike == 1f).isTrue();
        if (spike == 1f) {
          assertThat(found[i]).as("only one spike").isEqualTo(-1);
          found[i] = t;
        }
      }
    }
    return found;
  }

  @Test
  void directRepeatsTheBatch() {
    Encoder direct = new Encoder.Direct();
    assertThat(direct.isStatic()).isTrue();
    assertThat(direct.encode(new float[] {-1.5f, 2f}, 2, 3, 0))
        .containsExactly(-1.5f, 2f, -1.5f, 2f, -1.5f, 2f);
  }

  @Test
  void latencyOfTheReference() {
    float[] values = {0f, .2f, .5f, .9f, 1f};
    assertThat(spikeSteps(new Latency(Law.LINEAR, false), 8, values))
        .containsExactly(7, 6, 4, 1, 0);
    assertThat(spikeSteps(new Latency(Law.LOGARITHMIC, false), 8, values))
        .containsExactly(7, 2, 1, 0, 0);
    assertThat(spikeSteps(new Latency(Law.LINEAR, true), 8, values))
        .containsExactly(-1, 6, 4, 1, 0);
  }

  @Property(tries = 200)
  void largerValuesNeverSpikeLater(
      @ForAll Law law,
      @ForAll @IntRange(min = 1, max = 2000) int steps,
      @ForAll @FloatRange(min = 0, max = 1) float a,
      @ForAll @FloatRange(min = 0, max = 1) float b) {
    int[] found = spikeSteps(new Latency(law, false), steps, Math.min(a, b), Math.max(a, b));
    assertThat(found[0]).isBetween(found[1], steps - 1);
    assertThat(found[1]).isNotNegative();
  }

  @Test
  void ratesApproachIntensities() {
    int steps = 4_000;
    float[] values = {0f, .1f, .25f, .5f, .9f, 1f};
    float[] encoded = new Encoder.PoissonRate().encode(values, 2, steps, 42);
    for (int i = 0; i < values.length; i++) {
      double sum = 0;
      for (int t = 0; t < steps; t++) {
        sum += encoded[t * values.length + i];
      }
      double deviation = Math.sqrt(values[i] * (1 - values[i]) / steps);
      assertThat(sum / steps).isCloseTo(values[i], within(4 * deviation));
    }
  }

  @Test
  void spikesAreIndependentOverTime() {
    int steps = 10_000;
    float[] encoded = new Encoder.PoissonRate().encode(new float[] {.5f}, 1, steps, 3);
    int both = 0;
    for (int t = 1; t < steps; t++) {
      both += (int) (encoded[t] * encoded[t - 1]);
    }
    assertThat((double) both / steps).isCloseTo(0.25, within(0.03));
  }

  @Test
  void ratesFollowTheSeedAndNotTheNeighbours() {
    float[] values = new float[60];
    Random random = new Random(1);
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextFloat();
    }
    Encoder rate = new Encoder.PoissonRate();
    float[] encoded = rate.encode(values, 3, 5, 9);
    assertThat(rate.encode(values, 3, 5, 9)).isEqualTo(encoded);
    assertThat(rate.encode(values, 3, 5, 10)).isNotEqualTo(encoded);

    float[] alone = rate.encode(Arrays.copyOf(values, 20), 1, 5, 9);
    for (int t = 0; t < 5; t++) {
      assertThat(Arrays.copyOfRange(encoded, t * 60, t * 60 + 20))
          .isEqualTo(Arrays.copyOfRange(alone, t * 20, t * 20 + 20));
    }
  }

  @ParameterizedTest
  @ValueSource(floats = {-0.1f, 1.1f, Float.NaN, Float.POSITIVE_INFINITY})
  void normalisedPixelsAreRejected(float value) {
    for (Encoder encoder :
        new Encoder[] {new Encoder.PoissonRate(), new Latency(Law.LINEAR, true)}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> encoder.encode(new float[] {value}, 1, 2, 0))
          .withMessageContaining("expected pixels in 0..1");
    }
  }

  @Test
  void sizesAreChecked() {
    Encoder direct = new Encoder.Direct();
    assertThatIllegalArgumentException().isThrownBy(() -> direct.encode(new float[3], 2, 1, 0));
    assertThatIllegalArgumentException().isThrownBy(() -> direct.encode(new float[2], 0, 1, 0));
    assertThatIllegalArgumentException().isThrownBy(() -> direct.encode(new float[2], 1, 0, 0));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> direct.encode(new float[2], 1, Integer.MAX_VALUE, 0))
        .withMessageContaining("exceed the largest array");
  }

  @Test
  void encodersHaveNames() {
    assertThat(Encoder.of("direct")).isEqualTo(new Encoder.Direct());
    assertThat(Encoder.of("Rate")).isEqualTo(new Encoder.PoissonRate());
    assertThat(Encoder.of("latency")).isEqualTo(new Latency(Law.LINEAR, true));
    assertThat(Encoder.of("latency-log")).isEqualTo(new Latency(Law.LOGARITHMIC, true));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Encoder.of("morse"))
        .withMessage("expected an encoder of direct, rate, latency, latency-log, found \"morse\"");
  }
}
