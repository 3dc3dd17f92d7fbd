package dev.coppice.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.coppice.data.DataSet;
import dev.coppice.data.Images;
import dev.coppice.graph.Graph;
import dev.coppice.graph.GraphException;
import dev.coppice.graph.Initialization;
import dev.coppice.graph.Notation;
import dev.coppice.graph.Op;
import dev.coppice.graph.Shape;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import dev.coppice.kernels.Kernels;
import dev.coppice.train.Engine;
import dev.coppice.train.Optimizer;
import dev.coppice.train.Probes;
import dev.coppice.train.Trainer;
import dev.coppice.train.TrainingListener;
import dev.coppice.train.TrainingMethod;
import dev.coppice.train.TrainingSettings;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Pruning while a small network is trained: 20 steps, iterations after 5, 8, 11 and 14. */
class PruningTest {
  private static final Shape.Map IMAGE = new Shape.Map(6, 6, 2);
  static final Graph GRAPH = Notation.parse("4C3-6C3-P2-FC8-FC3", IMAGE, Op.Neuron.decay());
  static final PrunableLayers LAYERS = PrunableLayers.of(GRAPH, Set.of());
  static final DataSet DATA = DataSet.of("noise", noise(20, 1), noise(6, 2), List.of());
  static final Optimizer MOMENTUM = new Optimizer.Sgd(0.95f, false, 1e-3f);
  private static final double GOAL = 0.8;

  @TempDir Path folder;

  private static Images noise(int count, long seed) {
    byte[] pixels = new byte[count * IMAGE.size()];
    new Random(seed).nextBytes(pixels);
    int[] labels = new int[count];
    for (int i = 0; i < count; i++) {
      labels[i] = i % 3;
    }
    return new Images("noise", IMAGE, List.of("a", "b", "c"), pixels, 255, labels);
  }

  /** Settings of which a test changes what it is about. */
  private static final class Settings {
    private double sparsity = GOAL;
    private Scope scope = Scope.Budget.GLOBAL;
    private Regrowth regrowth = Regrowth.Criticality.paper(0.5f);
    private double ratio = 0.3;
    private Renewal.RegrownValue regrownValue = Renewal.RegrownValue.ZERO;
    private Set<String> excluded = Set.of();

    PruningSettings build() {
      return PruningSettings.builder()
          .sparsity(sparsity)
          .iterations(4)
          .interval(3)
          .start(2)
          .scope(scope)
          .regrowth(regrowth)
          .ratio(ratio)
          .decay(Renewal.Decay.CONSTANT)
          .regrownValue(regrownValue)
          .window(2)
          .excluded(excluded)
          .build();
    }
  }

  private static PruningSettings settings(Consumer<Settings> change) {
    Settings settings = new Settings();
    change.accept(settings);
    return settings.build();
  }

  static TrainingSettings training(Optimizer optimizer) {
    return TrainingSettings.builder()
        .timeSteps(2)
        .batchSize(4)
        .epochs(4)
        .learningRate(0.05)
        .optimizer(optimizer)
        .evaluateEvery(4)
        .seed(3)
        .build();
  }

  static Weights dense() {
    return Weights.initialize(GRAPH, 1, Initialization.KAIMING_NORMAL_FAN_IN);
  }

  static Engine engine(Weights weights, Optimizer optimizer) {
    return new Engine(GRAPH, weights, optimizer, new Engine.Options("cpu", 1, Kernels.best()));
  }

  /** Sees the weights before and after every step's pruning. */
  private interface Watcher {
    void saw(long step, float[] before, float[] after, Pruning pruning);
  }

  private record Watched(Pruning pruning, Watcher watcher) implements TrainingMethod {
    @Override
    public void begin(Engine engine) {
      pruning.begin(engine);
    }

    @Override
    public Probes probes(long step) {
      return pruning.probes(step);
    }

    @Override
    public void afterStep(long step, Engine engine, Engine.StepResult result) {
      float[] before = LAYERS.gather(engine::tensor);
      pruning.afterStep(step, engine, result);
      watcher.saw(step, before, LAYERS.gather(engine::tensor), pruning);
    }
  }

