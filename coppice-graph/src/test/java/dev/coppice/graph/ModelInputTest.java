package dev.coppice.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ModelInputTest {
  private static ModelInput read(String json) {
    return ModelInput.of(Map.of(ModelInput.KEY, json));
  }

  @Test
  void whatARunWroteIsRead() {
    ModelInput input =
        read(
            """
            {"options":{"T":4,"encoder":"direct","epochs":3},
             "data":{"mean":[0.5,0.25],"std":[1,2],"classes":["a","b"],"name":"digits"}}
            """);
    assertThat(input.encoder()).isEqualTo("direct");
    assertThat(input.timeSteps()).isEqualTo(4);
    assertThat(input.mean()).containsExactly(0.5f, 0.25f);
    assertThat(input.std()).containsExactly(1, 2);
    assertThat(input.classes()).containsExactly("a", "b");
  }

  @Test
  void whatIsNotThereIsNotMadeUp() {
    assertThat(ModelInput.of(Map.of("other", "1"))).isSameAs(ModelInput.NONE);
    ModelInput input = read("{\"options\":{\"T\":null}}");
    assertThat(input.timeSteps()).isNull();
    assertThat(input.encoder()).isNull();
    assertThat(input.mean()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "[",
        "[]",
        "7",
        "{\"options\":3}",
        "{\"options\":{\"T\":\"many\"}}",
        "{\"options\":{\"T\":0}}",
        "{\"options\":{\"T\":1000000000}}",
        "{\"options\":{\"T\":[1,2]}}",
        "{\"data\":{\"mean\":[1]}}",
        "{\"data\":{\"mean\":[1],\"std\":[0]}}",
        "{\"data\":{\"mean\":[{}],\"std\":[1]}}",
        "{\"data\":{\"classes\":[[]]}}"
      })
  void damageIsNamed(String json) {
    assertThatExceptionOfType(GraphException.class)
        .isThrownBy(() -> read(json))
        .withMessage("the metadata entry coppice.run is not as Coppice writes it");
  }
}
