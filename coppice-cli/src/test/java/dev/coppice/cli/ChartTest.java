package dev.coppice.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonParser;
import java.util.List;
import org.junit.jupiter.api.Test;

final class ChartTest {
  private static Chart lines(String y, List<List<Object>> rows) {
    return new Chart(
        "a",
        "A",
        "",
        Chart.Kind.LINES,
        Chart.Scale.linear("x"),
        Chart.Scale.linear(y),
        List.of("name"),
        new DataTable(List.of("name", "x", "y"), rows));
  }

  @Test
  void columnsAreStoredWholeWithTextsOnce() {
    Chart chart =
        lines(
            "y",
            List.of(
                List.of("one", 1, 1.0 / 3),
                List.of("two", 2, Double.NaN),
                List.of("one", 3, 1e-9),
                List.of("", 4L, 4.0)));

    assertThat(chart.json().get("columns"))
        .isEqualTo(
            JsonParser.parseString(
                """
                [{"name": "name", "texts": ["one", "two"], "values": [0, 1, 0, null]},
                 {"name": "x", "values": [1, 2, 3, 4]},
                 {"name": "y", "values": [0.333333, null, 1E-9, 4]}]
                """));
    assertThat(chart.hasValues()).isTrue();
  }

  @Test
  void aChartOfNothingHasNoValues() {
    assertThat(lines("y", List.of()).hasValues()).isFalse();
    assertThat(lines("y", List.of(List.of("one", 1, Double.NaN))).hasValues()).isFalse();
  }

  @Test
  void aColumnThatIsMissingIsRefused() {
    assertThatThrownBy(() -> lines("z", List.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no column z");
  }
}
