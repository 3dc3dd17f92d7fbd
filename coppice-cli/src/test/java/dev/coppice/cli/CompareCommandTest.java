package dev.coppice.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Comparisons of tiny networks, each run in a process of its own. */
final class CompareCommandTest {
  private static final List<String> TINY =
      List.of(
          "--net",
          "4C3-P4-FC10",
          "--T",
          "2",
          "--train-samples",
          "100",
          "--test-samples",
          "40",
          "--batch",
          "20");

  @TempDir private Path folder = Path.of("");

  private Invocation compare(Object... args) {
    List<Object> all = new ArrayList<>(List.of("compare"));
    all.addAll(TINY);
    all.addAll(Arrays.asList(args));
    return Invocation.of(all.toArray());
  }

  private static List<Map<String, String>> table(Path csv) throws IOException {
    List<String> lines = Files.readAllLines(csv);
    List<String> columns = List.of(lines.getFirst().split(",", -1));
    List<Map<String, String>> rows = new ArrayList<>();
    for (String line : lines.subList(1, lines.size())) {
      String[] cells = line.split(",", -1);
      Map<String, String> row = new TreeMap<>();
      for (int i = 0; i < cells.length; i++) {
        row.put(columns.get(i), cells[i]);
      }
      rows.add(row);
    }
    return rows;
  }

  private String firstEpoch(String job) throws IOException {
    List<String> lines =
        Files.readAllLines(folder.resolve("run/jobs").resolve(job + "/metrics.csv"));
    return lines.get(1).split(",", -1)[2];
  }

  @Test
  void methodsRunOnEqualTermsAndAnyRunCanBeRepeated() throws IOException {
    Path run = folder.resolve("run");
    Path json = folder.resolve("all.json");
    Path config = folder.resolve("lab.yaml");
    Files.writeString(
        config,
        """
        methods:
          magnitude: {start-epoch: 1}
          strong: {method: criticality, ratio: 0.5, start-epoch: 1}
        sparsity: [0.5, 0.8]
        seeds: 2
        budget: epochs=3
        """);

    Invocation first =
        compare("--config", config, "--sparsity", "0.8", "--run", run, "--json", json, "--jobs", 2)
            .exits(0);

    assertThat(first.out()).contains("dense", "magnitude", "strong", "mean rank", "reached by");
    assertThat(first.err()).contains("compare: 6 jobs, up to 2 at a time", "6/6, ");
    assertThat(Files.readAllLines(run.resolve("results.csv")).getFirst())
        .startsWith("method,sparsityTarget,sparsity,seed,accuracy,epochs,steps,sops,seconds,");
    assertThat(run.resolve("report.html")).content().contains("Comparison of methods");
    List<Map<String, String>> rows = table(run.resolve("results.csv"));
    assertThat(rows)
        .extracting(
            row -> row.get("method") + " " + row.get("sparsityTarget") + " " + row.get("seed"))
        .containsExactly(
            "dense 0.0 1",
            "dense 0.0 2",
            "magnitude 0.8 1",
            "magnitude 0.8 2",
            "strong 0.8 1",
            "strong 0.8 2");
    assertThat(rows).allSatisfy(row -> assertThat(row).containsEntry("steps", "15"));
    assertThat(Double.parseDouble(rows.getLast().get("sparsity"))).isGreaterThan(0.79);
    assertThat(Double.parseDouble(rows.getLast().get("sops")))
        .isPositive()
        .isLessThan(Double.parseDouble(rows.getFirst().get("sops")));

    // Before anything is pruned, all methods do the same with the same seed.
    String strong = "strong-0.8-";
    assertThat(firstEpoch("magnitude-0.8-1"))
        .isEqualTo(firstEpoch("dense-1"))
        .isEqualTo(firstEpoch(strong + "1"))
        .isNotEqualTo(firstEpoch("dense-2"));
    assertThat(firstEpoch(strong + "2")).isEqualTo(firstEpoch("dense-2"));

    // The folder is the comparison.
    Comparison read = Comparison.read(run);
    assertThat(ComparisonFiles.json(read)).isEqualTo(Invocation.json(run.resolve("results.json")));
    assertThat(Invocation.json(json)).isEqualTo(Invocation.json(run.resolve("results.json")));
    assertThat(read.methods()).containsExactly("dense", "magnitude", "strong");

    // The same command again has nothing left to do.
    String results = Files.readString(run.resolve("results.csv"));
    compare("--config", config, "--sparsity", "0.8", "--run", run).exits(0);
    assertThat(run.resolve("results.csv")).hasContent(results);

    JsonObject row =
        Invocation.json(run.resolve("results.json"))
            .getAsJsonArray("runs")
            .get(5)
            .getAsJsonObject();
    repeat(row, rows.getLast());
  }

