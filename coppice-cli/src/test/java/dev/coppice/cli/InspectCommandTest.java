package dev.coppice.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.JsonObject;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Initialization;
import dev.coppice.graph.Model;
import dev.coppice.graph.Notation;
import dev.coppice.graph.Op;
import dev.coppice.graph.Shape;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InspectCommandTest {
  @TempDir Path folder;

  /** A model for the digits, three quarters of whose second convolution are zero. */
  private Path model() throws IOException {
    Graph graph = Notation.parse("4C3-8C3s2-P2-FC10", new Shape.Map(8, 8, 1), Op.Neuron.decay());
    Weights weights = Weights.initialize(graph, 1, Initialization.KAIMING_NORMAL_FAN_OUT);
    Tensor second = weights.get("conv2.weight");
    float[] data = second.data().clone();
    Arrays.fill(data, 0, 3 * data.length / 4, 0);
    Path file = folder.resolve("model.safetensors");
    new Model(
            graph,
            weights.with("conv2.weight", new Tensor(second.shape(), data)),
            Map.of("note", "made by hand"))
        .save(file);
    return file;
  }

  private static JsonObject layer(JsonObject result, String node) {
    for (var layer : result.getAsJsonArray("layers")) {
      if (layer.getAsJsonObject().get("node").getAsString().equals(node)) {
        return layer.getAsJsonObject();
      }
    }
    throw new AssertionError("no layer " + node);
  }

  @Test
  void aNetworkInNotationIsCountedByHand() throws IOException {
    Path json = folder.resolve("net.json");

    Invocation run =
        Invocation.of("inspect", "--net", "4C3-P2-FC10", "--input", "8x8x1", "--json", json)
            .exits(0);

    JsonObject result = Invocation.json(json);
    // On a side of 8, a window of 3 with padding 1 has 8·3 − 2 taps on the map.
    assertThat(layer(result, "conv1").get("denseSops").getAsLong()).isEqualTo(4 * 22 * 22 * 4);
    assertThat(layer(result, "fc1").get("denseSops").getAsLong()).isEqualTo(4 * 64 * 10);
    assertThat(result.get("denseSops").getAsLong()).isEqualTo(4 * (1936 + 640));
    assertThat(result.get("parameters").getAsLong()).isEqualTo(36 + 8 + 650);
    assertThat(result.get("weights").getAsLong()).isEqualTo(36 + 640);
    assertThat(result.get("footprintBytes").getAsLong()).isEqualTo(4 * (36 + 16 + 650));
    assertThat(layer(result, "pool1").get("output").getAsString()).isEqualTo("4x4x4");
    assertThat(layer(result, "bn1").get("parameters").getAsLong()).isEqualTo(8);
    assertThat(result.has("effectiveAcs")).isFalse();
    assertThat(run.out()).contains("conv 3x3", "8x8x4", "7,744", "10,304", "694", "100.00");
  }

  @Test
  void aNetworkByNameTakesClassesWidthAndTimeSteps() throws IOException {
    Path json = folder.resolve("net.json");

    Invocation.of(
            "inspect",
            "--net",
            "vgg11",
            "--width",
            "0.125",
            "--classes",
            "7",
            "--T",
            "2",
            "--input",
            "32x32x3",
            "--json",
            json)
        .exits(0);

    JsonObject result = Invocation.json(json);
    assertThat(result.get("timeSteps").getAsInt()).isEqualTo(2);
    var layers = result.getAsJsonArray("layers");
    assertThat(layers.get(layers.size() - 1).getAsJsonObject().get("output").getAsString())
        .isEqualTo("7");
  }

  @Test
  void aModelTellsItsDensityAndMetadata() throws IOException {
    Path json = folder.resolve("model.json");

    Invocation run = Invocation.of("inspect", model(), "--json", json).exits(0);

    JsonObject result = Invocation.json(json);
    assertThat(layer(result, "conv2").get("density").getAsDouble()).isEqualTo(0.25);
    long weights = result.get("weights").getAsLong();
    assertThat(result.get("nonZero").getAsLong()).isEqualTo(weights - 216);
    assertThat(result.get("connectionSparsity").getAsDouble())
        .isCloseTo(216.0 / weights, within(1e-12));
    assertThat(result.getAsJsonObject("provenance").get("note").getAsString())
        .isEqualTo("made by hand");
    assertThat(run.out()).contains("note: made by hand", "25.00");
    assertThat(run.out()).doesNotContain("energy");
  }

  @Test
  void withDataTheOperationsAreTheEffectiveOnes() throws IOException {
    Path json = folder.resolve("model.json");

    Invocation run =
        Invocation.of(
                "inspect", model(), "--data", "digits", "--test-samples", "50", "--json", json)
            .exits(0);

    JsonObject result = Invocation.json(json);
    assertThat(result.get("samples").getAsInt()).isEqualTo(50);
    assertThat(result.get("accuracy").getAsDouble()).isBetween(0.0, 1.0);
    JsonObject first = layer(result, "conv1");
    JsonObject second = layer(result, "conv2");
    // Pixels meet the first layer, spikes the second, and means of spikes the classifier.
    assertThat(first.get("effectiveMacs").getAsDouble())
        .isPositive()
        .isLessThanOrEqualTo(first.get("denseSops").getAsDouble());
    assertThat(first.get("effectiveAcs").getAsDouble()).isZero();
    assertThat(second.get("effectiveAcs").getAsDouble())
        .isPositive()
        .isLessThanOrEqualTo(0.25 * second.get("denseSops").getAsDouble());
    assertThat(second.get("energyNanojoule").getAsDouble())
        .isCloseTo(0.0009 * second.get("effectiveAcs").getAsDouble(), within(1e-9));
    double energy = 0;
    for (String node : List.of("conv1", "conv2", "fc1")) {
      energy += layer(result, node).get("energyNanojoule").getAsDouble();
    }
    assertThat(result.get("energyNanojoule").getAsDouble()).isCloseTo(energy, within(1e-6));
    assertThat(layer(result, "neuron1").get("firingRate").getAsDouble()).isBetween(0.0, 1.0);
    assertThat(run.out()).contains("effective SOPs", "energy nJ", "on 50 images");
  }

  @Test
  void whatCannotBeInspectedIsToldInOneLine() throws IOException {
    Path model = model();
    Path broken = folder.resolve("broken.safetensors");
    Files.write(broken, Arrays.copyOf(Files.readAllBytes(model), 200));

    Invocation.of("inspect").exits(2, "expected a model file, or --net");
    Invocation.of("inspect", "--net", "4C3-FC10").exits(2, "needs --input");
    Invocation.of("inspect", "--net", "4C3-FC10", "--input", "8x8").exits(2, "expected HxWxC");
    Invocation noHeight =
        Invocation.of("inspect", "--net", "4C3-FC10", "--input", "0x8x1").exits(2, "not 0x8x1");
    assertThat(noHeight.err()).doesNotContain("Exception");
    Invocation.of("inspect", "--net", "4C3-XX", "--input", "8x8x1").exits(2, "\"XX\"");
    Invocation.of("inspect", "--net", "4C3-FC10", "--input", "8x8x1", "--T", "0").exits(2, "--T");
    Invocation.of("inspect", model, "--net", "4C3-FC10").exits(2, "--net does not go with");
    Invocation.of("inspect", folder.resolve("none")).exits(2, "does not exist");
    Invocation.of("inspect", broken).exits(2, "broken.safetensors");
    Invocation.of("inspect", model, "--json", folder.resolve("no/such.json")).exits(2, "--json");
  }

  @Test
  void dataThatDoNotFitTheModelAreRefused() throws IOException {
    Graph graph = Notation.parse("4C3-FC3", new Shape.Map(8, 8, 1), Op.Neuron.decay());
    Path file = folder.resolve("three.safetensors");
    new Model(graph, Weights.initialize(graph, 1, Initialization.KAIMING_NORMAL_FAN_OUT), Map.of())
        .save(file);

    Invocation.of("inspect", file, "--data", "digits").exits(2, "3 classes", "digits has 10");
  }
}
