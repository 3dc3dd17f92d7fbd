package dev.coppice.prune;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.reflect.TypeToken;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Tensor;
import dev.coppice.train.Engine;
import dev.coppice.train.Probes;
import dev.coppice.train.Seeds;
import dev.coppice.train.TrainingMethod;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Prunes and regrows connections while a network is trained: procedure U of arXiv 2311.16141 with
 * its parts exchangeable. Weights that are zero at the start of the run stay pruned until regrown,
 * so that a run may begin dense or sparse.
 */
public final class Pruning implements TrainingMethod {
  /** A threshold is infinite where nothing is kept. */
  private static final Gson GSON = new GsonBuilder().serializeSpecialFloatingPointValues().create();

  private final PruningSettings settings;
  private final PrunableLayers layers;
  private final double goal;
  private final PruningStep procedure;
  private final Probes probes;
  private final long seed;
  private final Consumer<PruningIteration> listener;
  private final MeasurementWindow window = new MeasurementWindow();
  private final List<PruningIteration> history = new ArrayList<>();
  private boolean[] mask;
  private double initialSparsity;

  /**
   * Makes the method for one run.
   *
   * @param seed of the run
   * @param listener told of every iteration
   * @throws dev.coppice.graph.GraphException if a layer to exclude does not exist or none is left
   */
  public Pruning(
      Graph graph, PruningSettings settings, long seed, Consumer<PruningIteration> listener) {
    this.settings = settings;
    this.layers = PrunableLayers.of(graph, settings.excluded());
    this.goal = settings.goal(layers);
    this.procedure = new PruningStep(settings.scope(), settings.ties());
    this.probes = settings.regrowth().probes(layers);
    this.seed = seed;
    this.listener = listener;
    this.mask = new boolean[layers.size()];
    Arrays.fill(mask, true);
  }

  /** Returns the records of the iterations so far. */
  public List<PruningIteration> history() {
    return List.copyOf(history);
  }

  @Override
  public void begin(Engine engine) {
    float[] weights = layers.gather(engine::tensor);
    int alive = 0;
    for (int i = 0; i < weights.length; i++) {
      mask[i] = weights[i] != 0;
      alive += mask[i] ? 1 : 0;
    }
    initialSparsity = 1 - alive / (double) weights.length;
    if (initialSparsity > goal) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "the network is already sparser (%.4f) than the target sparsity %.4f",
              initialSparsity,
              goal));
    }
    if (alive < weights.length) {
      engine.mask(layers.tensors(mask));
    }
  }

  @Override
  public Probes probes(long step) {
    return settings.measuredAt(step) ? probes : Probes.NONE;
  }

  @Override
  public void afterStep(long step, Engine engine, Engine.StepResult result) {
    if (settings.measuredAt(step)) {
      window.add(result.measured());
    }
    int iteration = settings.iterationAt(step);
    if (iteration > 0) {
      prune(iteration, step, engine);
      window.clear();
    }
  }

  private void prune(int iteration, long step, Engine engine) {
    Probes.Measured measured = window.mean();
    long draw = Seeds.METHOD.at(seed, step);
    double target =
        settings.schedule().target(iteration, settings.iterations(), initialSparsity, goal);
    double ratio =
        settings.regrowth() instanceof Regrowth.None
            ? 0
            : settings.ratio() * settings.decay().factor(iteration, settings.iterations());
    boolean[] before = mask;
    float[] weights = layers.gather(engine::tensor);
    PruningStep.Result result =
        procedure.run(
            layers,
            weights,
            before,
            settings.regrowth().scores(layers, weights, measured, draw),
            target,
            ratio,
            draw);
    mask = result.mask();
    if (settings.regrownValue() == PruningSettings.RegrownValue.ZERO) {
      engine.mask(layers.tensors(result.byMagnitude()));
    }
    engine.mask(layers.tensors(mask));
    PruningIteration done = describe(iteration, step, target, result, measured);
    history.add(done);
    listener.accept(done);
  }

  private PruningIteration describe(
      int iteration,
      long step,
      double target,
      PruningStep.Result result,
      Probes.Measured measured) {
    Map<String, Double> density = new LinkedHashMap<>();
    for (PrunableLayers.Layer layer : layers.layers()) {
      int alive = 0;
      for (int i = layer.offset(); i < layer.end(); i++) {
        alive += mask[i] ? 1 : 0;
      }
      density.put(layer.node(), alive / (double) layer.size());
    }
    Map<String, PruningIteration.Distribution> criticality = new LinkedHashMap<>();
    for (PrunableLayers.Layer layer : layers.layers()) {
      float[] scores = layer.neuron() == null ? null : measured.criticality().get(layer.neuron());
      if (scores != null && layer.neuron() != null) {
        criticality.put(layer.neuron(), PruningIteration.Distribution.of(scores));
      }
    }
    return new PruningIteration(
        iteration,
        step,
        target,
        1 - result.kept() / (double) layers.size(),
        result.kept(),
        result.threshold(),
        result.grow(),
        result.regrown(),
        result.survivalPercent(),
        density,
        criticality);
  }

  @Override
  public State state() {
    Map<String, Tensor> tensors = new LinkedHashMap<>(layers.tensors(mask));
    window.save(tensors);
    return new State(
        tensors,
        Map.of(
            "history", GSON.toJson(history), "initialSparsity", Double.toString(initialSparsity)));
  }

  @Override
  public void restore(State state, Engine engine) {
    float[] ones =
        layers.gather(
            name -> {
              Tensor tensor = state.tensors().get(name);
              if (tensor == null) {
                throw new IllegalArgumentException("the checkpoint has no mask of " + name);
              }
              return tensor;
            });
    for (int i = 0; i < ones.length; i++) {
      mask[i] = ones[i] != 0;
    }
    engine.mask(layers.tensors(mask));
    window.restore(state.tensors());
    initialSparsity = Double.parseDouble(state.text().getOrDefault("initialSparsity", "0"));
    history.clear();
    List<PruningIteration> saved =
        GSON.fromJson(
            state.text().getOrDefault("history", "[]"),
            new TypeToken<List<PruningIteration>>() {}.getType());
    history.addAll(saved);
  }
}