  /** Runs the command of a row again. */
  private void repeat(JsonObject row, Map<String, String> expected) throws IOException {
    List<String> command =
        new ArrayList<>(
            row.getAsJsonArray("command").asList().stream().map(JsonElement::getAsString).toList());
    assertThat(command).startsWith("prune", "--method", "criticality", "--sparsity", "0.8");
    Path again = folder.resolve("again");
    command.addAll(List.of("--run", again.toString()));
    Invocation.of(command.toArray()).exits(0);
    ComparedRun.Finished repeated = ComparedRun.Finished.read(again, "again");
    assertThat(repeated.accuracy()).isEqualTo(Double.parseDouble(expected.get("accuracy")));
    assertThat(repeated.sparsity()).isEqualTo(Double.parseDouble(expected.get("sparsity")));
    assertThat(repeated.spent().sops()).isEqualTo(Double.parseDouble(expected.get("sops")));
    assertThat(repeated.spent().steps()).isEqualTo(Long.parseLong(expected.get("steps")));
    assertThat(repeated.energyNanojoule())
        .isEqualTo(Double.parseDouble(expected.get("energyNanojoule")));
  }

  @Test
  void aRunThatFailsIsMarkedAndTheOthersGoOn() throws IOException {
    Path run = folder.resolve("run");
    Invocation failed =
        compare(
                "--methods",
                "magnitude,short=magnitude[epochs=1],many=magnitude[iterations=1000]",
                "--budget",
                "own",
                "--sparsity",
                "0.5",
                "--seeds",
                "1",
                "--epochs",
                "2",
                "--run",
                run)
            .exits(1, "1 of 4 runs failed", "coppice compare --resume " + run);
    assertThat(failed.err()).contains("many at 0.5, seed 1: failed: the last of 1000 prunings");
    assertThat(failed.out()).contains("1, 1 failed");
    String row = Files.readAllLines(run.resolve("results.csv")).getLast();
    assertThat(row).matches("many,0\\.5,,1(,){8}2,\"?the last of 1000 prunings .*");
    assertThat(table(run.resolve("summary.csv")))
        .extracting(cell -> cell.get("method") + " " + cell.get("epochs"))
        .containsExactly("dense 2.0", "magnitude 2.0", "short 1.0", "many ");
    assertThat(Comparison.read(run).runs().getLast().outcome())
        .isInstanceOf(ComparedRun.Failed.class);
    assertThat(Comparison.read(run).ranks().means()).containsEntry("many", 3.0);
  }

  /** The epochs of all trainings of a run are those of the others. */
  @Test
  void methodsThatRemoveChannelsTakePart() throws IOException {
    Path run = folder.resolve("run");
    compare(
            "--run",
            run,
            "--methods",
            "magnitude,slimming,sca[growth=0.2],more=channel-random[epochs=5]",
            "--budget",
            "own",
            "--epochs",
            "4",
            "--seeds",
            "1",
            "--sparsity",
            "0.6")
        .exits(0);
    List<Map<String, String>> rows = table(run.resolve("results.csv"));
    assertThat(rows)
        .extracting(row -> row.get("method") + " " + row.get("epochs"))
        .containsExactly("dense 4", "magnitude 4", "slimming 4", "sca[growth=0.2] 4", "more 5");
    for (Map<String, String> row : rows.subList(1, rows.size())) {
      assertThat(Double.parseDouble(row.get("sparsity")))
          .as(row.get("method"))
          .isCloseTo(0.6, within(0.1));
    }
    assertThat(run.resolve("jobs/sca_growth=0.2_-0.6-1/config.yaml"))
        .content()
        .contains("pretrain-epochs: 1", "epochs: 1", "rounds: 3", "growth: 0.2");
    assertThat(run.resolve("jobs/more-0.6-1/config.yaml"))
        .content()
        .contains("pretrain-epochs: 3", "epochs: 2");
  }