  /** Trains with pruning to the end and returns what was recorded. */
  private static List<PruningIteration> run(
      PruningSettings settings, Weights start, Optimizer optimizer, Watcher watcher)
      throws IOException {
    List<PruningIteration> told = new ArrayList<>();
    Pruning pruning = new Pruning(GRAPH, settings, 3, told::add);
    try (Engine engine = engine(start, optimizer)) {
      new Trainer(engine, DATA, training(optimizer), new Watched(pruning, watcher))
          .run(TrainingListener.NONE, false);
    }
    assertThat(told).isEqualTo(pruning.history());
    return told;
  }

  private static int nonZero(float[] weights) {
    int count = 0;
    for (float weight : weights) {
      count += weight != 0 ? 1 : 0;
    }
    return count;
  }

  private static boolean[] mask(Pruning pruning) {
    float[] ones =
        LAYERS.gather(name -> Objects.requireNonNull(pruning.state().tensors().get(name)));
    boolean[] mask = new boolean[ones.length];
    for (int i = 0; i < ones.length; i++) {
      mask[i] = ones[i] != 0;
    }
    return mask;
  }

  @ParameterizedTest
  @EnumSource(Scope.Budget.class)
  void everyIterationMeetsItsTarget(Scope scope) throws IOException {
    List<PruningIteration> history =
        run(
            settings(s -> s.scope = scope),
            dense(),
            MOMENTUM,
            (step, before, after, pruning) -> {});
    assertThat(history).extracting(PruningIteration::step).containsExactly(5L, 8L, 11L, 14L);
    assertThat(history).extracting(PruningIteration::iteration).containsExactly(1, 2, 3, 4);
    for (PruningIteration done : history) {
      double target = SparsitySchedule.CUBIC.target(done.iteration(), 4, 0, GOAL);
      int keep = (int) Math.floor(LAYERS.size() * (1 - target));
      assertThat(done.target()).isEqualTo(target);
      assertThat(done.kept()).isEqualTo(keep);
      assertThat(done.sparsity()).isCloseTo(1 - keep / (double) LAYERS.size(), within(1e-12));
      double alive = 0;
      for (PrunableLayers.Layer layer : LAYERS.layers()) {
        alive += Objects.requireNonNull(done.density().get(layer.node())) * layer.size();
      }
      assertThat(alive).isCloseTo(keep, within(1e-6));
      assertThat(done.grow()).isPositive();
      assertThat(done.criticality().keySet())
          .containsExactlyInAnyOrder("neuron1", "neuron2", "neuron3");
      done.criticality()
          .values()
          .forEach(
              d -> {
                assertThat(d.minimum()).isPositive().isLessThanOrEqualTo(d.lowerQuartile());
                assertThat(d.median()).isBetween(d.lowerQuartile(), d.upperQuartile());
                assertThat(d.maximum()).isBetween(d.upperQuartile(), 1.0);
                assertThat(d.mean()).isBetween(d.minimum(), d.maximum());
              });
    }
  }

  private static List<Regrowth> rules() {
    List<Regrowth> rules =
        new ArrayList<>(
            List.of(new Regrowth.None(), new Regrowth.Gradient(), new Regrowth.Random()));
    for (Regrowth.Criticality.Choice choice : Regrowth.Criticality.Choice.values()) {
      rules.add(new Regrowth.Criticality(Regrowth.Criticality.paper(0.5f).probe(), true, choice));
    }
    return rules;
  }

