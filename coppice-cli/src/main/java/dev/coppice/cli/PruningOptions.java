package dev.coppice.cli;

import dev.coppice.graph.Graph;
import dev.coppice.graph.Op;
import dev.coppice.graph.Surrogate;
import dev.coppice.prune.EarlyBird;
import dev.coppice.prune.EmergentPruning;
import dev.coppice.prune.LotteryTicket;
import dev.coppice.prune.Method;
import dev.coppice.prune.PrunableLayers;
import dev.coppice.prune.Pruning;
import dev.coppice.prune.PruningIteration;
import dev.coppice.prune.PruningMethod;
import dev.coppice.prune.PruningSettings;
import dev.coppice.prune.Regrowth;
import dev.coppice.prune.Renewal;
import dev.coppice.prune.Scope;
import dev.coppice.prune.SparsitySchedule;
import dev.coppice.prune.Ties;
import dev.coppice.train.CriticalityProbe;
import dev.coppice.train.TrainingSettings;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options about pruning and regrowth. */
final class PruningOptions {
  @Option(
      names = "--sparsity",
      paramLabel = "X",
      description =
          "the share of zeros at the end, in [0, 1) (default: 0.95, or as a pattern has it)")
  @Nullable Double sparsity;

  @Option(
      names = "--method",
      paramLabel = "NAME",
      description =
          "one-shot, magnitude, gmp, layerwise, erk, lamp; lottery, early-bird; snip, set, rigl,"
              + " granet, ndsnn; gradr, upr, stds; random; random-regrowth, gradient, criticality,"
              + " criticality-presynaptic, criticality-grace, criticality-magnitude,"
              + " criticality-gradient, criticality-balanced, criticality-lamp (default: criticality)")
  Method method = Method.CRITICALITY;

  @Option(
      names = "--ratio",
      paramLabel = "X",
      description =
          "the share of the kept connections that regrowth chooses (default: 0.2, or the method's)")
  @Nullable Double ratio;

  @Option(
      names = "--last-ratio",
      paramLabel = "X",
      description = "the share that a decaying ratio ends at (default: 0, or the method's)")
  @Nullable Double lastRatio;

  @Option(
      names = "--ratio-decay",
      paramLabel = "NAME",
      description = "constant, or cosine: to the last ratio (default: cosine, or the method's)")
  Renewal.@Nullable Decay ratioDecay;

  @Option(
      names = "--grace",
      paramLabel = "N",
      description =
          "prunings for which a regrown connection is not pruned again (default: 0, or the"
              + " method's)")
  @Nullable Integer grace;

  @Option(
      names = "--initial-sparsity",
      paramLabel = "X",
      description =
          "begin with a random mask of this sparsity, at most that at the end (default: 0, or the"
              + " method's)")
  @Nullable Double initialSparsity;

  @Option(
      names = "--scope",
      paramLabel = "NAME",
      description =
          "which weights compete: global, uniform or erk; or a pattern N:M such as 2:4: of M weights"
              + " along the input channels N stay (default: erk, or the method's)")
  @Nullable Scope scope;

  @Option(
      names = "--sparsity-schedule",
      paramLabel = "NAME",
      description = "how sparsity rises: cubic or linear (default: cubic)")
  SparsitySchedule sparsitySchedule = SparsitySchedule.CUBIC;

  @Option(
      names = "--ties",
      paramLabel = "NAME",
      description = "exact, or reference as the published code does (default: exact)")
  Ties ties = Ties.EXACT;

  @Option(
      names = "--score",
      paramLabel = "NAME",
      description = "criticality from the surrogate's derivative or function (default: derivative)")
  Score score = Score.DERIVATIVE;

  @Option(
      names = "--surrogate-score",
      paramLabel = "NAME[:X]",
      description = "the surrogate that criticality is measured with (default: atan:2)")
  Surrogate surrogateScore = new Surrogate.ATan(2);

  @Option(
      names = "--pooling",
      paramLabel = "NAME",
      description = "of criticality over a feature map: max or mean (default: max)")
  CriticalityProbe.Pooling pooling = CriticalityProbe.Pooling.MAX;

