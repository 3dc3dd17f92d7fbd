package dev.coppice.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.coppice.data.Augmentation;
import dev.coppice.data.DataSet;
import dev.coppice.data.Encoder;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Op;
import dev.coppice.graph.Safetensors;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TrainerTest {
  /** 13 images in batches of 5: the last batch of an epoch is smaller. */
  private static final DataSet DATA = Small.data(13, 6);

  private static final int PER_EPOCH = 3;
  private static final Graph GRAPH =
      Graph.builder(Small.IMAGE)
          .add("conv", Op.Conv2d.same(2, 4, 3, 1))
          .add("bn", Op.BatchNorm.of(4))
          .add("neuron", Small.NEURON)
          .add("dropout", new Op.Dropout(0.2f))
          .add("flatten", new Op.Flatten())
          .add("fc", new Op.Linear(4 * 36, Small.CLASSES, true))
          .build();

  @TempDir Path folder;

  /** Everything random there is: shuffling, augmentation, encoding and dropout. */
  private static TrainingSettings.Builder settings() {
    return TrainingSettings.builder()
        .timeSteps(2)
        .batchSize(5)
        .epochs(4)
        .learningRate(0.02)
        .warmUpEpochs(1)
        .augmentation(new Augmentation(1, true, 2))
        .evaluateEvery(2)
        .seed(7);
  }

  private Trainer.Checkpoints checkpoints(int every) {
    return new Trainer.Checkpoints(folder.resolve("checkpoints"), every, "print", Map.of("k", "v"));
  }

  private static Engine engine(Optimizer optimizer) {
    return Small.engine(GRAPH, Small.weights(GRAPH, 3), optimizer);
  }

  /** What a run leaves behind, without its times. */
  private record End(Weights weights, List<String> history, long steps) {}

  private static End end(Engine engine, Trainer.Outcome outcome) {
    List<String> untimed = new ArrayList<>();
    for (String line : outcome.csv()) {
      List<String> fields = new ArrayList<>(List.of(line.split(",", -1)));
      assertThat(fields).hasSameSizeAs(EpochMetrics.csvHeader().split(","));
      fields.subList(6, 9).clear();
      untimed.add(String.join(",", fields));
    }
    return new End(engine.weights(), untimed, outcome.steps());
  }

  private static End uninterrupted(TrainingSettings settings) throws IOException {
    try (Engine engine = engine(settings.optimizer())) {
      Trainer trainer = new Trainer(engine, DATA, settings, TrainingMethod.NONE);
      return end(engine, trainer.run(TrainingListener.NONE, false));
    }
  }

  /** Runs until the given step, then on from the checkpoint in a fresh engine, and so on. */
  private End interrupted(TrainingSettings settings, int every, long... stops) throws IOException {
    for (int i = 0; i <= stops.length; i++) {
      long stop = i < stops.length ? stops[i] : -1;
      try (Engine engine = engine(settings.optimizer())) {
        Trainer trainer =
            new Trainer(engine, DATA, settings, TrainingMethod.NONE, checkpoints(every));
        Trainer.Outcome outcome = trainer.run(stopAt(trainer, stop), i > 0);
        if (stop < 0) {
          assertThat(outcome.completed()).isTrue();
          return end(engine, outcome);
        }
        assertThat(outcome.completed()).isFalse();
        assertThat(outcome.steps()).isEqualTo(stop);
      }
    }
    throw new AssertionError("a run without an end");
  }

  private static TrainingListener stopAt(Trainer trainer, long stop) {
    return new TrainingListener() {
      @Override
      public void onStep(long step, long totalSteps, double loss) {
        if (step == stop) {
          trainer.requestStop();
        }
      }
    };
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 9, 11, 12})
  void aRunStoppedAndResumedEndsTheSame(long stop) throws IOException {
    TrainingSettings settings = settings().build();
    assertThat(interrupted(settings, 1000, stop)).isEqualTo(uninterrupted(settings));
  }

  @Test
  void aRunMayBeStoppedOften() throws IOException {
    for (Optimizer optimizer :
        List.of(
            new Optimizer.Adam(0.9f, 0.999f, 1e-8f, 1e-3f),
            new Optimizer.AdamW(0.9f, 0.999f, 1e-8f, 1e-3f))) {
      TrainingSettings settings =
          settings().optimizer(optimizer).encoder(new Encoder.PoissonRate()).build();
      folder = Files.createTempDirectory(folder, "run");
      assertThat(interrupted(settings, 2, 2, 3, 8)).isEqualTo(uninterrupted(settings));
    }
  }

  /** A kill leaves the newest checkpoint, made a few steps before. */
  @Test
  void aKilledRunGoesOnFromItsCheckpoint() throws IOException {
    TrainingSettings settings = settings().build();
    long killAt = new SplittableRandom(5).nextLong(3, 12);
    try (Engine engine = engine(settings.optimizer())) {
      Trainer trainer = new Trainer(engine, DATA, settings, TrainingMethod.NONE, checkpoints(2));
      TrainingListener kill =
          new TrainingListener() {
            @Override
            public void onStep(long step, long totalSteps, double loss) {
              if (step == killAt) {
                throw new IllegalStateException("killed");
              }
            }
          };
      assertThatThrownBy(() -> trainer.run(kill, false)).hasMessage("killed");
    }
    try (Engine engine = engine(settings.optimizer())) {
      Trainer trainer = new Trainer(engine, DATA, settings, TrainingMethod.NONE, checkpoints(2));
      assertThat(end(engine, trainer.run(TrainingListener.NONE, true)))
          .isEqualTo(uninterrupted(settings));
    }
  }

  @Test
  void aFinishedRunStaysFinished() throws IOException {
    TrainingSettings settings = settings().build();
    End first = interrupted(settings, 1000);
    try (Engine engine = engine(settings.optimizer())) {
      Trainer trainer = new Trainer(engine, DATA, settings, TrainingMethod.NONE, checkpoints(1000));
      assertThat(end(engine, trainer.run(TrainingListener.NONE, true))).isEqualTo(first);
    }
  }

  @Test
  void withoutACheckpointAResumedRunStarts() throws IOException {
    TrainingSettings settings = settings().build();
    try (Engine engine = engine(settings.optimizer())) {
      Trainer trainer = new Trainer(engine, DATA, settings, TrainingMethod.NONE, checkpoints(1000));
      assertThat(end(engine, trainer.run(TrainingListener.NONE, true)))
          .isEqualTo(uninterrupted(settings));
    }
  }

  @Test
  void anotherSeedGivesAnotherRun() throws IOException {
    assertThat(uninterrupted(settings().seed(8).build()).weights())
        .isNotEqualTo(uninterrupted(settings().build()).weights());
  }

  @Test
  void trainingLearnsAndReportsIt() throws IOException {
    DataSet data = Small.data(60, 30);
    TrainingSettings settings =
        settings()
            .epochs(10)
            .learningRate(0.1)
            .batchSize(10)
            .augmentation(Augmentation.NONE)
            .build();
    List<EpochMetrics> epochs = new ArrayList<>();
    try (Engine engine = engine(settings.optimizer())) {
      Trainer trainer = new Trainer(engine, data, settings, TrainingMethod.NONE);
      Trainer.Outcome outcome =
          trainer.run(
              new TrainingListener() {
                @Override
                public void onEpoch(EpochMetrics metrics) {
                  epochs.add(metrics);
                }
              },
              false);
      assertThat(outcome.steps()).isEqualTo(60).isEqualTo(trainer.totalSteps());
      assertThat(epochs.getLast()).isEqualTo(outcome.last());
    }
    assertThat(epochs).hasSize(10);
    for (EpochMetrics metrics : epochs) {
      assertThat(metrics.test() != null).isEqualTo(metrics.epoch() % 2 == 0);
      assertThat(metrics.step()).isEqualTo(6L * metrics.epoch());
    }
    Evaluation test = Objects.requireNonNull(epochs.getLast().test());
    assertThat(test.accuracy()).isGreaterThan(0.9);
    assertThat(epochs.getLast().loss()).isLessThan(epochs.getFirst().loss());
  }

  private List<String> entries() throws IOException {
    try (Stream<Path> all = Files.list(folder.resolve("checkpoints"))) {
      return all.map(path -> String.valueOf(path.getFileName())).sorted().toList();
    }
  }

  @Test
  void onlyTheNewestTwoCheckpointsAreKept() throws IOException {
    interrupted(settings().build(), 1, 7);
    assertThat(entries()).containsExactly("step-0000000011", "step-0000000012");
  }

  @Test
  void aFailedCheckpointLeavesNothing() throws IOException {
    TrainingMethod broken =
        new TrainingMethod() {
          @Override
          public State state() {
            throw new IllegalArgumentException("no state");
          }
        };
    TrainingMethod unwritable =
        new TrainingMethod() {
          @Override
          public State state() {
            return new State(Map.of("__metadata__", Tensor.of(1)), Map.of());
          }
        };
    for (TrainingMethod method : List.of(broken, unwritable)) {
      folder = Files.createTempDirectory(folder, "run");
      Files.createDirectories(folder.resolve("checkpoints"));
      try (Engine engine = engine(Small.PLAIN)) {
        Trainer trainer = new Trainer(engine, DATA, settings().build(), method, checkpoints(1));
        assertThatThrownBy(() -> trainer.run(TrainingListener.NONE, false)).isNotNull();
      }
      assertThat(entries()).isEmpty();
    }
  }

  @Test
  void checkpointsNeedAFolder() throws IOException {
    Files.writeString(folder.resolve("checkpoints"), "a file");
    try (Engine engine = engine(Small.PLAIN)) {
      Trainer trainer =
          new Trainer(engine, DATA, settings().build(), TrainingMethod.NONE, checkpoints(1));
      assertThatIOException().isThrownBy(() -> trainer.run(TrainingListener.NONE, false));
    }
  }

  /** Stops a run after its second step, with one checkpoint, or after its fourth, with two. */
  private void stopped(long step) throws IOException {
    folder = Files.createTempDirectory(folder, "run");
    TrainingSettings settings = settings().build();
    try (Engine engine = engine(settings.optimizer())) {
      Trainer trainer = new Trainer(engine, DATA, settings, TrainingMethod.NONE, checkpoints(99));
      trainer.run(stopAt(trainer, step), false);
    }
  }

  /** Stops a run, damages its only checkpoint, and returns what resuming says. */
  private IOException damaged(Damage damage) throws IOException {
    stopped(2);
    TrainingSettings settings = settings().build();
    damage.to(folder.resolve("checkpoints/step-0000000002"));
    try (Engine engine = engine(settings.optimizer())) {
      Trainer trainer = new Trainer(engine, DATA, settings, TrainingMethod.NONE, checkpoints(99));
      trainer.run(TrainingListener.NONE, true);
    } catch (IOException e) {
      assertThat(e.getMessage()).isNotBlank().doesNotContain("\n");
      return e;
    }
    throw new AssertionError("the damage went unnoticed");
  }

  private interface Damage {
    void to(Path checkpoint) throws IOException;
  }

  private static Damage progress(String member, Number value) {
    return checkpoint -> {
      Path file = checkpoint.resolve("checkpoint.json");
      JsonObject json = JsonParser.parseString(Files.readString(file)).getAsJsonObject();
      json.addProperty(member, value);
      Files.writeString(file, json.toString());
    };
  }

  private static Damage truncated(String file) {
    return checkpoint -> {
      byte[] bytes = Files.readAllBytes(checkpoint.resolve(file));
      Files.write(checkpoint.resolve(file), java.util.Arrays.copyOf(bytes, bytes.length / 2));
    };
  }

  @Test
  void truncatedFilesAreRefused() throws IOException {
    for (String file : List.of("checkpoint.json", "model.safetensors", "optimizer.safetensors")) {
      assertThat(damaged(truncated(file))).hasMessageContaining(file);
    }
  }

  @Test
  void missingFilesAreRefused() throws IOException {
    for (String file :
        List.of(
            "checkpoint.json",
            "model.safetensors",
            "optimizer.safetensors",
            "method.safetensors")) {
      assertThat(damaged(checkpoint -> Files.delete(checkpoint.resolve(file))))
          .hasMessageContaining(file);
    }
  }

  @Test
  void progressThatMakesNoSenseIsRefused() throws IOException {
    for (Damage damage :
        List.of(
            progress("batch", PER_EPOCH + 1),
            progress("batch", -1),
            progress("epoch", 3),
            progress("step", 5))) {
      assertThat(damaged(damage)).hasMessageContaining("is damaged: its step, epoch and batch");
    }
    assertThat(
            damaged(
                checkpoint -> Files.writeString(checkpoint.resolve("checkpoint.json"), "[1, 2]")))
        .hasMessageContaining("checkpoint.json is not as written");
    assertThat(
            damaged(checkpoint -> Files.writeString(checkpoint.resolve("checkpoint.json"), "{}")))
        .hasMessageContaining("checkpoint.json is not as written");
  }

  private static Damage replaced(String file, String tensor, Tensor by) {
    return checkpoint -> {
      Safetensors.Content content = Safetensors.read(checkpoint.resolve(file));
      Map<String, Safetensors.Array> arrays = new LinkedHashMap<>(content.arrays());
      arrays.put(tensor, Safetensors.Array.of(by));
      Safetensors.write(checkpoint.resolve(file), content.metadata(), new LinkedHashMap<>(arrays));
    };
  }

  @Test
  void tensorsOfAnotherSizeAreRefused() throws IOException {
    assertThat(damaged(replaced("model.safetensors", "fc.bias", Tensor.of(1, 2))))
        .hasMessageContaining("fc.bias");
    assertThat(damaged(replaced("optimizer.safetensors", "optimizer.0", Tensor.of(1, 2))))
        .hasMessageContaining("is damaged: the optimizer's state does not fit the network");
  }

  @Test
  void theModelOfAnotherNetworkIsRefused() throws IOException {
    Graph other = Small.residual();
    assertThat(
            damaged(
                checkpoint ->
                    new dev.coppice.graph.Model(other, Small.weights(other, 1), Map.of())
                        .save(checkpoint.resolve("model.safetensors"))))
        .hasMessageContaining("is damaged: ");
  }

  @Test
  void aCheckpointOfOtherSettingsIsRefused() throws IOException {
    assertThat(
            damaged(
                checkpoint -> {
                  Path file = checkpoint.resolve("checkpoint.json");
                  Files.writeString(file, Files.readString(file).replace("\"print\"", "\"other\""));
                }))
        .hasMessageContaining("was made with other settings");
  }

  /** A run that goes on, what it tells of checkpoints that it cannot use, and where it starts. */
  private record Resumed(End end, List<Path> unusable, List<IOException> problems, long from) {}

  private Resumed resumed() throws IOException {
    TrainingSettings settings = settings().build();
    List<Path> unusable = new ArrayList<>();
    List<IOException> problems = new ArrayList<>();
    List<Long> steps = new ArrayList<>();
    TrainingListener listener =
        new TrainingListener() {
          @Override
          public void onDamagedCheckpoint(Path checkpoint, IOException problem) {
            unusable.add(checkpoint);
            problems.add(problem);
          }

          @Override
          public void onStep(long step, long totalSteps, double loss) {
            steps.add(step);
          }
        };
    try (Engine engine = engine(settings.optimizer())) {
      Trainer trainer = new Trainer(engine, DATA, settings, TrainingMethod.NONE, checkpoints(2));
      End end = end(engine, trainer.run(listener, true));
      return new Resumed(end, unusable, problems, steps.getFirst() - 1);
    }
  }

  @Test
  void theCheckpointBeforeADamagedOneIsUsed() throws IOException {
    End whole = uninterrupted(settings().build());
    for (Damage damage :
        List.of(
            truncated("checkpoint.json"),
            truncated("model.safetensors"),
            progress("batch", -1),
            replaced("optimizer.safetensors", "optimizer.0", Tensor.of(1, 2)),
            (Damage) checkpoint -> Files.delete(checkpoint.resolve("method.safetensors")))) {
      stopped(4);
      Path newest = folder.resolve("checkpoints/step-0000000004");
      damage.to(newest);
      Resumed resumed = resumed();
      assertThat(resumed.from()).isEqualTo(3);
      assertThat(resumed.unusable()).containsExactly(newest);
      assertThat(resumed.problems()).hasSize(1).allMatch(problem -> problem.getMessage() != null);
      assertThat(resumed.end()).isEqualTo(whole);
    }
  }

  @Test
  void aDamagedCheckpointIsReplacedWhenItsStepComesAgain() throws IOException {
    stopped(4);
    Path newest = folder.resolve("checkpoints/step-0000000004");
    truncated("model.safetensors").to(newest);
    TrainingSettings settings = settings().build();
    try (Engine engine = engine(settings.optimizer())) {
      Trainer trainer = new Trainer(engine, DATA, settings, TrainingMethod.NONE, checkpoints(99));
      assertThat(trainer.run(stopAt(trainer, 4), true).steps()).isEqualTo(4);
    }
    assertThat(entries()).containsExactly("step-0000000003", "step-0000000004");
    Resumed resumed = resumed();
    assertThat(resumed.unusable()).isEmpty();
    assertThat(resumed.from()).isEqualTo(4);
    assertThat(resumed.end()).isEqualTo(uninterrupted(settings));
  }

  @Test
  void withoutAnUndamagedCheckpointTheRunIsRefused() throws IOException {
    stopped(4);
    truncated("model.safetensors").to(folder.resolve("checkpoints/step-0000000003"));
    truncated("checkpoint.json").to(folder.resolve("checkpoints/step-0000000004"));
    assertThatIOException().isThrownBy(this::resumed).withMessageContaining("step-0000000003");
  }

  /** The checkpoint of a run stopped at the end of an epoch knows nothing of its evaluation. */
  @Test
  void anEvaluatedEpochReplacesTheCheckpointBeforeIt() throws IOException {
    stopped(3);
    Path file = folder.resolve("checkpoints/step-0000000003/checkpoint.json");
    assertThat(file).content().contains("\"epoch\":0", "\"batch\":3");
    TrainingSettings settings = settings().build();
    try (Engine engine = engine(settings.optimizer())) {
      Trainer trainer = new Trainer(engine, DATA, settings, TrainingMethod.NONE, checkpoints(99));
      trainer.run(stopAt(trainer, 4), true);
    }
    assertThat(file).content().contains("\"epoch\":1", "\"batch\":0");
    assertThat(entries()).containsExactly("step-0000000003", "step-0000000004");
  }

  @Test
  void resumingNeedsCheckpoints() {
    try (Engine engine = engine(Small.PLAIN)) {
      Trainer trainer = new Trainer(engine, DATA, settings().build(), TrainingMethod.NONE);
      assertThatIOException()
          .isThrownBy(() -> trainer.run(TrainingListener.NONE, true))
          .withMessageContaining("nothing to resume from");
    }
  }

  @Test
  void sparsityCountsTheZerosOfWeightsOnly() {
    Weights weights = Small.weights(GRAPH, 1);
    float[] half = new float[4 * 9 * 2];
    java.util.Arrays.fill(half, 0, 36, 1);
    weights = weights.with("conv.weight", new Tensor(new int[] {4, 3, 3, 2}, half));
    weights = weights.with("fc.bias", Tensor.of(0, 0, 0));
    assertThat(Trainer.sparsity(GRAPH, weights)).isEqualTo(36.0 / (72 + 432));
  }
}
