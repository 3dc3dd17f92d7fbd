package dev.coppice.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import dev.coppice.train.Engine;
import dev.coppice.train.Gradients;
import dev.coppice.train.Optimizer;
import dev.coppice.train.Probes;
import dev.coppice.train.Trainer;
import dev.coppice.train.TrainingListener;
import dev.coppice.train.TrainingMethod;
import dev.coppice.train.TrainingSettings;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every method on the small network of {@link PruningTest}: 4 epochs of 5 steps. */
class MethodTest {
  private static final PrunableLayers LAYERS = PruningTest.LAYERS;
  private static final Optimizer MOMENTUM = PruningTest.MOMENTUM;
  private static final int EPOCHS = 4;
  private static final int PER_EPOCH = 5;
  private static final double GOAL = 0.8;

  @TempDir Path folder;

  private static PruningSettings.Builder parts(Method method) {
    PruningSettings.Builder builder = method.parts(Regrowth.Criticality.paper(0.5f)).sparsity(GOAL);
    return method.window() == 0
        ? builder.iterations(method == Method.SNIP ? 1 : 0)
        : builder.iterations(method == Method.ONE_SHOT ? 1 : 4).interval(3).start(2);
  }

  private static PruningMethod make(Method method) {
    return switch (method) {
      case LOTTERY -> lottery();
      case EARLY_BIRD ->
          new EarlyBird(PruningTest.GRAPH, GOAL, EPOCHS, PER_EPOCH, Set.of(), 3, done -> {});
      case GRADR -> emergent(method, 0.3);
      case STDS -> emergent(method, 0.2);
      case UPR -> emergent(method, 1e-3);
      default -> new Pruning(PruningTest.GRAPH, parts(method).build(), 3, done -> {});
    };
  }

  private static LotteryTicket lottery() {
    return new LotteryTicket(
        PruningTest.GRAPH,
        new LotteryTicket.Settings(0.5, 0.25, EPOCHS, 1, PER_EPOCH, Set.of()),
        3,
        done -> {});
  }

  private static EmergentPruning emergent(Method method, double strength) {
    return new EmergentPruning(
        PruningTest.GRAPH,
        method,
        new EmergentPruning.Settings(strength, GOAL, MOMENTUM, EPOCHS, PER_EPOCH, Set.of()),
        done -> {});
  }

  private static int nonZero(float[] values) {
    int count = 0;
    for (float value : values) {
      count += value != 0 ? 1 : 0;
    }
    return count;
  }

  private static boolean[] mask(TrainingMethod method) {
    float[] ones = LAYERS.gather(method.state()::tensor);
    boolean[] mask = new boolean[ones.length];
    for (int i = 0; i < ones.length; i++) {
      mask[i] = ones[i] != 0;
    }
    return mask;
  }

  private record End(Weights weights, List<PruningIteration> history, long steps) {}

  /** Runs to the end, if {@code stop} is positive with a stop after that step. */
  private End run(Method name, long stop) throws IOException {
    Trainer.Checkpoints checkpoints =
        new Trainer.Checkpoints(folder.resolve(name + "-" + stop), 1000, "print", Map.of());
    for (boolean first = stop > 0; ; first = false) {
      PruningMethod method = make(name);
      try (Engine engine = PruningTest.engine(PruningTest.dense(), MOMENTUM)) {
        Trainer trainer =
            new Trainer(
                engine, PruningTest.DATA, PruningTest.training(MOMENTUM), method, checkpoints);
        boolean stopping = first;
        TrainingListener listener =
            new TrainingListener() {
              @Override
              public void onStep(long step, long totalSteps, double loss) {
                if (stopping && step == stop) {
                  trainer.requestStop();
                }
              }
            };
        Trainer.Outcome outcome = trainer.run(listener, stop > 0 && !first);
        if (outcome.completed()) {
          return new End(engine.weights(), method.history(), outcome.steps());
        }
      }
    }
  }

  /** In the middle of an epoch and at its end, before and after what the method does. */
  @ParameterizedTest
  @EnumSource(Method.class)
  void aRunStoppedAndResumedEndsTheSame(Method method) throws IOException {
    End whole = run(method, 0);
    for (long stop : new long[] {1, 10, 17}) {
      assertThat(run(method, stop)).as("stopped after %d", stop).isEqualTo(whole);
    }
  }

  @ParameterizedTest
  @EnumSource(Method.class)
  void theTargetIsMetWhereThereIsOne(Method method) throws IOException {
    End end = run(method, 0);
    if (method.kind() == Method.Kind.HIDDEN) {
      assertThat(end.history()).hasSize(EPOCHS);
      return;
    }
    double goal = method == Method.LOTTERY ? 0.5 : GOAL;
    int keep = (int) Math.floor(LAYERS.size() * (1 - goal));
    int alive = nonZero(LAYERS.gather(end.weights()::get));
    // What has come back and never saw a gradient is still zero.
    assertThat(alive).isBetween(keep * 4 / 5, keep);
    if (!end.history().isEmpty()) {
      assertThat(end.history().getLast().kept()).isEqualTo(keep);
    }
  }