  @Option(
      names = "--presynaptic",
      negatable = true,
      fallbackValue = "true",
      description = "multiply criticality by the presynaptic firing rate (default: no)")
  boolean presynaptic;

  @Option(
      names = "--choice",
      paramLabel = "NAME",
      description =
          "of connections by their criticality: ranked (the highest), drawn in proportion, or"
              + " weighted with their magnitude (default: ranked)")
  Regrowth.Criticality.Choice choice = Regrowth.Criticality.Choice.RANKED;

  @Option(
      names = "--window",
      paramLabel = "STEPS",
      description = "optimizer steps before a pruning whose scores are averaged (default: 1)")
  int window = PruningSettings.Builder.SCORE_WINDOW;

  @Option(
      names = "--start-epoch",
      paramLabel = "N",
      description = "epochs before the first pruning interval (default: 0)")
  double startEpoch;

  @Option(
      names = "--pruning-epochs",
      paramLabel = "N",
      description =
          "epochs over which connections are pruned (default: up to 55 %% of all epochs, or the"
              + " method's)")
  @Nullable Double pruningEpochs;

  @Option(
      names = "--pruning-interval",
      paramLabel = "STEPS",
      description = "optimizer steps between prunings (default: from the iterations)")
  @Nullable Integer pruningInterval;

  @Option(
      names = "--iterations",
      paramLabel = "N",
      description = "how many times connections are pruned (default: 10, or the method's)")
  @Nullable Integer iterations;

  @Option(
      names = "--exclude",
      split = ",",
      paramLabel = "LAYER",
      description = "convolution and linear layers that keep all weights")
  List<String> exclude = List.of();

  @Option(
      names = "--regrown-value",
      paramLabel = "NAME",
      description =
          "what a regrown connection starts from: zero or kept (default: zero, or the method's)")
  Renewal.@Nullable RegrownValue regrownValue;

  @Option(
      names = "--strength",
      paramLabel = "X",
      description =
          "of gradr (its alpha), stds (its final threshold) and upr (the price of a weight's use);"
              + " default: searched for the sparsity, at a cost that the result tells")
  @Nullable Double strength;

  @Option(
      names = "--round-share",
      paramLabel = "X",
      description = "of lottery: the share of the connections left that a round removes (0.25)")
  double roundShare = LotteryTicket.Settings.SHARE;

  @Option(
      names = "--rewind-epoch",
      paramLabel = "N",
      description =
          "of lottery: the epoch whose weights later rounds begin with (default: 7 %% of all)")
  @Nullable Integer rewindEpoch;

  /** What criticality is measured with. */
  enum Score {
    /** The surrogate's derivative. */
    DERIVATIVE,
    /** The surrogate itself. */
    FUNCTION
  }

  /**
   * Fills in what was not given: the parts of the method, the sparsity unless the scope has its
   * own, the iterations and their interval.
   *
   * @param epochs of the run
   * @param stepsPerEpoch its optimizer steps per epoch
   */
  void resolve(int epochs, int stepsPerEpoch) {
    if (strength != null && method.kind() != Method.Kind.HIDDEN) {
      throw new UsageException("--strength goes with gradr, stds and upr only");
    }
    if (method.kind() == Method.Kind.PARTS) {
      resolveParts();
      if (method.window() == 0) {
        resolveFirstStep();
      } else {
        resolveTimes(epochs, stepsPerEpoch);
      }
      return;
    }
    if (scope != null) {
      throw new UsageException("--scope does not go with " + EnumName.of(method));
    }
    sparsity = sparsity == null ? Double.valueOf(PruningSettings.Builder.SPARSITY) : sparsity;
    if (method == Method.LOTTERY && rewindEpoch == null) {
      rewindEpoch = (int) Math.round(LotteryTicket.Settings.REWIND_OF_RUN * epochs);
    }
  }

