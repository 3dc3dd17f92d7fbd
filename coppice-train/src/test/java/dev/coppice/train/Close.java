package dev.coppice.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.coppice.graph.Weights;
import java.util.Map;
import java.util.Objects;

/** Compares arrays of floats. */
final class Close {
  private Close() {}

  /** Within {@code bound} of the largest expected value. */
  static void assertClose(String what, float[] actual, float[] expected, double bound) {
    assertThat(actual).as(what).hasSameSizeAs(expected);
    double scale = 1e-3;
    for (float value : expected) {
      scale = Math.max(scale, Math.abs(value));
    }
    for (int i = 0; i < expected.length; i++) {
      assertThat((double) actual[i])
          .as("%s[%d]", what, i)
          .isCloseTo(expected[i], within(bound * scale));
    }
  }

  static void assertClose(Weights actual, Weights expected, double bound) {
    assertThat(actual.names()).isEqualTo(expected.names());
    for (String name : expected.names()) {
      assertClose(name, actual.get(name).data(), expected.get(name).data(), bound);
    }
  }

  static void assertClose(
      Map<String, float[]> actual, Map<String, float[]> expected, double bound) {
    assertThat(actual.keySet()).isEqualTo(expected.keySet());
    expected.forEach(
        (name, values) ->
            assertClose(name, Objects.requireNonNull(actual.get(name)), values, bound));
  }
}
