package dev.coppice.train;

import dev.coppice.kernels.Planes;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What {@link AddExecutor} does, in planes. */
final class PlaneAdd {
  private final String name;
  private final Planes layout;
  private final List<Activation> inputs;
  private final boolean constant;
  private final Pass pass;
  private final PlaneStore store;
  private final int groups;
  private final PlaneSum sums;

  /**
   * Prepares a sum.
   *
   * @param layout how its terms lie, or are to lie
   * @param constant whether all terms are constant in time
   */
  PlaneAdd(
      String name,
      Planes layout,
      List<Activation> inputs,
      boolean constant,
      Pass pass,
      PlaneStore store) {
    this.name = name;
    this.layout = layout;
    this.inputs = inputs;
    this.constant = constant;
    this.pass = pass;
    this.store = store;
    this.groups = layout.groups(pass.batch());
    this.sums = new PlaneSum(store.kernels(), layout, groups);
  }

  Executor.Result forward() {
    List<PlaneMaps> terms = new ArrayList<>();
    for (Activation input : inputs) {
      terms.add(input.maps().planes(layout, store));
    }
    // One term is computed as the sum is. Others might be computed from the same as it.
    terms.subList(1, terms.size()).forEach(PlaneMaps::complete);
    int steps = constant ? 1 : pass.steps();
    PlaneMaps output = store.take(layout, steps * pass.batch());
    output.lazily(
        store.timed(
            name,
            (from, to) -> {
              for (int step = 0; step < steps; step++) {
                MemorySegment sum = step(output, step);
                for (int k = 1; k < terms.size(); k++) {
                  MemorySegment before = k == 1 ? term(terms, 0, step) : sum;
                  sums.add(before, term(terms, k, step), sum, from, to);
                }
              }
            }),
        terms.toArray(PlaneMaps[]::new));
    Activation activation = new Activation(Maps.of(output, pass.manager()), constant);
    return new Executor.Result(activation, pass.training() ? (MapsBackward) this::back : null);
  }

  private MemorySegment term(List<PlaneMaps> terms, int k, int step) {
    return step(terms.get(k), inputs.get(k).constant() ? 0 : step);
  }

  /** Returns the groups of a time step. */
  private MemorySegment step(PlaneMaps maps, int step) {
    long bytes = layout.bytes(groups);
    return maps.memory().asSlice(step * bytes, bytes);
  }

  /** Whoever gets a gradient may overwrite it, so that no two may share one. */
  private List<@Nullable Maps> back(Maps gradient) {
    PlaneMaps given = gradient.takePlanes(layout, store);
    List<@Nullable Maps> gradients = new ArrayList<>();
    List<PlaneMaps.Filler> fillers = new ArrayList<>();
    boolean taken = false;
    for (Activation input : inputs) {
      boolean sum = input.constant() && !constant;
      if (!sum && !taken) {
        taken = true;
        gradients.add(Maps.of(given, pass.manager()));
        continue;
      }
      PlaneMaps own = store.take(layout, sum ? pass.batch() : given.images());
      fillers.add(
          sum
              ? (from, to) -> addSteps(given, own, from, to)
              : (from, to) -> given.copyTo(own, from, to));
      gradients.add(Maps.of(own, pass.manager()));
    }
    given.each(store.timed(name, (from, to) -> fillers.forEach(filler -> filler.fill(from, to))));
    return gradients;
  }

  private void addSteps(PlaneMaps given, PlaneMaps sum, int from, int to) {
    given.copyTo(sum, from, to);
    for (int step = 1; step < pass.steps(); step++) {
      sums.add(sum.memory(), step(given, step), sum.memory(), from, to);
    }
  }
}
