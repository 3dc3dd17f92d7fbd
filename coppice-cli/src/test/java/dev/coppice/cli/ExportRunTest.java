package dev.coppice.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.coppice.data.DataSets;
import dev.coppice.data.Images;
import dev.coppice.graph.Compression;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Initialization;
import dev.coppice.graph.Model;
import dev.coppice.graph.ModelInput;
import dev.coppice.graph.Notation;
import dev.coppice.graph.Op;
import dev.coppice.graph.Shape;
import dev.coppice.graph.SpikeDensities;
import dev.coppice.graph.Weights;
import java.awt.image.BufferedImage;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code export} and {@code run} on a network that was really trained and pruned. */
final class ExportRunTest {
  @TempDir private static Path shared = Path.of("");
  private static Path trained = Path.of("");

  @TempDir private Path folder = Path.of("");

  @BeforeAll
  static void train() {
    trained = shared.resolve("run/model.safetensors");
    Invocation.of(
            "prune",
            "--run",
            shared.resolve("run"),
            "--net",
            "16C3-P2-32C3-P2-FC10",
            "--T",
            2,
            "--epochs",
            8,
            "--sparsity",
            0.9,
            "--threads",
            1)
        .exits(0);
  }

  private static float[] sum(float[] values, float summand) {
    float[] sums = values.clone();
    for (int i = 0; i < sums.length; i++) {
      sums[i] += summand;
    }
    return sums;
  }

  private String path(String name) {
    return folder.resolve(name).toString();
  }

  private JsonObject json(Object... args) throws IOException {
    List<Object> all = new ArrayList<>(Arrays.asList(args));
    all.addAll(List.of("--json", path("result.json"), "--threads", 1));
    Invocation.of(all.toArray()).exits(0);
    return Invocation.json(folder.resolve("result.json"));
  }

  private static double number(JsonObject json, String name) {
    return json.get(name).getAsDouble();
  }

  /** Writes a test image of the digits as a picture. */
  private String picture(int number) throws IOException {
    Images digits = DataSets.load("digits", null).test();
    BufferedImage image = new BufferedImage(8, 8, BufferedImage.TYPE_BYTE_GRAY);
    for (int i = 0; i < 64; i++) {
      int pixel = Math.round(digits.pixels()[number * 64 + i] * 255 / 16f);
      image.getRaster().setSample(i % 8, i / 8, 0, pixel);
    }
    Path file = folder.resolve("digit" + number + ".png");
    ImageIO.write(image, "png", file.toFile());
    return file.toString();
  }

  @Test
  void theExportedModelAnswersAsTheTrainedOneDoes() throws IOException {
    String exported = path("small.safetensors");
    JsonObject export = json("export", trained, "--output", exported);
    assertThat(number(export, "bytesAfter"))
        .isEqualTo((double) Files.size(Path.of(exported)))
        .isLessThan(number(export, "bytesBefore"));
    assertThat(number(export, "bytesInFull")).isGreaterThan(20_000);
    assertThat(export.getAsJsonObject("densityByLayer").keySet())
        .containsExactly("conv1", "conv2", "fc1");
    assertThat(number(export, "accuracyAfter")).isEqualTo(number(export, "accuracyBefore"));

    Model before = Model.load(trained);
    Model after = Model.load(Path.of(exported));
    for (String name : before.weights().names()) {
      // The sum turns a negative zero into a positive one, which is what it comes back as.
      assertThat(after.weights().get(name).data())
          .containsExactly(sum(before.weights().get(name).data(), 0));
    }
    assertThat(after.metadata()).containsAllEntriesOf(before.metadata());
    Map<String, Double> spikes = SpikeDensities.of(after);
    assertThat(spikes).containsOnlyKeys("neuron1", "neuron2");

    JsonObject evaluation = json("evaluate", trained);
    JsonObject run = json("run", exported, "--data", "digits", "--batch", 7);
    assertThat(number(run, "samples")).isEqualTo(360);
    assertThat(number(run, "accuracy"))
        .isEqualTo(number(evaluation, "accuracy"))
        .isEqualTo(number(export, "accuracyAfter"))
        .isGreaterThan(0.8);
    for (Map.Entry<String, Double> layer : spikes.entrySet()) {
      assertThat(number(run.getAsJsonObject("firingRate"), layer.getKey()))
          .isCloseTo(layer.getValue(), within(1e-6))
          .isCloseTo(
              number(evaluation.getAsJsonObject("firingRate"), layer.getKey()), within(1e-4));
    }
    assertThat(number(run, "spikesPerImage")).isPositive();
    assertThat(number(run, "imagesPerSecond")).isPositive();
    assertThat(run.getAsJsonObject("sopsByLayer").keySet()).contains("conv1", "conv2", "fc1");
  }

