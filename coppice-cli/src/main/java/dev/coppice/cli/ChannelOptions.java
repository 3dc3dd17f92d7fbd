package dev.coppice.cli;

import dev.coppice.prune.SparsitySchedule;
import dev.coppice.prune.channels.ChannelBudget;
import dev.coppice.prune.channels.ChannelPruning;
import dev.coppice.prune.channels.ChannelSchedule;
import dev.coppice.prune.channels.ChannelScope;
import dev.coppice.prune.channels.ChannelScore;
import dev.coppice.prune.channels.Residual;
import dev.coppice.prune.channels.Rounding;
import dev.coppice.train.CriticalityProbe;
import dev.coppice.train.TrainingSettings;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options about whole channels. */
final class ChannelOptions {
  private static final double PERCENT = 0.5;
  private static final float SCALE_L1 = 1e-4f;

  @Option(
      names = "--structured",
      description = "prune whole channels and build a smaller dense network")
  boolean structured;

  @Option(
      names = "--channel-method",
      paramLabel = "NAME",
      description =
          "slimming, sca, channel-random, channel-criticality or channel-balanced: scores, scope,"
              + " growth and rounds by one name (default: channel-criticality)")
  ChannelMethod method = ChannelMethod.CHANNEL_CRITICALITY;

  @Option(
      names = "--percent",
      paramLabel = "X",
      description = "the share of channels to prune, in (0, 1) (default: 0.5)")
  @Nullable Double percent;

  @Option(
      names = "--budget",
      paramLabel = "QUANTITY=X",
      description =
          "prune until the share X of channels, parameters, weights (of convolutions and linear"
              + " layers), sops (synaptic operations) or flops is left, instead of --percent;"
              + " --sparsity S is weights=1-S")
  @Nullable String budget;

  @Option(
      names = "--growth",
      paramLabel = "X",
      description =
          "the share of the kept channels that regrowth chooses (default: 0.05, or the method's)")
  @Nullable Double growth;

  @Option(
      names = "--channel-score",
      paramLabel = "NAME",
      description =
          "what prunes channels: scale (of the batch norm), criticality, combined, activity,"
              + " gradient (of the scale) or random (default: scale, or the method's)")
  @Nullable Score channelScore;

  @Option(
      names = "--regrowth-score",
      paramLabel = "NAME",
      description =
          "what brings channels back, one of the same (default: criticality, or the method's)")
  @Nullable Score regrowthScore;

  @Option(
      names = "--channel-scope",
      paramLabel = "NAME",
      description =
          "which channels compete to stay: global, or those of a layer, so that all lose the same"
              + " share (default: global, or the method's)")
  @Nullable ChannelScope channelScope;

  @Option(
      names = "--score-samples",
      paramLabel = "N",
      description = "training images that scores are measured on (default: all)")
  @Nullable Integer scoreSamples;

  @Option(
      names = "--residual",
      paramLabel = "NAME",
      description =
          "channels of a residual stream go as a group, or it keeps its width and its readers"
              + " select (default: group)")
  Residual residual = Residual.GROUP;

