package dev.coppice.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Initialization;
import dev.coppice.graph.Model;
import dev.coppice.graph.Notation;
import dev.coppice.graph.Op;
import dev.coppice.graph.Shape;
import dev.coppice.graph.Weights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class BenchRuntimeCommandTest {
  private static final String NET = "4C3-P2-8C3-P2-FC10";

  @TempDir Path folder;

  private static Invocation bench(Object... more) {
    Object[] fixed = {
      "bench", "runtime", "--warmup", "2", "--runs", "5", "--images", "3", "--threads", "1"
    };
    return Invocation.of(Stream.concat(Stream.of(fixed), Stream.of(more)).toArray());
  }

  private static Invocation small(Object... more) {
    Object[] fixed = {"--net", NET, "--input", "8x8x1", "--firing-rate", "0.2"};
    return bench(Stream.concat(Stream.of(fixed), Stream.of(more)).toArray());
  }

  private Path model() throws IOException {
    Graph graph = Notation.parse(NET, new Shape.Map(8, 8, 1), Op.Neuron.decay());
    Path file = folder.resolve("model.safetensors");
    new Model(graph, Weights.initialize(graph, 1, Initialization.UNIFORM_FAN_IN), Map.of())
        .save(file);
    return file;
  }

  /** A stand-in for Python: a script that is given the peer's script and its arguments. */
  private Path python(String body) throws IOException {
    Path file = folder.resolve("python");
    Files.writeString(file, "#!/bin/sh\n" + body + "\n");
    return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  @Test
  void rowsAreMeasuredForEverySparsityAndBatch() throws IOException {
    Path json = folder.resolve("bench.json");

    Invocation run =
        small("--sparsity", "0,0.8", "--batch", "1,2", "--explain", "--json", json).exits(0);

    JsonObject result = Invocation.json(json);
    JsonArray rows = result.getAsJsonArray("rows");
    assertThat(rows.size()).isEqualTo(4);
    for (int i = 0; i < 4; i++) {
      JsonObject row = rows.get(i).getAsJsonObject();
      assertThat(row.get("network").getAsString()).isEqualTo(NET);
      assertThat(row.get("sparsity").getAsDouble()).isCloseTo(i < 2 ? 0 : 0.8, within(0.01));
      assertThat(row.get("spikeDensity").getAsDouble()).isBetween(0.1, 0.3);
      assertThat(row.getAsJsonObject("spikeDensityByLayer").keySet())
          .containsExactly("neuron1", "neuron2");
      int batch = i % 2 + 1;
      assertThat(row.get("batch").getAsInt()).isEqualTo(batch);
      assertThat(row.get("threads").getAsInt()).isEqualTo(1);
      double median = row.get("millisP50").getAsDouble();
      assertThat(median).isPositive();
      assertThat(row.get("millisP99").getAsDouble()).isGreaterThanOrEqualTo(median);
      assertThat(row.get("imagesPerSecond").getAsDouble())
          .isCloseTo(1000 * batch / median, within(1e-6));
      assertThat(row.get("fileBytes").getAsLong()).isPositive();
      assertThat(row.get("residentMegabytes").getAsDouble()).isGreaterThanOrEqualTo(0);
      assertThat(row.get("millisToFirstAnswer").getAsDouble()).isGreaterThanOrEqualTo(0);
      assertThat(row.has("heapGrowthBytes")).isTrue();
      assertThat(row.get("kernels").getAsString()).isNotBlank();
      assertThat(row.has("peerMillisP50")).isFalse();
    }
    assertThat(result.getAsJsonObject("settings").get("input").getAsString()).isEqualTo("8x8x1");
    assertThat(run.out()).contains("p50 ms", "kernels:", "conv1", "batch 2");
    assertThat(run.err()).contains("with sparsity 0.8", "measuring coppice, batch 2");
  }

  @Test
  void aModelIsMeasuredAsItIs() throws IOException {
    Path json = folder.resolve("bench.json");
    Path model = model();

    bench(model, "--T", "2", "--json", json).exits(0);

    JsonObject row = Invocation.json(json).getAsJsonArray("rows").get(0).getAsJsonObject();
    assertThat(row.get("network").getAsString()).isEqualTo(model.toString());
    assertThat(row.get("sparsity").getAsDouble()).isZero();
    assertThat(row.get("timeSteps").getAsInt()).isEqualTo(2);
  }

  @Test
  void realImagesAreTakenWhereDataAreNamed() throws IOException {
    Path json = folder.resolve("bench.json");

    bench("--net", NET, "--data", "digits", "--sparsity", "0.5", "--json", json).exits(0);

    JsonObject result = Invocation.json(json);
    assertThat(result.getAsJsonObject("settings").get("data").getAsString()).isEqualTo("digits");
    assertThat(result.getAsJsonObject("settings").get("input").getAsString()).isEqualTo("8x8x1");
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void aPeerIsMeasuredBetweenTwoRunsAndItsLogitsCompared() throws IOException {
    Path json = folder.resolve("bench.json");
    String logits = "[[1,0,0,0,0,0,0,0,0,0],[1,0,0,0,0,0,0,0,0,0],[1,0,0,0,0,0,0,0,0,0]]";
    Path python =
        python(
            """
            printf '%%s\\n' "$@" >'%s'
            cp "$3" '%s'
            while [ "$1" != --json ]; do shift; done
            cat >"$2" <<'END'
            {"name":"spikingjelly","version":"9.9","setting":"eager+nchw","settings":[
             {"setting":"eager+csr","error":"RuntimeError: none"},
             {"setting":"eager+nchw","millisP50":8.0,"millisP99":9.5,"residentMegabytes":400.5,
              "checkpointBytes":12345,"logits":%s},
             {"setting":"eager+slow","millisP50":80.0,"millisP99":95,"residentMegabytes":300.5,
              "checkpointBytes":12345,"logits":%s}]}
            END
            """
                .formatted(folder.resolve("arguments"), folder.resolve("seen"), logits, logits));

    Invocation run =
        small(
                "--sparsity",
                "0.5",
                "--peer",
                "spikingjelly",
                "--python",
                python,
                "--peer-runs",
                "7",
                "--peer-settings",
                "eager+nchw,eager+csr",
                "--json",
                json)
            .exits(0);

    List<String> arguments = Files.readAllLines(folder.resolve("arguments"));
    assertThat(arguments.getFirst()).endsWith("benchmarks/peers/spikingjelly_run.py");
    assertThat(String.join(" ", arguments))
        .contains("--T 4 --batch 1 --threads 1 --warmup 10 --runs 7")
        .endsWith("--settings eager+nchw eager+csr");
    assertThat(Model.load(folder.resolve("seen")).graph().output()).isEqualTo("fc1");
    JsonObject row = Invocation.json(json).getAsJsonArray("rows").get(0).getAsJsonObject();
    assertThat(row.get("peerMillisP50").getAsDouble()).isEqualTo(8.0);
    assertThat(row.get("ratio").getAsDouble())
        .isCloseTo(8 / row.get("millisP50").getAsDouble(), within(1e-9));
    assertThat(row.get("peerFileBytes").getAsLong()).isEqualTo(12345);
    assertThat(row.get("peerResidentMegabytes").getAsDouble()).isEqualTo(300.5);
    assertThat(row.get("maxLogitDifference").getAsDouble()).isPositive();
    assertThat(row.get("sameClass").getAsDouble()).isBetween(0.0, 1.0);
    JsonArray settings = row.getAsJsonObject("peer").getAsJsonArray("settings");
    assertThat(settings.size()).isEqualTo(3);
    assertThat(settings.get(1).getAsJsonObject().has("logits")).isFalse();
    assertThat(run.err()).contains("measuring spikingjelly", "measuring coppice again");
    assertThat(run.out()).contains("peer p50 ms", "8.000");
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void aPeerThatFailsFailsTheRun() throws IOException {
    Path python = python("echo 'ModuleNotFoundError: no spikingjelly' >&2; exit 1");

    small("--sparsity", "0.5", "--peer", "spikingjelly", "--python", python)
        .exits(1, "status 1", "ModuleNotFoundError: no spikingjelly");
  }

  @Test
  void whatCannotBeMeasuredIsToldBeforeAnythingRuns() throws IOException {
    Path model = model();
    small("--sparsity", "1.2").exits(2, "--sparsity must be at least 0 and less than 1, not 1.2");
    small("--sparsity", "0.5,x").exits(2, "--sparsity");
    small("--batch", "0").exits(2, "--batch must lie between");
    small("--T", "0").exits(2, "--T must lie between");
    Invocation.of("bench", "runtime", "--runs", "0").exits(2, "--runs must lie between");
    Invocation.of("bench", "runtime", "--images", "0").exits(2, "--images must lie between");
    small("--peer", "norse").exits(2, "expected spikingjelly");
    small("--peer", "spikingjelly", "--python", folder.resolve("none")).exits(2, "is no program");
    small("--json", folder).exits(2, "is a folder");
    small("--data", "digits").exits(2, "--input does not go with --data");
    small("--device", "gpu").exits(2, "--device cpu only");
    bench("--firing-rate", "1").exits(2, "--firing-rate must lie between 0 and 1");
    bench("--net", "vgg17").exits(2, "vgg17");
    bench("--net", "vgg16", "--input", "8x8x3").exits(2, "pool");
    bench(folder.resolve("missing.safetensors")).exits(2, "does not exist");
    bench(folder).exits(2, "is not a file");
    bench(model, "--sparsity", "0.5").exits(2, "--sparsity does not go with a model");
    bench(model, "--net", NET).exits(2, "--net does not go with a model");
    Invocation.of("bench", "runtime", "--data", "digits", "--net", NET, "--images", "1000")
        .exits(2, "360 test images");
  }
}
