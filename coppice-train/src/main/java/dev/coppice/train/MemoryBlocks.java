package dev.coppice.train;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Memory that is lent in blocks of any size: what is given back serves the next, whole, in parts or
 * together with its neighbours. Nothing goes back to the system before the arena is closed.
 */
final class MemoryBlocks {
  /** Bytes of a cache line, at which every block begins. */
  private static final int ALIGNMENT = 64;

  private final Arena arena;
  private final List<Chunk> chunks = new ArrayList<>();

  MemoryBlocks(Arena arena) {
    this.arena = arena;
  }

  /** Memory of the system's, and the bytes that are free from a place on. */
  private record Chunk(MemorySegment memory, TreeMap<Long, Long> free) {
    /** Takes the first bytes of a free range. */
    MemorySegment take(long at, long range, long bytes) {
      free.remove(at);
      if (range > bytes) {
        free.put(at + bytes, range - bytes);
      }
      return memory.asSlice(at, bytes);
    }

    boolean holds(MemorySegment block) {
      long at = block.address() - memory.address();
      return at >= 0 && at < memory.byteSize();
    }

    void giveBack(MemorySegment block) {
      long at = block.address() - memory.address();
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

  /** Returns a block with stale contents, of at least so many bytes. */
  MemorySegment take(long bytes) {
    long wanted = Math.ceilDiv(Math.max(bytes, 1), ALIGNMENT) * ALIGNMENT;
    Chunk best = null;
    long at = 0;
    long least = Long.MAX_VALUE;
    for (Chunk chunk : chunks) {
      for (Map.Entry<Long, Long> range : chunk.free().entrySet()) {
        if (range.getValue() >= wanted && range.getValue() < least) {
          best = chunk;
          at = range.getKey();
          least = range.getValue();
        }
      }
    }
    if (best == null) {
      best = new Chunk(arena.allocate(wanted, ALIGNMENT), new TreeMap<>());
      chunks.add(best);
      return best.memory();
    }
    return best.take(at, least, wanted);
  }

  /** Takes a block back that {@link #take} returned. */
  void giveBack(MemorySegment block) {
    for (Chunk chunk : chunks) {
      if (chunk.holds(block)) {
        chunk.giveBack(block);
        return;
      }
    }
    throw new IllegalArgumentException("a block of other memory");
  }

  /** Returns the bytes taken from the system. */
  long bytes() {
    return chunks.stream().mapToLong(chunk -> chunk.memory().byteSize()).sum();
  }
}
