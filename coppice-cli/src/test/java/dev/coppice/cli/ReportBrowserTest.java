package dev.coppice.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.microsoft.playwright.Browser;
import com.microsoft.playwright.BrowserContext;
import com.microsoft.playwright.Download;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.options.ColorScheme;
import com.microsoft.playwright.options.Media;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Reports in a browser, or nothing where there is none. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class ReportBrowserTest {
  private static final Gson GSON = new Gson();

  /** The width in pixels of a sheet of A4 within its margins. */
  private static final int PAPER_WIDTH = 688;

  private static final int PAPER_HEIGHT = 1017;

  /** Long enough for a busy machine. */
  private static final double PATIENCE_MILLISECONDS = 180_000;

  /**
   * What a chart shows, by its drawing: of every series but the bands its name and the values that
   * are drawn.
   */
  private static final String DRAWN =
      """
      id => {
        const canvas = document.querySelector(`#${id} .chart`);
        const series = echarts.getInstanceByDom(canvas).getOption().series.filter(s => !s.silent);
        const value = one => Array.isArray(one) ? one : one?.value ?? one;
        return JSON.stringify(Object.fromEntries(series.map(s =>
          [s.name, s.data.map(value).filter(v => v !== null && v?.length !== 0)])));
      }
      """;

  @TempDir private Path folder = Path.of("");
  private final List<BrowserContext> contexts = new ArrayList<>();
  private final List<String> complaints = new ArrayList<>();
  private final Comparison comparison = SampleReports.comparison();
  private @Nullable Chromium chromium;

  @BeforeAll
  void launch() {
    chromium = Chromium.launch();
  }

  @AfterAll
  void quit() {
    if (chromium != null) {
      chromium.close();
    }
  }

  /** No page may complain or ask for anything. */
  @AfterEach
  void nothingIsAmiss() {
    contexts.forEach(BrowserContext::close);
    contexts.clear();
    assertThat(complaints).isEmpty();
  }

  private Page open(String report, int width, ColorScheme scheme) throws IOException {
    Path file = folder.resolve(report + ".html");
    (report.equals("run") ? SampleReports.run(24, 10) : ComparisonReport.of(comparison))
        .write(file);
    BrowserContext context =
        Objects.requireNonNull(chromium)
            .browser()
            .newContext(
                new Browser.NewContextOptions().setViewportSize(width, 900).setColorScheme(scheme));
    contexts.add(context);
    context.setDefaultTimeout(PATIENCE_MILLISECONDS);
    Page page = context.newPage();
    page.onConsoleMessage(message -> complaints.add(message.text()));
    page.onPageError(complaints::add);
    String address = file.toUri().toString();
    page.onRequest(
        request -> {
          if (!request.url().equals(address) && !request.url().startsWith("blob:")) {
            complaints.add("asks for " + request.url());
          }
        });
    page.navigate(address);
    return page;
  }

  private Page open(String report) throws IOException {
    return open(report, 1280, ColorScheme.LIGHT);
  }

  @SuppressWarnings("unchecked")
  private static List<String> charts(Page page) {
    return (List<String>)
        page.evaluate("() => [...document.querySelectorAll('figure')].map(f => f.id)");
  }

  private static Map<String, JsonElement> drawn(Page page, String id) {
    return GSON.fromJson((String) page.evaluate(DRAWN, id), JsonObject.class).asMap();
  }

  /** Returns the value of a point of a curve. */
  private static double y(Page page, String id, String series, int point) {
    return Objects.requireNonNull(drawn(page, id).get(series))
        .getAsJsonArray()
        .get(point)
        .getAsJsonArray()
        .get(1)
        .getAsDouble();
  }

  /** Opens the table of a chart and returns its rows, the header first. */
  @SuppressWarnings("unchecked")
  private static List<List<String>> table(Page page, String id) {
    page.locator("#" + id + " details").evaluate("details => { details.open = true; }");
    page.waitForSelector("#" + id + " details tbody tr");
    return (List<List<String>>)
        page.locator("#" + id + " details")
            .evaluate(
                "d => [...d.querySelectorAll('tr')].map(r => [...r.cells].map(c => c.textContent))");
  }

  private static BufferedImage picture(byte[] png) throws IOException {
    return ImageIO.read(new ByteArrayInputStream(png));
  }

  /** Returns how many colours a part of a picture has; the ends are shares of its size. */
  private static int colours(
      BufferedImage picture, double left, double top, double right, double bottom) {
    Set<Integer> colours = new HashSet<>();
    for (int y = (int) (top * picture.getHeight()); y < bottom * picture.getHeight(); y++) {
      for (int x = (int) (left * picture.getWidth()); x < right * picture.getWidth(); x++) {
        colours.add(picture.getRGB(x, y));
      }
    }
    return colours.size();
  }

  @ParameterizedTest
  @CsvSource({
    "run, 1280, LIGHT, 14",
    "run, 400, DARK, 14",
    "comparison, 1280, DARK, 13",
    "comparison, 400, LIGHT, 13"
  })
  void everyChartIsDrawn(String report, int width, ColorScheme scheme, int count)
      throws IOException {
    Page page = open(report, width, scheme);

    assertThat(charts(page)).hasSize(count);
    for (String id : charts(page)) {
      Locator chart = page.locator("#" + id + " .chart");
      String svg = (String) chart.evaluate("c => c.querySelector('svg').outerHTML");
      assertThat(svg).as(id).contains("<path", "<text").doesNotContain("NaN", "undefined");
      assertThat(drawn(page, id)).as(id).isNotEmpty();
      BufferedImage picture = picture(chart.screenshot());
      assertThat(colours(picture, 0.3, 0.2, 1, 0.8)).as(id + ": plot").isGreaterThan(3);
      assertThat(colours(picture, 0, 0.8, 1, 1)).as(id + ": axis below").isGreaterThan(3);
      assertThat(colours(picture, 0, 0.2, 0.25, 0.8)).as(id + ": axis beside").isGreaterThan(3);
    }
    assertThat((Integer) page.evaluate("() => document.documentElement.scrollWidth"))
        .as("width of the page")
        .isLessThanOrEqualTo(width);
  }

  @ParameterizedTest
  @ValueSource(strings = {"run", "comparison"})
  void tablesAgreeWithCharts(String report) throws IOException {
    Page page = open(report);

    for (String id : charts(page)) {
      int points =
          drawn(page, id).values().stream().mapToInt(one -> one.getAsJsonArray().size()).sum();
      assertThat(table(page, id)).as(id).hasSize(1 + points);
    }
  }

  @Test
  void curvesAreMeansInBandsOfADeviation() throws IOException {
    Page page = open("comparison");

    Map<String, List<String>> cells = new TreeMap<>();
    List<List<String>> table = table(page, "accuracy");
    assertThat(table.getFirst())
        .containsExactly("method", "sparsity, %", "accuracy, %", "± standard deviation", "runs");
    table.stream().skip(1).forEach(row -> cells.put(row.get(0) + row.get(1), row));
    for (CellSummary cell : comparison.summary()) {
      String target = Markup.number(100 * cell.sparsityTarget(), 2);
      List<String> row =
          Objects.requireNonNull(
              cells.get(cell.method() + (cell.method().equals(Cell.DENSE) ? "95" : target)));
      assertThat(Double.parseDouble(row.get(2))).isCloseTo(100 * cell.accuracy(), within(1e-3));
      assertThat(Double.parseDouble(row.get(3)))
          .isCloseTo(100 * cell.accuracyDeviation(), within(1e-4));
      assertThat(row.get(4)).isEqualTo(Integer.toString(cell.runs() - cell.failed()));
    }
    assertThat(y(page, "accuracy", "criticality", 1)).isCloseTo(93.7, within(1e-6));
  }

  @Test
  void filtersHoldForChartsMeansAndTables() throws IOException {
    Page page = open("comparison");
    table(page, "accuracy");

    page.locator("fieldset[name=method] input[value=dense]").uncheck();
    page.locator("fieldset[name='target %'] input[value='90']").uncheck();
    page.locator("fieldset[name=seed] input[value='3']").uncheck();

    Map<String, JsonElement> drawn = drawn(page, "accuracy");
    assertThat(drawn).containsOnlyKeys("magnitude", "criticality", "set</script><b>");
    List<List<String>> rows = table(page, "accuracy");
    assertThat(rows).hasSize(1 + 3 * 2);
    // Of seeds 1 and 2: 0.92 − 0.002 · 1.5.
    assertThat(rows.get(1).subList(0, 3)).containsExactly("magnitude", "95", "91.7");
    assertThat(rows.get(1).get(4)).isEqualTo("2");
    assertThat(page.locator("table.rows >> nth=0 >> tbody tr:visible").allTextContents())
        .hasSize(6)
        .noneMatch(text -> text.startsWith("dense"));
    assertThat(page.locator("#density select option").allTextContents())
        .containsExactly("95", "98");

    page.locator("fieldset[name=seed] input[value='1']").uncheck();
    page.locator("fieldset[name=seed] input[value='2']").uncheck();
    assertThat(page.locator("#accuracy .chart").textContent()).isEqualTo("Nothing is chosen.");
    page.locator("fieldset[name=seed] input[value='2']").check();
    assertThat(drawn(page, "accuracy")).hasSize(3);
  }

  @Test
  void aFacetShowsOneValueAtATime() throws IOException {
    Page page = open("comparison");
    String before = drawn(page, "density").toString();

    page.locator("#density select").selectOption("90");

    assertThat(drawn(page, "density").toString()).isNotEqualTo(before);
    assertThat(y(page, "density", "magnitude", 0)).isCloseTo(10, within(1e-6));
    assertThat(drawn(page, "density")).containsKey("dense");
  }

  private static String colour(Page page, String selector, String property) {
    return (String)
        page.locator(selector)
            .first()
            .evaluate("(e, property) => getComputedStyle(e)[property]", property);
  }

  @Test
  void aPageIsLightOrDarkAsTheReaderLikes() throws IOException {
    Page page = open("run", 1280, ColorScheme.DARK);
    String dark = colour(page, "body", "backgroundColor");
    String darkText = colour(page, "#loss svg text", "fill");

    page.locator("#theme").click();

    assertThat(colour(page, "body", "backgroundColor")).isNotEqualTo(dark);
    assertThat(colour(page, "#loss svg text", "fill")).isNotEqualTo(darkText);
    assertThat(page.locator("#theme").textContent()).isEqualTo("Dark");
    page.locator("#theme").click();
    assertThat(colour(page, "body", "backgroundColor")).isEqualTo(dark);
    page.emulateMedia(new Page.EmulateMediaOptions().setColorScheme(ColorScheme.LIGHT));
    assertThat(colour(page, "body", "backgroundColor")).isEqualTo(dark);
  }

  @ParameterizedTest
  @ValueSource(strings = {"run", "comparison"})
  void onPaperNothingIsCut(String report) throws IOException {
    Page page = open(report, PAPER_WIDTH, ColorScheme.DARK);
    byte[] pdf = page.pdf(new Page.PdfOptions().setFormat("A4").setPreferCSSPageSize(true));
    assertThat(new String(pdf, 0, 5, StandardCharsets.ISO_8859_1)).isEqualTo("%PDF-");
    long sheets =
        Pattern.compile("/Type\\s*/Page\\b(?!s)")
            .matcher(new String(pdf, StandardCharsets.ISO_8859_1))
            .results()
            .count();

    page.evaluate("() => dispatchEvent(new Event('beforeprint'))");
    page.emulateMedia(new Page.EmulateMediaOptions().setMedia(Media.PRINT));

    int height = (Integer) page.evaluate("() => document.documentElement.scrollHeight");
    assertThat(sheets).isGreaterThanOrEqualTo((height + PAPER_HEIGHT - 1) / PAPER_HEIGHT);
    for (String id : charts(page)) {
      @SuppressWarnings("unchecked")
      List<Number> ends =
          (List<Number>)
              page.locator("#" + id)
                  .evaluate(
                      """
                      figure => {
                        const chart = figure.querySelector('svg').getBoundingClientRect();
                        const frame = figure.getBoundingClientRect();
                        return [chart.left - frame.left, frame.right - chart.right,
                          chart.top - frame.top, frame.bottom - chart.bottom, innerWidth - frame.right];
                      }
                      """);
      assertThat(ends).as(id).allMatch(end -> end.doubleValue() >= 0);
      assertThat(page.locator("#" + id).evaluate("f => getComputedStyle(f).breakInside"))
          .isEqualTo("avoid");
      assertThat(page.locator("#" + id + " .controls button").first().isVisible()).isFalse();
    }
    assertThat(colour(page, "h1", "color")).isEqualTo("rgb(29, 36, 32)");

    page.evaluate("() => dispatchEvent(new Event('afterprint'))");
    page.emulateMedia(new Page.EmulateMediaOptions().setMedia(Media.SCREEN));
    assertThat(colour(page, "h1", "color")).isNotEqualTo("rgb(29, 36, 32)");
  }

  @ParameterizedTest
  @ValueSource(strings = {"run", "comparison"})
  void everyChartIsSavedAsAPicture(String report) throws IOException {
    for (String id : charts(open(report))) {
      // A browser lets a page save but so many files in a row.
      Page page = open(report);
      String svg = Files.readString(saved(page, id, "SVG"));
      assertThat(svg).as(id).startsWith("<svg").contains("</svg>", "<path").doesNotContain("NaN");
      String title = page.locator("#" + id + " figcaption").textContent();
      assertThat(svg).contains(title.substring(0, 4));
      BufferedImage png = ImageIO.read(saved(page, id, "PNG").toFile());
      assertThat(png.getWidth()).isEqualTo(1800);
      assertThat(colours(png, 0.1, 0.2, 1, 0.9)).as(id).isGreaterThan(3);
    }
  }

  private Path saved(Page page, String id, String kind) {
    Download download =
        page.waitForDownload(
            () ->
                page.locator(
                        "#" + id + " .controls button", new Page.LocatorOptions().setHasText(kind))
                    .click());
    assertThat(download.suggestedFilename()).isEqualTo(id + "." + kind.toLowerCase(Locale.ROOT));
    Path file = folder.resolve(download.suggestedFilename());
    download.saveAs(file);
    return file;
  }
}