  @Test
  void eightBitsCostAtMostHalfAPoint() throws IOException {
    JsonObject floats = json("export", trained, "--output", path("float.safetensors"));
    JsonObject bytes = json("export", trained, "--output", path("int8.safetensors"), "--int8");
    assertThat(number(bytes, "bytesAfter")).isLessThan(number(floats, "bytesAfter"));
    assertThat(number(bytes, "accuracyBefore")).isEqualTo(number(floats, "accuracyAfter"));
    assertThat(number(bytes, "accuracyAfter"))
        .isGreaterThanOrEqualTo(number(bytes, "accuracyBefore") - 0.005);
    JsonObject run = json("run", path("int8.safetensors"), "--data", "digits");
    assertThat(number(run, "accuracy")).isEqualTo(number(bytes, "accuracyAfter"));
    JsonObject engine = json("evaluate", path("int8.safetensors"));
    assertThat(number(engine, "accuracy")).isEqualTo(number(run, "accuracy"));
  }

  @Test
  void picturesAreAnsweredWithTheirClasses() throws IOException {
    String[] pictures = {picture(0), picture(1), picture(2), picture(3)};
    Images digits = DataSets.load("digits", null).test();

    Invocation plain = Invocation.of("run", trained, pictures[0], pictures[1]).exits(0);
    assertThat(plain.out().lines()).hasSize(3);
    assertThat(plain.out()).startsWith("image ").contains(pictures[0], "synaptic operations");

    List<Object> args = new ArrayList<>(List.of("run", trained, "--explain"));
    args.addAll(List.of(pictures));
    JsonObject result = json(args.toArray());
    int right = 0;
    for (int i = 0; i < pictures.length; i++) {
      JsonObject answer = result.getAsJsonArray("images").get(i).getAsJsonObject();
      int predicted = answer.get("class").getAsInt();
      assertThat(answer.get("image").getAsString()).isEqualTo(pictures[i]);
      assertThat(answer.get("name").getAsString()).isEqualTo(Integer.toString(predicted));
      assertThat(answer.getAsJsonArray("logits").get(predicted).getAsDouble())
          .isEqualTo(number(answer, "score"));
      assertThat(number(answer, "spikes")).isPositive();
      assertThat(number(answer, "sops")).isPositive();
      right += predicted == digits.labels()[i] ? 1 : 0;
    }
    assertThat(right).isGreaterThanOrEqualTo(3);
    assertThat(result.getAsJsonArray("plan"))
        .extracting(step -> step.getAsJsonObject().get("node").getAsString())
        .contains("conv1", "neuron1", "fc1");
    for (JsonElement step : result.getAsJsonArray("plan")) {
      assertThat(step.getAsJsonObject().get("kernel").getAsString()).isNotBlank();
      assertThat(number(step.getAsJsonObject(), "milliseconds")).isNotNegative();
    }
  }

  /** Encoders other than the direct one make time steps of an image, which run as a stream. */
  @ParameterizedTest
  @ValueSource(strings = {"rate", "latency"})
  void encodersMakeTimeSteps(String encoder) throws IOException {
    String run = path(encoder);
    Invocation.of(
            "train",
            "--run",
            run,
            "--net",
            "8C3-P4-FC10",
            "--T",
            3,
            "--epochs",
            2,
            "--train-samples",
            200,
            "--test-samples",
            50,
            "--encoder",
            encoder,
            "--threads",
            1)
        .exits(0);
    JsonObject answers =
        json("run", run + "/model.safetensors", "--data", "digits", "--test-samples", 50);
    assertThat(number(answers, "samples")).isEqualTo(50);
    if (encoder.equals("latency")) {
      JsonObject engine = json("evaluate", run + "/model.safetensors");
      assertThat(number(answers, "accuracy")).isEqualTo(number(engine, "accuracy"));
    }
    Invocation.of("run", run + "/model.safetensors", picture(0), "--explain").exits(0);
  }

  private Path model(Shape input, Map<String, String> metadata) throws IOException {
    Graph graph =
        input instanceof Shape.Map map
            ? Notation.parse("4C3-P2-FC10", map, Op.Neuron.decay())
            : Graph.builder(input).add("fc", new Op.Linear(input.size(), 10, false)).build();
    Weights weights = Weights.initialize(graph, 1, Initialization.KAIMING_NORMAL_FAN_IN);
    Path file = folder.resolve("untrained.safetensors");
    new Model(graph, weights, metadata).save(file);
    return file;
  }

