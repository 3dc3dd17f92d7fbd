package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * {@link IntegerConvolution} and the {@link PlaneNeurons} that read it with the Vector API: sums go
 * from registers to neurons through the first cache, and potentials stay in registers.
 */
final class VectorIntegerNeurons {
  private static final int COUNT = Lanes.SHORTS.length();

  /** Runs side by side, so that one need not wait for the other; the last may run twice. */
  private static final int TOGETHER = 2;

  private VectorIntegerNeurons() {}

  /** Whether neurons can go on with the sums of every block. */
  static boolean fits(IntegerConvolution c, PlaneNeurons n) {
    return VectorIntegerConvolution.FITS
        && c.oneSegment()
        && n.everyPixel()
        && n.spikes == PlaneNumbers.COUNTS
        && n.in.equals(c.out())
        && n.out.equals(c.out());
  }

  static void forward(
      IntegerConvolution c,
      SumRuns runs,
      PlaneNeurons n,
      MemorySegment elements,
      MemorySegment s,
      int fromImage,
      int toImage,
      int fromRow,
      int toRow) {
    FoldedPlanes folded = c.folded;
    VectorIntegerSums.Block[] blocks = VectorIntegerSums.of(folded);
    short[] totals = PlaneScratch.get().shorts((2 * FoldedPlanes.BLOCK + 1) * COUNT);
    for (int image = fromImage; image < toImage; image++) {
      int number = 0;
      for (int vector = 0; vector < folded.half(); vector += folded.block(vector)) {
        var block = blocks[Integer.numberOfTrailingZeros(folded.block(vector))];
        long from = folded.inputBytes(image, vector);
        int first = runs.blocks()[number++];
        int end = runs.blocks()[number];
        for (int row = fromRow; row < toRow; row++) {
          block.add(c, row, elements, from, totals);
          if (runs.length() == FoldedPlanes.PIECE) {
            fire(n, row, runs.lanes(), runs.targets(), first, end, totals, s, c.first(image, row));
          } else {
            fireHalves(
                n, row, runs.lanes(), runs.targets(), first, end, totals, s, c.first(image, row));
          }
        }
      }
      for (int row = fromRow; row < toRow; row++) {
        n.spikes.clearEnds(n.out, s, image * c.rows() + row);
      }
    }
  }

  private static void fire(
      PlaneNeurons n,
      int channel,
      int[] lanes,
      int[] targets,
      int first,
      int end,
      short[] totals,
      MemorySegment s,
      long to) {
    NeuronConstants c = n.constants;
    int steps = n.out.stack();
    FloatVector factor = FloatVector.broadcast(Lanes.FLOATS, n.factors[channel]);
    FloatVector term = FloatVector.broadcast(Lanes.FLOATS, n.terms[channel]);
    FloatVector leak = FloatVector.broadcast(Lanes.FLOATS, c.leak());
    FloatVector keep = FloatVector.broadcast(Lanes.FLOATS, c.keep());
    FloatVector offset = FloatVector.broadcast(Lanes.FLOATS, c.offset());
    FloatVector rest = FloatVector.broadcast(Lanes.FLOATS, c.rest());
    FloatVector fireAt = FloatVector.broadcast(Lanes.FLOATS, c.fireAt());
    for (int run = first; run < end; run += TOGETHER) {
      int r0 = run * steps;
      int r1 = Math.min(run + 1, end - 1) * steps;
      FloatVector u0 = rest;
      FloatVector u1 = rest;
      for (int t = 0; t < steps; t++) {
        FloatVector h0 =
            u0.fma(
                leak,
                ((FloatVector)
                        ShortVector.fromArray(Lanes.HALF_SHORTS, totals, lanes[r0 + t])
                            .convertShape(VectorOperators.S2F, Lanes.FLOATS, 0))
                    .fma(factor, term));
        FloatVector h1 =
            u1.fma(
                leak,
                ((FloatVector)
                        ShortVector.fromArray(Lanes.HALF_SHORTS, totals, lanes[r1 + t])
                            .convertShape(VectorOperators.S2F, Lanes.FLOATS, 0))
                    .fma(factor, term));
        VectorMask<Float> f0 = h0.compare(VectorOperators.GE, fireAt);
        VectorMask<Float> f1 = h1.compare(VectorOperators.GE, fireAt);
        u0 = h0.blend(h0.fma(keep, offset), f0);
        u1 = h1.blend(h1.fma(keep, offset), f1);
        ShortVector.zero(Lanes.HALF_SHORTS)
            .blend((short) 1, f0.cast(Lanes.HALF_SHORTS))
            .intoMemorySegment(s, (to + targets[r0 + t]) * Short.BYTES, Lanes.ORDER);
        ShortVector.zero(Lanes.HALF_SHORTS)
            .blend((short) 1, f1.cast(Lanes.HALF_SHORTS))
            .intoMemorySegment(s, (to + targets[r1 + t]) * Short.BYTES, Lanes.ORDER);
      }
    }
  }

