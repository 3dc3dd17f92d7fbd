package dev.coppice.cli;

import dev.coppice.graph.Compression;
import dev.coppice.graph.Initialization;
import dev.coppice.graph.Model;
import dev.coppice.graph.ModelInput;
import dev.coppice.graph.Notation;
import dev.coppice.graph.Op;
import dev.coppice.graph.Quantization;
import dev.coppice.graph.Shape;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import javax.imageio.ImageIO;

/**
 * What the launcher script lets the JVM watch once, to keep what it learns in a file for later
 * starts: {@code coppice run} on a picture.
 */
final class Rehearsal {
  private static final String RUN =
      """
      {"options": {"T": 4, "encoder": "direct"},
       "data": {"mean": [0.3], "std": [0.4], "classes": ["0", "1", "2", "3"]}}""";

  private Rehearsal() {}

  /**
   * Runs a small pruned network, as floats and in eight bits, on a picture of its own.
   *
   * @param args none
   * @throws IOException if a temporary file cannot be written
   */
  public static void main(String[] args) throws IOException {
    Model model = model();
    Path folder = Files.createTempDirectory("coppice");
    Path file = folder.resolve("model.safetensors");
    Path picture = folder.resolve("picture.png");
    try {
      ImageIO.write(new BufferedImage(8, 8, BufferedImage.TYPE_BYTE_GRAY), "png", picture.toFile());
      for (Model form : new Model[] {model, Quantization.int8(model)}) {
        form.save(file, Compression.COMPACT);
        String[] command = {"run", file.toString(), picture.toString()};
        StringWriter answer = new StringWriter();
        int status = Main.run(command, new PrintWriter(answer), new PrintWriter(answer));
        if (status != 0) {
          throw new IllegalStateException(answer.toString());
        }
      }
    } finally {
      Files.deleteIfExists(file);
      Files.deleteIfExists(picture);
      Files.delete(folder);
    }
  }

  private static Model model() {
    var graph =
        Notation.parse("16C3-16C3-P2-32C3-P2-FC4", new Shape.Map(8, 8, 1), Op.Neuron.decay());
    Weights weights = Weights.initialize(graph, 1, Initialization.KAIMING_NORMAL_FAN_IN);
    for (String name : weights.names()) {
      Tensor tensor = weights.get(name);
      if (tensor.shape().length > 1) {
        float[] data = tensor.data().clone();
        for (int i = 0; i < data.length; i++) {
          data[i] = i % 7 == 0 ? data[i] : 0;
        }
        weights = weights.with(name, new Tensor(tensor.shape(), data));
      }
    }
    return new Model(graph, weights, Map.of(ModelInput.KEY, RUN));
  }
}
