package dev.coppice.prune;

import dev.coppice.graph.Graph;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import dev.coppice.train.Engine;
import dev.coppice.train.Seeds;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Iterative magnitude pruning with late rewinding (Kim et al., ECCV 2022, arXiv 2207.01382): the
 * network is trained, a share of the surviving weights that are smallest in the whole network goes,
 * the others return to what they were early in the first training, and training begins anew with a
 * new optimizer and a new schedule, until the network is sparse enough.
 */
public final class LotteryTicket implements PruningMethod {
  private static final String REWIND = "rewind.";

  private final PrunableLayers layers;
  private final Settings settings;
  private final int[] survivors;
  private final PruningStep procedure = new PruningStep(Scope.Budget.GLOBAL, Ties.EXACT);
  private final long seed;
  private final Consumer<PruningIteration> listener;
  private final List<PruningIteration> history = new ArrayList<>();
  private Weights early = Weights.of(new LinkedHashMap<>());
  private boolean[] mask;

  /**
   * How often and how long the network is trained.
   *
   * @param sparsity at the end, in [0, 1)
   * @param share of the survivors that goes in a round, in (0, 1)
   * @param epochs of the first training
   * @param rewindEpoch the epochs after which the weights are those that later rounds begin with
   * @param stepsPerEpoch optimizer steps of an epoch
   * @param excluded convolution and linear nodes that keep all weights
   */
  public record Settings(
      double sparsity,
      double share,
      int epochs,
      int rewindEpoch,
      int stepsPerEpoch,
      Set<String> excluded) {
    /** Where the published runs rewind to, as a part of the first training: 21 of 300 epochs. */
    public static final double REWIND_OF_RUN = 0.07;

    /** The share of the survivors that goes in a round of the published runs. */
    public static final double SHARE = 0.25;

    /** Throws {@link IllegalArgumentException} for a value out of its range. */
    public Settings {
      PruningSettings.require(
          sparsity >= 0 && sparsity < 1, "sparsity must lie in [0, 1), not " + sparsity);
      PruningSettings.require(
          share > 0 && share < 1, "the share of a round must lie in (0, 1), not " + share);
      PruningSettings.require(
          rewindEpoch >= 0 && rewindEpoch < epochs,
          "the epoch to rewind to must come before the end of the first training, not "
              + rewindEpoch);
      excluded = Set.copyOf(excluded);
    }

    /** Returns the weights that survive each round, the number before the first in front. */
    int[] survivors(int weights) {
      List<Integer> counts = new ArrayList<>(List.of(weights));
      int goal = (int) Math.floor(weights * (1 - sparsity));
      while (counts.getLast() > goal) {
        int removed = Math.max(1, (int) Math.floor(share * counts.getLast()));
        counts.add(Math.max(goal, counts.getLast() - removed));
      }
      return counts.stream().mapToInt(Integer::intValue).toArray();
    }

    private int again() {
      return epochs - rewindEpoch;
    }

    /** Returns the epochs of all trainings together. */
    int total(int rounds) {
      return epochs + rounds * again();
    }
  }

  /**
   * Makes the method for one run.
   *
   * @param seed of the run
   * @param listener told of every round
   * @throws dev.coppice.graph.GraphException if a layer to exclude does not exist or none is left
   */
  public LotteryTicket(
      Graph graph, Settings settings, long seed, Consumer<PruningIteration> listener) {
    this.layers = PrunableLayers.of(graph, settings.excluded());
    this.settings = settings;
    this.survivors = settings.survivors(layers.size());
    this.seed = seed;
    this.listener = listener;
    this.mask = new boolean[layers.size()];
    Arrays.fill(mask, true);
  }

  /** Returns the number of rounds. */
  public int rounds() {
    return survivors.length - 1;
  }

  @Override
  public List<PruningIteration> history() {
    return List.copyOf(history);
  }

  @Override
  public Course course(int epoch, int epochs) {
    int total = settings.total(rounds());
    if (epoch < settings.epochs()) {
      return new Course(total, 0, settings.epochs());
    }
    int round = (epoch - settings.epochs()) / settings.again();
    int from = settings.epochs() + round * settings.again();
    return new Course(total, from, from + settings.again());
  }

  @Override
  public void begin(Engine engine) {
    early = engine.weights();
  }

  @Override
  public void afterStep(long step, Engine engine, Engine.StepResult result) {
    if (step == (long) settings.rewindEpoch() * settings.stepsPerEpoch()) {
      early = engine.weights();
    }
    int round = history.size() + 1;
    if (round <= rounds() && step == (long) settings.total(round - 1) * settings.stepsPerEpoch()) {
      prune(round, step, engine);
    }
  }

  private void prune(int round, long step, Engine engine) {
    float[] weights = layers.gather(engine::tensor);
    // The half weight makes up for rounding: exactly that many stay.
    double target = 1 - (survivors[round] + 0.5) / layers.size();
    PruningStep.Result result =
        procedure.run(
            layers,
            weights,
            mask,
            new float[weights.length],
            target,
            0,
            Seeds.METHOD.at(seed, step));
    mask = result.mask();
    engine.rewind(early);
    engine.mask(layers.tensors(mask));
    double sparsity = 1 - result.kept() / (double) layers.size();
    PruningIteration done =
        new PruningIteration(
            round,
            step,
            sparsity,
            sparsity,
            result.kept(),
            result.threshold(),
            0,
            0,
            0,
            layers.density(mask),
            Map.of());
    history.add(done);
    listener.accept(done);
  }

  @Override
  public State state() {
    Map<String, Tensor> tensors = new LinkedHashMap<>(layers.tensors(mask));
    early.asMap().forEach((name, tensor) -> tensors.put(REWIND + name, tensor));
    return new State(tensors, Map.of(PruningIteration.HISTORY, PruningIteration.write(history)));
  }

  @Override
  public void restore(State state, Engine engine) {
    early = state.weights(REWIND);
    float[] ones = layers.gather(state::tensor);
    for (int i = 0; i < ones.length; i++) {
      mask[i] = ones[i] != 0;
    }
    history.clear();
    history.addAll(PruningIteration.read(state));
    engine.mask(layers.tensors(mask));
  }
}
