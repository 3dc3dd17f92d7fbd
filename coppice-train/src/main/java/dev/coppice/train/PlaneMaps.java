package dev.coppice.train;

import dev.coppice.kernels.PlaneMarks;
import dev.coppice.kernels.Planes;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Maps in planes, computed when somebody reads them: whoever works channel by channel has a channel
 * filled and goes on while it is in the cache, through as many layers as are one after the other.
 * Belongs to its holders, the last of whom gives the memory back.
 */
final class PlaneMaps {
  /** Floats of a tile of channels, so that what is computed of them stays in the second cache. */
  private static final long TILE = 96 << 10;

  private final PlaneStore store;
  private final Planes layout;
  private final int images;
  private final Form form;
  private final MemorySegment memory;
  private LiveChannels live;
  private @Nullable Filler filler;

  /** Clears around live channels; null when that is done. */
  private volatile @Nullable Filler clearing;

  private boolean fillerClears;
  private List<PlaneMaps> sources = List.of();
  private List<Runnable> whenComplete = List.of();
  private int holders = 1;

  /**
   * Makes maps that are not filled.
   *
   * @param live the channels that are computed; the others are zero
   * @param clearing clears around live channels in memory without the zeros that belong there
   */
  PlaneMaps(
      PlaneStore store,
      Planes layout,
      int images,
      Form form,
      MemorySegment memory,
      LiveChannels live,
      @Nullable Filler clearing) {
    this.store = store;
    this.layout = layout;
    this.images = images;
    this.form = form;
    this.memory = memory;
    this.live = live;
    this.clearing = clearing;
  }

  /** What memory holds. */
  enum Form {
    NUMBERS,

    /** Numbers, of which some may lie beyond the map: see {@link Planes}. */
    UNCLEAN,

    /** Spikes: see {@link PlaneMarks}. */
    MARKS
  }

  /** Computes channels. */
  interface Filler {
    void fill(int fromChannel, int toChannel);
  }

  Planes layout() {
    return layout;
  }

  int images() {
    return images;
  }

  int groups() {
    return layout.groups(images);
  }

  /** Returns the memory, with zeros around the maps. */
  MemorySegment memory() {
    if (clearing != null) {
      clear();
    }
    return memory;
  }

  private synchronized void clear() {
    Filler known = clearing;
    if (known != null) {
      live.each(0, layout.channels(), known);
      clearing = null;
    }
  }

  /** Returns the memory as it is. */
  MemorySegment block() {
    return memory;
  }

  /** Whether there are zeros around all maps. */
  boolean clean() {
    return clearing == null && !fillerClears;
  }

  Form form() {
    return form;
  }

  /** Returns the channels that are computed. */
  LiveChannels live() {
    return live;
  }

  /** Leaves out, from now on, what is done to channels that nobody reads. */
  void leave(LiveChannels channels) {
    live = channels;
  }

  /**
   * Has the channels computed when they are read, or, if they were to be computed before, has more
   * done to them.
   *
   * @param next may read the same channels of the sources
   * @param from held until all is computed
   */
  void lazily(Filler next, PlaneMaps... from) {
    Filler before = filler;
    // Around a channel had better be cleared when the channel is in the cache.
    Filler clears = clearing;
    clearing = null;
    fillerClears |= clears != null;
    for (PlaneMaps source : from) {
      source.retain();
    }
    sources = join(sources, List.of(from));
    filler =
        (fromChannel, toChannel) -> {
          if (before != null) {
            before.fill(fromChannel, toChannel);
          }
          for (PlaneMaps source : from) {
            source.fill(fromChannel, toChannel);
          }
          if (clears != null) {
            clears.fill(fromChannel, toChannel);
          }
          next.fill(fromChannel, toChannel);
        };
  }

  /** Has something done when all is computed, which may be now. */
  void then(Runnable action) {
    if (filler == null) {
      action.run();
      return;
    }
    whenComplete = join(whenComplete, List.of(action));
  }

  private static <T> List<T> join(List<T> one, List<T> other) {
    return Stream.concat(one.stream(), other.stream()).toList();
  }

  /** Computes channels unless all are; no two threads may ask for the same. */
  private void fill(int fromChannel, int toChannel) {
    Filler pending = filler;
    if (pending != null) {
      live.each(fromChannel, toChannel, pending);
    }
  }

