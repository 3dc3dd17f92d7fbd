package dev.coppice.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonParseException;
import dev.coppice.prune.PruningIteration;
import dev.coppice.train.EpochMetrics;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

class HtmlReportTest {
  private static final String RESULT =
      """
      {"accuracy":0.9725,"sparsity":0.95,"cost":{"epochs":24,"steps":1080},"seconds":12.5,
       "model":"runs/1/model.safetensors","provenance":{"seed":1,"kernels":"vector-256"}}""";

  @TempDir Path folder;

  static List<String> epochs(int count) {
    List<String> lines = new ArrayList<>();
    for (int i = 1; i <= count; i++) {
      String test =
          i % 2 == 0
              ? String.format(Locale.ROOT, "%.4f,%.4f,%d,12.5,0.1", 1 - 0.4 / i, 1.1 / i, 90000 / i)
              : ",,,,";
      lines.add(
          String.format(
              Locale.ROOT,
              "%d,%d,%.4f,%.4f,0.1,%.4f,1.5,900.0,512.0,%s",
              i,
              45 * i,
              1.0 / i,
              1 - 0.5 / i,
              0.95 * i / count,
              test));
    }
    return lines;
  }

  static List<PruningIteration> iterations(int count) {
    List<PruningIteration> all = new ArrayList<>();
    for (int i = 1; i <= count; i++) {
      Map<String, Double> density = new LinkedHashMap<>();
      density.put("conv1", 0.31);
      density.put("conv2", 0.04);
      density.put("layer3.block1.conv2", 0.001);
      density.put("fc1", 1.0);
      Map<String, PruningIteration.Distribution> scores = new LinkedHashMap<>();
      for (String name : List.of("neuron1", "neuron2", "neuron3")) {
        scores.put(
            name, new PruningIteration.Distribution(0.01, 0.12 * i / count, 0.2, 0.41, 0.93, 0.3));
      }
      double target = 0.95 * (1 - Math.pow(1 - i / (double) count, 3));
      all.add(
          new PruningIteration(
              i,
              28L * i,
              target,
              target - 0.001,
              1000 / i,
              0.01f * i,
              50,
              20,
              60.0 / i,
              density,
              scores));
    }
    return all;
  }

  private static Document parse(String html) throws Exception {
    assertThat(html).startsWith("<!DOCTYPE html>\n");
    return DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(new InputSource(new StringReader(html.substring(html.indexOf('\n')))));
  }

