package dev.coppice.examples;

import dev.coppice.data.DataSet;
import dev.coppice.data.DataSets;
import dev.coppice.graph.Compression;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Initialization;
import dev.coppice.graph.Model;
import dev.coppice.graph.Notation;
import dev.coppice.graph.Op;
import dev.coppice.graph.Weights;
import dev.coppice.kernels.Kernels;
import dev.coppice.prune.Pruning;
import dev.coppice.prune.PruningSettings;
import dev.coppice.prune.Regrowth;
import dev.coppice.train.Engine;
import dev.coppice.train.Evaluation;
import dev.coppice.train.Trainer;
import dev.coppice.train.TrainingListener;
import dev.coppice.train.TrainingSettings;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;

/** Trains a network on handwritten digits while 95 % of its connections go, and saves it. */
final class TrainAndPrune {
  private TrainAndPrune() {}

  public static void main(String[] args) throws IOException {
    Path file = Path.of(args.length > 0 ? args[0] : "pruned.safetensors");
    DataSet digits = DataSets.load("digits", null);
    Op.Neuron neuron = Op.Neuron.decay();
    Graph graph = Notation.parse("16C3-32C3-P2-64C3-P2-FC10", digits.train().shape(), neuron);
    Weights initial = Weights.initialize(graph, 1, Initialization.KAIMING_NORMAL_FAN_OUT);

    TrainingSettings settings = TrainingSettings.builder().epochs(24).batchSize(32).build();
    long steps = (long) settings.epochs() * settings.stepsPerEpoch(digits.train().size());
    PruningSettings pruning =
        PruningSettings.builder()
            .sparsity(0.95)
            .regrowth(Regrowth.Criticality.paper(neuron.threshold()))
            .within(steps)
            .build();
    Pruning method =
        new Pruning(
            graph,
            pruning,
            settings.seed(),
            done ->
                System.out.printf(
                    Locale.ROOT,
                    "pruning %d after step %d: %.1f %% zeros, %d connections regrown%n",
                    done.iteration(),
                    done.step(),
                    100 * done.sparsity(),
                    done.regrown()));

    Engine.Options options = new Engine.Options("cpu", 1, Kernels.best());
    try (Engine engine = new Engine(graph, initial, settings.optimizer(), options)) {
      new Trainer(engine, digits, settings, method).run(TrainingListener.NONE, false);
      Evaluation test = Evaluation.of(engine, digits.test(), digits, settings);
      System.out.printf(
          Locale.ROOT, "accuracy %.2f %% on %d images%n", 100 * test.accuracy(), test.samples());
      new Model(graph, engine.weights(), Map.of()).save(file, Compression.SPARSE);
      System.out.println("saved in " + file);
    }
  }
}
