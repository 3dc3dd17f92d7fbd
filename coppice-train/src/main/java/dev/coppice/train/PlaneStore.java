package dev.coppice.train;

import dev.coppice.kernels.Crew;
import dev.coppice.kernels.Kernels;
import dev.coppice.kernels.PlaneMarks;
import dev.coppice.kernels.Planes;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Memory of planes and of arrays, of which each serves the other. Kernels leave the zeros around
 * planes as they are, so that memory which comes back for planes of the same layout need not be
 * cleared; all of it comes back when a pass ends.
 */
final class PlaneStore implements AutoCloseable {
  private final Arena arena = Arena.ofShared();
  private final MemoryBlocks blocks = new MemoryBlocks(arena);
  private final ArrayStore arrays = new ArrayStore(blocks);
  private final Crew crew;
  private final Kernels kernels;
  private final int border;
  private final List<PlaneMaps> lent = new ArrayList<>();
  private @Nullable LayerTimes times;

  /** What memory is good for. */
  private record Kind(Planes layout, int images, PlaneMaps.Form form, LiveChannels live) {
    boolean marks() {
      return form == PlaneMaps.Form.MARKS;
    }

    long bytes() {
      return marks() ? PlaneMarks.bytes(layout, images) : layout.bytes(layout.groups(images));
    }

    /** Makes channels zero, and what lies around them. */
    void clear(MemorySegment memory, int fromChannel, int toChannel) {
      clearing(memory).fill(fromChannel, toChannel);
      int floats = layout.step() * layout.step() * layout.planeFloats();
      int size = marks() ? Float.BYTES / PlaneMarks.SHRINKING : Float.BYTES;
      for (int group = 0; group < layout.groups(images); group++) {
        long first =
            (long) group * layout.groupFloats() + layout.origin() + (long) fromChannel * floats;
        memory
            .asSlice(first * size, (long) (toChannel - fromChannel) * floats * size)
            .fill((byte) 0);
      }
    }

    /** Returns what clears around the channels that it is given. */
    PlaneMaps.Filler clearing(MemorySegment memory) {
      return marks()
          ? (from, to) -> PlaneMarks.clearAround(layout, memory, images, from, to)
          : (from, to) -> layout.clearAround(memory, images, from, to);
    }
  }

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
    return take(layout, images, LiveChannels.all(layout.channels()));
  }

  /** Returns planes with stale numbers in some channels and zeros in the others. */
  PlaneMaps take(Planes layout, int images, LiveChannels live) {
    return take(new Kind(layout, images, PlaneMaps.Form.NUMBERS, live));
  }

  /** Returns planes for a gradient that may be written beyond the map. */
  PlaneMaps takeUnclean(Planes layout, int images, LiveChannels live) {
    PlaneMaps.Form form = layout.step() > 1 ? PlaneMaps.Form.UNCLEAN : PlaneMaps.Form.NUMBERS;
    return take(new Kind(layout, images, form, live));
  }

  /** Returns planes with stale spikes as marks in some channels and zeros in the others. */
  PlaneMaps takeMarks(Planes layout, int images, LiveChannels live) {
    return take(new Kind(layout, images, PlaneMaps.Form.MARKS, live));
  }

  /** Whether spikes in planes had better be marks. */
  boolean prefersMarks(Planes layout) {
    return kernels.prefersPlaneMarks() && PlaneMarks.fit(layout);
  }

  private PlaneMaps take(Kind kind) {
    MemoryBlocks.Block block = blocks.take(kind.bytes(), kind);
    if (!block.fit()) {
      kind.live().eachOther((from, to) -> kind.clear(block.memory(), from, to));
    }
    PlaneMaps maps =
        new PlaneMaps(
            this,
            kind.layout(),
            kind.images(),
            kind.form(),
            block.memory(),
            kind.live(),
            block.fit() ? null : kind.clearing(block.memory()));
    lent.add(maps);
    return maps;
  }

  void giveBack(PlaneMaps maps) {
    lent.remove(maps);
    if (!maps.clean()) {
      blocks.spoil(maps.block());
    }
    blocks.giveBack(maps.block());
  }

  /** Takes back what a pass did not release. */
  void endPass() {
    List.copyOf(lent).forEach(this::giveBack);
    arrays.endPass();
  }

  /** Returns the bytes that have been used, for tests of leaks. */
  long bytes() {
    return blocks.bytes();
  }

  @Override
  public void close() {
    arena.close();
  }
}
