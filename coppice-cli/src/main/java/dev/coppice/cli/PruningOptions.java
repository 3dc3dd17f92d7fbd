package dev.coppice.cli;

import dev.coppice.graph.Graph;
import dev.coppice.graph.Op;
import dev.coppice.graph.Surrogate;
import dev.coppice.prune.PruningSettings;
import dev.coppice.prune.Regrowth;
import dev.coppice.prune.Scope;
import dev.coppice.prune.SparsitySchedule;
import dev.coppice.prune.Ties;
import dev.coppice.train.CriticalityProbe;
import java.util.List;
import java.util.Set;
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
          "what is regrown: nothing (magnitude), or by criticality, gradient, random"
              + " (default: criticality)")
  Method method = Method.CRITICALITY;

  @Option(
      names = "--ratio",
      paramLabel = "X",
      description = "the share of the kept connections that regrowth chooses (default: 0.2)")
  double ratio = PruningSettings.Builder.RATIO;

  @Option(
      names = "--ratio-decay",
      paramLabel = "NAME",
      description = "constant, or cosine: to zero (default: cosine)")
  PruningSettings.Decay ratioDecay = PruningSettings.Builder.DECAY;

  @Option(
      names = "--scope",
      paramLabel = "NAME",
      description =
          "which weights compete: global, uniform or erk; or a pattern N:M such as 2:4: of M weights"
              + " along the input channels N stay (default: erk)")
  Scope scope = PruningSettings.Builder.SCOPE;

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
      description = "epochs over which connections are pruned (default: up to 55 %% of all epochs)")
  @Nullable Double pruningEpochs;

  @Option(
      names = "--pruning-interval",
      paramLabel = "STEPS",
      description = "optimizer steps between prunings (default: from the iterations)")
  @Nullable Integer pruningInterval;

  @Option(
      names = "--iterations",
      paramLabel = "N",
      description = "how many times connections are pruned (default: 10)")
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
      description = "what a regrown connection starts from: zero or kept (default: zero)")
  PruningSettings.RegrownValue regrownValue = PruningSettings.Builder.REGROWN_VALUE;

  /** What decides which connections come back. */
  enum Method {
    /** Nothing comes back. */
    MAGNITUDE,
    /** The criticality of the neuron that a connection leads to. */
    CRITICALITY,
    /** The gradient of the loss. */
    GRADIENT,
    /** Chance. */
    RANDOM
  }

  /** What criticality is measured with. */
  enum Score {
    /** The surrogate's derivative. */
    DERIVATIVE,
    /** The surrogate itself. */
    FUNCTION
  }

  /**
   * Fills in the sparsity, unless the scope has its own, the iterations and their interval.
   *
   * @param epochs of the run
   * @param stepsPerEpoch its optimizer steps per epoch
   */
  void resolve(int epochs, int stepsPerEpoch) {
    if (scope instanceof Scope.Pattern && sparsity != null) {
      throw new UsageException(
          "--sparsity cannot be given with --scope " + scope + ": it follows from the pattern");
    }
    if (scope instanceof Scope.Budget && sparsity == null) {
      sparsity = PruningSettings.Builder.SPARSITY;
    }
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
            : Math.max(
                PruningSettings.Builder.WINDOW_OF_RUN * epochs - startEpoch, 0.5 / stepsPerEpoch);
    long steps = Math.clamp(Math.round(span * stepsPerEpoch), 1, total);
    if (pruningInterval != null) {
      iterations =
          iterations == null
              ? Integer.valueOf((int) Math.max(1, steps / pruningInterval))
              : iterations;
    } else {
      iterations =
          iterations == null
              ? Integer.valueOf((int) Math.min(PruningSettings.Builder.ITERATIONS, steps))
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

  /**
   * Returns the settings, after {@link #resolve}.
   *
   * @throws IllegalArgumentException for a value out of its range
   */
  PruningSettings settings(Graph graph, int stepsPerEpoch) {
    if (iterations == null || pruningInterval == null) {
      throw new IllegalStateException("the options are not resolved");
    }
    return new PruningSettings(
        sparsity == null ? PruningSettings.Builder.SPARSITY : sparsity,
        sparsitySchedule,
        iterations,
        pruningInterval,
        startStep(stepsPerEpoch),
        scope,
        regrowth(graph),
        ratio,
        ratioDecay,
        ties,
        regrownValue,
        window,
        Set.copyOf(exclude));
  }

  private Regrowth regrowth(Graph graph) {
    return switch (method) {
      case MAGNITUDE -> new Regrowth.None();
      case CRITICALITY -> new Regrowth.Criticality(probe(graph), presynaptic, choice);
      case GRADIENT -> new Regrowth.Gradient();
      case RANDOM -> new Regrowth.Random();
    };
  }

  /** Returns how criticality is measured in a network. */
  CriticalityProbe probe(Graph graph) {
    return new CriticalityProbe(
        surrogateScore, threshold(graph), score == Score.DERIVATIVE, pooling);
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