  private void resolveParts() {
    PruningSettings parts = parts(Op.Neuron.decay().threshold()).build();
    Renewal renewal = parts.renewal();
    scope = scope == null ? parts.scope() : scope;
    ratio = ratio == null ? Double.valueOf(renewal.ratio()) : ratio;
    lastRatio = lastRatio == null ? Double.valueOf(renewal.lastRatio()) : lastRatio;
    ratioDecay = ratioDecay == null ? renewal.decay() : ratioDecay;
    grace = grace == null ? Integer.valueOf(renewal.grace()) : grace;
    regrownValue = regrownValue == null ? renewal.value() : regrownValue;
    initialSparsity =
        initialSparsity == null ? Double.valueOf(parts.initialSparsity()) : initialSparsity;
    if (scope instanceof Scope.Pattern && sparsity != null) {
      throw new UsageException(
          "--sparsity cannot be given with --scope " + scope + ": it follows from the pattern");
    }
    if (scope instanceof Scope.Budget && sparsity == null) {
      sparsity = PruningSettings.Builder.SPARSITY;
    }
  }

  /** All is decided at the first step, or before it. */
  private void resolveFirstStep() {
    if (startEpoch != 0 || pruningEpochs != null || pruningInterval != null || iterations != null) {
      throw new UsageException(
          EnumName.of(method)
              + " decides at the first step: it takes none of --start-epoch, --pruning-epochs,"
              + " --pruning-interval, --iterations");
    }
  }

  private void resolveTimes(int epochs, int stepsPerEpoch) {
    if (!(startEpoch >= 0 && startEpoch < epochs)) {
      throw new UsageException(
          "--start-epoch must lie between 0 and the number of epochs, not " + startEpoch);
    }
    if (pruningEpochs != null
        && !(pruningEpochs > 0 && pruningEpochs <= epochs - startEpoch + 1.0 / stepsPerEpoch)) {
      throw new UsageException(
          "--pruning-epochs must lie between 0 and the epochs left after --start-epoch, not "
              + pruningEpochs);
    }
    if (pruningInterval != null && pruningInterval < 1) {
      throw new UsageException("--pruning-interval must be at least 1, not " + pruningInterval);
    }
    if (iterations != null && iterations < 1) {
      throw new UsageException("--iterations must be at least 1, not " + iterations);
    }
    if (window < 1) {
      throw new UsageException("--window must be at least 1, not " + window);
    }
    long total = (long) epochs * stepsPerEpoch;
    long start = startStep(stepsPerEpoch);
    double span =
        pruningEpochs != null
            ? pruningEpochs
            : Math.max(method.window() * epochs - startEpoch, 0.5 / stepsPerEpoch);
    long steps = Math.clamp(Math.round(span * stepsPerEpoch), 1, total);
    if (pruningInterval != null) {
      iterations =
          iterations == null
              ? Integer.valueOf((int) Math.max(1, steps / pruningInterval))
              : iterations;
    } else {
      iterations =
          iterations == null
              ? Integer.valueOf((int) Math.min(method.iterations(), steps))
              : iterations;
      pruningInterval = Math.toIntExact(Math.max(1, steps / iterations));
    }
    long last = start + (long) iterations * pruningInterval;
    if (last > total) {
      throw new UsageException(
          "the last of "
              + iterations
              + " prunings would come after step "
              + last
              + ", but the run has "
              + total
              + " steps; lower --iterations, --pruning-interval or --start-epoch");
    }
    pruningEpochs = (last - start) / (double) stepsPerEpoch;
    window = Math.min(window, pruningInterval);
  }

  private long startStep(int stepsPerEpoch) {
    return Math.round(startEpoch * stepsPerEpoch);
  }

  private PruningSettings.Builder parts(float threshold) {
    return method.parts(new Regrowth.Criticality(probe(threshold), presynaptic, choice));
  }