  @Test
  void aModelWithoutMetadataNeedsItsTimeSteps() throws IOException {
    Path file = model(new Shape.Map(8, 8, 1), Map.of());
    Invocation.of("run", file, picture(0)).exits(2, "give them by --T");
    Invocation.of("run", file, picture(0), "--T", 3).exits(0);
    JsonObject export = json("export", file, "--output", path("out.safetensors"));
    assertThat(export.has("accuracyAfter")).isFalse();
    assertThat(Model.load(folder.resolve("out.safetensors")).metadata()).isEmpty();
    JsonObject run = json("run", file, "--data", "digits", "--T", 3);
    JsonObject engine = json("evaluate", file, "--data", "digits", "--T", 3);
    assertThat(number(run, "accuracy")).isEqualTo(number(engine, "accuracy"));
  }

  @ParameterizedTest
  @CsvSource({
    "run MODEL, expected pictures",
    "run MODEL PICTURE --data digits, expected pictures",
    "run MODEL PICTURE --T 0, --T must lie between 1 and 10000",
    "run MODEL PICTURE --batch 0, --batch must lie",
    "run MODEL PICTURE --threads 0, --threads must lie",
    "run MODEL PICTURE --device gpu, models are run on the cpu",
    "run MODEL PICTURE MODEL, is not a picture",
    "run MODEL /no/such.png, /no/such.png: does not exist",
    "run MODEL /, is not a regular file",
    "run /no/such.safetensors PICTURE, does not exist",
    "run / PICTURE, is not a file",
    "run PICTURE PICTURE, announces a header",
    "run MODEL --data nothing, nothing",
    "run VECTOR PICTURE --T 2, the network reads 64",
    "export MODEL, --output",
    "export MODEL --output MODEL, is the model itself",
    "export MODEL --output /no/such/folder/x, no folder",
    "export MODEL --output /, is a folder",
    "export MODEL --output /dev/null, is not a file",
    "export PICTURE --output OUT, announces a header",
    "export MODEL --output OUT --data mnist --data-dir /nowhere, was found neither",
  })
  void refusesBadInput(String command, String message) throws IOException {
    String vector = model(new Shape.Vector(64), Map.of()).toString();
    String[] words =
        command
            .replace("MODEL", trained.toString())
            .replace("PICTURE", picture(0))
            .replace("VECTOR", vector)
            .replace("OUT", path("out"))
            .split(" ", -1);
    Invocation invocation = Invocation.of(words).exits(2, message);
    assertThat(invocation.out()).isEmpty();
    assertThat(folder.resolve("out")).doesNotExist();
  }

  @Test
  void refusesDamagedFiles() throws IOException {
    Path file = folder.resolve("small.safetensors");
    Model.load(trained).save(file, Compression.COMPACT);
    byte[] good = Files.readAllBytes(file);
    String picture = picture(0);
    for (int length = 0; length < good.length; length += good.length / 13) {
      Files.write(file, Arrays.copyOf(good, length));
      Invocation.of("run", file, picture).exits(2, "small.safetensors");
    }
    Files.write(file, Arrays.copyOf(good, good.length + 1));
    Invocation.of("run", file, picture).exits(2, "follow the header");
    String text = new String(good, StandardCharsets.ISO_8859_1);
    Files.write(
        file, text.replace("\\\"bits\\\":", "\\\"bats\\\":").getBytes(StandardCharsets.ISO_8859_1));
    Invocation.of("run", file, picture).exits(2, "\"bits\" is missing");
    Map<String, String> metadata = Map.of(ModelInput.KEY, "{\"options\":{\"T\":-1}}");
    Invocation.of("run", model(new Shape.Map(8, 8, 1), metadata), picture).exits(2, "coppice.run");
  }

  /** The training engine and its native library stay where they are. */
  @ParameterizedTest
  @ValueSource(strings = {"PICTURE", "--data digits --explain", "PICTURE --threads 1"})
  void runningTouchesNoDjl(String arguments) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(System.getProperty("java.home") + File.separator + "bin" + File.separator + "java");
    command.addAll(
        List.of(
            "-Xlog:class+load",
            "-cp",
            System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
            Main.class.getName(),
            "run",
            trained.toString()));
    command.addAll(List.of(arguments.replace("PICTURE", picture(0)).split(" ", -1)));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    assertThat(output.lines().filter(line -> line.contains("dev.coppice.runtime."))).isNotEmpty();
    assertThat(output.lines().filter(line -> line.contains("ai.djl") || line.contains("libtorch")))
        .isEmpty();
  }

  @Test
  void theLauncherCanRehearse() throws IOException {
    Rehearsal.main(new String[0]);
  }
}
