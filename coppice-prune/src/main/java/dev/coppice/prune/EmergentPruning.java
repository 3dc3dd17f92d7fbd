package dev.coppice.prune;

import dev.coppice.graph.Graph;
import dev.coppice.graph.Tensor;
import dev.coppice.train.Engine;
import dev.coppice.train.Gradients;
import dev.coppice.train.Optimizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Methods in which parameters behind the weights decide which connections there are: connections go
 * and come back at every step, and how sparse the network becomes follows from a strength. The
 * optimizer of the run moves the hidden parameters; they need the dense gradient at every step, so
 * that training is never sparse while they do.
 */
public final class EmergentPruning implements PruningMethod {
  /** The part of a run of {@link Method#UPR} in which gates are learned, as published. */
  private static final double SEARCH_OF_RUN = 0.8;

  private static final String HIDDEN = "hidden.";

  private final PrunableLayers layers;

  /**
   * Nodes whose gates are hidden parameters, too, behind the weights; only of {@link Method#UPR}.
   */
  private final List<String> gates;

  private final Hidden hidden;
  private final Settings settings;
  private final Consumer<PruningIteration> listener;
  private final List<PruningIteration> history = new ArrayList<>();
  private boolean[] alive;

  /**
   * What a run needs.
   *
   * @param strength α of Grad R, the final threshold D of STDS, the price λ of UPR
   * @param sparsity hoped for; Grad R's prior has its center by it, which rarely matters
   * @param optimizer of the run
   * @param epochs of the run
   * @param stepsPerEpoch optimizer steps of an epoch
   * @param excluded convolution and linear nodes that keep all weights
   */
  public record Settings(
      double strength,
      double sparsity,
      Optimizer optimizer,
      int epochs,
      int stepsPerEpoch,
      Set<String> excluded) {
    /** Copies the names. */
    public Settings {
      excluded = Set.copyOf(excluded);
    }

    private int searchEpochs() {
      return Math.max(1, (int) Math.round(SEARCH_OF_RUN * epochs));
    }
  }

  /** Between which strengths the sparsity of a network is to be looked for. */
  public record Strengths(double low, double high) {}

  /**
   * Returns the strengths of a method.
   *
   * @param method of the kind {@link Method.Kind#HIDDEN}
   * @param rates the learning rate times the steps of the run
   */
  public static Strengths strengths(Method method, double rates) {
    return switch (method) {
      case GRADR -> new Strengths(0.05 / rates, 50 / rates);
      case STDS -> new Strengths(1e-3, 3);
      case UPR -> new Strengths(1e-10, 1e-3);
      default -> throw new IllegalArgumentException(method + " has no strength");
    };
  }

  /**
   * Makes the method for one run.
   *
   * @param method of the kind {@link Method.Kind#HIDDEN}
   * @param listener told of every epoch
   * @throws IllegalArgumentException for a strength out of its range
   * @throws dev.coppice.graph.GraphException if a layer to exclude does not exist or none is left
   */
  public EmergentPruning(
      Graph graph, Method method, Settings settings, Consumer<PruningIteration> listener) {
    this.layers = PrunableLayers.of(graph, settings.excluded());
    this.settings = settings;
    this.listener = listener;
    this.alive = new boolean[layers.size()];
    this.gates = method == Method.UPR ? NeuronGates.of(graph) : List.of();
    this.hidden =
        switch (method) {
          case GRADR ->
              new GradientRewiring(settings.optimizer(), settings.strength(), settings.sparsity());
          case STDS ->
              new DendriticSpines(
                  settings.strength(), (long) settings.epochs() * settings.stepsPerEpoch());
          case UPR ->
              new PricedGates(
                  settings.strength(),
                  PricedGates.uses(graph, layers, gates),
                  layers.size(),
                  (long) settings.searchEpochs() * settings.stepsPerEpoch());
          default -> throw new IllegalArgumentException(method + " has no hidden parameters");
        };
  }

  @Override
  public List<PruningIteration> history() {
    return List.copyOf(history);
  }

  @Override
  public long denseGradientSteps() {
    return Math.min(hidden.lastStep(), (long) settings.epochs() * settings.stepsPerEpoch());
  }

