package dev.coppice.cli;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import dev.coppice.data.DataSet;
import dev.coppice.graph.Compression;
import dev.coppice.graph.Model;
import dev.coppice.graph.Quantization;
import dev.coppice.graph.SpikeDensities;
import dev.coppice.graph.Tensor;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code coppice export}. */
@Command(
    name = "export",
    description =
        "Writes a model as a small file for programs that run it: only the weights that are not"
            + " zero, in eight bits if asked for. With --data, or if the model was trained on the"
            + " bundled digits, it is run on the test images to see what that costs.",
    sortOptions = false)
final class ExportCommand implements Callable<Integer> {
  private static final Gson GSON = new Gson();
  private static final String BUNDLED = "digits";

  @Spec private CommandSpec spec = CommandSpec.create();

  @Parameters(paramLabel = "MODEL", description = "a model file, such as runs/…/model.safetensors")
  private Path file = Path.of("model.safetensors");

  @Option(
      names = {"-o", "--output"},
      required = true,
      paramLabel = "FILE",
      description = "the file to write; one that is there is replaced")
  private Path output = Path.of("exported.safetensors");

  @Option(
      names = "--int8",
      description = "store weights in eight bits, with a scale for each output channel")
  private boolean int8;

  @Mixin private RuntimeOptions runtime = new RuntimeOptions();
  @Mixin private DataOptions data = new DataOptions();
  @Mixin private GlobalOptions global = new GlobalOptions();

  /** How the model does on test images, as it was and as it is exported. */
  private record Comparison(
      String data, ModelRunner.Evaluation before, ModelRunner.Evaluation after) {}

  @Override
  public Integer call() throws IOException {
    JsonOutput.check(global.json);
    OutputFile.check("--output", output);
    if (OutputFile.isSpecial(output)) {
      throw new UsageException("--output " + output + ": is not a file");
    }
    Model model = Provenance.load(file);
    if (Files.exists(output) && Files.isSameFile(file, output)) {
      throw new UsageException("--output " + output + ": is the model itself; name another file");
    }
    long bytesBefore = Files.size(file);
    Model exported = int8 ? Quantization.int8(model) : model;
    Comparison comparison = compare(model, exported);
    if (comparison != null) {
      exported = SpikeDensities.add(exported, comparison.after().firingRate());
    }
    try {
      exported.save(output, Compression.COMPACT);
    } catch (IOException e) {
      throw new RunFailedException(
          "the model could not be written to " + output + ": " + Failure.describe(e), e);
    }
    JsonObject result = new JsonObject();
    result.addProperty("model", file.toAbsolutePath().normalize().toString());
    result.addProperty("output", output.toAbsolutePath().normalize().toString());
    result.addProperty("int8", int8);
    result.addProperty("bytesBefore", bytesBefore);
    result.addProperty("bytesAfter", Files.size(output));
    result.addProperty("bytesInFull", bytesInFull(exported));
    Map<String, Double> density = density(exported);
    result.add("densityByLayer", GSON.toJsonTree(density));
    if (comparison != null) {
      result.addProperty("data", comparison.data());
      result.addProperty("samples", comparison.after().samples());
      result.addProperty("accuracyBefore", comparison.before().accuracy());
      result.addProperty("accuracyAfter", comparison.after().accuracy());
      result.add("spikeDensity", GSON.toJsonTree(comparison.after().firingRate()));
    }
    print(result, density, comparison);
    JsonOutput.write(global.json, result);
    return 0;
  }

  /**
   * Runs both on the test images; returns null if there are none that the user named or all have.
   */
  private @Nullable Comparison compare(Model model, Model exported) throws IOException {
    Provenance.Stored stored = Provenance.read(model.metadata(), file.toString());
    if (data.data == null && BUNDLED.equals(stored.data())) {
      data.data = BUNDLED;
      data.testSamples = data.testSamples == null ? stored.testSamples() : data.testSamples;
    }
    if (data.data == null) {
      return null;
    }
    DataSet images = stored.normalized(model.graph(), data.load());
    ModelRunner.Evaluation after = evaluate(exported, images);
    return new Comparison(images.name(), int8 ? evaluate(model, images) : after, after);
  }

  private ModelRunner.Evaluation evaluate(Model model, DataSet images) {
    try (ModelRunner runner = runtime.runner(model, images.test().size(), global)) {
      return runner.evaluate(images);
    }
  }

  private static long bytesInFull(Model model) {
    long values = 0;
    for (Tensor tensor : model.weights().asMap().values()) {
      values += tensor.size();
    }
    return values * Float.BYTES;
  }

  private static Map<String, Double> density(Model model) {
    Map<String, Double> density = new LinkedHashMap<>();
    model
        .weights()
        .asMap()
        .forEach(
            (name, tensor) -> {
              if (tensor.shape().length > 1) {
                density.put(
                    name.substring(0, name.lastIndexOf('.')),
                    tensor.countNonZero() / (double) tensor.size());
              }
            });
    return density;
  }

  private void print(
      JsonObject result, Map<String, Double> density, @Nullable Comparison comparison) {
    PrintWriter out = spec.commandLine().getOut();
    long after = result.get("bytesAfter").getAsLong();
    long full = result.get("bytesInFull").getAsLong();
    out.printf(
        Locale.ROOT,
        "%,d bytes, %.1f %% of %,d for all values as floats; %s has %,d%n",
        after,
        100.0 * after / full,
        full,
        file,
        result.get("bytesBefore").getAsLong());
    if (comparison != null) {
      out.printf(
          Locale.ROOT,
          "accuracy %.2f %%, before %.2f %%, on %d images of %s%n",
          100 * comparison.after().accuracy(),
          100 * comparison.before().accuracy(),
          comparison.after().samples(),
          comparison.data());
    }
    Table layers = new Table("layer", "density");
    density.forEach(
        (name, share) -> layers.add(name, String.format(Locale.ROOT, "%.2f %%", 100 * share)));
    layers.print(out);
    if (comparison != null) {
      Table neurons = new Table("neurons", "spikes per time step");
      comparison
          .after()
          .firingRate()
          .forEach((name, rate) -> neurons.add(name, String.format(Locale.ROOT, "%.4f", rate)));
      neurons.print(out);
    }
    out.println("model: " + output);
  }
}
