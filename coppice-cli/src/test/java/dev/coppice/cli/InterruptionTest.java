package dev.coppice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** A run in a process of its own that is stopped ends, resumed, as if it never had been. */
@DisabledOnOs(OS.WINDOWS)
final class InterruptionTest {
  private static final int PATIENCE_SECONDS = 120;

  @TempDir private Path folder = Path.of("");

  private List<String> arguments(String run) {
    return List.of(
        "prune",
        "--net",
        "4C3-P4-FC10",
        "--T",
        "2",
        "--train-samples",
        "100",
        "--test-samples",
        "20",
        "--batch",
        "10",
        "--epochs",
        "60",
        "--evaluate-every",
        "60",
        "--sparsity",
        "0.7",
        "--checkpoint-interval",
        "3",
        "--threads",
        "1",
        "--run",
        folder.resolve(run).toString());
  }

  private Process start(String run) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules",
                "jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
    command.addAll(arguments(run));
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(folder.resolve(run + ".log").toFile())
        .start();
  }

  private void awaitCheckpoints(Process process, String run) throws Exception {
    Path checkpoints = folder.resolve(run).resolve("checkpoints");
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (count(checkpoints) < 2) {
      assertThat(process.isAlive())
          .as(() -> "the run ended early; see " + folder.resolve(run + ".log"))
          .isTrue();
      assertThat(System.nanoTime()).as("no checkpoint in time").isLessThan(deadline);
      Thread.sleep(5);
    }
  }

  private static long count(Path checkpoints) throws IOException {
    if (!Files.isDirectory(checkpoints)) {
      return 0;
    }
    try (Stream<Path> entries = Files.list(checkpoints)) {
      return entries.filter(path -> path.getFileName().toString().startsWith("step-")).count();
    }
  }

  private byte[] uninterrupted() throws IOException {
    assertThat(Invocation.of(arguments("whole").toArray(String[]::new)).status()).isEqualTo(0);
    return Files.readAllBytes(folder.resolve("whole/model.safetensors"));
  }

  private byte[] resumed(String run) throws IOException {
    Invocation invocation = Invocation.of("prune", "--resume", folder.resolve(run).toString());
    assertThat(invocation.err()).doesNotContain("coppice: ");
    assertThat(invocation.status()).isEqualTo(0);
    assertThat(folder.resolve(run).resolve("metrics.csv")).content().hasLineCount(61);
    assertThat(folder.resolve(run).resolve("pruning.csv")).content().hasLineCount(11);
    return Files.readAllBytes(folder.resolve(run).resolve("model.safetensors"));
  }

  @Test
  void aKilledRunResumesToTheSameModel() throws Exception {
    byte[] expected = uninterrupted();
    long delay = new SplittableRandom().nextLong(200);
    Process process = start("killed");
    awaitCheckpoints(process, "killed");
    Thread.sleep(delay);
    process.destroyForcibly().waitFor();
    assertThat(folder.resolve("killed/model.safetensors")).doesNotExist();
    assertThat(resumed("killed")).as("killed %d ms late", delay).isEqualTo(expected);

    // A finished run resumes to itself.
    assertThat(resumed("killed")).isEqualTo(expected);
  }

  @Test
  void terminationLeavesACheckpointAndSaysHowToGoOn() throws Exception {
    Process process = start("ended");
    awaitCheckpoints(process, "ended");
    process.destroy();
    assertThat(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isEqualTo(143);
    assertThat(folder.resolve("ended.log"))
        .content()
        .contains("stopped after step", "coppice prune --resume " + folder.resolve("ended"));
    assertThat(resumed("ended")).isEqualTo(uninterrupted());
  }

  @Test
  void otherSettingsAreNotResumed() throws Exception {
    List<String> args = new ArrayList<>(arguments("short"));
    args.set(args.indexOf("60"), "1");
    args.set(args.lastIndexOf("60"), "1");
    args.addAll(List.of("--iterations", "2"));
    assertThat(Invocation.of(args.toArray(String[]::new)).status()).isEqualTo(0);
    Invocation invocation =
        Invocation.of("prune", "--resume", folder.resolve("short").toString(), "--lr", "0.3");
    assertThat(invocation.errorLines()).hasSize(1);
    assertThat(invocation.err()).startsWith("coppice: ").contains("other settings");
    assertThat(invocation.status()).isEqualTo(2);
  }
}