  /** The learning rate begins anew when the connections are fixed. */
  @Override
  public Course course(int epoch, int epochs) {
    if (hidden.lastStep() == Long.MAX_VALUE) {
      return new Course(epochs, 0, epochs);
    }
    int search = settings.searchEpochs();
    return epoch < search ? new Course(epochs, 0, search) : new Course(epochs, search, epochs);
  }

  @Override
  public void begin(Engine engine) {
    hidden.begin(gather(engine::tensor));
    assign(engine, hidden.weights());
    alive = alive();
  }

  @Override
  public boolean beforeUpdate(long step, Engine engine, Gradients gradients) {
    if (step <= hidden.lastStep()) {
      float[] gradient = gather(name -> Tensor.of(gradients.of(name)));
      float[] shown = hidden.gradient(gradient);
      for (PrunableLayers.Layer layer : layers.layers()) {
        gradients.replace(layer.tensor(), layer.part(shown));
      }
      assign(engine, hidden.moved());
    }
    return true;
  }

  @Override
  public void afterStep(long step, Engine engine, Engine.StepResult result) {
    if (step <= hidden.lastStep()) {
      hidden.after(gather(engine::tensor), result.rate(), step);
      assign(engine, hidden.weights());
      if (step == hidden.lastStep()) {
        engine.mask(layers.tensors(alive()));
      }
    }
    if (step % settings.stepsPerEpoch() == 0) {
      record(step);
    }
  }

  /** Returns the weights and, behind them, the gates. */
  private float[] gather(Function<String, Tensor> source) {
    float[] weights = layers.gather(source);
    List<float[]> more =
        gates.stream().map(gate -> source.apply(NeuronGates.tensor(gate)).data()).toList();
    float[] all =
        Arrays.copyOf(weights, weights.length + more.stream().mapToInt(part -> part.length).sum());
    int offset = weights.length;
    for (float[] part : more) {
      System.arraycopy(part, 0, all, offset, part.length);
      offset += part.length;
    }
    return all;
  }

  private void assign(Engine engine, float[] all) {
    for (PrunableLayers.Layer layer : layers.layers()) {
      engine.assign(layer.tensor(), layer.part(all));
    }
    int offset = layers.size();
    for (String gate : gates) {
      int size = engine.graph().shape(gate).size();
      engine.assign(NeuronGates.tensor(gate), Arrays.copyOfRange(all, offset, offset + size));
      offset += size;
    }
  }

  /** Returns which weights are not pruned. */
  private boolean[] alive() {
    return nonZero(Arrays.copyOf(hidden.weights(), layers.size()));
  }

  private static boolean[] nonZero(float[] weights) {
    boolean[] mask = new boolean[weights.length];
    for (int i = 0; i < weights.length; i++) {
      mask[i] = weights[i] != 0;
    }
    return mask;
  }

  private void record(long step) {
    boolean[] now = alive();
    int kept = 0;
    int regrown = 0;
    for (int i = 0; i < now.length; i++) {
      kept += now[i] ? 1 : 0;
      regrown += now[i] && !alive[i] ? 1 : 0;
    }
    alive = now;
    PruningIteration done =
        new PruningIteration(
            Math.toIntExact(step / settings.stepsPerEpoch()),
            step,
            settings.sparsity(),
            1 - kept / (double) layers.size(),
            kept,
            0,
            0,
            regrown,
            0,
            layers.density(alive),
            Map.of());
    history.add(done);
    listener.accept(done);
  }

  @Override
  public State state() {
    Map<String, Tensor> tensors = new LinkedHashMap<>(layers.tensors(alive));
    hidden.state().forEach((name, values) -> tensors.put(HIDDEN + name, Tensor.of(values)));
    return new State(tensors, Map.of(PruningIteration.HISTORY, PruningIteration.write(history)));
  }

  @Override
  public void restore(State state, Engine engine) {
    alive = nonZero(layers.gather(state::tensor));
    Map<String, float[]> parts = new HashMap<>();
    state
        .tensors()
        .forEach(
            (name, tensor) -> {
              if (name.startsWith(HIDDEN)) {
                parts.put(name.substring(HIDDEN.length()), tensor.data());
              }
            });
    hidden.restore(parts);
    history.clear();
    history.addAll(PruningIteration.read(state));
    if (hidden.fixed()) {
      engine.mask(layers.tensors(alive()));
    }
  }
}
