package dev.coppice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RunDirectoryTest {
  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '"',
      value = {
        "runs/a-1, runs/a-1",
        "my runs/a, 'my runs/a'",
        "runs/$HOME, 'runs/$HOME'",
        "it's, 'it'\\''s'",
        "übung/größe, übung/größe"
      })
  void theCommandThatGoesOnIsOneThatAShellReads(String folder, String word) {
    assertThat(new RunDirectory(Path.of(folder)).resuming("train"))
        .isEqualTo("coppice train --resume " + word);
  }
}
