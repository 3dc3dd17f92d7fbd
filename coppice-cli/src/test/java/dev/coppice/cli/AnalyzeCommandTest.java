package dev.coppice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Initialization;
import dev.coppice.graph.Model;
import dev.coppice.graph.Notation;
import dev.coppice.graph.Op;
import dev.coppice.graph.Shape;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import dev.coppice.train.EpochMetrics;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class AnalyzeCommandTest {
  @TempDir private Path folder = Path.of("");

  /** A model for the digits; of its first four channels so many have no scale. */
  private Path model(String name, int without) throws IOException {
    Graph graph = Notation.parse("4C3-P2-8C3-P2-FC10", new Shape.Map(8, 8, 1), Op.Neuron.decay());
    Weights weights = Weights.initialize(graph, 1, Initialization.KAIMING_NORMAL_FAN_OUT);
    float[] scales = {0.9f, 0.8f, 0.7f, 0.6f};
    for (int i = 0; i < without; i++) {
      scales[3 - i] = 0;
    }
    Path file = folder.resolve(name + ".safetensors");
    new Model(graph, weights.with("bn1.weight", Tensor.of(scales)), Map.of()).save(file);
    return file;
  }

  private static List<String> names() {
    return List.of(
        "criticality", "rates", "entropy", "consistency", "importance", "branching", "avalanches");
  }

  @Test
  void everyAnalysisGivesATableACsvFileAndTwoPictures() throws IOException {
    Path output = folder.resolve("out");
    Path json = folder.resolve("result.json");

    Invocation run =
        Invocation.of(
                "analyze",
                model("first", 0),
                "--compare",
                model("second", 2),
                "--data",
                "digits",
                "--T",
                4,
                "--samples",
                100,
                "--trials",
                2,
                "--steps",
                120,
                "--discard",
                20,
                "--replicates",
                5,
                "--output",
                output,
                "--json",
                json)
            .exits(0);

    JsonObject result = Invocation.json(json);
    for (String name : names()) {
      assertThat(output.resolve(name + ".csv")).isNotEmptyFile();
      assertThat(Files.readString(output.resolve(name + ".svg")))
          .startsWith("<svg xmlns=")
          .contains("</svg>")
          .doesNotContain("NaN");
      BufferedImage picture = ImageIO.read(output.resolve(name + ".png").toFile());
      assertThat(picture.getWidth()).isEqualTo(1520);
      assertThat(picture.getRGB(picture.getWidth() - 1, 0)).isEqualTo(0xffffffff);
      assertThat(result.getAsJsonArray(name)).isNotEmpty();
      int rows = Files.readAllLines(output.resolve(name + ".csv")).size() - 1;
      assertThat(result.getAsJsonArray(name)).hasSize(rows);
    }
    assertThat(Files.readAllLines(output.resolve("criticality-details.csv"))).hasSize(1 + 2 * 12);
    JsonObject importance = result.getAsJsonArray("importance").get(0).getAsJsonObject();
    // Of the first model's scales 0.9 … 0.6 and eight of 1 or the like, it alone kept two.
    assertThat(importance.get("channels").getAsInt()).isEqualTo(2);
    assertThat(importance.get("importance").getAsDouble()).isBetween(0.0, 1.0);
    assertThat(result.getAsJsonArray("consistency")).hasSize(20);
    assertThat(run.out())
        .contains("Criticality of channels", "neuron2", "miller_madow", "tables and pictures");
    assertThat(run.err()).contains("other, long runs: 2 measured");
  }

  @Test
  void onlyWhatIsAskedForIsWritten() throws IOException {
    Path output = folder.resolve("out");

    Invocation.of(
            "analyze",
            model("first", 0),
            "--data",
            "digits",
            "--T",
            2,
            "--samples",
            20,
            "--only",
            "rates,entropy",
            "--output",
            output)
        .exits(0);

    assertThat(output.resolve("rates.csv")).exists();
    assertThat(output.resolve("entropy.svg")).exists();
    assertThat(output.resolve("criticality.csv")).doesNotExist();
    assertThat(output.resolve("avalanches.csv")).doesNotExist();
  }

  @Test
  void withoutFontsTheSvgIsWrittenAllTheSame() throws IOException {
    String problem =
        Picture.write(
            folder,
            "plot",
            "<svg/>",
            svg -> {
              throw new InternalError("Fontconfig head is null, check your fonts");
            });

    assertThat(problem)
        .contains("no PNG", "Fontconfig head is null", "SVG files are complete")
        .hasLineCount(1);
    assertThat(folder.resolve("plot.svg")).hasContent("<svg/>");
    assertThat(folder.resolve("plot.png")).doesNotExist();
  }

  @Test
  void aPlotWithLogarithmsLeavesOutWhatHasNone() {
    Plot plot =
        new Plot(
            "<title>",
            "x",
            "y",
            true,
            List.of(
                new Plot.Series("dots", new double[] {0, 1, 100}, new double[] {1, 1, 10}, false)));

    assertThat(plot.svg()).contains("&lt;title&gt;", ">100<").doesNotContain("Infinity", "NaN");
    assertThat(plot.svg().split("<circle", -1)).hasSize(3);
  }

  private Path run(String name, String... metrics) throws IOException {
    Path run = Files.createDirectories(folder.resolve(name));
    String header = EpochMetrics.csvHeader();
    Files.writeString(
        run.resolve("metrics.csv"), header + "\n" + String.join("\n", metrics) + "\n");
    return run;
  }

  @Test
  void curvesAndSurvivalOfRunsAreTakenFromTheirRecords() throws IOException {
    Path with =
        run(
            "with",
            "1,10,0.9,0.5,0.1,0.0,1,100,200,0.6,0.8,,,,",
            "2,20,0.4,0.75,0.1,0.5,1,100,200,,,,,,");
    Path json = folder.resolve("pruning.json");
    Files.writeString(
        with.resolve("pruning.json"),
        """
        {"iterations": [{"iteration": 1, "step": 15, "target": 0.5, "sparsity": 0.5, "kept": 50,
          "threshold": 0.1, "grow": 9, "regrown": 7, "survivalPercent": 12.5,
          "density": {"conv1": 0.5}, "criticality": {}}]}
        """);
    Path rounds = folder.resolve("without");
    run("without/round-1", "1,10,0.8,0.5,0.1,0.0,1,100,200,0.5,0.7,,,,");
    run("without/round-2", "1,10,0.7,0.6,0.1,0.0,1,100,200,0.6,0.6,,,,");
    Path output = folder.resolve("out");

    Invocation.of("analyze", "--runs", with + "," + rounds, "--output", output, "--json", json)
        .exits(0);

    assertThat(output.resolve("accuracy.csv"))
        .hasContent(
            """
            run,epoch,train,test
            %1$s,1,0.5,0.6
            %1$s,2,0.75,
            %2$s,1,0.5,0.5
            %2$s,2,0.6,0.6
            """
                .formatted(with, rounds));
    JsonObject result = Invocation.json(json);
    JsonObject survival = result.getAsJsonArray("survival").get(0).getAsJsonObject();
    assertThat(survival.get("survival").getAsDouble()).isEqualTo(12.5);
    assertThat(survival.get("regrown").getAsInt()).isEqualTo(7);
    assertThat(result.getAsJsonArray("loss")).hasSize(4);
    for (String name : List.of("accuracy", "loss", "survival")) {
      assertThat(output.resolve(name + ".svg")).content().contains("</svg>");
    }
  }

  @Test
  void damagedRecordsOfRunsAreToldInOneLine() throws IOException {
    Invocation.of("analyze").exits(2, "--runs");
    Invocation.of("analyze", "--runs", folder).exits(2, "not the folder of a run");
    Invocation.of("analyze", model("first", 0), "--runs", folder).exits(2, "does not go with");
    Invocation.of("analyze", "--runs", run("text", "1,2,x,4")).exits(2, "line 2");
    Invocation.of("analyze", "--runs", run("short", "1,2,3")).exits(2, "line 2");
    Path run = run("good", "1,10,0.9,0.5,0.1,0.0,1,100,200,0.6,0.8,,,,");
    Invocation.of("analyze", "--runs", run, "--only", "rates").exits(2, "--only");
    for (String text : List.of("[", "{}", "{\"iterations\": [{}]}", "{\"iterations\": 3}")) {
      Files.writeString(run.resolve("pruning.json"), text);
      Invocation.of("analyze", "--runs", run).exits(2, "pruning.json");
    }
  }

  @Test
  void whatCannotBeAnalysedIsToldInOneLine() throws IOException {
    Path model = model("first", 0);

    Invocation.of("analyze", folder.resolve("none")).exits(2, "does not exist");
    Invocation.of("analyze", model).exits(2, "--data");
    Invocation.of("analyze", model, "--data", "digits").exits(2, "--T");
    Invocation.of("analyze", model, "--only", "beauty").exits(2, "criticality");
    Invocation.of("analyze", model, "--only", "importance").exits(2, "--compare");
    Invocation.of("analyze", model, "--samples", 0).exits(2, "--samples");
    Invocation.of("analyze", model, "--steps", 100, "--discard", 90).exits(2, "--discard");
    Invocation.of(
            "analyze", model, "--data", "digits", "--T", 4, "--drive", "x", "--output", folder)
        .exits(2, "encoder");
    Invocation.of("analyze", model, "--data", "digits", "--T", 4, "--output", model)
        .exits(2, "cannot write");
  }
}
