package dev.coppice.cli;

import dev.coppice.graph.Model;
import dev.coppice.prune.SparsitySchedule;
import dev.coppice.prune.channels.ChannelBudget;
import dev.coppice.prune.channels.ChannelPruning;
import dev.coppice.prune.channels.ChannelSchedule;
import java.util.function.ToDoubleFunction;

/** How many channels are to go, and in how many rounds. */
sealed interface ChannelGoal {
  /** Returns the number of rounds. */
  int rounds();

  /**
   * Returns the network of a round without the channels that go in it.
   *
   * @param pruning the network with its scores
   * @param round 1 for the first
   * @param whole the network before the first round
   * @param sops gives the effective synaptic operations of a network
   */
  ChannelPruning.Result prune(
      ChannelPruning pruning, int round, Model whole, ToDoubleFunction<Model> sops);

  /** A share of the channels. */
  record Share(ChannelSchedule schedule) implements ChannelGoal {
    @Override
    public int rounds() {
      return schedule.rounds();
    }

    @Override
    public ChannelPruning.Result prune(
        ChannelPruning pruning, int round, Model whole, ToDoubleFunction<Model> sops) {
      double percent = schedule.percent(round, pruning.channels(whole.graph()), pruning.channels());
      return percent == 0
          ? pruning.unchanged("round " + round + " has nothing to remove")
          : pruning.prune(percent);
    }
  }

  /**
   * What may be left of a quantity.
   *
   * @param shape how the share that is gone rises over the rounds
   */
  record Budget(ChannelBudget budget, SparsitySchedule shape, int rounds) implements ChannelGoal {
    @Override
    public ChannelPruning.Result prune(
        ChannelPruning pruning, int round, Model whole, ToDoubleFunction<Model> sops) {
      double gone = shape.target(round, rounds, 0, 1 - budget.share());
      return pruning.meet(new ChannelBudget(budget.quantity(), 1 - gone), whole, sops);
    }
  }
}
