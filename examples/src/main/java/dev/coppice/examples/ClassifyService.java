package dev.coppice.examples;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.coppice.graph.Shape;
import dev.coppice.runtime.Inference;
import dev.coppice.runtime.Session;
import dev.coppice.runtime.SpikingRuntime;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.concurrent.Executors;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;

/**
 * Answers an image, sent as the body of {@code POST /classify} in a format that the JDK reads, with
 * its class as JSON. Every thread of the server has a session of its own.
 */
final class ClassifyService {
  private static final int MAX_BYTES = 8 << 20;
  private static final long MAX_PIXELS = 1 << 24;

  private final SpikingRuntime network;
  private final Shape.Map shape;
  private final ThreadLocal<Session> session;

  private ClassifyService(SpikingRuntime network) {
    this.network = network;
    this.session = ThreadLocal.withInitial(network::session);
    if (!(network.inputShape() instanceof Shape.Map map)
        || (map.channels() != 1 && map.channels() != 3)) {
      throw new IllegalArgumentException(
          "expected a network that reads images of 1 or 3 channels, found one that reads "
              + network.inputShape());
    }
    this.shape = map;
  }

  public static void main(String[] args) throws IOException {
    int port = args.length > 1 ? Integer.parseInt(args[1]) : 8080;
    HttpServer server = start(SpikingRuntime.load(Path.of(args[0])), port);
    System.out.println("listening on http://localhost:" + server.getAddress().getPort());
  }

  /** Starts the service on this machine alone; port 0 is any that is free. */
  static HttpServer start(SpikingRuntime network, int port) throws IOException {
    ClassifyService service = new ClassifyService(network);
    InetSocketAddress address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    HttpServer server = HttpServer.create(address, 0);
    server.createContext("/classify", service::handle);
    server.setExecutor(Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors()));
    server.start();
    return server;
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      if (!exchange.getRequestMethod().equals("POST")) {
        respond(exchange, 405, "{\"error\":\"POST an image\"}");
        return;
      }
      byte[] body = exchange.getRequestBody().readNBytes(MAX_BYTES + 1);
      if (body.length > MAX_BYTES) {
        respond(exchange, 413, "{\"error\":\"the image is larger than 8 MiB\"}");
        return;
      }
      float[] pixels;
      try {
        pixels = pixels(decode(body));
      } catch (IOException | RuntimeException e) {
        respond(exchange, 400, "{\"error\":\"not an image that can be read\"}");
        return;
      }
      respond(exchange, 200, json(session.get().run(pixels)));
    }
  }

  private static BufferedImage decode(byte[] body) throws IOException {
    try (ImageInputStream stream = ImageIO.createImageInputStream(new ByteArrayInputStream(body))) {
      Iterator<ImageReader> readers = ImageIO.getImageReaders(stream);
      if (!readers.hasNext()) {
        throw new IOException("unknown format");
      }
      ImageReader reader = readers.next();
      try {
        reader.setInput(stream);
        if ((long) reader.getWidth(0) * reader.getHeight(0) > MAX_PIXELS) {
          throw new IOException("too many pixels");
        }
        return reader.read(0);
      } finally {
        reader.dispose();
      }
    }
  }

  /** Returns the image as the network reads it: {@code [H, W, C]}, 0..1. */
  private float[] pixels(BufferedImage image) {
    boolean gray = shape.channels() == 1;
    int type = gray ? BufferedImage.TYPE_BYTE_GRAY : BufferedImage.TYPE_INT_RGB;
    BufferedImage scaled = new BufferedImage(shape.width(), shape.height(), type);
    Graphics2D graphics = scaled.createGraphics();
    graphics.setRenderingHint(
        RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BILINEAR);
    graphics.drawImage(image, 0, 0, shape.width(), shape.height(), null);
    graphics.dispose();
    float[] pixels =
        scaled.getRaster().getPixels(0, 0, shape.width(), shape.height(), (float[]) null);
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] /= 255;
    }
    return pixels;
  }

  private String json(Inference answer) {
    String name =
        network.classes().isEmpty()
            ? Integer.toString(answer.predicted())
            : network.classes().get(answer.predicted());
    return "{\"class\":%d,\"name\":\"%s\",\"logits\":%s}"
        .formatted(
            answer.predicted(),
            name.replaceAll("[\"\\\\\\p{Cntrl}]", "_"),
            Arrays.toString(answer.logits()));
  }

  private static void respond(HttpExchange exchange, int status, String json) throws IOException {
    byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
  }
}
