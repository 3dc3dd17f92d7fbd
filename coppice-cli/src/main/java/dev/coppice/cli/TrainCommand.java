package dev.coppice.cli;

import com.google.gson.JsonObject;
import dev.coppice.data.DataSet;
import dev.coppice.graph.Compression;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Weights;
import dev.coppice.train.Engine;
import dev.coppice.train.Seeds;
import dev.coppice.train.TrainingMethod;
import dev.coppice.train.TrainingSettings;
import java.io.IOException;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code coppice train}. */
@Command(
    name = "train",
    description = "Trains a network and saves it as one file.",
    sortOptions = false)
final class TrainCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();
  @Mixin private DataOptions data = new DataOptions();
  @Mixin private NetworkOptions network = new NetworkOptions();
  @Mixin private TrainingOptions training = new TrainingOptions();
  @Mixin private RunOptions run = new RunOptions();
  @Mixin private ConvolutionOptions convolutions = new ConvolutionOptions();
  @Mixin private GlobalOptions global = new GlobalOptions();

  @Override
  public Integer call() throws IOException {
    JsonOutput.check(global.json);
    data.resolve();
    DataDefaults defaults = DataDefaults.of(data.name());
    network.resolve(defaults);
    training.resolve(defaults);
    TrainingSettings settings =
        training.settings(Objects.requireNonNull(network.timeSteps), global.seed);
    Engine.Options engine = convolutions.engine(global);
    DataSet images = data.load();
    Graph graph = network.graph(images, settings.batchSize());
    Weights initial =
        Weights.initialize(graph, Seeds.INITIALIZATION.at(global.seed, 0), training.init);
    RunDirectory directory = run.directory(spec);
    TrainingRun training =
        new TrainingRun(
            directory,
            "train",
            Configuration.identity(spec),
            graph,
            initial,
            Map.of(),
            images,
            settings,
            TrainingMethod.NONE,
            engine,
            run.checkpointInterval,
            Compression.DENSE,
            Provenance.of(
                "train", images, images.normalization(), Configuration.values(spec), engine));
    JsonObject result =
        training.execute(run.resumed() != null, spec.commandLine().getErr(), (_, _) -> {});
    RunReport.print(result, spec.commandLine().getOut());
    JsonOutput.write(global.json, result);
    return 0;
  }
}