  /** Sees what a method did in every step. */
  private record Watched(PruningMethod method, Watcher watcher) implements TrainingMethod {
    @Override
    public void begin(Engine engine) {
      method.begin(engine);
    }

    @Override
    public Course course(int epoch, int epochs) {
      return method.course(epoch, epochs);
    }

    @Override
    public Probes probes(long step) {
      return method.probes(step);
    }

    @Override
    public boolean beforeUpdate(long step, Engine engine, Gradients gradients) {
      return method.beforeUpdate(step, engine, gradients);
    }

    @Override
    public void afterStep(long step, Engine engine, Engine.StepResult result) {
      float[] before = LAYERS.gather(engine::tensor);
      method.afterStep(step, engine, result);
      watcher.saw(step, before, engine);
    }
  }

  private interface Watcher {
    void saw(long step, float[] before, Engine engine);
  }

  private static Weights train(PruningMethod method, TrainingSettings training, Watcher watcher)
      throws IOException {
    try (Engine engine = PruningTest.engine(PruningTest.dense(), training.optimizer())) {
      new Trainer(engine, PruningTest.DATA, training, new Watched(method, watcher))
          .run(TrainingListener.NONE, false);
      return engine.weights();
    }
  }

  private static Weights train(PruningMethod method, Watcher watcher) throws IOException {
    return train(method, PruningTest.training(MOMENTUM), watcher);
  }

  private static int[] counts(boolean[] mask) {
    return LAYERS.layers().stream()
        .mapToInt(
            layer -> {
              int count = 0;
              for (int i = layer.offset(); i < layer.end(); i++) {
                count += mask[i] ? 1 : 0;
              }
              return count;
            })
        .toArray();
  }

  @ParameterizedTest
  @EnumSource(names = {"SET", "RIGL", "CRITICALITY_GRADIENT", "RANDOM", "SNIP"})
  void densitiesOfLayersNeverChange(Method name) throws IOException {
    PruningMethod method = make(name);
    List<int[]> seen = new ArrayList<>();
    List<boolean[]> masks = new ArrayList<>();
    train(
        method,
        (step, before, engine) -> {
          seen.add(counts(mask(method)));
          masks.add(mask(method));
        });
    assertThat(seen).allMatch(counts -> Arrays.equals(counts, seen.getFirst()));
    boolean exchanged = !Arrays.equals(masks.getFirst(), masks.getLast());
    assertThat(exchanged).isEqualTo(name != Method.RANDOM && name != Method.SNIP);
  }

  /** What was dormant starts at zero; the step moves nothing but the mask. */
  @Test
  void anUpdateOfRigLReplacesTheWeightStep() throws IOException {
    PruningMethod method = make(Method.RIGL);
    float[][] last = new float[1][];
    boolean[][] lastMask = new boolean[1][];
    train(
        method,
        (step, before, engine) -> {
          float[] after = LAYERS.gather(engine::tensor);
          boolean[] mask = mask(method);
          if (step == 5 || step == 8 || step == 11 || step == 14) {
            assertThat(Arrays.equals(before, last[0])).as("step %d", step).isTrue();
            for (int i = 0; i < after.length; i++) {
              boolean stays = mask[i] && lastMask[0][i];
              assertThat(after[i]).isEqualTo(stays ? before[i] : 0);
            }
          } else if (step > 1) {
            assertThat(Arrays.equals(before, last[0])).as("step %d", step).isFalse();
          }
          last[0] = after;
          lastMask[0] = mask;
        });
  }

  @Test
  void withoutExchangeGraNetIsGradualMagnitudePruning() throws IOException {
    PruningSettings granet = parts(Method.GRANET).exchanges(1).ratio(0).lastRatio(0).build();
    Weights exchanged =
        train(new Pruning(PruningTest.GRAPH, granet, 3, done -> {}), (step, before, engine) -> {});
    assertThat(exchanged).isEqualTo(train(make(Method.GMP), (step, before, engine) -> {}));
  }

  @Test
  void withoutRegrowthCriticalityLampIsLamp() throws IOException {
    PruningSettings none = parts(Method.CRITICALITY_LAMP).ratio(0).build();
    Weights cut =
        train(new Pruning(PruningTest.GRAPH, none, 3, done -> {}), (step, before, engine) -> {});
    assertThat(cut).isEqualTo(train(make(Method.LAMP), (step, before, engine) -> {}));
    assertThat(cut)
        .isNotEqualTo(train(make(Method.CRITICALITY_LAMP), (step, before, engine) -> {}));
  }

