package dev.coppice.prune;

import dev.coppice.graph.Graph;
import dev.coppice.graph.Tensor;
import dev.coppice.train.Engine;
import dev.coppice.train.Gradients;
import dev.coppice.train.Probes;
import dev.coppice.train.Seeds;
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
public final class Pruning implements PruningMethod {
  /** What the names of tensors begin with that say when weights came back. */
  private static final String REGROWN_AT = "regrown.";

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

  /** The iteration that last brought a weight back, 0 for none. */
  private final int[] regrownAt;

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
    this.procedure = PruningStep.of(settings);
    this.probes = settings.renewal().rule().probes(layers).and(settings.saliency().probes(layers));
    this.seed = seed;
    this.listener = listener;
    this.mask = new boolean[layers.size()];
    this.regrownAt = new int[layers.size()];
    Arrays.fill(mask, true);
  }

  @Override
  public List<PruningIteration> history() {
    return List.copyOf(history);
  }

  @Override
  public long denseGradientSteps() {
    Timetable timetable = settings.timetable();
    return probes.gradients().isEmpty() ? 0 : (long) timetable.all() * timetable.window();
  }

  @Override
  public void begin(Engine engine) {
    float[] weights = layers.gather(engine::tensor);
    for (int i = 0; i < weights.length; i++) {
      mask[i] = weights[i] != 0;
    }
    initialSparsity = sparsity();
    if (initialSparsity > goal) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "the network is already sparser (%.4f) than the target sparsity %.4f",
              initialSparsity,
              goal));
    }
    double drawn = Math.min(settings.initialSparsity(), goal);
    if (drawn > initialSparsity) {
      mask = drawn(drawn);
      initialSparsity = drawn;
    }
    if (sparsity() > 0) {
      engine.mask(layers.tensors(mask));
    }
  }

  /** Draws a mask among the weights that are alive. */
  private boolean[] drawn(double sparsity) {
    long draw = Seeds.METHOD.at(seed, 0);
    float[] scores = Saliency.RANDOM.scores(layers, new float[mask.length], window.mean(), draw);
    for (int i = 0; i < scores.length; i++) {
      scores[i] = mask[i] ? scores[i] : 0;
    }
    return procedure.run(layers, scores, mask, new float[mask.length], sparsity, 0, draw).mask();
  }

  private double sparsity() {
    int alive = 0;
    for (boolean one : mask) {
      alive += one ? 1 : 0;
    }
    return 1 - alive / (double) mask.length;
  }

  @Override
  public Probes probes(long step) {
    return settings.timetable().measuredAt(step) ? probes : Probes.NONE;
  }

  @Override
  public boolean beforeUpdate(long step, Engine engine, Gradients gradients) {
    return !(settings.timetable().instead() && settings.timetable().measuredAt(step));
  }

  @Override
  public void afterStep(long step, Engine engine, Engine.StepResult result) {
    if (settings.timetable().measuredAt(step)) {
      window.add(result.measured());
    }
    int iteration = settings.timetable().iterationAt(step);
    if (iteration > 0) {
      prune(iteration, step, engine);
      window.clear();
    }
  }

  private void prune(int iteration, long step, Engine engine) {
    Probes.Measured measured = window.mean();
    long draw = Seeds.METHOD.at(seed, step);
    Timetable timetable = settings.timetable();
    Renewal renewal = settings.renewal();
    double target =
        settings
            .schedule()
            .target(
                Math.min(iteration, timetable.iterations()),
                timetable.iterations(),
                initialSparsity,
                goal);
    float[] weights = layers.gather(engine::tensor);
    float[] saliencies = settings.saliency().scores(layers, weights, measured, draw);
    for (int i = 0; i < saliencies.length; i++) {
      if (regrownAt[i] > 0 && iteration - regrownAt[i] <= renewal.grace()) {
        saliencies[i] = Float.POSITIVE_INFINITY;
      }
    }
    PruningStep.Result result =
        procedure.run(
            layers,
            saliencies,
            mask,
            renewal.rule().scores(layers, weights, measured, draw),
            target,
            renewal.ratio(iteration, timetable.all()),
            draw);
    mask = result.mask();
    for (int i = 0; i < mask.length; i++) {
      if (!mask[i]) {
        regrownAt[i] = 0;
      } else if (!result.byMagnitude()[i]) {
        regrownAt[i] = iteration;
      }
    }
    if (renewal.value() == Renewal.RegrownValue.ZERO) {
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
        layers.density(mask),
        criticality);
  }

  @Override
  public State state() {
    Map<String, Tensor> tensors = new LinkedHashMap<>(layers.tensors(mask));
    window.save(tensors);
    if (settings.renewal().grace() > 0) {
      for (PrunableLayers.Layer layer : layers.layers()) {
        float[] iterations = new float[layer.size()];
        for (int i = 0; i < iterations.length; i++) {
          iterations[i] = regrownAt[layer.offset() + i];
        }
        tensors.put(REGROWN_AT + layer.tensor(), new Tensor(layer.shape(), iterations));
      }
    }
    return new State(
        tensors,
        Map.of(
            PruningIteration.HISTORY,
            PruningIteration.write(history),
            "initialSparsity",
            Double.toString(initialSparsity)));
  }

  @Override
  public void restore(State state, Engine engine) {
    float[] ones = layers.gather(state::tensor);
    for (int i = 0; i < ones.length; i++) {
      mask[i] = ones[i] != 0;
    }
    engine.mask(layers.tensors(mask));
    if (settings.renewal().grace() > 0) {
      float[] iterations = layers.gather(name -> state.tensor(REGROWN_AT + name));
      for (int i = 0; i < iterations.length; i++) {
        regrownAt[i] = (int) iterations[i];
      }
    }
    window.restore(state.tensors());
    initialSparsity = Double.parseDouble(state.text().getOrDefault("initialSparsity", "0"));
    history.clear();
    history.addAll(PruningIteration.read(state));
  }
}
