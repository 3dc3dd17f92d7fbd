package dev.coppice.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.coppice.graph.Safetensors;
import dev.coppice.train.Optimizer;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Reproduces what released code of other methods computed: every file of the folder {@code
 * -Dcoppice.golden.methods=DIR}, or of the test resources.
 */
class MethodGoldenTest {
  @TestFactory
  Stream<DynamicTest> files() throws IOException, URISyntaxException {
    List<Path> files;
    try (Stream<Path> all = Files.list(folder())) {
      files = all.filter(path -> path.toString().endsWith(".safetensors")).sorted().toList();
    }
    assertThat(files).as("golden files in %s", folder()).isNotEmpty();
    return files.stream()
        .map(
            file -> DynamicTest.dynamicTest(String.valueOf(file.getFileName()), () -> check(file)));
  }

  private static Path folder() throws URISyntaxException {
    String given = System.getProperty("coppice.golden.methods", "");
    return given.isEmpty()
        ? Path.of(
            Objects.requireNonNull(MethodGoldenTest.class.getResource("/golden-methods")).toURI())
        : Path.of(given);
  }

  private static void check(Path file) throws IOException {
    Safetensors.Content golden = Safetensors.read(file);
    String kind = golden.metadata().getOrDefault("kind", "none");
    if (!kind.equals("gradr")) {
      abort("files of kind " + kind + " are not of a method with hidden parameters");
    }
    gradientRewiring(golden);
  }

  /** The released optimizer of Grad R, in the form of Adam. */
  private static void gradientRewiring(Safetensors.Content golden) {
    Map<String, String> metadata = golden.metadata();
    String[] betas = text(metadata, "betas").split(",", -1);
    Optimizer adam =
        new Optimizer.Adam(
            Float.parseFloat(betas[0]),
            Float.parseFloat(betas[1]),
            Float.parseFloat(text(metadata, "eps")),
            0);
    double rate = number(metadata, "lr");
    double tolerance = number(metadata, "tolerance");
    int steps = (int) number(metadata, "steps");
    float[] start = array(golden, "w0");
    int size = start.length;
    GradientRewiring rewiring =
        new GradientRewiring(adam, number(metadata, "alpha"), number(metadata, "targetSparsity"));
    rewiring.begin(start);
    List<float[]> moments = List.of(new float[size], new float[size]);
    for (int k = 0; k < steps; k++) {
      float[] gradient = row(golden, "grad", k, size);
      float[] moved = rewiring.moved();
      adam.update(moved, rewiring.gradient(gradient), moments, rate, k + 1);
      rewiring.after(moved, rate, k + 1);
      assertClose(rewiring.weights(), row(golden, "w", k, size), tolerance, "w after " + (k + 1));
      assertClose(
          Hidden.part(rewiring.state(), "strengths"),
          row(golden, "theta", k, size),
          tolerance,
          "theta after " + (k + 1));
    }
  }

  private static void assertClose(float[] actual, float[] expected, double tolerance, String what) {
    for (int i = 0; i < expected.length; i++) {
      assertThat((double) actual[i])
          .as("%s, %d", what, i)
          .isCloseTo(expected[i], within(tolerance));
    }
  }

  private static float[] array(Safetensors.Content golden, String name) {
    return Objects.requireNonNull(golden.get(name), name).floats();
  }

  private static float[] row(Safetensors.Content golden, String name, int k, int size) {
    return Arrays.copyOfRange(array(golden, name), k * size, (k + 1) * size);
  }

  private static String text(Map<String, String> metadata, String key) {
    return Objects.requireNonNull(metadata.get(key), key);
  }

  private static double number(Map<String, String> metadata, String key) {
    return Double.parseDouble(text(metadata, key));
  }
}
