package dev.coppice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a run does when its files no longer fit. A process that may write no file larger than a
 * limit stands for a full disk: its writes fail half-way in the same manner.
 */
@DisabledOnOs(OS.WINDOWS)
final class FullDiskTest {
  /** In units of 512 or 1024 bytes; the weights take 150 kB. */
  private static final int LIMIT = 64;

  private static final int PATIENCE_SECONDS = 120;

  @TempDir private Path folder = Path.of("");

  private List<String> arguments(String run) {
    return List.of(
        "train",
        "--net",
        "64C3-64C3-P4-FC10",
        "--T",
        "1",
        "--train-samples",
        "40",
        "--test-samples",
        "20",
        "--batch",
        "20",
        "--epochs",
        "3",
        "--threads",
        "1",
        "--run",
        folder.resolve(run).toString());
  }

  /** Runs the command in a process of its own, which cannot write large files. */
  private Invocation limited(List<String> arguments) throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(
                "sh",
                "-c",
                "ulimit -f " + LIMIT + " && exec \"$@\"",
                "sh",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules",
                "jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
    command.addAll(arguments);
    Path err = folder.resolve("err.log");
    Process process =
        new ProcessBuilder(command)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(err.toFile())
            .start();
    assertThat(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
    return new Invocation(process.exitValue(), "", Files.readString(err));
  }

  private Map<String, String> files(String run) throws IOException {
    Map<String, String> contents = new TreeMap<>();
    try (Stream<Path> tree = Files.walk(folder.resolve(run))) {
      for (Path file : tree.filter(Files::isRegularFile).toList()) {
        contents.put(
            folder.resolve(run).relativize(file).toString(),
            Files.readString(file, StandardCharsets.ISO_8859_1));
      }
    }
    return contents;
  }

  /** Trains to the end, without a limit, and returns the model. */
  private byte[] whole(String run) throws IOException {
    assertThat(Invocation.of(arguments(run).toArray(String[]::new)).status()).isEqualTo(0);
    return Files.readAllBytes(folder.resolve(run).resolve("model.safetensors"));
  }

  private void delete(String run, String name) throws IOException {
    try (Stream<Path> tree = Files.walk(folder.resolve(run).resolve(name))) {
      for (Path path : tree.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }

  @Test
  void aCheckpointThatDoesNotFitEndsTheRunAndKeepsTheOneBefore() throws Exception {
    byte[] model = whole("a");
    delete("a", "checkpoints/step-0000000006");
    delete("a", "model.safetensors");
    delete("a", "result.json");
    delete("a", "report.html");
    Map<String, String> before = files("a");
    limited(List.of("train", "--resume", folder.resolve("a").toString()))
        .exits(
            1,
            "the run stopped, for it could not be saved: ",
            "the last good checkpoint is kept, go on with: coppice train --resume ");
    Map<String, String> after = files("a");
    // The events of the epoch that was lost are no harm.
    before.keySet().removeIf(name -> name.startsWith("events"));
    after.keySet().removeIf(name -> name.startsWith("events"));
    assertThat(after).containsOnlyKeys(before.keySet());
    before.remove("metrics.csv");
    assertThat(after).containsAllEntriesOf(before);
    assertThat(Invocation.of("train", "--resume", folder.resolve("a")).status()).isEqualTo(0);
    assertThat(folder.resolve("a/model.safetensors")).hasBinaryContent(model);
    assertThat(folder.resolve("a/metrics.csv")).content().hasLineCount(4);
  }

  @Test
  void theFirstCheckpointThatDoesNotFitLeavesNoneBehind() throws Exception {
    whole("warm"); // so that the native library is there, which is larger than the limit
    limited(arguments("b")).exits(1, "the run stopped, for it could not be saved: ");
    assertThat(files("b").keySet())
        .allMatch(name -> name.matches("config.yaml|metrics.csv|events.*"));
  }

  @Test
  void aSmallerNetworkThatDoesNotFitCanBeSavedLater() throws Exception {
    List<String> args = new ArrayList<>(arguments("s"));
    args.set(0, "prune");
    args.addAll(List.of("--structured", "--percent", "0.1", "--round-to", "1"));
    assertThat(Invocation.of(args.toArray(String[]::new)).status()).isEqualTo(0);
    byte[] model = Files.readAllBytes(folder.resolve("s/model.safetensors"));
    delete("s", "result.json");
    for (String lost : List.of("model.safetensors", "round-1")) {
      delete("s", lost);
      limited(List.of("prune", "--resume", folder.resolve("s").toString()))
          .exits(
              1,
              "the network could not be saved to " + folder.resolve("s"),
              "go on with: coppice prune --resume ");
      assertThat(folder.resolve("s/model.safetensors")).doesNotExist();
      assertThat(folder.resolve("s/round-1/shrunk.safetensors").toFile().exists())
          .isEqualTo(!lost.equals("round-1"));
    }
    assertThat(Invocation.of("prune", "--resume", folder.resolve("s")).status()).isEqualTo(0);
    assertThat(folder.resolve("s/model.safetensors")).hasBinaryContent(model);
  }

  @Test
  void aResultThatDoesNotFitCanBeSavedLater() throws Exception {
    byte[] model = whole("c");
    delete("c", "model.safetensors");
    delete("c", "result.json");
    Map<String, String> before = files("c");
    limited(List.of("train", "--resume", folder.resolve("c").toString()))
        .exits(
            1,
            "training has ended, but its result could not be saved: ",
            "save it with: coppice train --resume ");
    assertThat(files("c")).isEqualTo(before);
    assertThat(Invocation.of("train", "--resume", folder.resolve("c")).status()).isEqualTo(0);
    assertThat(folder.resolve("c/model.safetensors")).hasBinaryContent(model);
    assertThat(folder.resolve("c/result.json")).exists();
  }
}
