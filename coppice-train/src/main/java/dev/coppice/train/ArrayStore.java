package dev.coppice.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.lang.foreign.MemorySegment;
import java.util.IdentityHashMap;

/**
 * Arrays of maps for training steps. The memory of one that is given back serves the next: the C
 * library's heap, asked for arrays of many sizes, grows to more than twice of what is in use.
 */
final class ArrayStore {
  private final MemoryBlocks blocks;
  private final IdentityHashMap<NDArray, MemorySegment> lent = new IdentityHashMap<>();

  ArrayStore(MemoryBlocks blocks) {
    this.blocks = blocks;
  }

  /** Returns an array on the CPU with stale numbers; outside training its memory is libtorch's. */
  NDArray take(Pass pass, Shape shape) {
    if (!pass.training()) {
      return pass.manager().create(shape, DataType.FLOAT32);
    }
    long bytes = shape.size() * Float.BYTES;
    MemorySegment block = blocks.take(bytes, ArrayStore.class).memory();
    NDArray array =
        pass.manager().create(block.asSlice(0, bytes).asByteBuffer(), shape, DataType.FLOAT32);
    lent.put(array, block);
    return array;
  }

  /**
   * Closes an array, be it of this store or not, whose memory nobody reads or writes any more, nor
   * that of a view of it.
   */
  void giveBack(NDArray array) {
    array.close();
    MemorySegment block = lent.remove(array);
    if (block != null) {
      blocks.giveBack(block);
    }
  }

  /** Takes back what a pass did not give back. */
  void endPass() {
    lent.values().forEach(blocks::giveBack);
    lent.clear();
  }
}