  /** Works on all live channels by all threads, each just computed if it was not. */
  void each(Filler work) {
    int tile = Math.toIntExact(Math.clamp(TILE / ((long) groups() * layout.planeFloats()), 1, 64));
    store
        .crew()
        .run(
            live.count(),
            1,
            (from, to) -> {
              for (int first = (int) from; first < to; first += tile) {
                live.part(
                    first,
                    (int) Math.min(to, first + tile),
                    (fromChannel, toChannel) -> {
                      fill(fromChannel, toChannel);
                      work.fill(fromChannel, toChannel);
                    });
              }
            });
    computed();
  }

  /** Computes what is not. */
  void complete() {
    if (filler != null) {
      each((from, to) -> {});
    }
  }

  private void computed() {
    if (filler == null) {
      return;
    }
    filler = null;
    fillerClears = false;
    List<PlaneMaps> done = sources;
    sources = List.of();
    done.forEach(
        source -> {
          source.computed();
          source.release();
        });
    List<Runnable> actions = whenComplete;
    whenComplete = List.of();
    actions.forEach(Runnable::run);
  }

  void retain() {
    holders++;
  }

  void release() {
    if (--holders == 0) {
      store.giveBack(this);
    }
  }

  /** Returns these maps in another layout, and releases them when that is computed. */
  PlaneMaps as(Planes wanted) {
    PlaneMaps other =
        form == Form.MARKS
            ? store.takeMarks(wanted, images, live)
            : store.take(wanted, images, live);
    other.lazily((from, to) -> copy(other, from, to), this);
    release();
    return other;
  }

  /** Returns the numbers 0 and 1 of marks. */
  PlaneMaps unpacked() {
    PlaneMaps numbers = store.take(layout, images, live);
    int side = layout.step() * layout.step();
    numbers.lazily(
        (from, to) ->
            store
                .kernels()
                .unpackPlaneMarks(layout, memory, numbers.memory, groups(), from * side, to * side),
        this);
    return numbers;
  }

  /** Returns the marks of numbers that are 0 and 1. */
  PlaneMaps packed() {
    PlaneMaps marks = store.takeMarks(layout, images, live);
    int side = layout.step() * layout.step();
    marks.lazily(
        (from, to) ->
            store
                .kernels()
                .packPlaneMarks(layout, memory, marks.memory, groups(), from * side, to * side),
        this);
    return marks;
  }

  /** Adds planes of the same layout, whose only holder hands them over. */
  void add(PlaneMaps other) {
    PlaneSum sums = new PlaneSum(store.kernels(), layout, groups());
    lazily((from, to) -> sums.add(memory, other.memory, memory, from, to), other);
    other.release();
  }

  /** Copies channels to planes of the same layout, one plane to a channel. */
  void copyTo(PlaneMaps to, int fromChannel, int toChannel) {
    long from = layout.origin() + (long) fromChannel * layout.planeFloats();
    long bytes = (long) (toChannel - fromChannel) * layout.planeFloats() * Float.BYTES;
    for (int group = 0; group < to.groups(); group++) {
      long at = (from + (long) group * layout.groupFloats()) * Float.BYTES;
      MemorySegment.copy(memory, at, to.memory(), at, bytes);
    }
  }

  private void copy(PlaneMaps to, int fromChannel, int toChannel) {
    int shrinking = form == Form.MARKS ? PlaneMarks.SHRINKING : 1;
    long bytes = (long) layout.group() * Float.BYTES / shrinking;
    for (int first = 0; first < images; first += layout.group()) {
      for (int c = fromChannel; c < toChannel; c++) {
        for (int y = 0; y < layout.height(); y++) {
          for (int x = 0; x < layout.width(); x++) {
            MemorySegment.copy(
                memory,
                layout.at(first, c, y, x) * Float.BYTES / shrinking,
                to.memory,
                to.layout.at(first, c, y, x) * Float.BYTES / shrinking,
                bytes);
          }
        }
      }
    }
  }

  /** Copies from or to maps {@code [N, H, W, C]}. */
  void exchange(MemorySegment maps, boolean into) {
    long mapBytes =
        (long) layout.group() * layout.height() * layout.width() * layout.channels() * Float.BYTES;
    long groupBytes = (long) layout.groupFloats() * Float.BYTES;
    store
        .crew()
        .run(
            groups(),
            1,
            (from, to) -> {
              for (long group = from; group < to; group++) {
                MemorySegment part = maps.asSlice(group * mapBytes, mapBytes);
                MemorySegment own = memory().asSlice(group * groupBytes, groupBytes);
                if (into) {
                  layout.fromMaps(part, own, layout.group());
                } else {
                  layout.toMaps(own, part, layout.group());
                }
              }
            });
  }
}
