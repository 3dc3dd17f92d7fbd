package dev.coppice.cli;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.coppice.data.DataSet;
import dev.coppice.data.PictureReader;
import dev.coppice.graph.Model;
import dev.coppice.graph.Shape;
import dev.coppice.runtime.Inference;
import dev.coppice.runtime.StepTime;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code coppice run}: nothing of it may touch DJL, whose start takes a second. */
@Command(
    name = "run",
    description =
        "Runs a model event-driven, without the training engine: answers pictures, or a whole test"
            + " set with --data.",
    sortOptions = false)
final class RunCommand implements Callable<Integer> {
  private static final Gson GSON = new Gson();

  @Spec private CommandSpec spec = CommandSpec.create();

  @Parameters(index = "0", paramLabel = "FILE", description = "a model file, exported or not")
  private Path file = Path.of("model.safetensors");

  @Parameters(
      index = "1..*",
      arity = "0..*",
      paramLabel = "IMAGE",
      description = "pictures (PNG, JPEG, GIF, BMP, TIFF), scaled to the network's input")
  private List<Path> pictures = new ArrayList<>();

  @Mixin private RuntimeOptions runtime = new RuntimeOptions();

  @Option(
      names = "--explain",
      description = "show the plan, its reasons, and the time of each step")
  private boolean explain;

  @Mixin private DataOptions data = new DataOptions();
  @Mixin private GlobalOptions global = new GlobalOptions();

  @Override
  public Integer call() throws IOException {
    JsonOutput.check(global.json);
    if (pictures.isEmpty() == (data.data == null)) {
      throw new UsageException("expected pictures, or test images by --data NAME");
    }
    Model model = Provenance.load(file);
    JsonObject result = new JsonObject();
    if (data.data == null) {
      answer(model, result);
    } else {
      evaluate(model, result);
    }
    JsonOutput.write(global.json, result);
    return 0;
  }

  private void answer(Model model, JsonObject result) throws IOException {
    Shape shape = model.graph().shape(model.graph().input().name());
    if (!PictureReader.fits(shape)) {
      throw new UsageException(
          "the network reads "
              + shape
              + ", but a picture has height and width and 1 or 3 channels; use --data");
    }
    List<float[]> images = new ArrayList<>();
    for (Path picture : pictures) {
      images.add(PictureReader.read(picture, shape));
    }
    try (ModelRunner runner = runtime.runner(model, 1, global)) {
      describe(runner, result);
      List<String> classes = runner.network().classes();
      Table table =
          new Table(2, "image", "class", "index", "score", "spikes", "synaptic operations");
      JsonArray answers = new JsonArray();
      for (int i = 0; i < images.size(); i++) {
        Inference answer = runner.run(images.get(i), i);
        int predicted = answer.predicted();
        String name = classes.isEmpty() ? Integer.toString(predicted) : classes.get(predicted);
        float score = answer.logits()[predicted];
        table.add(
            pictures.get(i).toString(),
            name,
            Integer.toString(predicted),
            String.format(Locale.ROOT, "%.4f", score),
            String.format(Locale.ROOT, "%,d", answer.spikes()),
            String.format(Locale.ROOT, "%,d", answer.operations()));
        JsonObject json = new JsonObject();
        json.addProperty("image", pictures.get(i).toString());
        json.addProperty("class", predicted);
        json.addProperty("name", name);
        json.addProperty("score", score);
        json.add("logits", GSON.toJsonTree(answer.logits()));
        json.addProperty("spikes", answer.spikes());
        json.addProperty("sops", answer.operations());
        answers.add(json);
      }
      result.add("images", answers);
      PrintWriter out = spec.commandLine().getOut();
      table.print(out);
      if (explain) {
        explain(runner.explain(images.getFirst(), 1), 1, result, out);
      }
    }
  }

  private void evaluate(Model model, JsonObject result) throws IOException {
    DataSet images =
        Provenance.read(model.metadata(), file.toString()).normalized(model.graph(), data.load());
    try (ModelRunner runner = runtime.runner(model, images.test().size(), global)) {
      describe(runner, result);
      ModelRunner.Evaluation evaluation = runner.evaluate(images);
      result.addProperty("data", images.name());
      result.addProperty("batch", runner.network().batch());
      result.addProperty("samples", evaluation.samples());
      result.addProperty("accuracy", evaluation.accuracy());
      result.addProperty("seconds", evaluation.seconds());
      result.addProperty("imagesPerSecond", evaluation.imagesPerSecond());
      result.addProperty("spikesPerImage", evaluation.spikes());
      result.addProperty("sopsPerImage", evaluation.operations());
      result.add("firingRate", GSON.toJsonTree(evaluation.firingRate()));
      result.add("sopsByLayer", GSON.toJsonTree(evaluation.operationsByLayer()));
      PrintWriter out = spec.commandLine().getOut();
      print(evaluation, images.name(), out);
      if (explain) {
        int count = runner.network().batch();
        explain(runner.explain(runner.pixels(images, 0, count), count), count, result, out);
      }
    }
  }

  private void describe(ModelRunner runner, JsonObject result) {
    result.addProperty("model", file.toAbsolutePath().normalize().toString());
    result.addProperty("T", runner.network().timeSteps());
    result.addProperty("threads", runner.network().threads());
    result.addProperty("kernels", runner.network().describeKernels());
  }

  private static void print(ModelRunner.Evaluation evaluation, String name, PrintWriter out) {
    out.printf(
        Locale.ROOT,
        "accuracy %.2f %% on %d images of %s, %.0f images/s%n",
        100 * evaluation.accuracy(),
        evaluation.samples(),
        name,
        evaluation.imagesPerSecond());
    out.printf(
        Locale.ROOT,
        "per image %,.0f spikes, %,.0f synaptic operations%n",
        evaluation.spikes(),
        evaluation.operations());
    Table layers = new Table("layer", "synaptic operations");
    for (Map.Entry<String, Double> layer : evaluation.operationsByLayer().entrySet()) {
      layers.add(layer.getKey(), String.format(Locale.ROOT, "%,.0f", layer.getValue()));
    }
    layers.print(out);
    Table rates = new Table("neurons", "firing rate");
    for (Map.Entry<String, Double> rate : evaluation.firingRate().entrySet()) {
      rates.add(rate.getKey(), String.format(Locale.ROOT, "%.4f", rate.getValue()));
    }
    rates.print(out);
  }

  private static void explain(
      List<StepTime> steps, int images, JsonObject result, PrintWriter out) {
    Table table = new Table(2, "step", "how", "ms");
    JsonArray plan = new JsonArray();
    long sum = 0;
    for (StepTime step : steps) {
      sum += step.nanoseconds();
      table.add(step.node(), step.kernel(), milliseconds(step.nanoseconds()));
      JsonObject json = new JsonObject();
      json.addProperty("node", step.node());
      json.addProperty("kernel", step.kernel());
      json.addProperty("milliseconds", step.nanoseconds() / 1e6);
      plan.add(json);
    }
    table.add("all", images == 1 ? "one image" : images + " images at a time", milliseconds(sum));
    table.print(out);
    result.add("plan", plan);
  }

  private static String milliseconds(long nanoseconds) {
    return String.format(Locale.ROOT, "%.4f", nanoseconds / 1e6);
  }
}