  /**
   * Returns the settings, after {@link #resolve}.
   *
   * @throws IllegalArgumentException for a value out of its range
   */
  PruningSettings settings(Graph graph, int epochs, int stepsPerEpoch) {
    if (scope == null
        || ratio == null
        || lastRatio == null
        || ratioDecay == null
        || grace == null
        || regrownValue == null
        || initialSparsity == null) {
      throw new IllegalStateException("the options are not resolved");
    }
    PruningSettings.Builder builder =
        parts(threshold(graph))
            .sparsity(sparsity())
            .initialSparsity(initialSparsity)
            .schedule(sparsitySchedule)
            .scope(scope)
            .ratio(ratio)
            .lastRatio(lastRatio)
            .decay(ratioDecay)
            .grace(grace)
            .regrownValue(regrownValue)
            .ties(ties)
            .excluded(Set.copyOf(exclude));
    if (iterations == null || pruningInterval == null) {
      return builder.iterations(method == Method.SNIP ? 1 : 0).build();
    }
    long start = startStep(stepsPerEpoch);
    if (method == Method.GRANET) {
      long left = (long) epochs * stepsPerEpoch - start - (long) iterations * pruningInterval;
      builder.exchanges(Math.toIntExact(Math.max(0, left - 1) / pruningInterval));
    }
    return builder
        .start(start)
        .interval(pruningInterval)
        .iterations(iterations)
        .window(window)
        .build();
  }

  /** Returns the settings of {@link Method#LOTTERY}, after {@link #resolve}. */
  private LotteryTicket.Settings lottery(int epochs, int stepsPerEpoch) {
    return new LotteryTicket.Settings(
        sparsity(),
        roundShare,
        epochs,
        rewindEpoch == null ? 0 : rewindEpoch,
        stepsPerEpoch,
        Set.copyOf(exclude));
  }

  private double sparsity() {
    return sparsity == null ? PruningSettings.Builder.SPARSITY : sparsity;
  }

  /**
   * Returns the method for a run, after {@link #resolve}.
   *
   * @param force the strength, where there is one
   * @throws IllegalArgumentException for a value out of its range
   */
  PruningMethod method(
      Graph graph,
      TrainingSettings training,
      int stepsPerEpoch,
      double force,
      Consumer<PruningIteration> listener) {
    int epochs = training.epochs();
    return switch (method) {
      case LOTTERY ->
          new LotteryTicket(graph, lottery(epochs, stepsPerEpoch), training.seed(), listener);
      case EARLY_BIRD ->
          new EarlyBird(
              graph,
              sparsity(),
              epochs,
              stepsPerEpoch,
              Set.copyOf(exclude),
              training.seed(),
              listener);
      case GRADR, UPR, STDS ->
          new EmergentPruning(
              graph,
              method,
              new EmergentPruning.Settings(
                  force,
                  sparsity(),
                  training.optimizer(),
                  epochs,
                  stepsPerEpoch,
                  Set.copyOf(exclude)),
              listener);
      default ->
          new Pruning(graph, settings(graph, epochs, stepsPerEpoch), training.seed(), listener);
    };
  }

  /** Returns the sparsity that a run aims at, after {@link #resolve}. */
  double goal(Graph graph, int epochs, int stepsPerEpoch) {
    return method.kind() == Method.Kind.PARTS
        ? settings(graph, epochs, stepsPerEpoch).goal(PrunableLayers.of(graph, Set.copyOf(exclude)))
        : sparsity();
  }

  /** Returns how many records a run will have, as far as it is known; after {@link #resolve}. */
  int records(Graph graph, int epochs, int stepsPerEpoch) {
    return switch (method.kind()) {
      case PARTS -> settings(graph, epochs, stepsPerEpoch).timetable().all();
      case HIDDEN -> epochs;
      case ROUNDS ->
          method == Method.EARLY_BIRD
              ? 1
              : new LotteryTicket(graph, lottery(epochs, stepsPerEpoch), 0, _ -> {}).rounds();
    };
  }

  /** Returns how criticality is measured in a network. */
  CriticalityProbe probe(Graph graph) {
    return probe(threshold(graph));
  }

  private CriticalityProbe probe(float threshold) {
    return new CriticalityProbe(surrogateScore, threshold, score == Score.DERIVATIVE, pooling);
  }

  private static float threshold(Graph graph) {
    return graph.nodes().stream()
        .map(node -> node.op())
        .filter(op -> op instanceof Op.Neuron)
        .map(op -> ((Op.Neuron) op).threshold())
        .findFirst()
        .orElseThrow(() -> new UsageException("the network has no neurons to score"));
  }
}
