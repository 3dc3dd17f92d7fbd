package dev.coppice.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class BenchTrainCommandTest {
  @TempDir Path folder;

  private static Invocation bench(Object... more) {
    return benchOf("4C3-P2-FC10", more);
  }

  private static Invocation benchOf(String net, Object... more) {
    Object[] fixed = {
      "bench",
      "train",
      "--net",
      net,
      "--input",
      "8x8x1",
      "--batch",
      "4",
      "--warmup",
      "1",
      "--steps",
      "3",
      "--threads",
      "1"
    };
    return Invocation.of(Stream.concat(Stream.of(fixed), Stream.of(more)).toArray());
  }

  /** A stand-in for Python: a script that is given the peer's script and its arguments. */
  private Path python(String body) throws IOException {
    Path file = folder.resolve("python");
    Files.writeString(file, "#!/bin/sh\n" + body + "\n");
    return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  @Test
  void trainingIsMeasuredInAProcessOfItsOwn() throws IOException {
    Path json = folder.resolve("bench.json");

    Invocation run = bench("--score-overhead", "--json", json).exits(0);

    JsonObject result = Invocation.json(json);
    double seconds = result.get("secondsPerStep").getAsDouble();
    assertThat(seconds).isPositive();
    assertThat(result.get("imagesPerSecond").getAsDouble()).isCloseTo(4 / seconds, within(1e-6));
    assertThat(result.get("peakMegabytes").getAsDouble()).isGreaterThanOrEqualTo(0);
    assertThat(result.getAsJsonArray("runs").size()).isEqualTo(1);
    JsonObject settings = result.getAsJsonObject("settings");
    assertThat(settings.get("net").getAsString()).isEqualTo("4C3-P2-FC10");
    assertThat(settings.get("input").getAsString()).isEqualTo("8x8x1");
    assertThat(settings.get("steps").getAsInt()).isEqualTo(3);
    assertThat(result.get("kernels").getAsString()).isNotBlank();
    assertThat(result.getAsJsonObject("versions").keySet())
        .containsExactly("coppice", "java", "djl", "pytorch");
    assertThat(result.has("peer")).isFalse();
    JsonObject overhead = result.getAsJsonObject("scoreOverhead");
    assertThat(overhead.get("medianPercent").getAsDouble())
        .isCloseTo(
            100
                * (overhead.get("secondsPerMeasuredStep").getAsDouble()
                        / overhead.get("secondsPerStep").getAsDouble()
                    - 1),
            within(1e-6));
    assertThat(run.out()).contains("images/s", "scoring criticality");
  }

  @Test
  void everySparsityIsARow() throws IOException {
    Path json = folder.resolve("bench.json");

    Invocation run =
        bench("--sparsity", "0,0.9", "--convolutions", "sparse", "--explain", "--json", json)
            .exits(0);

    JsonObject result = Invocation.json(json);
    assertThat(result.get("secondsPerStep").getAsDouble()).isPositive();
    assertThat(result.getAsJsonObject("settings").get("sparsity").getAsDouble()).isZero();
    assertThat(result.getAsJsonArray("rows").size()).isEqualTo(2);
    JsonObject row = result.getAsJsonArray("rows").get(1).getAsJsonObject();
    assertThat(row.get("sparsity").getAsDouble()).isEqualTo(0.9);
    JsonObject figures = row.getAsJsonArray("runs").get(0).getAsJsonObject();
    assertThat(figures.getAsJsonObject("spikeRates").get("neuron1").getAsDouble())
        .isBetween(0.0, 1.0);
    JsonObject layer = figures.getAsJsonArray("layers").get(1).getAsJsonObject();
    assertThat(layer.get("node").getAsString()).isEqualTo("conv1");
    assertThat(layer.get("way").getAsString()).isEqualTo("surviving weights");
    assertThat(layer.get("reason").getAsString()).isEqualTo("asked for");
    assertThat(run.out()).contains("coppice at 90.0 %", "layers at 90.0 %", "surviving weights");
  }

  @Test
  void wholeChannelsArePruned() throws IOException {
    Path json = folder.resolve("bench.json");

    Invocation run =
        benchOf(
                "8C3-8C3-P2-8C3-FC10",
                "--convolutions",
                "sparse",
                "--sparsity",
                "0.75",
                "--channels",
                "--explain",
                "--json",
                json)
            .exits(0);

    JsonObject result = Invocation.json(json);
    assertThat(result.getAsJsonObject("settings").get("channels").getAsBoolean()).isTrue();
    assertThat(run.out()).contains("coppice at 75.0 % by channels", "4 of 8 channels are of use");
  }

  @Test
  void patternsAreSparsities() throws IOException {
    Path json = folder.resolve("bench.json");

    Invocation run =
        benchOf("8C3-8C3-FC10", "--sparsity", "0,1:4", "--explain", "--json", json).exits(0);

    JsonObject row = Invocation.json(json).getAsJsonArray("rows").get(1).getAsJsonObject();
    assertThat(row.get("sparsity").getAsDouble()).isEqualTo(0.75);
    assertThat(row.get("pattern").getAsString()).isEqualTo("1:4");
    assertThat(run.out())
        .contains("coppice at 1:4", "layers at 1:4", "25.0 % of its weights survive");
  }

  @Test
  void neuronsFireAsOftenAsAsked() throws IOException {
    Path json = folder.resolve("bench.json");
    bench("--firing-rate", "0.3", "--sparsity", "0,0.5", "--json", json).exits(0);

    for (JsonElement row : Invocation.json(json).getAsJsonArray("rows")) {
      JsonObject run = row.getAsJsonObject().getAsJsonArray("runs").get(0).getAsJsonObject();
      run.getAsJsonObject("spikeRates")
          .asMap()
          .values()
          .forEach(rate -> assertThat(rate.getAsDouble()).isBetween(0.2, 0.4));
    }
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void aPeerIsMeasuredBetweenTwoRuns() throws IOException {
    Path json = folder.resolve("bench.json");
    Path python =
        python(
            """
            printf '%%s\\n' "$@" >'%s'
            echo 'eager+nchw 8 images/s' >&2
            while [ "$1" != --json ]; do shift; done
            cat >"$2" <<'END'
            {"name":"spikingjelly","version":"9.9","setting":"eager+nchw",
             "imagesPerSecond":8.0,"peakMegabytes":700.5,"torch":"1.2"}
            END
            """
                .formatted(folder.resolve("arguments")));

    Invocation run =
        bench(
                "--peer",
                "spikingjelly",
                "--python",
                python,
                "--peer-settings",
                "eager+nchw,eager+channels_last",
                "--json",
                json)
            .exits(0);

    List<String> arguments = Files.readAllLines(folder.resolve("arguments"));
    assertThat(arguments.getFirst()).endsWith("benchmarks/peers/spikingjelly_train.py");
    assertThat(String.join(" ", arguments))
        .containsPattern("--model \\S+\\.safetensors --T 4 --batch 4 --threads 1")
        .contains("--warmup 1 --steps 3")
        .endsWith("--settings eager+nchw eager+channels_last");
    JsonObject result = Invocation.json(json);
    assertThat(result.getAsJsonArray("runs").size()).isEqualTo(2);
    double first = secondsPerStep(result, 0);
    double second = secondsPerStep(result, 1);
    assertThat(result.get("secondsPerStep").getAsDouble())
        .isCloseTo((first + second) / 2, within(1e-9));
    assertThat(result.getAsJsonObject("peer").get("version").getAsString()).isEqualTo("9.9");
    double ratio = result.get("imagesPerSecond").getAsDouble() / 8;
    assertThat(result.get("ratio").getAsDouble()).isCloseTo(ratio, within(1e-9 * ratio));
    assertThat(run.err()).contains("eager+nchw 8 images/s", "measuring coppice again");
    assertThat(run.out()).contains("spikingjelly 9.9", "8.00", "times as many images");
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void roundsAreComparedOneByOne() throws IOException {
    Path json = folder.resolve("bench.json");
    Path seen = folder.resolve("seen");
    Path python =
        python(
            """
            echo "$*" >>'%s'
            speed=$(($(wc -l <'%s') * 8))
            while [ "$1" != --json ]; do shift; done
            cat >"$2" <<END
            {"name":"spikingjelly","version":"9.9","setting":"eager+nchw",
             "imagesPerSecond":$speed,"peakMegabytes":700.5}
            END
            """
                .formatted(seen, seen));

    Invocation run =
        bench("--peer", "spikingjelly", "--python", python, "--rounds", "3", "--json", json)
            .exits(0);

    List<String> calls = Files.readAllLines(seen);
    assertThat(calls).hasSize(3);
    assertThat(calls.getFirst()).doesNotContain("--settings");
    assertThat(calls.subList(1, 3)).allMatch(call -> call.endsWith("--settings eager+nchw"));
    JsonObject result = Invocation.json(json);
    assertThat(result.getAsJsonArray("runs").size()).isEqualTo(4);
    assertThat(result.getAsJsonArray("peers").size()).isEqualTo(3);
    double[] ratios = new double[3];
    for (int i = 0; i < ratios.length; i++) {
      double around = (secondsPerStep(result, i) + secondsPerStep(result, i + 1)) / 2;
      ratios[i] = 4 / around / (8 * (i + 1));
      assertThat(result.getAsJsonArray("ratios").get(i).getAsDouble())
          .isCloseTo(ratios[i], within(1e-9 * ratios[i]));
    }
    Arrays.sort(ratios);
    assertThat(result.get("ratio").getAsDouble()).isCloseTo(ratios[1], within(1e-9 * ratios[1]));
    assertThat(run.out()).contains("16.00").containsPattern("\\([0-9.]+ to [0-9.]+\\)");
  }

  private static double secondsPerStep(JsonObject result, int run) {
    return result
        .getAsJsonArray("runs")
        .get(run)
        .getAsJsonObject()
        .get("secondsPerStep")
        .getAsDouble();
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void aPeerThatFailsFailsTheRun() throws IOException {
    Path python = python("echo 'ModuleNotFoundError: no spikingjelly' >&2; exit 1");

    bench("--peer", "spikingjelly", "--python", python)
        .exits(1, "status 1", "ModuleNotFoundError: no spikingjelly");
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void aPeerThatWritesNoFiguresFailsTheRun() throws IOException {
    bench("--peer", "spikingjelly", "--python", python("exit 0")).exits(1, "wrote no");
  }

  @Test
  void whatCannotBeMeasuredIsToldBeforeAnythingRuns() {
    bench("--T", "0").exits(2, "--T must lie between 1 and 10000, not 0");
    Invocation.of("bench", "train", "--net", "4C3").exits(2, "the last part must be FCn");
    Invocation.of("bench", "train", "--net", "vgg17").exits(2, "expected one of vgg11");
    Invocation.of("bench", "train", "--input", "8").exits(2, "expected HxWxC");
    bench("--rounds", "0").exits(2, "--rounds must lie between 1 and 1000, not 0");
    bench("--sparsity", "1").exits(2, "--sparsity must lie from 0 to below 1, not 1.0");
    bench("--sparsity", "4:2").exits(2, "a pattern N:M needs 1 ≤ N < M");
    bench("--sparsity", "x").exits(2, "expected a number or a pattern such as 2:4, found \"x\"");
    bench("--sparsity", "2:4", "--channels").exits(2, "--channels goes with a part");
    bench("--firing-rate", "1").exits(2, "--firing-rate must lie between 0 and 1, not 1.0");
    bench("--convolutions", "fast").exits(2, "expected auto, dense, sparse, found");
    bench("--peer", "norse").exits(2, "expected spikingjelly");
    bench("--peer", "spikingjelly", "--python", folder.resolve("none")).exits(2, "is no program");
    bench("--peer", "spikingjelly", "--python", "no-such-python").exits(2, "no-such-python");
    bench("--json", folder).exits(2, "is a folder");
    Invocation.of("bench").exits(2, "coppice bench --help");
  }
}