  /** Of the rows of 2, 4, 54 and 8 inputs, whatever is regrown at the last iteration. */
  @ParameterizedTest
  @MethodSource("rules")
  void aPatternHoldsAtTheEnd(Regrowth regrowth) throws IOException {
    boolean[] end = new boolean[LAYERS.size()];
    List<PruningIteration> history =
        run(
            settings(
                s -> {
                  s.scope = new Scope.Pattern(2, 4);
                  s.regrowth = regrowth;
                }),
            dense(),
            MOMENTUM,
            (step, before, after, pruning) -> {
              System.arraycopy(mask(pruning), 0, end, 0, end.length);
              for (int i = 0; i < end.length; i++) {
                assertThat(end[i] || after[i] == 0).isTrue();
              }
            });
    for (PrunableLayers.Layer layer : LAYERS.layers()) {
      int row = layer.shape()[layer.shape().length - 1];
      for (int start = layer.offset(); start < layer.end(); start += row) {
        for (int from = start; from < start + row; from += 4) {
          int length = Math.min(4, start + row - from);
          int alive = 0;
          for (int i = from; i < from + length; i++) {
            alive += end[i] ? 1 : 0;
          }
          assertThat(alive).as("%s from %d", layer.node(), from).isEqualTo((length + 1) / 2);
        }
      }
      assertThat(history.getLast().density()).containsEntry(layer.node(), 0.5);
    }
    assertThat(history)
        .extracting(PruningIteration::target)
        .isSorted()
        .first(InstanceOfAssertFactories.DOUBLE)
        .isCloseTo(SparsitySchedule.CUBIC.target(1, 4, 0, 0.5), within(1e-12));
    assertThat(history.getLast().sparsity()).isEqualTo(0.5);
    assertThat(history.getLast().grow() > 0).isEqualTo(!(regrowth instanceof Regrowth.None));
  }

  /** Whatever the momentum or the moments of before, and however the others move. */
  @Test
  void masksHoldBetweenIterations() throws IOException {
    for (Optimizer optimizer :
        List.of(
            new Optimizer.Sgd(0.99f, true, 1e-2f),
            new Optimizer.Adam(0.9f, 0.999f, 1e-8f, 1e-2f),
            new Optimizer.AdamW(0.9f, 0.999f, 1e-8f, 1e-2f))) {
      List<Integer> alive = new ArrayList<>();
      List<PruningIteration> history =
          run(
              settings(s -> {}),
              dense(),
              optimizer,
              (step, before, after, pruning) -> {
                boolean[] mask = mask(pruning);
                for (int i = 0; i < mask.length; i++) {
                  assertThat(mask[i] || after[i] == 0).as("step %d, %d", step, i).isTrue();
                }
                alive.add(nonZero(after));
              });
      // The regrown start at zero and move until the next iteration.
      PruningIteration first = history.getFirst();
      assertThat(alive.get(4)).isLessThan(first.kept());
      assertThat(alive.get(6)).isGreaterThan(alive.get(4));
      assertThat(alive.getLast()).isLessThanOrEqualTo(history.getLast().kept());
    }
  }

  @Test
  void theClassifierIsPrunedButNeverRegrown() throws IOException {
    PrunableLayers.Layer classifier = LAYERS.layers().getLast();
    assertThat(classifier.classifier()).isTrue();
    boolean[] dead = new boolean[LAYERS.size()];
    run(
        settings(s -> s.ratio = 0.9),
        dense(),
        MOMENTUM,
        (step, before, after, pruning) -> {
          boolean[] mask = mask(pruning);
          for (int i = classifier.offset(); i < classifier.end(); i++) {
            assertThat(mask[i] && dead[i]).as("weight %d at step %d", i, step).isFalse();
            dead[i] |= !mask[i];
          }
        });
  }

  /** With the ratio 1 everything but the classifier is chosen by regrowth. */
  @Test
  void regrownWeightsStartAtZeroOrKeepTheirValue() throws IOException {
    PrunableLayers.Layer classifier = LAYERS.layers().getLast();
    for (Renewal.RegrownValue value : Renewal.RegrownValue.values()) {
      run(
          settings(
              s -> {
                s.ratio = 1;
                s.regrownValue = value;
              }),
          dense(),
          MOMENTUM,
          (step, before, after, pruning) -> {
            if (step != 5 && step != 8) {
              return;
            }
            boolean[] mask = mask(pruning);
            for (int i = 0; i < classifier.offset(); i++) {
              boolean kept = value == Renewal.RegrownValue.KEPT && mask[i];
              assertThat(after[i]).as("weight %d", i).isEqualTo(kept ? before[i] : 0);
            }
          });
    }
  }

