package dev.coppice.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.sun.net.httpserver.HttpServer;
import dev.coppice.graph.Compression;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Initialization;
import dev.coppice.graph.Model;
import dev.coppice.graph.ModelInput;
import dev.coppice.graph.Notation;
import dev.coppice.graph.Op;
import dev.coppice.graph.Quantization;
import dev.coppice.graph.Shape;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import dev.coppice.runtime.Session;
import dev.coppice.runtime.SpikingRuntime;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The programs on a file as {@code coppice export --int8} writes it. */
class ExportedModelTest {
  private static final String RUN =
      "{\"options\":{\"T\":3,\"encoder\":\"direct\"},"
          + "\"data\":{\"mean\":[0.3],\"std\":[0.4],\"classes\":[\"cat\",\"dog\",\"owl\"]}}";

  @TempDir Path folder;
  private Path file = Path.of("");

  @BeforeEach
  void export() throws IOException {
    Graph graph = Notation.parse("16C3-P2-16C3-FC3", new Shape.Map(8, 8, 1), Op.Neuron.decay());
    Weights weights = Weights.initialize(graph, 1, Initialization.KAIMING_NORMAL_FAN_IN);
    float[] data = weights.get("conv2.weight").data().clone();
    for (int i = 0; i < data.length; i++) {
      data[i] = i % 9 == 0 ? data[i] : 0;
    }
    weights = weights.with("conv2.weight", new Tensor(weights.get("conv2.weight").shape(), data));
    file = folder.resolve("exported.safetensors");
    Quantization.int8(new Model(graph, weights, Map.of(ModelInput.KEY, RUN)))
        .save(file, Compression.COMPACT);
  }

  @Test
  void theProgramPrintsAClass() throws IOException {
    PrintStream before = System.out;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
    try {
      RunModel.main(new String[] {file.toString()});
    } finally {
      System.setOut(before);
    }
    assertThat(printed.toString(StandardCharsets.UTF_8))
        .containsPattern("class [012] of \\[.*\\]\\R\\d+ spikes, \\d+ operations");
  }

  @Test
  void theServiceAnswersAPicture() throws Exception {
    SpikingRuntime network = SpikingRuntime.load(file);
    float[] pixels = new float[64];
    BufferedImage picture = new BufferedImage(8, 8, BufferedImage.TYPE_BYTE_GRAY);
    for (int i = 0; i < 64; i++) {
      picture.getRaster().setSample(i % 8, i / 8, 0, 4 * i);
      pixels[i] = 4 * i / 255f;
    }
    ByteArrayOutputStream png = new ByteArrayOutputStream();
    ImageIO.write(picture, "png", png);
    HttpServer server = ClassifyService.start(network, 0);
    try (HttpClient client = HttpClient.newHttpClient();
        Session session = network.session()) {
      URI address = URI.create("http://localhost:" + server.getAddress().getPort() + "/classify");
      HttpResponse<String> answer = post(client, address, png.toByteArray());
      assertThat(answer.statusCode()).isEqualTo(200);
      JsonObject json = JsonParser.parseString(answer.body()).getAsJsonObject();
      int predicted = session.run(pixels).predicted();
      assertThat(json.get("class").getAsInt()).isEqualTo(predicted);
      assertThat(json.get("name").getAsString()).isEqualTo(network.classes().get(predicted));
      assertThat(json.getAsJsonArray("logits")).hasSize(3);

      assertThat(post(client, address, new byte[] {1, 2, 3}).statusCode()).isEqualTo(400);
    } finally {
      server.stop(0);
      ((ExecutorService) server.getExecutor()).shutdownNow();
    }
  }

  private static HttpResponse<String> post(HttpClient client, URI address, byte[] body)
      throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(address).POST(HttpRequest.BodyPublishers.ofByteArray(body)).build();
    return client.send(request, HttpResponse.BodyHandlers.ofString());
  }
}
