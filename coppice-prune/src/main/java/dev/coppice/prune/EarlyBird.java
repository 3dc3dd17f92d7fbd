package dev.coppice.prune;

import dev.coppice.graph.Graph;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import dev.coppice.train.Engine;
import dev.coppice.train.Seeds;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Early-bird tickets (You et al., arXiv 1909.11957, as Kim et al., arXiv 2207.01382, use them):
 * before every epoch of a dense training the mask is taken that keeps the largest weights of the
 * network. When the newest mask differs little from the ones before it, the search ends, and the
 * network is trained from its initial weights with that mask.
 */
public final class EarlyBird implements PruningMethod {
  /** Masks that are compared, the newest included. */
  private static final int MASKS = 5;

  /** The share of weights in which masks may differ to be taken for the same. */
  private static final double TOLERANCE = 0.02;

  private static final String INITIAL = "initial.";
  private static final String QUEUE = "mask.";

  private final PrunableLayers layers;
  private final double sparsity;
  private final int epochs;
  private final int stepsPerEpoch;
  private final PruningStep procedure = new PruningStep(Scope.Budget.GLOBAL, Ties.EXACT);
  private final long seed;
  private final Consumer<PruningIteration> listener;
  private final Deque<boolean[]> masks = new ArrayDeque<>();
  private final List<PruningIteration> history = new ArrayList<>();
  private Weights initial = Weights.of(new LinkedHashMap<>());

  /**
   * Makes the method for one run.
   *
   * @param sparsity of the ticket, in [0, 1)
   * @param epochs of the training with the ticket, and the most of the search
   * @param stepsPerEpoch optimizer steps of an epoch
   * @param excluded convolution and linear nodes that keep all weights
   * @param seed of the run
   * @param listener told of the ticket
   * @throws IllegalArgumentException for a sparsity out of its range
   * @throws dev.coppice.graph.GraphException if a layer to exclude does not exist or none is left
   */
  public EarlyBird(
      Graph graph,
      double sparsity,
      int epochs,
      int stepsPerEpoch,
      Set<String> excluded,
      long seed,
      Consumer<PruningIteration> listener) {
    PruningSettings.require(
        sparsity >= 0 && sparsity < 1, "sparsity must lie in [0, 1), not " + sparsity);
    this.layers = PrunableLayers.of(graph, excluded);
    this.sparsity = sparsity;
    this.epochs = epochs;
    this.stepsPerEpoch = stepsPerEpoch;
    this.seed = seed;
    this.listener = listener;
  }

  @Override
  public List<PruningIteration> history() {
    return List.copyOf(history);
  }

  @Override
  public Course course(int epoch, int asked) {
    if (history.isEmpty()) {
      return new Course(2 * epochs, 0, epochs);
    }
    int found = Math.toIntExact(history.getFirst().step() / stepsPerEpoch);
    int total = found + epochs;
    return epoch < found ? new Course(total, 0, epochs) : new Course(total, found, total);
  }

  @Override
  public void begin(Engine engine) {
    initial = engine.weights();
    addMask(0, engine);
  }

  @Override
  public void afterStep(long step, Engine engine, Engine.StepResult result) {
    if (!history.isEmpty() || step % stepsPerEpoch != 0) {
      return;
    }
    float threshold = addMask(step, engine);
    if (settled(masks) || step == (long) epochs * stepsPerEpoch) {
      boolean[] mask = masks.getLast();
      engine.rewind(initial);
      engine.mask(layers.tensors(mask));
      PruningIteration done = describe(step, mask, threshold);
      history.add(done);
      listener.accept(done);
    }
  }

  /** Returns the smallest magnitude of the new mask. */
  private float addMask(long step, Engine engine) {
    float[] weights = layers.gather(engine::tensor);
    boolean[] all = new boolean[weights.length];
    Arrays.fill(all, true);
    PruningStep.Result result =
        procedure.run(
            layers,
            weights,
            all,
            new float[weights.length],
            sparsity,
            0,
            Seeds.METHOD.at(seed, step));
    masks.addLast(result.mask());
    if (masks.size() > MASKS) {
      masks.removeFirst();
    }
    return result.threshold();
  }

  /** Whether enough masks are there and the newest is close to all others. */
  static boolean settled(Deque<boolean[]> masks) {
    if (masks.size() < MASKS) {
      return false;
    }
    boolean[] newest = masks.getLast();
    return masks.stream().allMatch(mask -> distance(mask, newest) < TOLERANCE);
  }

  private static double distance(boolean[] one, boolean[] other) {
    int different = 0;
    for (int i = 0; i < one.length; i++) {
      different += one[i] != other[i] ? 1 : 0;
    }
    return different / (double) one.length;
  }

  private PruningIteration describe(long step, boolean[] mask, float threshold) {
    int kept = 0;
    for (boolean one : mask) {
      kept += one ? 1 : 0;
    }
    return new PruningIteration(
        1,
        step,
        sparsity,
        1 - kept / (double) mask.length,
        kept,
        threshold,
        0,
        0,
        0,
        layers.density(mask),
        Map.of());
  }

  @Override
  public State state() {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    initial.asMap().forEach((name, tensor) -> tensors.put(INITIAL + name, tensor));
    int number = 0;
    for (boolean[] mask : masks) {
      String prefix = QUEUE + number++ + ".";
      layers.tensors(mask).forEach((name, ones) -> tensors.put(prefix + name, ones));
    }
    return new State(tensors, Map.of(PruningIteration.HISTORY, PruningIteration.write(history)));
  }

  @Override
  public void restore(State state, Engine engine) {
    initial = state.weights(INITIAL);
    masks.clear();
    String first = layers.layers().getFirst().tensor();
    for (int k = 0; state.tensors().containsKey(QUEUE + k + "." + first); k++) {
      String prefix = QUEUE + k + ".";
      float[] ones = layers.gather(name -> state.tensor(prefix + name));
      boolean[] mask = new boolean[ones.length];
      for (int i = 0; i < ones.length; i++) {
        mask[i] = ones[i] != 0;
      }
      masks.addLast(mask);
    }
    history.clear();
    history.addAll(PruningIteration.read(state));
    if (!history.isEmpty()) {
      engine.mask(layers.tensors(masks.getLast()));
    }
  }
}
