package dev.coppice.cli;

import com.google.gson.JsonObject;
import dev.coppice.graph.Shape;
import dev.coppice.train.Engine;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Measures how fast a network trains. */
@Command(
    name = "train",
    description =
        "Measures how fast a network trains on random images, and how much memory that takes.")
final class BenchTrainCommand implements Callable<Integer> {
  private static final int MAX_ROUNDS = 1000;

  @Spec private CommandSpec spec = CommandSpec.create();
  @Mixin private final GlobalOptions global = new GlobalOptions();
  @Mixin private final PeerOptions peer = new PeerOptions();

  @Option(
      names = "--net",
      paramLabel = "NET",
      description = "the network in notation (default: ${DEFAULT-VALUE})")
  private String net = "64C3-64C3-P2-128C3-128C3-P2-256C3-256C3-P2-FC10";

  @Option(
      names = "--input",
      paramLabel = "HxWxC",
      converter = InputShape.class,
      description = "the shape of an image (default: ${DEFAULT-VALUE})")
  private Shape.Map input = new Shape.Map(32, 32, 3);

  @Option(names = "--T", paramLabel = "N", description = "time steps (default: ${DEFAULT-VALUE})")
  private int timeSteps = 4;

  @Option(
      names = "--batch",
      paramLabel = "N",
      description = "images in a step (default: ${DEFAULT-VALUE})")
  private int batch = 16;

  @Option(
      names = "--warmup",
      paramLabel = "N",
      description = "steps that are not counted (default: ${DEFAULT-VALUE})")
  private int warmup = 30;

  @Option(
      names = "--steps",
      paramLabel = "N",
      description = "steps that are counted (default: ${DEFAULT-VALUE})")
  private int steps = 15;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      description =
          "how often everything is measured, the peer in between; the median counts"
              + " (default: ${DEFAULT-VALUE})")
  private int rounds = 1;

  @Option(
      names = "--sparsity",
      paramLabel = "X|N:M",
      split = ",",
      converter = BenchSparsity.Reader.class,
      description =
          "the part of every layer's weights that is pruned, or a pattern that leaves N of every M,"
              + " or several, each measured by itself (default: 0)")
  private List<BenchSparsity> sparsities = List.of(BenchSparsity.NONE);

  @Option(
      names = "--channels",
      description =
          "prune whole channels: every layer loses 1 - sqrt(1 - X) of those that it makes and of"
              + " those that it reads")
  private boolean channels;

  @Option(
      names = "--firing-rate",
      paramLabel = "X",
      description =
          "spikes per neuron and time step in all layers when training begins (default: as new"
              + " weights fire)")
  private @Nullable Double firingRate;

  @Mixin private ConvolutionOptions convolutions = new ConvolutionOptions();

  @Option(
      names = "--explain",
      description = "also measure every layer: the way it runs, why, and its time")
  private boolean explain;

  @Option(
      names = "--score-overhead",
      description = "also measure what it costs to score the criticality of all neurons in a step")
  private boolean scoreOverhead;

  @Override
  public Integer call() throws IOException {
    JsonOutput.check(global.json);
    BenchSettings.check("--rounds", rounds, MAX_ROUNDS);
    Engine.Options options = convolutions.engine(global);
    BenchSettings settings =
        new BenchSettings(
            net,
            input,
            timeSteps,
            batch,
            options.device(),
            options.threads(),
            warmup,
            steps,
            global.seed,
            sparsities.getFirst(),
            channels,
            firingRate,
            options.convolutions(),
            explain);
    List<BenchSettings> rows = sparsities.stream().map(settings::at).toList();
    var _ = settings.graph();
    PeerScript script = peer.script("train", global.device);
    PrintWriter err = spec.commandLine().getErr();

    List<List<TrainMeasurement.Figures>> runs =
        rows.stream().<List<TrainMeasurement.Figures>>map(row -> new ArrayList<>()).toList();
    List<JsonObject> peers = new ArrayList<>();
    TrainMeasurement.Overhead overhead = null;
    try (BenchModels models = new BenchModels(options)) {
      measureRows(rows, runs, models, "", err);
      for (int round = 1; round <= rounds; round++) {
        if (script != null) {
          err.println("measuring " + peer.peer);
          Path dense = models.of(settings.at(BenchSparsity.NONE));
          peers.add(script.run(settings.arguments(dense), peerSettings(peers), err));
        }
        if (script != null || round < rounds) {
          measureRows(rows, runs, models, " again", err);
        }
      }
      if (scoreOverhead) {
        err.println("measuring the cost of scores");
        overhead = measure(settings, models, TrainMeasurement.Overhead.class, "overhead");
      }
    }
    List<BenchResult.Row> measured = new ArrayList<>();
    for (int i = 0; i < rows.size(); i++) {
      measured.add(new BenchResult.Row(rows.get(i), runs.get(i)));
    }
    BenchResult result = new BenchResult(measured, peers, overhead);
    if (result.disturbed()) {
      err.println(BenchResult.DISTURBED);
    }
    result.print(spec.commandLine().getOut());
    JsonOutput.write(global.json, result.json());
    return 0;
  }

  private static void measureRows(
      List<BenchSettings> rows,
      List<List<TrainMeasurement.Figures>> runs,
      BenchModels models,
      String again,
      PrintWriter err)
      throws IOException {
    for (int i = 0; i < rows.size(); i++) {
      err.println("measuring coppice" + again + (rows.size() > 1 ? rows.get(i).where() : ""));
      runs.get(i).add(train(rows.get(i), models));
    }
  }

  /** The settings to try: after the first round the best one alone. */
  private List<String> peerSettings(List<JsonObject> measured) {
    return measured.isEmpty()
        ? peer.settings
        : List.of(measured.getFirst().get("setting").getAsString());
  }

  private static TrainMeasurement.Figures train(BenchSettings settings, BenchModels models)
      throws IOException {
    return measure(settings, models, TrainMeasurement.Figures.class, "train");
  }

  private static <T> T measure(
      BenchSettings settings, BenchModels models, Class<T> type, String mode) throws IOException {
    return MeasuringProcess.run(
        TrainMeasurement.class, settings, type, models.of(settings).toString(), mode);
  }
}
