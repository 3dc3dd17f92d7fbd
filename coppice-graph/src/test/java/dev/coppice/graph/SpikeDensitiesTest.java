package dev.coppice.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SpikeDensitiesTest {
  private static final Model MODEL =
      ModelTest.masked(
          Notation.parse("4C3-P2-FC10", new Shape.Map(4, 4, 2), Op.Neuron.decay()), 1, 1);

  @Test
  void readsWhatItWrote() {
    Map<String, Double> densities = Map.of("neuron1", 0.25);
    Model model = SpikeDensities.add(MODEL, densities);
    assertThat(model.metadata())
        .containsEntry("coppice.spikes", "{\"neuron1\":0.25}")
        .containsAllEntriesOf(MODEL.metadata());
    assertThat(SpikeDensities.of(model)).isEqualTo(densities);
    assertThat(SpikeDensities.of(MODEL)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "[]|expected a JSON object",
        "{\"neuron1\":\"x\"}|must be a number",
        "{\"neuron1\":1.5}|must lie in [0, 1]",
        "{\"neuron1\":1e999}|must lie in [0, 1]",
        "{\"conv1\":0.5}|no neuron layer \"conv1\"",
        "{\"a\":0.5}|no neuron layer \"a\"",
      })
  void refusesWhatIsDamaged(String entry, String message) {
    Model model = new Model(MODEL.graph(), MODEL.weights(), Map.of(SpikeDensities.KEY, entry));
    assertThatThrownBy(() -> SpikeDensities.of(model))
        .isInstanceOf(GraphException.class)
        .hasMessageStartingWith("the metadata entry coppice.spikes: ")
        .hasMessageContaining(message);
  }
}
