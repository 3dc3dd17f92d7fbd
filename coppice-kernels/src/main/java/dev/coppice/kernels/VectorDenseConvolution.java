package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * Dense convolution with the Vector API: four vectors of output channels at two neighbouring
 * positions are summed in registers.
 */
final class VectorDenseConvolution {
  private static final int BLOCK = SpikeConvolution.BLOCK;
  private static final long BLOCK_BYTES = (long) BLOCK * Float.BYTES;

  /** Output channels in registers. */
  private static final int PART = 4 * Lanes.COUNT;

  private static final long VECTOR_BYTES = (long) Lanes.COUNT * Float.BYTES;

  private VectorDenseConvolution() {}

  static void forward(
      DenseConvolution g,
      MemorySegment in,
      MemorySegment weights,
      MemorySegment out,
      int fromRow,
      int toRow) {
    ConvolutionScratch scratch = ConvolutionScratch.get();
    float[] padded = scratch.padded(g.paddedFloats());
    for (int group = 0; group < g.groups(); group++) {
      for (int row = fromRow; row < toRow; ) {
        int image = row / g.outHeight();
        int fromY = row % g.outHeight();
        int toY = Math.min(g.outHeight(), fromY + toRow - row);
        g.pad(in, image, group, padded);
        for (int block = 0; block < g.blocks(); block++) {
          int channels = Math.min(BLOCK, g.groupOut() - block * BLOCK);
          long at = (long) (group * g.blocks() + block) * g.blockFloats() * Float.BYTES;
          for (int part = 0; part < channels; part += PART) {
            rows(
                g,
                padded,
                weights,
                at + (long) part * Float.BYTES,
                out,
                (g.resultAt(image, 0, 0, group, block) + part) * Float.BYTES,
                Math.min(PART, channels - part),
                fromY,
                toY,
                scratch.block);
          }
        }
        row += toY - fromY;
      }
    }
  }

  private static void rows(
      DenseConvolution g,
      float[] padded,
      MemorySegment weights,
      long weightsAt,
      MemorySegment out,
      long outAt,
      int channels,
      int fromY,
      int toY,
      MemorySegment whole) {
    long position = (long) g.out() * Float.BYTES;
    int pixel = g.stride() * g.groupIn();
    for (int y = fromY; y < toY; y++) {
      int row = y * g.stride() * g.paddedWidth() * g.groupIn();
      for (int x = 0; x < g.outWidth(); x += 2) {
        // The last of an odd number of positions is computed twice, side by side.
        int next = Math.min(x + 1, g.outWidth() - 1);
        long to = outAt + ((long) y * g.outWidth() + x) * position;
        long toNext = outAt + ((long) y * g.outWidth() + next) * position;
        if (channels == PART) {
          pair(g, padded, row + x * pixel, row + next * pixel, weights, weightsAt, out, to, toNext);
        } else {
          // One after the other: there is room for one part.
          pair(g, padded, row + x * pixel, row + x * pixel, weights, weightsAt, whole, 0, 0);
          MemorySegment.copy(whole, 0, out, to, (long) channels * Float.BYTES);
          pair(g, padded, row + next * pixel, row + next * pixel, weights, weightsAt, whole, 0, 0);
          MemorySegment.copy(whole, 0, out, toNext, (long) channels * Float.BYTES);
        }
      }
    }
  }

  private static void pair(
      DenseConvolution g,
      float[] padded,
      int first,
      int second,
      MemorySegment weights,
      long weightsAt,
      MemorySegment out,
      long outAt,
      long nextOutAt) {
    int kernel = g.kernel();
    int taps = kernel * g.groupIn();
    int row = g.paddedWidth() * g.groupIn();
    FloatVector zero = FloatVector.zero(Lanes.FLOATS);
    FloatVector a0 = zero;
    FloatVector a1 = zero;
    FloatVector a2 = zero;
    FloatVector a3 = zero;
    FloatVector b0 = zero;
    FloatVector b1 = zero;
    FloatVector b2 = zero;
    FloatVector b3 = zero;
    long at = weightsAt;
    for (int ky = 0; ky < kernel; ky++) {
      for (int j = 0; j < taps; j++) {
        FloatVector w0 = FloatVector.fromMemorySegment(Lanes.FLOATS, weights, at, Lanes.ORDER);
        FloatVector w1 =
            FloatVector.fromMemorySegment(Lanes.FLOATS, weights, at + VECTOR_BYTES, Lanes.ORDER);
        FloatVector w2 =
            FloatVector.fromMemorySegment(
                Lanes.FLOATS, weights, at + 2 * VECTOR_BYTES, Lanes.ORDER);
        FloatVector w3 =
            FloatVector.fromMemorySegment(
                Lanes.FLOATS, weights, at + 3 * VECTOR_BYTES, Lanes.ORDER);
        FloatVector a = FloatVector.broadcast(Lanes.FLOATS, padded[first + ky * row + j]);
        FloatVector b = FloatVector.broadcast(Lanes.FLOATS, padded[second + ky * row + j]);
        a0 = a.fma(w0, a0);
        a1 = a.fma(w1, a1);
        a2 = a.fma(w2, a2);
        a3 = a.fma(w3, a3);
        b0 = b.fma(w0, b0);
        b1 = b.fma(w1, b1);
        b2 = b.fma(w2, b2);
        b3 = b.fma(w3, b3);
        at += BLOCK_BYTES;
      }
    }
    // The compiler knows the class of a sum, as it may not know that of what comes out of a loop,
    // and
    // would make objects of all of these.
    zero.add(a0).intoMemorySegment(out, outAt, Lanes.ORDER);
    zero.add(a1).intoMemorySegment(out, outAt + VECTOR_BYTES, Lanes.ORDER);
    zero.add(a2).intoMemorySegment(out, outAt + 2 * VECTOR_BYTES, Lanes.ORDER);
    zero.add(a3).intoMemorySegment(out, outAt + 3 * VECTOR_BYTES, Lanes.ORDER);
    zero.add(b0).intoMemorySegment(out, nextOutAt, Lanes.ORDER);
    zero.add(b1).intoMemorySegment(out, nextOutAt + VECTOR_BYTES, Lanes.ORDER);
    zero.add(b2).intoMemorySegment(out, nextOutAt + 2 * VECTOR_BYTES, Lanes.ORDER);
    zero.add(b3).intoMemorySegment(out, nextOutAt + 3 * VECTOR_BYTES, Lanes.ORDER);
  }
}
