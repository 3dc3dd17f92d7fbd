package dev.coppice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * A comparison that is killed ends, gone on with, in the tables of one that never was. The system
 * property {@code coppice.kills} says how often it is killed.
 */
@DisabledOnOs(OS.WINDOWS)
final class ComparisonKillTest {
  private static final int KILLS = Integer.getInteger("coppice.kills", 2);

  /** Enough of them that most kills come before the end. */
  private static final int EPOCHS = 10 * KILLS;

  private static final int PATIENCE_SECONDS = 120;

  /** What is measured and so differs from run to run. */
  private static final Set<String> MEASURED = Set.of("seconds");

  @TempDir private Path folder = Path.of("");

  private List<String> arguments(String run) {
    return List.of(
        "compare",
        "--methods",
        "magnitude,criticality",
        "--sparsity",
        "0.8",
        "--seeds",
        "1",
        "--net",
        "4C3-P4-FC10",
        "--T",
        "2",
        "--train-samples",
        "100",
        "--test-samples",
        "40",
        "--batch",
        "10",
        "--epochs",
        Integer.toString(EPOCHS),
        "--evaluate-every",
        "10",
        "--checkpoint-interval",
        "3",
        "--jobs",
        "2",
        "--run",
        folder.resolve(run).toString());
  }

  private Process start(String run) throws IOException {
    List<String> command = JavaProgram.command(Main.class);
    command.addAll(arguments(run));
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.appendTo(folder.resolve(run + ".log").toFile()))
        .start();
  }

  private void complete(String run) {
    Invocation.of(arguments(run).toArray()).exits(0);
  }

  /** Returns everything that a comparison tells but what is measured. */
  private List<String> told(String run) throws IOException {
    List<String> told = new ArrayList<>();
    for (String name : List.of("results.csv", "summary.csv", "costs.csv")) {
      List<String> lines = Files.readAllLines(folder.resolve(run).resolve(name));
      List<String> columns = List.of(lines.getFirst().split(",", -1));
      for (String line : lines) {
        List<String> cells = new ArrayList<>(List.of(line.split(",", -1)));
        cells.set(columns.indexOf("seconds"), "");
        told.add(String.join(",", cells));
      }
    }
    JsonObject json = Invocation.json(folder.resolve(run).resolve("results.json"));
    forget(json);
    told.add(json.toString());
    return told;
  }

  private static void forget(JsonElement json) {
    if (json.isJsonObject()) {
      MEASURED.forEach(json.getAsJsonObject()::remove);
      json.getAsJsonObject().entrySet().forEach(entry -> forget(entry.getValue()));
    } else if (json.isJsonArray()) {
      json.getAsJsonArray().forEach(ComparisonKillTest::forget);
    }
  }

  @Test
  void aKilledComparisonEndsInTheSameTables() throws Exception {
    long begin = System.nanoTime();
    complete("whole");
    long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin);
    SplittableRandom random = new SplittableRandom();
    List<Long> delays = new ArrayList<>();
    for (int i = 0; i < KILLS; i++) {
      Process process = start("killed");
      delays.add(random.nextLong(2 * millis / KILLS));
      boolean ended = process.waitFor(delays.getLast(), TimeUnit.MILLISECONDS);
      process.destroyForcibly().waitFor();
      if (ended) {
        break;
      }
    }
    complete("killed");
    assertThat(told("killed")).as("killed after %s ms", delays).isEqualTo(told("whole"));
  }

  @Test
  void aComparisonAtWorkHoldsItsFolderAndStopsItsRunsWhenItIsAskedTo() throws Exception {
    Process process = start("ended");
    Path checkpoints = folder.resolve("ended/jobs/dense-1/checkpoints");
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (!Files.isDirectory(checkpoints)) {
      assertThat(System.nanoTime()).as("no checkpoint in time").isLessThan(deadline);
      assertThat(process.isAlive()).isTrue();
      Thread.sleep(20);
    }
    Invocation.of(arguments("ended").toArray())
        .exits(2, "another comparison is at work in " + folder.resolve("ended"));
    List<ProcessHandle> jobs = process.descendants().toList();
    process.destroy();
    assertThat(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isEqualTo(143);
    assertThat(jobs).isNotEmpty().noneMatch(ProcessHandle::isAlive);
    assertThat(folder.resolve("ended.log"))
        .content()
        .contains("runs ended; go on with: coppice compare --resume " + folder.resolve("ended"))
        .doesNotContain("coppice: ");
    assertThat(folder.resolve("ended/results.csv")).doesNotExist();
  }
}
