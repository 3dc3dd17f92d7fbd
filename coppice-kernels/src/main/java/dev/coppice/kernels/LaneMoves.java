package dev.coppice.kernels;

import java.util.function.IntBinaryOperator;

/** Ways to move numbers from lane to lane of the vectors of {@link FoldedPlanes}. */
final class LaneMoves {
  private static final int LANES = FoldedPlanes.LANES;

  /** For every move the lane that a lane takes its number of. */
  final short[] sources;

  /** For every move ones where lanes take any. */
  final short[] kept;

  /**
   * Lists moves.
   *
   * @param source gives, for a move and a lane, the lane that is taken, or -1 for none
   */
  LaneMoves(int count, IntBinaryOperator source) {
    this.sources = new short[count * LANES];
    this.kept = new short[count * LANES];
    for (int k = 0; k < sources.length; k++) {
      int lane = source.applyAsInt(k / LANES, k % LANES);
      sources[k] = (short) Math.max(lane, 0);
      kept[k] = (short) (lane < 0 ? 0 : -1);
    }
  }

  int count() {
    return sources.length / LANES;
  }
}
