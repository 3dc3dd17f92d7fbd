package dev.coppice.cli;

import com.google.gson.JsonObject;
import dev.coppice.data.DataSet;
import dev.coppice.data.Encoder;
import dev.coppice.graph.Model;
import dev.coppice.train.Engine;
import dev.coppice.train.Evaluation;
import dev.coppice.train.Operations;
import dev.coppice.train.Optimizer;
import dev.coppice.train.TrainingSettings;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code coppice evaluate}. */
@Command(
    name = "evaluate",
    description =
        "Evaluates a model on test images: by default those of the data it was trained on, encoded"
            + " and scaled as they were then.",
    sortOptions = false)
final class EvaluateCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();

  @Parameters(paramLabel = "MODEL", description = "a model file, such as runs/…/model.safetensors")
  private Path file = Path.of("model.safetensors");

  @Option(
      names = "--T",
      paramLabel = "N",
      description = "time steps (default: those of the training)")
  private @Nullable Integer timeSteps;

  @Option(
      names = "--encoder",
      paramLabel = "NAME",
      description = "direct, rate, latency or latency-log (default: that of the training)")
  private @Nullable String encoder;

  @Mixin private DataOptions data = new DataOptions();
  @Mixin private GlobalOptions global = new GlobalOptions();

  @Override
  public Integer call() throws IOException {
    JsonOutput.check(global.json);
    Model model = Provenance.load(file);
    Provenance.Stored stored = Provenance.read(model.metadata(), file.toString());
    if (data.data == null) {
      if (stored.data() == null) {
        throw new UsageException(
            file + " does not say what data it was trained on; name some by --data");
      }
      data.data = stored.data();
      data.dataDir = data.dataDir == null ? stored.dataDir() : data.dataDir;
      data.imageSize = data.imageSize == null ? stored.imageSize() : data.imageSize;
      data.testSamples = data.testSamples == null ? stored.testSamples() : data.testSamples;
    }
    timeSteps = timeSteps == null ? stored.timeSteps() : timeSteps;
    if (timeSteps == null) {
      throw new UsageException(file + " does not say its time steps; give them by --T");
    }
    encoder = Objects.requireNonNullElse(encoder == null ? stored.encoder() : encoder, "direct");
    TrainingSettings settings =
        TrainingSettings.builder()
            .timeSteps(timeSteps)
            .encoder(Encoder.of(encoder))
            .seed(global.seed)
            .build();
    Engine.Options options = global.engine();
    DataSet images = stored.normalized(model.graph(), data.load());
    try (Engine engine =
        new Engine(model.graph(), model.weights(), new Optimizer.Sgd(0, false, 0), options)) {
      Evaluation evaluation = Evaluation.of(engine, images.test(), images, settings);
      JsonObject result = new JsonObject();
      ModelSummary summary = ModelSummary.of(model.graph(), model.weights());
      summary.addEvaluation(result, model.graph(), evaluation);
      summary.addTo(result);
      result.addProperty("seconds", evaluation.seconds());
      result.addProperty("imagesPerSecond", evaluation.imagesPerSecond());
      result.addProperty("model", file.toAbsolutePath().normalize().toString());
      result.addProperty("data", images.name());
      result.addProperty("T", timeSteps);
      result.addProperty("encoder", encoder);
      print(result, evaluation, summary, spec.commandLine().getOut());
      JsonOutput.write(global.json, result);
    }
    return 0;
  }

  private static void print(
      JsonObject result, Evaluation evaluation, ModelSummary summary, PrintWriter out) {
    out.printf(
        Locale.ROOT,
        "accuracy %.2f %% on %d images of %s, %.0f images/s%n",
        100 * evaluation.accuracy(),
        evaluation.samples(),
        result.get("data").getAsString(),
        evaluation.imagesPerSecond());
    out.printf(
        Locale.ROOT,
        "parameters %,d, not zero %,d, sparsity %.2f %%%n",
        summary.parameters(),
        summary.nonZero(),
        100 * summary.sparsity());
    out.printf(
        Locale.ROOT,
        "synaptic operations per image %,.0f, energy %.1f nJ%n",
        evaluation.operations().synaptic(),
        evaluation.operations().nanojoules());
    Table layers = new Table("layer", "density", "accumulates", "multiply-acc.", "dense");
    for (Operations.Layer layer : evaluation.operations().layers()) {
      layers.add(
          layer.node(),
          String.format(
              Locale.ROOT, "%.2f %%", 100 * summary.density().getOrDefault(layer.node(), 0.0)),
          String.format(Locale.ROOT, "%,.0f", layer.effectiveAcs()),
          String.format(Locale.ROOT, "%,.0f", layer.effectiveMacs()),
          String.format(Locale.ROOT, "%,.0f", layer.dense()));
    }
    layers.print(out);
    Table rates = new Table("neurons", "firing rate");
    evaluation
        .firingRates()
        .forEach((name, rate) -> rates.add(name, String.format(Locale.ROOT, "%.4f", rate)));
    rates.print(out);
  }
}