  /** Runs of half as many sums: a species must be a constant where it is used. */
  private static void fireHalves(
      PlaneNeurons n,
      int channel,
      int[] lanes,
      int[] targets,
      int first,
      int end,
      short[] totals,
      MemorySegment s,
      long to) {
    NeuronConstants c = n.constants;
    int steps = n.out.stack();
    FloatVector factor = FloatVector.broadcast(Lanes.HALF_FLOATS, n.factors[channel]);
    FloatVector term = FloatVector.broadcast(Lanes.HALF_FLOATS, n.terms[channel]);
    FloatVector leak = FloatVector.broadcast(Lanes.HALF_FLOATS, c.leak());
    FloatVector keep = FloatVector.broadcast(Lanes.HALF_FLOATS, c.keep());
    FloatVector offset = FloatVector.broadcast(Lanes.HALF_FLOATS, c.offset());
    FloatVector rest = FloatVector.broadcast(Lanes.HALF_FLOATS, c.rest());
    FloatVector fireAt = FloatVector.broadcast(Lanes.HALF_FLOATS, c.fireAt());
    for (int run = first; run < end; run += TOGETHER) {
      int r0 = run * steps;
      int r1 = Math.min(run + 1, end - 1) * steps;
      FloatVector u0 = rest;
      FloatVector u1 = rest;
      for (int t = 0; t < steps; t++) {
        FloatVector h0 =
            u0.fma(
                leak,
                ((FloatVector)
                        ShortVector.fromArray(Lanes.QUARTER_SHORTS, totals, lanes[r0 + t])
                            .convertShape(VectorOperators.S2F, Lanes.HALF_FLOATS, 0))
                    .fma(factor, term));
        FloatVector h1 =
            u1.fma(
                leak,
                ((FloatVector)
                        ShortVector.fromArray(Lanes.QUARTER_SHORTS, totals, lanes[r1 + t])
                            .convertShape(VectorOperators.S2F, Lanes.HALF_FLOATS, 0))
                    .fma(factor, term));
        VectorMask<Float> f0 = h0.compare(VectorOperators.GE, fireAt);
        VectorMask<Float> f1 = h1.compare(VectorOperators.GE, fireAt);
        u0 = h0.blend(h0.fma(keep, offset), f0);
        u1 = h1.blend(h1.fma(keep, offset), f1);
        ShortVector.zero(Lanes.QUARTER_SHORTS)
            .blend((short) 1, f0.cast(Lanes.QUARTER_SHORTS))
            .intoMemorySegment(s, (to + targets[r0 + t]) * Short.BYTES, Lanes.ORDER);
        ShortVector.zero(Lanes.QUARTER_SHORTS)
            .blend((short) 1, f1.cast(Lanes.QUARTER_SHORTS))
            .intoMemorySegment(s, (to + targets[r1 + t]) * Short.BYTES, Lanes.ORDER);
      }
    }
  }
}