  /** Returns the dense weights with every n-th of the prunable ones set to 0. */
  private static Weights without(int n) {
    Weights weights = dense();
    for (PrunableLayers.Layer layer : LAYERS.layers()) {
      float[] data = weights.get(layer.tensor()).data().clone();
      for (int i = 0; i < data.length; i++) {
        data[i] = (layer.offset() + i) % n == 0 ? 0 : data[i];
      }
      weights = weights.with(layer.tensor(), new Tensor(layer.shape(), data));
    }
    return weights;
  }

  @Test
  void aSparseStartStaysSparse() throws IOException {
    double initial = Math.ceil(LAYERS.size() / 3.0) / LAYERS.size();
    List<PruningIteration> history =
        run(
            settings(s -> {}),
            without(3),
            MOMENTUM,
            (step, before, after, pruning) -> {
              for (int i = 0; step < 5 && i < after.length; i++) {
                assertThat(after[i] == 0).as("weight %d", i).isEqualTo(i % 3 == 0);
              }
            });
    assertThat(history.getFirst().target())
        .isCloseTo(SparsitySchedule.CUBIC.target(1, 4, initial, GOAL), within(1e-9));
    assertThat(history.getLast().target()).isCloseTo(GOAL, within(1e-12));
  }

  @Test
  void aNetworkSparserThanTheTargetIsRefused() {
    try (Engine engine = engine(without(2), MOMENTUM)) {
      Pruning pruning = new Pruning(GRAPH, settings(s -> s.sparsity = 0.25), 1, done -> {});
      assertThatIllegalArgumentException()
          .isThrownBy(() -> pruning.begin(engine))
          .withMessage("the network is already sparser (0.5000) than the target sparsity 0.2500");
    }
  }

  @Test
  void excludedLayersKeepTheirWeights() throws IOException {
    PrunableLayers.Layer first = LAYERS.layers().getFirst();
    assertThat(first.node()).isEqualTo("conv1");
    List<PruningIteration> history =
        run(
            settings(s -> s.excluded = Set.of("conv1")),
            dense(),
            MOMENTUM,
            (step, before, after, pruning) -> {
              for (int i = 0; i < first.end(); i++) {
                assertThat(after[i]).isNotZero();
              }
              assertThat(pruning.state().tensors()).doesNotContainKey("conv1.weight");
            });
    int others = LAYERS.size() - first.size();
    PruningIteration last = history.getLast();
    assertThat(last.kept()).isEqualTo((int) Math.floor(others * (1 - last.target())));
    assertThat(last.density()).doesNotContainKey("conv1");
  }

  @Test
  void onlyLayersWithWeightsCanBeExcluded() {
    assertThatExceptionOfType(GraphException.class)
        .isThrownBy(() -> PrunableLayers.of(GRAPH, Set.of("bn1")))
        .withMessage("cannot exclude bn1: the layers with weights are [conv1, conv2, fc1, fc2]");
    assertThatExceptionOfType(GraphException.class)
        .isThrownBy(() -> PrunableLayers.of(GRAPH, Set.of("conv1", "conv2", "fc1", "fc2")))
        .withMessageContaining("nothing to prune");
  }

  private record End(Weights weights, List<PruningIteration> history) {}

  /** Runs to the end, if {@code stop} is positive with a stop after that step. */
  private End resumed(PruningSettings settings, long stop) throws IOException {
    Trainer.Checkpoints checkpoints = new Trainer.Checkpoints(folder, 1000, "print", Map.of());
    for (boolean resume = stop > 0; ; resume = false) {
      Pruning pruning = new Pruning(GRAPH, settings, 3, done -> {});
      try (Engine engine = engine(dense(), MOMENTUM)) {
        Trainer trainer =
            stop > 0
                ? new Trainer(engine, DATA, training(MOMENTUM), pruning, checkpoints)
                : new Trainer(engine, DATA, training(MOMENTUM), pruning);
        boolean first = resume;
        TrainingListener listener =
            new TrainingListener() {
              @Override
              public void onStep(long step, long totalSteps, double loss) {
                if (first && step == stop) {
                  trainer.requestStop();
                }
              }
            };
        if (trainer.run(listener, stop > 0 && !first).completed()) {
          return new End(engine.weights(), pruning.history());
        }
      }
    }
  }

