package dev.coppice.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.coppice.data.DataSet;
import dev.coppice.data.DataSets;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Initialization;
import dev.coppice.graph.Notation;
import dev.coppice.graph.Op;
import dev.coppice.graph.Weights;
import dev.coppice.kernels.Kernels;
import dev.coppice.train.ConvolutionPath;
import dev.coppice.train.Engine;
import dev.coppice.train.EpochMetrics;
import dev.coppice.train.Optimizer;
import dev.coppice.train.Trainer;
import dev.coppice.train.TrainingListener;
import dev.coppice.train.TrainingSettings;
import java.io.IOException;
import java.util.Objects;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** A whole run of pruning and fine-tuning, by surviving weights alone and with all weights. */
class SparseTrainingTest {
  private static EpochMetrics run(ConvolutionPath path, Regrowth regrowth) throws IOException {
    DataSet data = DataSets.load("digits", null, OptionalInt.empty());
    Graph graph =
        Notation.parse("8C3-16C3-P2-16C3-P2-FC10", data.train().shape(), Op.Neuron.decay());
    TrainingSettings training =
        TrainingSettings.builder()
            .timeSteps(2)
            .batchSize(32)
            .epochs(6)
            .learningRate(0.1)
            .optimizer(new Optimizer.Sgd(0.9f, false, 1e-4f))
            .evaluateEvery(6)
            .seed(3)
            .build();
    int perEpoch = training.stepsPerEpoch(data.train().size());
    PruningSettings settings =
        PruningSettings.builder()
            .sparsity(0.9)
            .iterations(6)
            .interval(perEpoch / 2)
            .start(perEpoch)
            .regrowth(regrowth)
            .window(2)
            .build();
    Weights weights = Weights.initialize(graph, 3, Initialization.KAIMING_NORMAL_FAN_IN);
    Engine.Options options = new Engine.Options("cpu", 1, Kernels.best(), path);
    try (Engine engine = new Engine(graph, weights, training.optimizer(), options)) {
      Pruning pruning = new Pruning(graph, settings, 3, done -> {});
      Trainer.Outcome outcome =
          new Trainer(engine, data, training, pruning).run(new TrainingListener() {}, false);
      return Objects.requireNonNull(outcome.last());
    }
  }

  @Test
  void runsEndWithTheSameAccuracyWhicheverWayTheyAreComputed() throws IOException {
    for (Regrowth regrowth :
        new Regrowth[] {Regrowth.Criticality.paper(0.5f), new Regrowth.Gradient()}) {
      EpochMetrics dense = run(ConvolutionPath.DENSE, regrowth);
      EpochMetrics sparse = run(ConvolutionPath.SPARSE, regrowth);
      assertThat(sparse.sparsity()).isCloseTo(dense.sparsity(), within(1e-6));
      assertThat(sparse.sparsity()).isGreaterThan(0.85);
      double expected = Objects.requireNonNull(dense.test()).accuracy();
      assertThat(expected).isGreaterThan(0.7);
      // Seeds differ by two or three points here.
      assertThat(Objects.requireNonNull(sparse.test()).accuracy())
          .isCloseTo(expected, within(0.06));
    }
  }
}
