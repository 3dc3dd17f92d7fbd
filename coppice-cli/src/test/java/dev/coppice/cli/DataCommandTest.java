package dev.coppice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataCommandTest {
  private static final List<String> FASHION =
      List.of(
          "train-images-idx3-ubyte.gz",
          "train-labels-idx1-ubyte.gz",
          "t10k-images-idx3-ubyte.gz",
          "t10k-labels-idx1-ubyte.gz");

  @TempDir Path folder;

  private static JsonObject set(JsonObject list, String name) {
    for (var set : list.getAsJsonArray("sets")) {
      if (set.getAsJsonObject().get("name").getAsString().equals(name)) {
        return set.getAsJsonObject();
      }
    }
    throw new AssertionError("no set " + name);
  }

  /** Writes so few images that they are nobody's published files. */
  private Path madeUpFashion() throws IOException {
    Path set = Files.createDirectories(folder.resolve("data/fashion-mnist"));
    for (String part : List.of("train", "t10k")) {
      ByteArrayOutputStream images = new ByteArrayOutputStream();
      DataOutputStream out = new DataOutputStream(images);
      for (int number : new int[] {0x803, 3, 2, 2}) {
        out.writeInt(number);
      }
      out.write(new byte[12]);
      Files.write(set.resolve(part + "-images-idx3-ubyte"), images.toByteArray());
      ByteArrayOutputStream labels = new ByteArrayOutputStream();
      out = new DataOutputStream(labels);
      out.writeInt(0x801);
      out.writeInt(3);
      out.write(new byte[] {1, 1, 9});
      Files.write(set.resolve(part + "-labels-idx1-ubyte"), labels.toByteArray());
    }
    return folder.resolve("data");
  }

  /** Runs {@code data fetch} against a server of this machine. */
  private Invocation fetch(String name, Function<String, byte[]> content, Object... more)
      throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          try (exchange) {
            byte[] body = content.apply(Path.of(exchange.getRequestURI().getPath()).toString());
            exchange.sendResponseHeaders(body.length == 0 ? 404 : 200, body.length);
            exchange.getResponseBody().write(body);
          }
        });
    server.start();
    try {
      String mirror = "http://localhost:" + server.getAddress().getPort() + "/mirror";
      Object[] fixed = {"data", "fetch", name, "--dir", folder.resolve("got"), "--mirror", mirror};
      return Invocation.of(Stream.concat(Stream.of(fixed), Stream.of(more)).toArray());
    } finally {
      server.stop(0);
    }
  }

  @Test
  void theListTellsWhatIsHere() throws IOException {
    Path json = folder.resolve("list.json");
    Path data = madeUpFashion();

    Invocation run = Invocation.of("data", "list", "--data-dir", data, "--json", json).exits(0);

    JsonObject list = Invocation.json(json);
    assertThat(list.get("root").getAsString()).isEqualTo(data.toString());
    assertThat(set(list, "digits").get("bundled").getAsBoolean()).isTrue();
    assertThat(set(list, "fashion-mnist").get("present").getAsBoolean()).isTrue();
    assertThat(set(list, "fashion-mnist").get("path").getAsString())
        .isEqualTo(data.resolve("fashion-mnist").toString());
    assertThat(set(list, "cifar10").get("present").getAsBoolean()).isFalse();
    assertThat(set(list, "cifar10").has("path")).isFalse();
    assertThat(run.out()).contains("bundled", "coppice data fetch cifar10 (170 MB)");
  }

  @Test
  void theBundledDigitsAreAsPublished() throws IOException {
    Path json = folder.resolve("digits.json");

    Invocation run = Invocation.of("data", "verify", "digits", "--json", json).exits(0);

    JsonObject result = Invocation.json(json);
    assertThat(result.get("asPublished").getAsBoolean()).isTrue();
    int train = 0;
    int test = 0;
    for (var label : result.getAsJsonArray("classes")) {
      train += label.getAsJsonObject().get("train").getAsInt();
      test += label.getAsJsonObject().get("test").getAsInt();
    }
    assertThat(List.of(train, test)).containsExactly(1437, 360);
    assertThat(run.out()).contains("the same", "1437", "360");
  }

  @Test
  void filesThatDifferAreShownAndFail() throws IOException {
    Path json = folder.resolve("fashion.json");
    Path data = madeUpFashion();

    Invocation run =
        Invocation.of("data", "verify", "fashion-mnist", "--data-dir", data, "--json", json);

    JsonObject result = Invocation.json(json);
    assertThat(result.getAsJsonArray("files").size()).isEqualTo(4);
    var second = result.getAsJsonArray("classes").get(1).getAsJsonObject();
    assertThat(second.get("train").getAsInt()).isEqualTo(2);
    assertThat(run.out()).contains("Trouser");
    // Plain files have no published checksum; only the compressed ones do.
    assertThat(run.out()).contains("nothing to compare with");
    run.exits(0);
  }

  @Test
  void anArchiveMemberOfAnotherSizeFails() throws IOException {
    Path set = Files.createDirectories(folder.resolve("cifar10"));
    Files.write(set.resolve("data_batch_1.bin"), new byte[3073]);
    Files.write(set.resolve("test_batch.bin"), new byte[2 * 3073]);

    Invocation run = Invocation.of("data", "verify", "cifar10", "--data-dir", folder);

    run.exits(1, "cifar10", "not all files are the published ones");
    assertThat(run.out()).contains("DIFFERENT");
  }

  @Test
  void damagedAndMissingDataAreToldInOneLine() throws IOException {
    Path data = madeUpFashion();
    Files.write(data.resolve("fashion-mnist/t10k-images-idx3-ubyte"), new byte[] {0, 0, 8, 3, 0});

    Invocation.of("data").exits(2, "coppice data --help");
    Invocation.of("data", "verify", "fashion-mnist", "--data-dir", data)
        .exits(2, "t10k-images-idx3-ubyte");
    Invocation.of("data", "verify", "mnist", "--data-dir", folder).exits(2, "data fetch mnist");
    Invocation.of("data", "verify", "emnist").exits(2, "expected a data set of digits");
    Invocation.of("data", "fetch", "digits").exits(2, "bundled");
    Invocation.of("data", "fetch", "emnist").exits(2, "expected a data set of digits");
  }

  @Test
  void whatIsNotThePublishedFileIsNotKept() throws IOException {
    Invocation run = fetch("fashion-mnist", path -> new byte[5148]);

    run.exits(1, "train-images-idx3-ubyte.gz");
    try (Stream<Path> files = Files.list(folder.resolve("got/fashion-mnist"))) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .doesNotContainAnyElementsOf(FASHION);
    }
  }

  @Test
  void aServerThatHasNothingFailsTheRun() throws IOException {
    fetch("mnist", path -> new byte[0]).exits(1, "404");
  }

  @Test
  void publishedFilesAreFetchedAndVerified() throws IOException {
    String property = System.getProperty("coppice.data");
    Path shared =
        (property == null ? Path.of("..", "..", "shared", "data") : Path.of(property))
            .resolve("fashion-mnist");
    Assumptions.assumeTrue(
        FASHION.stream().allMatch(name -> Files.exists(shared.resolve(name))),
        "Fashion-MNIST is not in ../shared/data; set -Dcoppice.data=FOLDER");
    Path json = folder.resolve("fetch.json");

    Invocation run =
        fetch(
            "fashion-mnist",
            path -> {
              try {
                return Files.readAllBytes(shared.resolve(path.substring("/mirror/".length())));
              } catch (IOException e) {
                return new byte[0];
              }
            },
            "--json",
            json);

    run.exits(0);
    assertThat(run.err()).contains("train-images-idx3-ubyte.gz: 26.4 of 26.4 MB");
    assertThat(Invocation.json(json).get("path").getAsString())
        .isEqualTo(folder.resolve("got/fashion-mnist").toString());
    Invocation verified =
        Invocation.of("data", "verify", "fashion-mnist", "--data-dir", folder.resolve("got"));
    verified.exits(0);
    assertThat(verified.out()).contains("60000", "10000").doesNotContain("DIFFERENT");
  }
}
