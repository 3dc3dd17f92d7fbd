package dev.coppice.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.graph.Compression;
import dev.coppice.graph.Model;
import dev.coppice.graph.Quantization;
import dev.coppice.graph.zoo.Zoo;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A model that is loaded row by row answers, to the bit, as the one in memory. */
class LoadTest {
  private static final int BATCH = 2;

  @TempDir Path folder;

  static List<String> zoo() {
    return Zoo.names();
  }

  @ParameterizedTest
  @MethodSource("zoo")
  void compressedFilesAnswerAsTheirModels(String name) throws IOException {
    Model model = Networks.model(Networks.zoo(name), 4, 0.95);
    for (Model one : List.of(model, Quantization.int8(model))) {
      float[] images = Networks.images(one.graph(), BATCH);
      var options = new SpikingRuntime.Options(4, 1, BATCH);
      BatchInference expected = run(SpikingRuntime.of(one, options), images);
      for (Compression compression : Compression.values()) {
        Path file = folder.resolve(compression + ".safetensors");
        one.save(file, compression);
        SpikingRuntime loaded = SpikingRuntime.load(file, options);
        assertThat(run(loaded, images).stepLogits()).containsExactly(expected.stepLogits());
        assertThat(steps(loaded)).isEqualTo(steps(SpikingRuntime.of(one, options)));
      }
    }
  }

  private static BatchInference run(SpikingRuntime network, float[] images) {
    try (Session session = network.session()) {
      return session.run(images, BATCH);
    }
  }

  private static List<String> steps(SpikingRuntime network) {
    return network.plan().steps().stream().map(Step::explain).toList();
  }
}
