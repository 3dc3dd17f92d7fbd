package dev.coppice.runtime;

import java.util.ArrayList;
import java.util.List;

/** The steps of a plan while it is made; those from plane to plane are joined to chains. */
final class StepList {
  private final Placements placements;
  private final Storage storage;
  private final List<Step> steps = new ArrayList<>();

  /** The parts of the chain that is being made, which is the last step; or none. */
  private List<PlaneStep> chain = new ArrayList<>();

  StepList(Placements placements, Storage storage) {
    this.placements = placements;
    this.storage = storage;
  }

  void add(Step step) {
    steps.add(step);
    chain = new ArrayList<>();
  }

  /** Ends the chain that is being made: all of what it reads may be written from now on. */
  void startChain() {
    chain = new ArrayList<>();
    storage.chainEnds();
  }

  /** Adds a step to the chain that is being made if it goes on there, or else begins one. */
  void addToChain(PlaneStep step, Value.Planar out) {
    placements.add(step);
    int channels = out.shape().channels();
    if (!chain.isEmpty() && ((PlaneChain) steps.getLast()).planes() == channels) {
      steps.removeLast();
    } else {
      chain = new ArrayList<>();
    }
    chain.add(step);
    steps.add(new PlaneChain(List.copyOf(chain), channels));
  }

  /**
   * Adds neurons to the chain. They are joined to a layer in whole numbers before them.
   *
   * @param alone whether nothing else reads what they read
   */
  void addNeurons(PlaneNeuronStep step, Value.Planar out, boolean alone) {
    if (alone && !chain.isEmpty() && chain.getLast() instanceof WholeLayer layer) {
      placements.add(step);
      chain.set(chain.size() - 1, new WholeNeurons(layer, step));
      steps.removeLast();
      steps.add(new PlaneChain(List.copyOf(chain), out.shape().channels()));
    } else {
      addToChain(step, out);
    }
  }

  List<Step> made() {
    return List.copyOf(steps);
  }
}
