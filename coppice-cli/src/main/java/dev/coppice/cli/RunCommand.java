package dev.coppice.cli;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import dev.coppice.data.DataSet;
import dev.coppice.graph.Model;
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

/** {@code coppice run}, which does not touch DJL, for that takes long to start. */
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
    PrintWriter out = spec.commandLine().getOut();
    JsonObject result =
        data.data == null
            ? PictureAnswers.print(file, pictures, runtime, global, explain, out)
            : evaluate(Provenance.load(file), out);
    JsonOutput.write(global.json, result);
    return 0;
  }

  private JsonObject evaluate(Model model, PrintWriter out) throws IOException {
    DataSet images =
        Provenance.read(model.metadata(), file.toString()).normalized(model.graph(), data.load());
    try (ModelRunner runner = runtime.runner(model, images.test().size(), global)) {
      JsonObject result = runner.describe(file);
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
      print(evaluation, images.name(), out);
      if (explain) {
        int count = runner.network().batch();
        PlanTable.print(runner.explain(runner.pixels(images, 0, count), count), count, result, out);
      }
      return result;
    }
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
}
