package dev.coppice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.coppice.prune.PruningIteration;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

/** The pages of reports as text; {@link ReportBrowserTest} looks at them in a browser. */
final class HtmlReportTest {
  private static final Pattern SCRIPT = Pattern.compile("(?s)<script[^>]*>(.*?)</script>");

  @TempDir private Path folder = Path.of("");

  /** Parses a page without its scripts. */
  private static Document parse(String html) throws Exception {
    assertThat(html).startsWith("<!DOCTYPE html>\n");
    String page = SCRIPT.matcher(html.substring(html.indexOf('\n'))).replaceAll("");
    return DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(new InputSource(new StringReader(page)));
  }

  private static List<String> texts(Document page, String element) {
    NodeList nodes = page.getElementsByTagName(element);
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < nodes.getLength(); i++) {
      texts.add(nodes.item(i).getTextContent());
    }
    return texts;
  }

  private static JsonObject data(String html) {
    Matcher first = SCRIPT.matcher(html);
    assertThat(first.find()).isTrue();
    return JsonParser.parseString(first.group(1)).getAsJsonObject();
  }

  private static List<String> ids(String html) {
    List<String> ids = new ArrayList<>();
    for (JsonElement chart : data(html).getAsJsonArray("charts")) {
      ids.add(chart.getAsJsonObject().get("id").getAsString());
    }
    return ids;
  }

  @Test
  void aRunThatPrunesShowsAllCharts() throws Exception {
    String html = SampleReports.run(24, 10).html();
    Document page = parse(html);

    assertThat(ids(html))
        .containsExactly(
            "loss",
            "accuracy",
            "learning-rate",
            "firing-rate",
            "sparsity",
            "survival",
            "regrown",
            "density",
            "density-iterations",
            "criticality",
            "operations",
            "energy",
            "operations-layers",
            "firing-rate-layers");
    assertThat(texts(page, "figcaption")).hasSameSizeAs(ids(html)).contains("Learning rate");
    assertThat(texts(page, "h2"))
        .containsExactly("Result", "Training", "Pruning", "Energy", "Provenance", "Settings");
    assertThat(texts(page, "th")).contains("accuracy", "cost.steps", "seed", "kernels");
    assertThat(texts(page, "td")).contains("0.9725", "1080", "vector-256");
    assertThat(texts(page, "pre")).containsExactly("epochs: 24\n");
  }

  @Test
  void aRunThatOnlyTrainsHasNoPruning() throws Exception {
    String html = SampleReports.run(3, 0).html();

    assertThat(texts(parse(html), "h2")).doesNotContain("Pruning");
    assertThat(ids(html)).contains("loss").doesNotContain("density", "sparsity", "channels");
  }

  @Test
  void aRunWithoutEpochsHasAPageAllTheSame() throws Exception {
    String html =
        new RunCharts(List.of(), JsonParser.parseString("{\"a\": 1}").getAsJsonObject())
            .report("Nothing", "")
            .html();

    assertThat(texts(parse(html), "h2")).containsExactly("Result", "Settings");
    assertThat(html).doesNotContain("application/json", "Apache Software Foundation");
  }

  @Test
  void stagesAreDrawnOneAfterTheOther() {
    JsonObject result =
        JsonParser.parseString("{\"widths\": {\"conv1\": {\"before\": 8, \"after\": 3}}}")
            .getAsJsonObject();
    List<RunRecords> stages =
        List.of(
            new RunRecords("pretrain", SampleReports.epochs(3, 0, 0.9), List.of()),
            new RunRecords("round-1", SampleReports.epochs(2, 0, 0.9), List.of()));

    String html = new RunCharts(stages, result).report("Channels", "").html();

    assertThat(ids(html)).contains("channels", "loss").doesNotContain("sparsity");
    JsonObject loss = data(html).getAsJsonArray("charts").get(0).getAsJsonObject();
    assertThat(loss.getAsJsonArray("series")).hasToString("[\"stage\",\"images\"]");
    assertThat(loss.getAsJsonArray("columns").get(2).getAsJsonObject().get("values"))
        .hasToString("[1,2,3,2,4,5,5]");
  }

  @Test
  void aComparisonShowsAllChartsAndTables() throws Exception {
    String html = ComparisonReport.of(SampleReports.comparison()).html();

    assertThat(ids(html))
        .containsExactly(
            "accuracy",
            "differences",
            "ranks",
            "cost",
            "cost-to-reach",
            "energy",
            "operations",
            "density",
            "criticality",
            "survival",
            "test-accuracy",
            "loss",
            "sparsity");
    assertThat(data(html).getAsJsonArray("filters"))
        .hasToString("[\"method\",\"target %\",\"seed\"]");
    Document page = parse(html);
    assertThat(texts(page, "td")).contains("94.60 ± 0.20", "status 1: diverged", "0 of 2");
    assertThat(texts(page, "th")).contains("set</script><b> at 0.98, seed 3");
  }

  @Test
  void aPageMayLoadNothingAndIsSmall() {
    String html = ComparisonReport.of(SampleReports.comparison()).html();

    assertThat(SCRIPT.matcher(html).replaceAll(""))
        .contains("Content-Security-Policy\" content=\"default-src &#39;none&#39;")
        .doesNotContain("src=", "<link", "@import");
    assertThat(html.length()).isLessThan(1_300_000);
  }

  @Test
  void whatComesFromOutsideIsEscaped() throws Exception {
    String evil = "\"></script><script>alert('&')</script><!--\u0000\ud800";
    PruningIteration plain = SampleReports.iterations(1, 0.5).getFirst();
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
            Map.of(evil, 0.5),
            Map.of(evil, plain.criticality().values().iterator().next()));
    JsonObject result = new JsonObject();
    result.addProperty("</td><script>", evil);
    RunRecords records = new RunRecords(evil, SampleReports.epochs(2, 0, 1), List.of(named));

    String html = new RunCharts(List.of(records), result).report(evil, "</pre>" + evil).html();

    assertThat(SCRIPT.matcher(html).replaceAll("")).doesNotContain("<script", "\u0000");
    assertThat(SCRIPT.matcher(html).results()).hasSize(3);
    Document page = parse(html);
    assertThat(texts(page, "h1"))
        .containsExactly("\"></script><script>alert('&')</script><!--\ufffd\ufffd");
    assertThat(data(html).toString()).contains("alert('&')");
  }

  @Test
  void theFileHoldsThePage() throws Exception {
    Path file = folder.resolve("report.html");

    SampleReports.run(2, 2).write(file);

    assertThat(Files.readString(file)).isEqualTo(SampleReports.run(2, 2).html());
  }
}