  @Option(
      names = "--round-to",
      paramLabel = "N",
      description =
          "round the width of a layer up to a multiple (default: 16, less for layers under 64"
              + " channels; 1 with --budget or --sparsity)")
  @Nullable Integer roundTo;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      description = "how often to prune, regrow and fine-tune (default: 1, or the method's)")
  @Nullable Integer rounds;

  @Option(
      names = "--round-schedule",
      paramLabel = "NAME",
      description = "how the pruned share rises over the rounds: cubic or linear (default: linear)")
  SparsitySchedule roundSchedule = SparsitySchedule.LINEAR;

  @Option(
      names = "--pretrain-epochs",
      paramLabel = "N",
      description =
          "epochs of training, with the penalty of --sparsity-l1, before the first pruning; --epochs"
              + " are those of fine-tuning after each (default: those of --epochs, 0 with --from)")
  @Nullable Integer pretrainEpochs;

  /** What channels are scored by. */
  enum Score {
    /** The magnitude of the batch norm's scale. */
    SCALE,
    /** The criticality of the channel's neurons. */
    CRITICALITY,
    /** The ranks of both, multiplied. */
    COMBINED,
    /** The mean magnitude of the membrane potential. */
    ACTIVITY,
    /** The magnitude of the loss's derivative to the batch norm's scale. */
    GRADIENT,
    /** Chance. */
    RANDOM
  }

  /**
   * Fills in and checks.
   *
   * @param epochs of fine-tuning
   * @param fromModel whether the run begins with a trained model
   * @param sparsity the share of weights that go with their channels; null if not given
   */
  void resolve(int epochs, boolean fromModel, TrainingOptions training, @Nullable Double sparsity) {
    if (sparsity != null) {
      if (percent != null || budget != null) {
        throw new UsageException("--sparsity excludes --percent and --budget");
      }
      if (!(sparsity > 0 && sparsity < 1)) {
        throw new UsageException(
            "--sparsity of --structured must lie strictly between 0 and 1, not be " + sparsity);
      }
    }
    channelScore = channelScore == null ? method.pruning() : channelScore;
    regrowthScore = regrowthScore == null ? method.regrowth() : regrowthScore;
    channelScope = channelScope == null ? method.scope() : channelScope;
    growth = growth == null ? Double.valueOf(method.growth()) : growth;
    rounds = rounds == null ? Integer.valueOf(method.rounds()) : rounds;
    if (percent != null && budget != null) {
      throw new UsageException("--percent and --budget exclude each other");
    }
    if (budget == null && sparsity == null) {
      percent = percent == null ? Double.valueOf(PERCENT) : percent;
      if (!(percent > 0 && percent < 1)) {
        throw new UsageException("--percent must lie strictly between 0 and 1, not be " + percent);
      }
    }
    if (!(growth >= 0 && growth <= 1)) {
      throw new UsageException("--growth must lie in [0, 1], not be " + growth);
    }
    if (rounds < 1) {
      throw new UsageException("--rounds must be at least 1, not " + rounds);
    }
    if (scoreSamples != null && scoreSamples < 1) {
      throw new UsageException("--score-samples must be at least 1, not " + scoreSamples);
    }
    if (pretrainEpochs == null) {
      pretrainEpochs = fromModel ? 0 : epochs;
    }
    if (pretrainEpochs < 0) {
      throw new UsageException("--pretrain-epochs must not be negative: " + pretrainEpochs);
    }
    if (training.scaleL1 == null) {
      training.scaleL1 = SCALE_L1;
    }
  }

  /**
   * Returns how many channels go, after {@link #resolve}.
   *
   * @param sparsity as {@link #resolve} had it
   * @throws IllegalArgumentException for a budget that is none
   */
  ChannelGoal goal(@Nullable Double sparsity) {
    int times = Objects.requireNonNull(rounds);
    if (percent != null) {
      return new ChannelGoal.Share(new ChannelSchedule(roundSchedule, times, percent));
    }
    return new ChannelGoal.Budget(
        sparsity == null
            ? ChannelBudget.parse(Objects.requireNonNull(budget))
            : new ChannelBudget(ChannelBudget.Quantity.WEIGHTS, 1 - sparsity),
        roundSchedule,
        times);
  }

  /** Returns the settings of the training before the first pruning; null for none. */
  @Nullable TrainingSettings pretraining(TrainingSettings settings) {
    return pretrainEpochs == null || pretrainEpochs == 0
        ? null
        : settings.toBuilder().epochs(pretrainEpochs).build();
  }

  ChannelPruning.Settings settings(CriticalityProbe probe, PruningOptions pruning, long seed) {
    Rounding rounding =
        roundTo != null
            ? new Rounding.To(roundTo)
            : percent == null ? new Rounding.To(1) : new Rounding.Vectors();
    return new ChannelPruning.Settings(
        score(Objects.requireNonNull(channelScore), probe),
        score(Objects.requireNonNull(regrowthScore), probe),
        Objects.requireNonNull(channelScope),
        Objects.requireNonNull(growth),
        pruning.ties,
        residual,
        rounding,
        seed);
  }

  private static ChannelScore score(Score score, CriticalityProbe probe) {
    return switch (score) {
      case SCALE -> new ChannelScore.Scale();
      case CRITICALITY -> new ChannelScore.Criticality(probe);
      case COMBINED -> new ChannelScore.Combined(probe);
      case ACTIVITY -> new ChannelScore.Activity();
      case GRADIENT -> new ChannelScore.Gradient();
      case RANDOM -> new ChannelScore.Random();
    };
  }
}
