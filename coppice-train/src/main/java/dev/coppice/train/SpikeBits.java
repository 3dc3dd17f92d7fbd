package dev.coppice.train;

import dev.coppice.kernels.Planes;
import java.lang.foreign.MemorySegment;

/**
 * The spikes of maps as bits, on loan from a {@link PlaneStore}.
 *
 * @param images N
 */
record SpikeBits(PlaneStore store, Planes layout, int images, MemorySegment memory) {
  void release() {
    store.giveBack(this);
  }
}