  @Test
  void graNetGoesOnExchangingWithinLayers() throws IOException {
    Pruning method =
        new Pruning(PruningTest.GRAPH, parts(Method.GRANET).exchanges(2).build(), 3, done -> {});
    List<int[]> seen = new ArrayList<>();
    train(
        method,
        (step, before, engine) -> {
          if (step >= 14) {
            seen.add(counts(mask(method)));
          }
        });
    assertThat(method.history()).hasSize(6);
    // The fifth and sixth iterations cut by magnitudes over all layers again, but keep as many.
    for (PruningIteration done : method.history().subList(3, 6)) {
      assertThat(done.kept()).isEqualTo((int) Math.floor(LAYERS.size() * (1 - GOAL)));
      assertThat(done.grow()).isPositive();
    }
    assertThat(seen).isNotEmpty();
  }

  @Test
  void connectionsOfNdsnnOnlyBecomeFewer() throws IOException {
    PruningMethod method = make(Method.NDSNN);
    train(method, (step, before, engine) -> {});
    int last = LAYERS.size() / 2 + 1;
    for (PruningIteration done : method.history()) {
      double target = SparsitySchedule.CUBIC.target(done.iteration(), 4, 0.5, GOAL);
      assertThat(done.kept())
          .isEqualTo((int) Math.floor(LAYERS.size() * (1 - target)))
          .isLessThanOrEqualTo(last);
      last = done.kept();
    }
  }

  /** What has come back at an iteration is there after the next; without grace some of it goes. */
  @Test
  void aGracePeriodKeepsWhatHasComeBack() throws IOException {
    assertThat(lost(Method.CRITICALITY_GRACE)).isZero();
    assertThat(lost(Method.CRITICALITY)).isPositive();
  }

  /** Counts the connections that come back at the first iteration and go at the second. */
  private static int lost(Method method) throws IOException {
    PruningMethod pruning = make(method);
    List<boolean[]> zeros = new ArrayList<>();
    List<boolean[]> masks = new ArrayList<>();
    train(
        pruning,
        (step, before, engine) -> {
          if (step == 5 || step == 8) {
            float[] after = LAYERS.gather(engine::tensor);
            boolean[] zero = new boolean[after.length];
            for (int i = 0; i < zero.length; i++) {
              zero[i] = after[i] == 0;
            }
            zeros.add(zero);
            masks.add(mask(pruning));
          }
        });
    int lost = 0;
    for (int i = 0; i < LAYERS.size(); i++) {
      // What is alive at zero has just come back.
      lost += masks.getFirst()[i] && zeros.getFirst()[i] && !masks.getLast()[i] ? 1 : 0;
    }
    return lost;
  }

  @Test
  void ticketsHoldTheirRounds() throws IOException {
    LotteryTicket method = lottery();
    Weights[] early = new Weights[1];
    List<boolean[]> masks = new ArrayList<>();
    train(
        method,
        (step, before, engine) -> {
          if (step == PER_EPOCH) {
            early[0] = engine.weights();
          }
          if (method.history().size() > masks.size()) {
            boolean[] mask = mask(method);
            float[] weights = LAYERS.gather(engine::tensor);
            float[] rewound = LAYERS.gather(early[0]::get);
            for (int i = 0; i < mask.length; i++) {
              assertThat(weights[i]).isEqualTo(mask[i] ? rewound[i] : 0);
              assertThat(!mask[i] || masks.isEmpty() || masks.getLast()[i]).isTrue();
            }
            assertThat(engine.tensor("fc2.bias")).isEqualTo(early[0].get("fc2.bias"));
            masks.add(mask);
          }
        });
    assertThat(masks).hasSize(method.rounds());
    int kept = LAYERS.size();
    for (PruningIteration round : method.history().subList(0, method.rounds() - 1)) {
      kept -= kept / 4;
      assertThat(round.kept()).isEqualTo(kept);
    }
    assertThat(method.history().getLast().kept()).isEqualTo(LAYERS.size() / 2);
  }

  @Test
  void ticketsCountAllTheirEpochs() {
    LotteryTicket.Settings published =
        new LotteryTicket.Settings(1 - Math.pow(0.75, 11), 0.25, 300, 20, 10, Set.of());
    assertThat(published.survivors(1 << 22)).hasSize(12);
    assertThat(published.total(11)).isEqualTo(3380);
    assertThat(lottery().course(0, EPOCHS)).isEqualTo(new TrainingMethod.Course(13, 0, 4));
    assertThat(lottery().course(4, EPOCHS)).isEqualTo(new TrainingMethod.Course(13, 4, 7));
    assertThat(lottery().course(12, EPOCHS)).isEqualTo(new TrainingMethod.Course(13, 10, 13));
  }