  private static List<String> texts(Document page, String element) {
    NodeList nodes = page.getElementsByTagName(element);
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < nodes.getLength(); i++) {
      texts.add(nodes.item(i).getTextContent());
    }
    return texts;
  }

  private static String html(List<String> metrics, List<PruningIteration> pruning) {
    return HtmlReport.html(
        new HtmlReport.Content("Pruning of digits", metrics, pruning, RESULT, "epochs: 24\n"));
  }

  @Test
  void aRunThatPrunesShowsAllCharts() throws Exception {
    Document page = parse(html(epochs(24), iterations(10)));

    assertThat(texts(page, "figcaption"))
        .containsExactly(
            "Loss",
            "Accuracy, %",
            "Sparsity, %",
            "Synaptic operations per image",
            "Sparsity, %",
            "Survival: share of the newly pruned that was brought back, %",
            "Weights alive by layer, at the end",
            "Criticality of neurons by layer, at the end");
    assertThat(page.getElementsByTagName("svg").getLength()).isEqualTo(8);
    assertThat(texts(page, "h2"))
        .containsExactly("Result", "Training", "Pruning", "Provenance", "Settings");
    assertThat(texts(page, "th")).contains("accuracy", "cost.steps", "seed", "kernels");
    assertThat(texts(page, "td")).contains("0.9725", "1080", "vector-256", "280");
    assertThat(texts(page, "title")).contains("training, 2: 0.5", "fc1: 100 %", "survival, 3: 20");
    assertThat(texts(page, "pre")).containsExactly("epochs: 24\n");
  }

  @Test
  void aPageNeedsNothingFromElsewhere() {
    assertThat(html(epochs(3), iterations(2)))
        .doesNotContain("http:", "https:", "<script", "@import", "url(", "src=");
  }

  @Test
  void aRunThatOnlyTrainsHasNoPruning() throws Exception {
    List<String> metrics = new ArrayList<>(epochs(1));
    metrics.addFirst(EpochMetrics.csvHeader());

    Document page = parse(html(metrics, List.of()));

    assertThat(texts(page, "h2")).doesNotContain("Pruning");
    assertThat(texts(page, "figcaption")).containsExactly("Loss", "Accuracy, %", "Sparsity, %");
  }

  @Test
  void aRunWithoutEpochsHasNoCharts() throws Exception {
    Document page = parse(html(List.of(), List.of()));

    assertThat(page.getElementsByTagName("svg").getLength()).isZero();
    assertThat(texts(page, "td")).contains("0.9725");
  }

  @Test
  void aCurveJoinsTheEpochsThatWereEvaluated() {
    assertThat(html(epochs(6), List.of()))
        .containsPattern("class=\"curve s1\" d=\"M[\\d. ]+L[\\d. ]+L[\\d. ]+\"");
  }

  @Test
  void valuesThatAreNotFiniteLeaveAGap() throws Exception {
    List<String> metrics = new ArrayList<>(epochs(5));
    metrics.set(2, metrics.get(2).replace("0.3333", "NaN"));

    String html = html(metrics, List.of());

    parse(html);
    assertThat(html)
        .doesNotContain("NaN")
        .containsPattern("class=\"curve s0\" d=\"M[\\d. ]+L[\\d. ]+M[\\d. ]+L[\\d. ]+\"");
  }

  @Test
  void whatComesFromOutsideIsEscaped() throws Exception {
    String evil = "\"><script>alert('&')</script>\u0000\u0001\ud800";
    PruningIteration plain = iterations(1).getFirst();
    PruningIteration named =
        new PruningIteration(
            1,
            1,
            0.5,
            0.5,
            1,
            0,
            0,
            0,
            0,
            Map.of("<b>&", 0.5),
            Map.of("<i>&", plain.criticality().get("neuron1")));

    String html =
        HtmlReport.html(
            new HtmlReport.Content(
                evil,
                epochs(2),
                List.of(named),
                "{\"<script>\":\"</td>&\",\"provenance\":{\"<u>\":[1,\"<s>\"]}}",
                "</pre>" + evil));

    assertThat(html).doesNotContain("<script", "<b>", "<i>", "<u>", "<s>", "\u0000", "\u0001");
    Document page = parse(html);
    assertThat(texts(page, "h1"))
        .containsExactly("\"><script>alert('&')</script>\ufffd\ufffd\ufffd");
    assertThat(texts(page, "td")).contains("</td>&", "[1,\"<s>\"]");
  }

  @Test
  void aResultThatIsNotJsonIsRefusedAndNothingWritten() throws Exception {
    Path file = folder.resolve("report.html");

    assertThatThrownBy(
            () ->
                HtmlReport.write(
                    file, new HtmlReport.Content("a", List.of(), List.of(), "{\"a\":", "")))
        .isInstanceOf(JsonParseException.class);
    try (Stream<Path> left = Files.list(folder)) {
      assertThat(left).isEmpty();
    }
  }

  @Test
  void theFileHoldsThePage() throws Exception {
    Path file = folder.resolve("report.html");
    HtmlReport.Content content =
        new HtmlReport.Content("Prüfung", epochs(2), iterations(2), RESULT, "a: b");

    HtmlReport.write(file, content);

    assertThat(Files.readString(file)).isEqualTo(HtmlReport.html(content));
  }
}
