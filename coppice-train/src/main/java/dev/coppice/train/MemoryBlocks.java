package dev.coppice.train;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/**
 * Memory that is lent in blocks of any size: what is given back serves the next, whole, in parts or
 * together with its neighbours. It is asked for in large pieces, so that most blocks are neighbours
 * of others; what no block has been yet takes no memory. Nothing goes back to the system before the
 * arena is closed.
 */
final class MemoryBlocks {
  /** Bytes of a cache line, at which every block begins. */
  private static final int ALIGNMENT = 64;

  /** Bytes of the least piece. */
  private static final long CHUNK = 1L << 28;

  private final Arena arena;
  private final List<Chunk> chunks = new ArrayList<>();

  MemoryBlocks(Arena arena) {
    this.arena = arena;
  }

  /**
   * Memory that is lent.
   *
   * @param fit whether it holds zeros, or what the last user left, who used it for the same
   */
  record Block(MemorySegment memory, boolean fit) {}

  /** The last use of a range up to a place. */
  private record Use(long end, Object what) {}

  /** A piece of memory. */
  private static final class Chunk {
    private final MemorySegment memory;

    /** The bytes that are free from a place on. */
    private final TreeMap<Long, Long> free = new TreeMap<>();

    /** From a place on, the last use that nothing was written over. */
    private final TreeMap<Long, Use> uses = new TreeMap<>();

    /** The bytes that have been used; what follows them is zero. */
    private long touched;

    Chunk(long bytes, Arena arena) {
      long spare = ALIGNMENT - 1;
      MemorySegment whole = CLibrary.zeros(arena, bytes + spare);
      memory = whole.asSlice((ALIGNMENT - whole.address() % ALIGNMENT) % ALIGNMENT, bytes);
      free.put(0L, bytes);
    }

    /** Takes bytes out of a free range. */
    Block take(long at, long bytes, Object what) {
      Map.Entry<Long, Long> range = Objects.requireNonNull(free.floorEntry(at));
      long from = range.getKey();
      long end = from + range.getValue();
      free.remove(from);
      if (from < at) {
        free.put(from, at - from);
      }
      if (at + bytes < end) {
        free.put(at + bytes, end - at - bytes);
      }
      boolean fit = at >= touched;
      touched = Math.max(touched, at + bytes);
      fit |= use(at, new Use(at + bytes, what));
      return new Block(memory.asSlice(at, bytes), fit);
    }

    /** Returns where the last use was the same and all is free, or a negative number. */
    long again(long bytes, Object what) {
      for (Map.Entry<Long, Use> use : uses.entrySet()) {
        long at = use.getKey();
        if (use.getValue().equals(new Use(at + bytes, what))) {
          Map.Entry<Long, Long> range = free.floorEntry(at);
          if (range != null && range.getKey() + range.getValue() >= at + bytes) {
            return at;
          }
        }
      }
      return -1;
    }

    /** Notes the use of a range, and returns whether it is the last one again. */
    private boolean use(long at, Use now) {
      if (now.equals(uses.get(at))) {
        return true;
      }
      Map.Entry<Long, Use> last = uses.lowerEntry(now.end());
      while (last != null && last.getValue().end() > at) {
        uses.remove(last.getKey());
        last = uses.lowerEntry(now.end());
      }
      uses.put(at, now);
      return false;
    }

    long place(MemorySegment block) {
      return block.address() - memory.address();
    }

    void giveBack(MemorySegment block) {
      long at = place(block);
      long end = at + block.byteSize();
      Long after = free.remove(end);
      if (after != null) {
        end += after;
      }
      Map.Entry<Long, Long> before = free.floorEntry(at);
      if (before != null && before.getKey() + before.getValue() == at) {
        at = before.getKey();
      }
      free.put(at, end - at);
    }
  }

  /**
   * Returns a block of at least so many bytes.
   *
   * @param use what for
   */
  Block take(long bytes, Object use) {
    long wanted = Math.ceilDiv(Math.max(bytes, 1), ALIGNMENT) * ALIGNMENT;
    for (Chunk chunk : chunks) {
      long at = chunk.again(wanted, use);
      if (at >= 0) {
        return chunk.take(at, wanted, use);
      }
    }
    Chunk best = null;
    long at = 0;
    long least = Long.MAX_VALUE;
    for (Chunk chunk : chunks) {
      for (Map.Entry<Long, Long> range : chunk.free.entrySet()) {
        if (range.getValue() >= wanted && range.getValue() < least) {
          best = chunk;
          at = range.getKey();
          least = range.getValue();
        }
      }
    }
    if (best == null) {
      best = new Chunk(Math.max(wanted, CHUNK), arena);
      chunks.add(best);
      at = 0;
    }
    return best.take(at, wanted, use);
  }

  /** Takes a block back that {@link #take} returned. */
  void giveBack(MemorySegment block) {
    chunk(block).giveBack(block);
  }

  /** Notes that a block does not hold what others who use it for the same would leave. */
  void spoil(MemorySegment block) {
    Chunk chunk = chunk(block);
    chunk.uses.remove(chunk.place(block));
  }

  private Chunk chunk(MemorySegment block) {
    for (Chunk chunk : chunks) {
      if (chunk.place(block) >= 0 && chunk.place(block) < chunk.memory.byteSize()) {
        return chunk;
      }
    }
    throw new IllegalArgumentException("a block of other memory");
  }

  /** Returns the bytes that have been used. */
  long bytes() {
    return chunks.stream().mapToLong(chunk -> chunk.touched).sum();
  }
}
