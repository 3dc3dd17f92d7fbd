package dev.coppice.cli;

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import dev.coppice.data.DataSet;
import dev.coppice.data.Encoder;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Model;
import dev.coppice.graph.Shape;
import dev.coppice.prune.channels.ChannelPruning;
import dev.coppice.prune.channels.KeptChannels;
import dev.coppice.train.Engine;
import dev.coppice.train.Evaluation;
import dev.coppice.train.Optimizer;
import dev.coppice.train.TrainingSettings;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Shows what a network consists of and what it costs to run. */
@Command(
    name = "inspect",
    description =
        "Shows the layers of a model, or of a network that is yet to be trained: shapes, parameters,"
            + " density, synaptic operations and energy. With --data, a model is run on the test"
            + " images, and operations are the effective ones.")
final class InspectCommand implements Callable<Integer> {
  private static final int DEFAULT_TIME_STEPS = 4;

  @Spec private CommandSpec spec = CommandSpec.create();
  @Mixin private final GlobalOptions global = new GlobalOptions();
  @Mixin private final NetworkOptions network = new NetworkOptions();
  @Mixin private final DataOptions data = new DataOptions();

  @Parameters(arity = "0..1", paramLabel = "MODEL", description = "a .safetensors file of Coppice")
  private @Nullable Path file;

  @Option(
      names = "--input",
      paramLabel = "HxWxC",
      converter = InputShape.class,
      description = "the shape of an image, for --net")
  private Shape.@Nullable Map input;

  @Option(
      names = "--classes",
      paramLabel = "N",
      description = "how many there are, for a network that goes by name (default: 10)")
  private int classes = 10;

  @Override
  public Integer call() throws IOException {
    JsonOutput.check(global.json);
    if (file == null) {
      Graph graph = described();
      show(Inspection.of(graph, null, KeptChannels.NONE, timeSteps(null), null), Map.of());
      return 0;
    }
    String given = input == null ? network.given() : "--input";
    if (given != null) {
      throw new UsageException(given + " does not go with a model, which brings its own network");
    }
    Model model = Model.load(file);
    Provenance.Stored stored = Provenance.read(model.metadata(), file.toString());
    KeptChannels kept = KeptChannels.of(model);
    int steps = timeSteps(stored.timeSteps());
    Evaluation evaluation = data.data == null ? null : evaluate(model, stored, steps);
    show(Inspection.of(model.graph(), model.weights(), kept, steps, evaluation), model.metadata());
    return 0;
  }

  private int timeSteps(@Nullable Integer stored) {
    Integer asked = network.timeSteps == null ? stored : network.timeSteps;
    int steps = asked == null ? DEFAULT_TIME_STEPS : asked;
    if (steps < 1 || steps > 10_000) {
      throw new UsageException("--T must lie between 1 and 10000, not " + steps);
    }
    return steps;
  }

  private Graph described() throws IOException {
    if (network.net == null) {
      throw new UsageException("expected a model file, or --net NET with --input HxWxC");
    }
    if (data.data != null) {
      if (input != null) {
        throw new UsageException("--input does not go with --data, which has its own shape");
      }
      return network.graph(data.load());
    }
    if (input == null) {
      throw new UsageException("--net " + network.net + " needs --input HxWxC, such as 32x32x3");
    }
    return network.graph(network.net, input, classes);
  }

  private Evaluation evaluate(Model model, Provenance.Stored stored, int steps) throws IOException {
    DataSet images = stored.normalized(model.graph(), data.load());
    TrainingSettings settings =
        TrainingSettings.builder()
            .timeSteps(steps)
            .encoder(Encoder.of(stored.encoder() == null ? "direct" : stored.encoder()))
            .seed(global.seed)
            .build();
    Optimizer none = new Optimizer.Sgd(0, false, 0);
    try (Engine engine = new Engine(model.graph(), model.weights(), none, global.engine())) {
      return Evaluation.of(engine, images.test(), images, settings);
    }
  }

