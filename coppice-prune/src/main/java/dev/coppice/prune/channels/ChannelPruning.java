package dev.coppice.prune.channels;

import dev.coppice.data.DataSet;
import dev.coppice.data.Images;
import dev.coppice.graph.DenseOperations;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Model;
import dev.coppice.graph.Weights;
import dev.coppice.prune.Ties;
import dev.coppice.train.Engine;
import dev.coppice.train.Probes;
import dev.coppice.train.TrainingSettings;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/**
 * A network whose channels are scored, ready to lose some: procedure S of arXiv 2311.16141 from its
 * scores to the smaller network. Selections of different sizes use the same scores.
 */
public final class ChannelPruning {
  private final Model model;
  private final Settings settings;
  private final List<ChannelGroup> groups;
  private final Map<String, float[]> first;
  private final Map<String, float[]> second;

  /**
   * What is pruned and what comes back.
   *
   * @param first the score that prunes
   * @param second the score that brings back
   * @param scope which channels compete by the first score
   * @param growth the share of the channels left that the second score chooses, in [0, 1]
   * @param ties how ties are broken
   * @param residual what becomes of residual streams
   * @param rounding how widths are rounded up
   * @param seed of what is drawn
   */
  public record Settings(
      ChannelScore first,
      ChannelScore second,
      ChannelScope scope,
      double growth,
      Ties ties,
      Residual residual,
      Rounding rounding,
      long seed) {

    /** Returns what must be measured of a network for the scores. */
    public Probes probes(Graph graph) {
      List<ChannelGroup> groups = ChannelGroups.of(graph, residual);
      return first.probes(graph, groups).and(second.probes(graph, groups));
    }
  }

  /**
   * A smaller network.
   *
   * @param model the network
   * @param widths channels of each group that can lose some, by its name
   * @param regrown channels that the second score brought back
   * @param notes what was done otherwise than selected
   */
  public record Result(Model model, Map<String, Width> widths, int regrown, List<String> notes) {}

  /** Channels of a group before and after. */
  public record Width(int before, int after) {}

  private ChannelPruning(
      Model model,
      Settings settings,
      List<ChannelGroup> groups,
      Map<String, float[]> first,
      Map<String, float[]> second) {
    this.model = model;
    this.settings = settings;
    this.groups = groups;
    this.first = first;
    this.second = second;
  }

  /**
   * Checks that a network can be pruned so, and returns the groups that can lose channels.
   *
   * @throws IllegalArgumentException if nothing can be pruned, or a group has no batch norm or
   *     neuron that it would be scored by
   */
  public static List<ChannelGroup> check(Graph graph, Settings settings) {
    List<ChannelGroup> groups = ChannelGroups.of(graph, settings.residual());
    if (groups.isEmpty()) {
      throw new IllegalArgumentException(
          "the network has no channels that could be removed: "
              + String.join("; ", ChannelGroups.fixed(graph, settings.residual()).values()));
    }
    settings.first().check(groups);
    settings.second().check(groups);
    return groups;
  }

  /**
   * Scores the channels of a network.
   *
   * @param images what is measured on: the training set of the data, or a sample of it
   * @param training of which T, the batch size, the encoder and the seed are used
   * @throws IllegalArgumentException if nothing can be pruned, or a channel cannot be scored
   */
  public static ChannelPruning score(
      Model model,
      Settings settings,
      Engine engine,
      Images images,
      DataSet data,
      TrainingSettings training,
      ChannelMeasurement.Progress progress) {
    Graph graph = model.graph();
    List<ChannelGroup> groups = check(graph, settings);
    Probes.Measured measured =
        ChannelMeasurement.of(engine, images, data, training, settings.probes(graph), progress);
    return new ChannelPruning(
        model,
        settings,
        groups,
        settings
            .scope()
            .compared(settings.first().scores(groups, model.weights(), measured, settings.seed())),
        settings.second().scores(groups, model.weights(), measured, settings.seed() + 1));
  }

  /**
   * Returns the network without a share of its channels.
   *
   * @param percent the share to prune, in (0, 1)
   * @throws IllegalArgumentException if a share is out of its range
   */
  public Result prune(double percent) {
    ChannelSelection selection =
        ChannelSelection.of(
            groups, first, second, percent, settings.growth(), settings.ties(), settings.seed());
    List<String> notes = new ArrayList<>();
    Map<String, boolean[]> keep =
        Surgery.repair(model.graph(), settings.residual(), selection.keep(), first, notes);
    Surgery.Result shrunk =
        Surgery.shrink(model, settings.residual(), settings.rounding().round(keep, first));
    notes.addAll(shrunk.notes());
    Map<String, Width> widths = new LinkedHashMap<>();
    for (ChannelGroup group : groups) {
      int[] kept = shrunk.kept().get(group.name());
      widths.put(
          group.name(), new Width(group.channels(), kept == null ? group.channels() : kept.length));
    }
    return new Result(shrunk.model(), widths, selection.regrown(), notes);
  }

  /**
   * Returns the network that comes nearest to a budget.
   *
   * @param whole the network that the share of the budget is of: this one, or one that it came from
   * @param sops gives the effective synaptic operations of a network, for a budget of them
   * @throws IllegalArgumentException if a share is out of its range
   */
  public Result meet(ChannelBudget budget, Model whole, ToDoubleFunction<Model> sops) {
    ToDoubleFunction<Model> quantity =
        switch (budget.quantity()) {
          case CHANNELS -> counted -> channels(counted.graph());
          case PARAMETERS -> counted -> Weights.countTrainable(counted.graph());
          case WEIGHTS -> counted -> Weights.countConnections(counted.graph());
          case FLOPS -> counted -> DenseOperations.perStep(counted.graph());
          case SOPS -> sops;
        };
    double all = quantity.applyAsDouble(whole);
    return prune(
        budget
            .search(channels(), percent -> quantity.applyAsDouble(prune(percent).model()) / all)
            .percent());
  }

  /** Returns the network as it is. */
  public Result unchanged(String note) {
    return new Result(model, Map.of(), 0, List.of(note));
  }

  /** Returns the number of channels that can be pruned. */
  public int channels() {
    return channels(model.graph());
  }

  /** Returns the number of channels that could be pruned of another network in the same way. */
  public int channels(Graph graph) {
    return channels(graph, settings.residual());
  }

  /** Returns the number of channels of a network that can be pruned. */
  public static int channels(Graph graph, Residual residual) {
    return ChannelGroups.of(graph, residual).stream().mapToInt(ChannelGroup::channels).sum();
  }
}