  @Test
  void whatCannotBeComparedIsToldBeforeAnythingBegins() throws IOException {
    Path run = folder.resolve("run");
    compare("--run", run, "--methods", "magnitud").exits(2, "method magnitud: ", "mean magnitude?");
    compare("--run", run, "--methods", "channel-balance").exits(2, "mean channel-balanced?");
    compare("--run", run, "--methods", "magnitude[rati=1]").exits(2, "--rati", "ratio");
    compare("--run", run, "--methods", "magnitude[ratio]").exits(2, "option=value");
    compare("--run", run, "--methods", "magnitude[ratio=x]").exits(2, "method magnitude[ratio=x]");
    compare("--run", run, "--methods", "magnitude,magnitude").exits(2, "there twice");
    compare("--run", run, "--methods", "dense=magnitude").exits(2, "dense");
    compare("--run", run, "--methods", "a/b=magnitude").exits(2, "cannot be named");
    compare("--run", run, "--methods", "magnitude[epochs=9]").exits(2, "--epochs is the same");
    compare("--run", run, "--methods", "magnitude[seed=9]").exits(2, "--seed is the same");
    compare("--run", run, "--methods", "x=magnitude[structured=true]")
        .exits(2, "--structured is the same");
    compare("--run", run, "--methods", "sca[percent=0.5]").exits(2, "--percent is the same");
    compare("--run", run, "--methods", "sca[pretrain-epochs=1]").exits(2, "--pretrain-epochs is");
    compare("--run", run, "--methods", "sca[rounds=9]", "--epochs", "4")
        .exits(2, "method sca[rounds=9]", "9 rounds cannot share 4 epochs");
    compare("--run", run, "--methods", "sca[rounds=x]").exits(2, "--rounds must be a whole number");
    compare("--run", run, "--sparsity", "0.9,1").exits(2, "--sparsity", "1.0");
    compare("--run", run, "--sparsity", "0.9,0.9").exits(2, "twice");
    compare("--run", run, "--seeds", "0").exits(2, "--seeds");
    compare("--run", run, "--jobs", "0").exits(2, "--jobs");
    compare("--run", run, "--accuracy", "95").exits(2, "--accuracy");
    compare("--run", run, "--budget", "steps=3").exits(2, "--budget");
    compare("--run", run, "--budget", "epochs=3", "--epochs", "4").exits(2, "differ");
    compare("--run", run, "--data", "none").exits(2, "none");
    compare("--run", run, "--lr", "-1").exits(2, "learning rate");
    assertThat(run).doesNotExist();

    Path file = Files.writeString(folder.resolve("file"), "");
    compare("--run", file).exits(2, "it is a file");
    compare("--run", file.resolve("run")).exits(2, "run");
    Files.writeString(Files.createDirectories(run).resolve("mine.txt"), "");
    compare("--run", run).exits(2, "is not empty");
    compare("--resume", folder.resolve("nowhere")).exits(2, "cannot resume");
    try (Stream<Path> left = Files.list(run)) {
      assertThat(left).hasSize(1);
    }
  }

  /** Runs that have ended are kept, and the table is that of one comparison of all. */
  @Test
  void aComparisonCanBeExtended() throws IOException {
    Path run = folder.resolve("run");
    compare(
            "--methods",
            "magnitude[ratio=0.1]",
            "--sparsity",
            "0.5",
            "--seeds",
            "1",
            "--epochs",
            "1",
            "--run",
            run)
        .exits(0);
    Path kept = run.resolve("jobs/dense-1/model.safetensors");
    FileTime written = Files.getLastModifiedTime(kept);
    String[] more = {
      "--methods", "random,magnitude[ratio=0.1]", "--sparsity", "0.5,0.8", "--seeds", "2"
    };
    Invocation.of(arguments("compare", "--resume", run.toString(), more)).exits(0);
    assertThat(Files.getLastModifiedTime(kept)).isEqualTo(written);
    assertThat(table(run.resolve("results.csv")))
        .extracting(
            row -> row.get("method") + " " + row.get("sparsityTarget") + " " + row.get("seed"))
        .hasSize(10)
        .contains("dense 0.0 2", "random 0.8 1", "magnitude[ratio=0.1] 0.5 1")
        .doesNotHaveDuplicates();
    Invocation.of("compare", "--resume", run).exits(0);

    for (String[] less :
        List.of(
            new String[] {"--methods", "random,magnitude"},
            new String[] {"--sparsity", "0.5"},
            new String[] {"--seeds", "1"})) {
      Invocation.of(arguments("compare", "--resume", run.toString(), less))
          .exits(2, "a comparison can be extended, but what it has must stay");
    }
  }

  private static Object[] arguments(String command, String option, String value, String... more) {
    return Stream.concat(Stream.of(command, option, value), Arrays.stream(more)).toArray();
  }

  @Test
  void anotherComparisonIsNotGoneOnWith() throws IOException {
    Path run = folder.resolve("run");
    Object[] args = {
      "--methods", "magnitude", "--sparsity", "0.5", "--seeds", "1", "--epochs", "1", "--run", run
    };
    compare(args).exits(0);
    Object[] other = args.clone();
    other[7] = "2";
    compare(other).exits(2, "begun with other settings", "--epochs");
    other[7] = "1";
    Invocation.of("compare", "--resume", run, "--accuracy", "0.01").exits(0);
    assertThat(run.resolve("costs.csv")).content().contains("magnitude,0.5,0.01,1,1,1.0,5.0,");
    other[3] = "0.6";
    other[5] = "1";
    List<Object> forced = new ArrayList<>(Arrays.asList(other));
    forced.add("--force");
    compare(forced.toArray()).exits(0);
    try (Stream<Path> jobs = Files.list(run.resolve("jobs"))) {
      assertThat(jobs.map(job -> job.getFileName().toString()))
          .containsExactlyInAnyOrder("dense-1", "magnitude-0.6-1");
    }
  }
}
