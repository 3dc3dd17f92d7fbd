package dev.coppice.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataFetcherTest {
  private static final byte[] CONTENT = new byte[300_000];

  static {
    new Random(1).nextBytes(CONTENT);
  }

  @TempDir Path root;
  private HttpServer server;
  private ExecutorService executor;
  private final List<String> ranges = Collections.synchronizedList(new ArrayList<>());

  @BeforeEach
  void start() throws IOException {
    executor = Executors.newVirtualThreadPerTaskExecutor();
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(executor);
    server.start();
  }

  @AfterEach
  void stop() {
    server.stop(0);
    executor.shutdownNow();
  }

  private void serve(HttpHandler handler) {
    server.createContext(
        "/",
        exchange -> {
          try (exchange) {
            String range = exchange.getRequestHeaders().getFirst("Range");
            ranges.add(range == null ? "all" : range);
            handler.handle(exchange);
          }
        });
  }

  /** A server that knows ranges. */
  private static void sendFrom(HttpExchange exchange, byte[] content) throws IOException {
    String range = exchange.getRequestHeaders().getFirst("Range");
    if (range == null) {
      exchange.sendResponseHeaders(200, content.length);
      exchange.getResponseBody().write(content);
      return;
    }
    int from = Integer.parseInt(range.substring("bytes=".length(), range.length() - 1));
    if (from >= content.length) {
      exchange.sendResponseHeaders(416, -1);
      return;
    }
    exchange
        .getResponseHeaders()
        .add("Content-Range", "bytes " + from + "-" + (content.length - 1) + "/" + content.length);
    exchange.sendResponseHeaders(206, content.length - from);
    exchange.getResponseBody().write(content, from, content.length - from);
  }

  private URI base() {
    return URI.create("http://localhost:" + server.getAddress().getPort() + "/mirror");
  }

  private static DataCatalog.Entry entry(byte[] content, DataCatalog.Member... members) {
    return new DataCatalog.Entry(
        "made-up",
        "Made up",
        "none",
        List.of("made-up"),
        List.of(
            new DataCatalog.RemoteFile(
                URI.create("http://localhost:1/there/file.bin"),
                content.length,
                new SourceFile("", content).sha256())),
        List.of(members));
  }

  private Path fetch(DataCatalog.Entry entry) throws IOException {
    return new DataFetcher((file, done, total) -> {}).fetch(entry, root, base());
  }

  private Path part() {
    return root.resolve("made-up/file.bin.part");
  }

  private void leavePart(byte[] content) throws IOException {
    Files.createDirectories(root.resolve("made-up"));
    Files.write(part(), content);
  }

  private List<String> filesLeft() throws IOException {
    try (Stream<Path> files = Files.list(root.resolve("made-up"))) {
      return files.map(file -> String.valueOf(file.getFileName())).sorted().toList();
    }
  }

  private void assertFetched() throws IOException {
    assertThat(fetch(entry(CONTENT))).isEqualTo(root.resolve("made-up"));
    assertThat(root.resolve("made-up/file.bin")).hasBinaryContent(CONTENT);
    assertThat(filesLeft()).containsExactly("file.bin");
  }

  @Test
  void aWholeFileOnce() throws IOException {
    serve(exchange -> sendFrom(exchange, CONTENT));
    List<Long> progress = new ArrayList<>();
    new DataFetcher(
            (file, done, total) -> {
              assertThat(file).isEqualTo("file.bin");
              assertThat(total).isEqualTo(CONTENT.length);
              progress.add(done);
            })
        .fetch(entry(CONTENT), root, base());
    assertThat(progress).isSorted().endsWith((long) CONTENT.length);

    assertFetched();
    assertThat(ranges).containsExactly("all");
  }

  @Test
  void aPartIsContinued() throws IOException {
    serve(exchange -> sendFrom(exchange, CONTENT));
    leavePart(Arrays.copyOf(CONTENT, 100_000));
    assertFetched();
    assertThat(ranges).containsExactly("bytes=100000-");
  }

  @Test
  void aServerWithoutRangesSendsAllAgain() throws IOException {
    serve(
        exchange -> {
          exchange.sendResponseHeaders(200, CONTENT.length);
          exchange.getResponseBody().write(CONTENT);
        });
    leavePart(new byte[100_000]);
    assertFetched();
    assertThat(ranges).containsExactly("bytes=100000-");
  }

  @Test
  void aForeignPartIsThrownAway() throws IOException {
    serve(exchange -> sendFrom(exchange, CONTENT));
    leavePart(new byte[100_000]);
    assertFetched();
    assertThat(ranges).containsExactly("bytes=100000-", "all");
  }

  @Test
  void aPartThatIsTooLongIsThrownAway() throws IOException {
    serve(exchange -> sendFrom(exchange, CONTENT));
    leavePart(new byte[CONTENT.length + 1]);
    assertFetched();
    assertThat(ranges).containsExactly("all");
  }

  @Test
  void aCompletePartNeedsNoServer() throws IOException {
    serve(exchange -> exchange.sendResponseHeaders(404, -1));
    leavePart(CONTENT);
    assertFetched();
    assertThat(ranges).isEmpty();
  }

  @Test
  void anUnsatisfiableRangeStartsAgain() throws IOException {
    serve(
        exchange -> {
          if (exchange.getRequestHeaders().containsKey("Range")) {
            exchange.sendResponseHeaders(416, -1);
          } else {
            sendFrom(exchange, CONTENT);
          }
        });
    leavePart(Arrays.copyOf(CONTENT, 100));
    assertFetched();
    assertThat(ranges).containsExactly("bytes=100-", "all");
  }

  @Test
  void aTruncatedFileIsKeptAndContinued() throws IOException {
    serve(
        exchange -> {
          if (ranges.size() == 1) {
            exchange.sendResponseHeaders(200, CONTENT.length);
            exchange.getResponseBody().write(CONTENT, 0, 200_000);
            exchange.getResponseBody().flush();
          } else {
            sendFrom(exchange, CONTENT);
          }
        });
    assertThatThrownBy(() -> fetch(entry(CONTENT)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("of 300000 bytes; fetch again to go on from there");
    assertThat(filesLeft()).containsExactly("file.bin.part");
    long kept = Files.size(part());
    assertThat(kept).isPositive();

    assertFetched();
    assertThat(ranges).containsExactly("all", "bytes=" + kept + "-");
  }

  @Test
  void aWrongChecksumLeavesNothing() {
    byte[] other = CONTENT.clone();
    other[5]++;
    serve(exchange -> sendFrom(exchange, other));
    assertThatThrownBy(() -> fetch(entry(CONTENT)))
        .isInstanceOf(DataFormatException.class)
        .hasMessageContaining("expected the SHA-256 " + new SourceFile("", CONTENT).sha256())
        .hasMessageContaining("found " + new SourceFile("", other).sha256());
    assertThat(root.resolve("made-up")).isEmptyDirectory();
  }

  @Test
  void anotherSizeIsRefusedBeforeReading() {
    serve(exchange -> sendFrom(exchange, new byte[CONTENT.length + 1]));
    assertThatThrownBy(() -> fetch(entry(CONTENT)))
        .isInstanceOf(DataFormatException.class)
        .hasMessageContaining("expected 300000 bytes, but the server announces 300001");
  }

  @Test
  void anEndlessFileIsCutOff() {
    serve(
        exchange -> {
          exchange.sendResponseHeaders(200, 0);
          for (int i = 0; i < 10; i++) {
            exchange.getResponseBody().write(CONTENT);
          }
        });
    assertThatThrownBy(() -> fetch(entry(CONTENT)))
        .isInstanceOf(DataFormatException.class)
        .hasMessageContaining("sends more than the expected 300000 bytes");
  }

  @Test
  void aMissingFileIsReported() {
    serve(exchange -> exchange.sendResponseHeaders(404, -1));
    assertThatThrownBy(() -> fetch(entry(CONTENT)))
        .isInstanceOf(IOException.class)
        .hasMessage(base() + "/file.bin: expected the file, found the status 404");
  }

  @Test
  void anUnreachableServerIsReported() {
    assertThatThrownBy(
            () ->
                new DataFetcher((file, done, total) -> {})
                    .fetch(entry(CONTENT), root, URI.create("http://localhost:1/")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("http://localhost:1/file.bin: the server cannot be reached");
  }

  @Test
  void aSilentServerIsGivenUp() {
    CountDownLatch end = new CountDownLatch(1);
    serve(
        exchange -> {
          exchange.sendResponseHeaders(200, CONTENT.length);
          exchange.getResponseBody().write(CONTENT, 0, 1000);
          exchange.getResponseBody().flush();
          try {
            end.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        });
    assertThatThrownBy(
            () ->
                new DataFetcher((file, done, total) -> {}, Duration.ofMillis(200))
                    .fetch(entry(CONTENT), root, base()))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("the connection ended after 1000 of 300000 bytes");
    end.countDown();
  }

  @Test
  void bundledDataAreNotFetched() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new DataFetcher((file, done, total) -> {}).fetch("digits", root, null))
        .withMessage("digits is bundled: there is nothing to fetch");
  }

  @Test
  void membersOfAnArchiveAreUnpacked() throws IOException {
    byte[] one = Arrays.copyOf(CONTENT, 1000);
    byte[] two = Arrays.copyOf(CONTENT, 512);
    byte[] archive =
        Samples.gzip(
            Samples.concat(
                Samples.tarEntry("folder/", '5', new byte[0]),
                Samples.tarEntry("folder/one.bin", '0', one),
                Samples.tarEntry("../../evil.bin", '0', one),
                Samples.tarEntry("folder/readme", '0', new byte[10]),
                Samples.tarEntry("./folder/two.bin", '0', two),
                new byte[1024]));
    serve(exchange -> sendFrom(exchange, archive));
    DataCatalog.Entry entry =
        entry(
            archive,
            new DataCatalog.Member("folder/one.bin", 1000),
            new DataCatalog.Member("folder/two.bin", 512));
    fetch(entry);
    fetch(entry);

    assertThat(filesLeft()).containsExactly("one.bin", "two.bin");
    assertThat(root.resolve("made-up/one.bin")).hasBinaryContent(one);
    assertThat(root.resolve("made-up/two.bin")).hasBinaryContent(two);
    assertThat(root.resolveSibling("evil.bin")).doesNotExist();
    assertThat(ranges).containsExactly("all");
  }
}
