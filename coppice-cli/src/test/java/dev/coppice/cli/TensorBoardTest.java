package dev.coppice.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Events of runs as TensorBoard itself reads them. The system property {@code coppice.python} names
 * a Python with the packages of {@code src/test/python/requirements.txt}.
 */
final class TensorBoardTest {
  private static final Path SCRIPT = Path.of("src", "test", "python", "read_events.py");

  @TempDir private Path folder = Path.of("");

  private final String python = System.getProperty("coppice.python", "");

  @BeforeEach
  void needsTensorBoard() {
    assumeThat(python).as("a Python with TensorBoard, named by -Dcoppice.python=PATH").isNotEmpty();
  }

  private JsonObject read(Path events) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(python, SCRIPT.toString(), events.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    String json = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).isZero();
    return JsonParser.parseString(json).getAsJsonObject();
  }

  @Test
  void valuesAndHistogramsComeBack() throws Exception {
    try (EventFile file = EventFile.open(folder)) {
      file.scalar("loss/train", 1, 2.25);
      file.scalar("loss/train", 300, 0.5);
      file.histogram("weights/conv1", 300, new float[] {-1, 0.5f, 0.5f, 3});
      file.histogram("weights/same", 300, new float[] {2, 2});
      file.histogram("weights/none", 300, new float[0]);
    }

    JsonObject read = read(folder);

    assertThat(read.getAsJsonObject("scalars"))
        .hasToString("{\"loss/train\":[[1,2.25],[300,0.5]]}");
    JsonObject histograms = read.getAsJsonObject("histograms");
    assertThat(histograms.keySet()).containsExactlyInAnyOrder("weights/conv1", "weights/same");
    JsonObject conv = histograms.getAsJsonArray("weights/conv1").get(0).getAsJsonObject();
    assertThat(conv.get("step").getAsLong()).isEqualTo(300);
    assertThat(conv.get("minimum").getAsDouble()).isEqualTo(-1);
    assertThat(conv.get("maximum").getAsDouble()).isEqualTo(3);
    assertThat(conv.get("count").getAsDouble()).isEqualTo(4);
    assertThat(conv.get("sum").getAsDouble()).isEqualTo(3);
    assertThat(conv.get("squares").getAsDouble()).isEqualTo(10.5);
    JsonArray counts = conv.getAsJsonArray("counts");
    assertThat(conv.getAsJsonArray("limits")).hasSameSizeAs(counts);
    assertThat(counts.asList().stream().mapToDouble(JsonElement::getAsDouble))
        .filteredOn(count -> count > 0)
        .containsExactly(1.0, 2.0, 1.0);
  }

  @Test
  void aRunThatPrunesLeavesItsCurvesAndWeights() throws Exception {
    Path run = folder.resolve("run");
    Invocation.of(
            "prune",
            "--run",
            run,
            "--net",
            "4C3-P4-FC10",
            "--train-samples",
            200,
            "--test-samples",
            50,
            "--T",
            2,
            "--epochs",
            2,
            "--sparsity",
            0.8,
            "--threads",
            1)
        .exits(0);

    JsonObject read = read(run.resolve("events"));

    JsonObject scalars = read.getAsJsonObject("scalars");
    assertThat(scalars.keySet())
        .contains("loss/train", "accuracy/test", "learning_rate", "sparsity", "density/conv1")
        .contains("pruning/survival_percent", "criticality_median/neuron1");
    List<RunRecords.Epoch> epochs = RunRecords.of(run, "run").epochs();
    JsonArray loss = scalars.getAsJsonArray("loss/train");
    assertThat(loss).hasSize(2);
    for (int i = 0; i < 2; i++) {
      assertThat(loss.get(i).getAsJsonArray().get(0).getAsLong()).isEqualTo(epochs.get(i).step());
    }
    assertThat(scalars.getAsJsonArray("pruning/sparsity"))
        .hasSameSizeAs(RunRecords.of(run, "run").prunings());
    JsonArray weights = read.getAsJsonObject("histograms").getAsJsonArray("weights/conv1");
    assertThat(weights).hasSize(2);
    assertThat(weights.get(1).getAsJsonObject().get("count").getAsInt()).isBetween(1, 36);
  }
}
