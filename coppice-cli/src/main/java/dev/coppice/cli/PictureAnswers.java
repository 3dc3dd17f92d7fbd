package dev.coppice.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.coppice.data.PictureReader;
import dev.coppice.graph.Model;
import dev.coppice.graph.Shape;
import dev.coppice.runtime.Inference;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** {@code coppice run FILE IMAGE…}: the classes of pictures. */
final class PictureAnswers {
  private static final String COMMAND = "run";

  private PictureAnswers() {}

  /**
   * Returns whether these are arguments of {@code coppice run} with pictures and no options. They
   * are not worth the parser, which takes longer to start than all the rest.
   */
  static boolean suffice(String[] args) {
    return args.length > 2
        && args[0].equals(COMMAND)
        && Arrays.stream(args).noneMatch(word -> word.startsWith("-") || word.startsWith("@"));
  }

  /**
   * Answers pictures with the default options.
   *
   * @param args that {@link #suffice}
   */
  static void print(String[] args, PrintWriter out) throws IOException {
    List<Path> pictures = Arrays.stream(args).skip(2).map(Path::of).toList();
    print(Path.of(args[1]), pictures, new RuntimeOptions(), new GlobalOptions(), false, out);
  }

  /**
   * Answers pictures; all are read before the first answer.
   *
   * @param explain whether to show the plan, as it runs for the first picture
   * @return the result
   * @throws UsageException if the network does not read pictures
   * @throws IOException if a file cannot be read or does not hold what it should
   */
  static JsonObject print(
      Path file,
      List<Path> pictures,
      RuntimeOptions runtime,
      GlobalOptions global,
      boolean explain,
      PrintWriter out)
      throws IOException {
    Model model = Provenance.load(file);
    Shape shape = model.graph().shape(model.graph().input().name());
    if (!PictureReader.fits(shape)) {
      throw new UsageException(
          "the network reads "
              + shape
              + ", but a picture has height and width, and 1 or 3 channels; use --data");
    }
    List<float[]> images = new ArrayList<>();
    for (Path picture : pictures) {
      images.add(PictureReader.read(picture, shape));
    }
    try (ModelRunner runner = runtime.runner(model, 1, global)) {
      List<String> classes = runner.network().classes();
      Table table =
          new Table(2, "image", "class", "index", "score", "spikes", "synaptic operations");
      JsonArray answers = new JsonArray();
      for (int i = 0; i < images.size(); i++) {
        Inference answer = runner.run(images.get(i), i);
        String image = pictures.get(i).toString();
        String name =
            classes.isEmpty()
                ? Integer.toString(answer.predicted())
                : classes.get(answer.predicted());
        table.add(
            image,
            name,
            Integer.toString(answer.predicted()),
            String.format(Locale.ROOT, "%.4f", answer.logits()[answer.predicted()]),
            String.format(Locale.ROOT, "%,d", answer.spikes()),
            String.format(Locale.ROOT, "%,d", answer.operations()));
        answers.add(json(image, name, answer));
      }
      JsonObject result = runner.describe(file);
      result.add("images", answers);
      table.print(out);
      if (explain) {
        PlanTable.print(runner.explain(images.getFirst(), 1), 1, result, out);
      }
      return result;
    }
  }

  private static JsonObject json(String image, String name, Inference answer) {
    JsonObject json = new JsonObject();
    json.addProperty("image", image);
    json.addProperty("class", answer.predicted());
    json.addProperty("name", name);
    json.addProperty("score", answer.logits()[answer.predicted()]);
    JsonArray logits = new JsonArray();
    for (float logit : answer.logits()) {
      logits.add(logit);
    }
    json.add("logits", logits);
    json.addProperty("spikes", answer.spikes());
    json.addProperty("sops", answer.operations());
    return json;
  }
}
