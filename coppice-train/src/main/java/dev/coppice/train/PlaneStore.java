package dev.coppice.train;

import dev.coppice.kernels.Crew;
import dev.coppice.kernels.Kernels;
import dev.coppice.kernels.PlaneMarks;
import dev.coppice.kernels.Planes;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Memory of planes. Kernels leave the zeros around planes as they are, so that memory once zeroed
 * serves planes of the same layout again and again; all of it comes back when a pass ends.
 */
final class PlaneStore implements AutoCloseable {
  private final Arena arena = Arena.ofShared();
  private final ArrayStore arrays = new ArrayStore(new MemoryBlocks(arena));
  private final Crew crew;
  private final Kernels kernels;
  private final int border;
  private final Map<Kind, Deque<MemorySegment>> free = new HashMap<>();
  private final List<PlaneMaps> lent = new ArrayList<>();
  private int allocated;
  private @Nullable LayerTimes times;

  /** What memory is good for. */
  private record Kind(Planes layout, int images, PlaneMaps.Form form) {}

  /**
   * Makes a store without memory.
   *
   * @param border the zeros around planes that all convolutions of the network need
   */
  PlaneStore(Crew crew, Kernels kernels, int border) {
    this.crew = crew;
    this.kernels = kernels;
    this.border = border;
  }

  Crew crew() {
    return crew;
  }

  Kernels kernels() {
    return kernels;
  }

  /** Returns the memory of arrays. */
  ArrayStore arrays() {
    return arrays;
  }

  int border() {
    return border;
  }

  /** Returns how many images of a batch lie side by side: a time step is whole groups of them. */
  static int group(int batch) {
    for (int group = Math.min(batch, Planes.LANES); group > 1; group--) {
      if (batch % group == 0) {
        return group;
      }
    }
    return 1;
  }

  /** Returns the work, its time added to that of a node. */
  PlaneMaps.Filler timed(String node, PlaneMaps.Filler work) {
    LayerTimes known = times;
    return known == null ? work : known.timed(node, work);
  }

  /** Returns the record of times, or null if there is none. */
  @Nullable LayerTimes times() {
    return times;
  }

  /** Records the time of what is made from now on, or not. */
  void record(@Nullable LayerTimes into) {
    times = into;
  }

  /** Returns planes with stale numbers, for one holder. */
  PlaneMaps take(Planes layout, int images) {
    return take(new Kind(layout, images, PlaneMaps.Form.NUMBERS));
  }

  /** Returns planes for a gradient that may be written beyond the map. */
  PlaneMaps takeUnclean(Planes layout, int images) {
    PlaneMaps.Form form = layout.step() > 1 ? PlaneMaps.Form.UNCLEAN : PlaneMaps.Form.NUMBERS;
    return take(new Kind(layout, images, form));
  }

  /** Returns planes with stale spikes as marks, for one holder. */
  PlaneMaps takeMarks(Planes layout, int images) {
    return take(new Kind(layout, images, PlaneMaps.Form.MARKS));
  }

  /** Whether spikes in planes had better be marks. */
  boolean prefersMarks(Planes layout) {
    return kernels.prefersPlaneMarks() && PlaneMarks.fit(layout);
  }

  private PlaneMaps take(Kind kind) {
    Deque<MemorySegment> known = free.computeIfAbsent(kind, k -> new ArrayDeque<>());
    MemorySegment memory = known.poll();
    if (memory == null) {
      memory =
          kind.form() == PlaneMaps.Form.MARKS
              ? PlaneMarks.allocate(kind.layout(), arena, kind.images())
              : kind.layout().allocate(arena, kind.images());
      allocated++;
    }
    PlaneMaps maps = new PlaneMaps(this, kind.layout(), kind.images(), kind.form(), memory);
    lent.add(maps);
    return maps;
  }

  void giveBack(PlaneMaps maps) {
    lent.remove(maps);
    free.computeIfAbsent(
            new Kind(maps.layout(), maps.images(), maps.form()), k -> new ArrayDeque<>())
        .push(maps.memory());
  }

  /** Takes back what a pass did not release. */
  void endPass() {
    List.copyOf(lent).forEach(this::giveBack);
    arrays.endPass();
  }

  /** Returns how many pieces of memory there are, for tests of leaks. */
  int allocated() {
    return allocated;
  }

  @Override
  public void close() {
    arena.close();
  }
}