  /** In the middle of a window, at an iteration, between two, before the first, after the last. */
  @ParameterizedTest
  @ValueSource(longs = {1, 4, 5, 6, 7, 13, 17})
  void aRunStoppedAndResumedEndsTheSame(long stop) throws IOException {
    PruningSettings settings =
        settings(
            s ->
                s.regrowth =
                    new Regrowth.Criticality(
                        Regrowth.Criticality.paper(0.5f).probe(),
                        true,
                        Regrowth.Criticality.Choice.RANKED));
    assertThat(resumed(settings, stop)).isEqualTo(resumed(settings, 0));
  }

  /** The gradient's rule and the random one also depend on nothing but the checkpoint. */
  @Test
  void otherRulesResumeToo() throws IOException {
    PruningSettings gradient = settings(s -> s.regrowth = new Regrowth.Gradient());
    End whole = resumed(gradient, 0);
    assertThat(resumed(gradient, 7)).isEqualTo(whole);
    PruningSettings random = settings(s -> s.regrowth = new Regrowth.Random());
    assertThat(resumed(random, 0)).isEqualTo(resumed(random, 0)).isNotEqualTo(whole);
  }

  /** A threshold without weights above it is infinite; a checkpoint must hold it all the same. */
  @Test
  void aRunThatPrunesAllButNothingCanBeSaved() throws IOException {
    PruningSettings settings = settings(s -> s.sparsity = 0.9999);
    End end = resumed(settings, 14);
    assertThat(end.history().getLast().kept()).isZero();
    assertThat(end.history().getLast().threshold()).isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(end.weights().get("conv1.weight").countNonZero()).isZero();
  }

  @Test
  void withoutRegrowthNothingComesBack() throws IOException {
    boolean[] dead = new boolean[LAYERS.size()];
    List<PruningIteration> history =
        run(
            settings(s -> s.regrowth = new Regrowth.None()),
            dense(),
            MOMENTUM,
            (step, before, after, pruning) -> {
              boolean[] mask = mask(pruning);
              for (int i = 0; i < mask.length; i++) {
                assertThat(mask[i] && dead[i]).isFalse();
                dead[i] |= !mask[i];
              }
            });
    for (PruningIteration done : history) {
      assertThat(done.grow()).isZero();
      assertThat(done.regrown()).isZero();
      assertThat(done.survivalPercent()).isZero();
      assertThat(done.criticality()).isEmpty();
    }
  }

  @Test
  void scoresAreAveragedOverTheirWindow() {
    MeasurementWindow window = new MeasurementWindow();
    window.add(measured(1, 3));
    window.add(measured(3, 7));
    assertWindow(window, 2, 5);

    Map<String, Tensor> state = new HashMap<>(Map.of("conv1.weight", Tensor.of(1)));
    window.save(state);
    MeasurementWindow restored = new MeasurementWindow();
    restored.add(measured(100, 100));
    restored.restore(state);
    assertWindow(restored, 2, 5);
    restored.add(measured(5, 2));
    assertWindow(restored, 3, 4);

    restored.clear();
    restored.add(measured(9, 8));
    assertWindow(restored, 9, 8);
  }

  private static Probes.Measured measured(float first, float second) {
    return Probes.Measured.of(
        Map.of("n", new float[] {first, second}),
        Map.of("n", new float[] {second}),
        Map.of("n", new float[] {-first}));
  }

  private static void assertWindow(MeasurementWindow window, float first, float second) {
    Probes.Measured mean = window.mean();
    assertThat(mean.criticality().get("n")).containsExactly(first, second);
    assertThat(mean.presynaptic().get("n")).containsExactly(second);
    assertThat(mean.gradients().get("n")).containsExactly(-first);
  }
}
