package dev.coppice.cli;

import com.google.gson.JsonObject;
import dev.coppice.train.Engine;
import dev.coppice.graph.Shape;
import java.io.IOException;
import java.io.PrintWriter;
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
  private static final String SPIKINGJELLY = "spikingjelly";

  @Spec private CommandSpec spec = CommandSpec.create();
  @Mixin private final GlobalOptions global = new GlobalOptions();

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
  private int warmup = 5;

  @Option(
      names = "--steps",
      paramLabel = "N",
      description = "steps that are counted (default: ${DEFAULT-VALUE})")
  private int steps = 15;

  @Option(
      names = "--score-overhead",
      description = "also measure what it costs to score the criticality of all neurons in a step")
  private boolean scoreOverhead;

  @Option(
      names = "--peer",
      paramLabel = "NAME",
      description = "measure another library on the same work: spikingjelly")
  private @Nullable String peer;

  @Option(
      names = "--python",
      paramLabel = "PATH",
      description = "the Python that has the peer installed (default: ${DEFAULT-VALUE})")
  private String python = "python3";

  @Option(
      names = "--peer-settings",
      paramLabel = "SETTING",
      split = ",",
      description = "which of the peer's settings to try (default: all; the fastest one counts)")
  private List<String> peerSettings = new ArrayList<>();

  @Override
  public Integer call() throws IOException {
    JsonOutput.check(global.json);
    Engine.Options engine = global.engine();
    BenchSettings settings =
        new BenchSettings(
            net,
            input,
            timeSteps,
            batch,
            engine.device(),
            engine.threads(),
            warmup,
            steps,
            global.seed);
    var _ = settings.graph();
    PeerScript script = peer == null ? null : script(peer);
    PrintWriter err = spec.commandLine().getErr();
    MeasuringProcess process = new MeasuringProcess(settings);

    List<TrainMeasurement.Figures> runs = new ArrayList<>();
    err.println("measuring coppice");
    runs.add(process.train());
    JsonObject other = null;
    if (script != null) {
      err.println("measuring " + peer);
      other = script.run(settings.arguments(), peerSettings, err);
      err.println("measuring coppice again");
      runs.add(process.train());
    }
    TrainMeasurement.Overhead overhead = null;
    if (scoreOverhead) {
      err.println("measuring the cost of scores");
      overhead = process.overhead();
    }
    BenchResult result = new BenchResult(settings, runs, other, overhead);
    result.print(spec.commandLine().getOut());
    JsonOutput.write(global.json, result.json());
    return 0;
  }

  private PeerScript script(String name) {
    if (!name.equals(SPIKINGJELLY)) {
      throw new UsageException("--peer: expected " + SPIKINGJELLY + ", found \"" + name + "\"");
    }
    if (!global.device.equals("cpu")) {
      throw new UsageException("--peer goes with --device cpu only, not " + global.device);
    }
    return PeerScript.find(SPIKINGJELLY, python);
  }
}