  @Test
  void anEarlyBirdWaitsForFiveMasksThatAgree() {
    Deque<boolean[]> masks = new ArrayDeque<>();
    for (int k = 1; k <= 5; k++) {
      boolean[] mask = new boolean[100];
      mask[0] = true;
      masks.addLast(mask);
      assertThat(EarlyBird.settled(masks)).isEqualTo(k == 5);
    }
    masks.getFirst()[7] = true;
    assertThat(EarlyBird.settled(masks)).isTrue();
    masks.getFirst()[8] = true;
    assertThat(EarlyBird.settled(masks)).as("2 %% apart").isFalse();
  }

  /** A network that does not learn has the same masks for ever. */
  @Test
  void anEarlyBirdOfAFrozenNetworkIsFoundAtTheFifthMask() throws IOException {
    EarlyBird method =
        new EarlyBird(PruningTest.GRAPH, GOAL, 9, PER_EPOCH, Set.of(), 3, done -> {});
    TrainingSettings frozen =
        PruningTest.training(MOMENTUM).toBuilder().learningRate(0).epochs(9).build();
    long[] steps = new long[1];
    Weights end = train(method, frozen, (step, before, engine) -> steps[0] = step);
    assertThat(method.history()).extracting(PruningIteration::step).containsExactly(4L * PER_EPOCH);
    assertThat(steps[0]).isEqualTo((4 + 9) * PER_EPOCH);
    assertThat(nonZero(LAYERS.gather(end::get)))
        .isEqualTo((int) Math.floor(LAYERS.size() * (1 - GOAL)));
  }

  @Test
  void withoutAThresholdStdsIsPlainTraining() throws IOException {
    Weights plain;
    try (Engine engine = PruningTest.engine(PruningTest.dense(), MOMENTUM)) {
      new Trainer(engine, PruningTest.DATA, PruningTest.training(MOMENTUM), TrainingMethod.NONE)
          .run(TrainingListener.NONE, false);
      plain = engine.weights();
    }
    assertThat(train(emergent(Method.STDS, 0), (step, before, engine) -> {})).isEqualTo(plain);
  }

  /** What sparsity emerges grows with the strength, and dormant connections are exactly zero. */
  @ParameterizedTest
  @EnumSource(names = {"GRADR", "STDS", "UPR"})
  void moreStrengthLeavesFewerConnections(Method method) throws IOException {
    double[] strengths =
        switch (method) {
          case GRADR -> new double[] {0.01, 1};
          case STDS -> new double[] {0.01, 0.5};
          default -> new double[] {0, 1};
        };
    int[] left = new int[2];
    for (int k = 0; k < 2; k++) {
      PruningMethod run = emergent(method, strengths[k]);
      Weights end = train(run, (step, before, engine) -> {});
      left[k] = nonZero(LAYERS.gather(end::get));
      assertThat(run.history().getLast().kept()).isEqualTo(left[k]);
      assertThat(run.history().getLast().sparsity())
          .isCloseTo(1 - left[k] / (double) LAYERS.size(), within(1e-12));
    }
    assertThat(left[1]).isLessThan(left[0]);
  }

  /** The dense gradient of a masked weight is that of the weight at zero. */
  @Test
  void gradientsOfPrunedWeightsAreSeenAtUpdateSteps() throws IOException {
    PruningMethod method = make(Method.RIGL);
    boolean[] measured = new boolean[21];
    train(
        new PruningMethod() {
          @Override
          public List<PruningIteration> history() {
            return method.history();
          }

          @Override
          public void begin(Engine engine) {
            method.begin(engine);
          }

          @Override
          public Probes probes(long step) {
            return method.probes(step);
          }

          @Override
          public void afterStep(long step, Engine engine, Engine.StepResult result) {
            boolean[] mask = mask(method);
            Map<String, float[]> gradients = result.measured().gradients();
            measured[(int) step] = !gradients.isEmpty();
            if (!gradients.isEmpty()) {
              float[] flat =
                  LAYERS.gather(name -> Tensor.of(Objects.requireNonNull(gradients.get(name))));
              int pruned = 0;
              for (int i = 0; i < flat.length; i++) {
                pruned += !mask[i] && flat[i] != 0 ? 1 : 0;
              }
              assertThat(pruned).isPositive();
            }
            method.afterStep(step, engine, result);
          }
        },
        (step, before, engine) -> {});
    for (int step = 1; step <= 20; step++) {
      assertThat(measured[step]).isEqualTo(step == 5 || step == 8 || step == 11 || step == 14);
    }
  }
}