  private void show(Inspection inspection, Map<String, String> metadata) {
    boolean measured = inspection.energyNanojoule() != null;
    boolean shrunk = inspection.layers().stream().anyMatch(layer -> layer.channels() != null);
    List<String> columns = new ArrayList<>(List.of("node", "op", "output"));
    if (shrunk) {
      columns.add("channels");
    }
    columns.addAll(List.of("parameters", "density %", "dense SOPs"));
    if (measured) {
      columns.addAll(List.of("effective SOPs", "energy nJ", "firing rate"));
    }
    Table table = new Table(3, columns.toArray(String[]::new));
    for (Inspection.Layer layer : inspection.layers()) {
      List<String> cells = new ArrayList<>(List.of(layer.node(), layer.op(), layer.output()));
      if (shrunk) {
        cells.add(channels(layer.channels()));
      }
      cells.add(blankZero(layer.parameters()));
      cells.add(layer.density() == null ? "" : decimals(100 * layer.density(), 2));
      cells.add(blankZero(layer.denseSops()));
      if (measured) {
        cells.add(layer.effectiveSops() == null ? "" : decimals(layer.effectiveSops(), 1));
        cells.add(layer.energyNanojoule() == null ? "" : decimals(layer.energyNanojoule(), 3));
        cells.add(layer.firingRate() == null ? "" : decimals(layer.firingRate(), 4));
      }
      table.add(cells.toArray(String[]::new));
    }
    List<String> total = new ArrayList<>(List.of("total", "", ""));
    if (shrunk) {
      total.add("");
    }
    total.add(grouped(inspection.parameters()));
    total.add(decimals(100 * inspection.density(), 2));
    total.add(grouped(inspection.denseSops()));
    if (measured) {
      total.add(inspection.sopsPerImage() == null ? "" : decimals(inspection.sopsPerImage(), 1));
      total.add(
          inspection.energyNanojoule() == null ? "" : decimals(inspection.energyNanojoule(), 3));
      total.add("");
    }
    table.add(total.toArray(String[]::new));
    PrintWriter out = spec.commandLine().getOut();
    table.print(out);
    out.printf(
        Locale.ROOT,
        "per image of %s over %d time steps; %s of %s weights are not zero%n",
        inspection.input(),
        inspection.timeSteps(),
        grouped(inspection.nonZero()),
        grouped(inspection.weights()));
    if (!inspection.removed().isEmpty()) {
      out.println(
          "gone with all channels: "
              + inspection.removed().entrySet().stream()
                  .map(layer -> layer.getKey() + " (" + layer.getValue() + ")")
                  .collect(Collectors.joining(", ")));
    }
    if (inspection.accuracy() != null && inspection.samples() != null) {
      out.printf(
          Locale.ROOT,
          "accuracy %.2f %% on %d images%n",
          100 * inspection.accuracy(),
          inspection.samples());
    }
    JsonObject provenance = provenance(metadata);
    if (!provenance.isEmpty()) {
      out.println();
      ResultFields.of(provenance).forEach((name, value) -> out.println(name + ": " + value));
    }
    write(inspection, provenance);
  }

  private void write(Inspection inspection, JsonObject provenance) {
    JsonObject json = new JsonObject();
    if (file != null) {
      json.addProperty("model", file.toString());
    } else {
      json.addProperty("net", network.net);
    }
    new Gson().toJsonTree(inspection).getAsJsonObject().asMap().forEach(json::add);
    json.add("provenance", provenance);
    JsonOutput.write(global.json, json);
  }

  /** Returns the metadata; what is JSON itself is not left as text. */
  private static JsonObject provenance(Map<String, String> metadata) {
    JsonObject json = new JsonObject();
    metadata.forEach((key, value) -> json.add(key, parsed(value)));
    json.remove(KeptChannels.KEY); // the layers tell it
    return json;
  }

  private static JsonElement parsed(String text) {
    try {
      return text.startsWith("{") ? JsonParser.parseString(text) : new JsonPrimitive(text);
    } catch (JsonParseException e) {
      return new JsonPrimitive(text);
    }
  }

  private static String channels(ChannelPruning.@Nullable Width channels) {
    return channels == null ? "" : channels.after() + " of " + channels.before();
  }

  private static String blankZero(long value) {
    return value == 0 ? "" : grouped(value);
  }

  private static String grouped(long value) {
    return String.format(Locale.ROOT, "%,d", value);
  }

  private static String decimals(double value, int digits) {
    return String.format(Locale.ROOT, "%,." + digits + "f", value);
  }
}
