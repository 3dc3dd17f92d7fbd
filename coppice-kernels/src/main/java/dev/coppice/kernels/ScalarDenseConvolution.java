package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/** Dense convolution as loops over positions, blocks of output channels, and inputs. */
final class ScalarDenseConvolution {
  private static final int BLOCK = SpikeConvolution.BLOCK;

  private ScalarDenseConvolution() {}

  static void forward(
      DenseConvolution g,
      MemorySegment in,
      MemorySegment weights,
      MemorySegment out,
      int fromRow,
      int toRow) {
    ConvolutionScratch scratch = ConvolutionScratch.get();
    float[] padded = scratch.padded(g.paddedFloats());
    float[] sums = scratch.sums;
    for (int group = 0; group < g.groups(); group++) {
      for (int row = fromRow; row < toRow; row++) {
        int image = row / g.outHeight();
        int y = row % g.outHeight();
        if (row == fromRow || y == 0) {
          g.pad(in, image, group, padded);
        }
        for (int x = 0; x < g.outWidth(); x++) {
          for (int block = 0; block < g.blocks(); block++) {
            long at = (long) (group * g.blocks() + block) * g.blockFloats();
            sum(g, padded, y, x, weights, at, sums);
            MemorySegment.copy(
                sums,
                0,
                out,
                ValueLayout.JAVA_FLOAT,
                g.resultAt(image, y, x, group, block) * Float.BYTES,
                Math.min(BLOCK, g.groupOut() - block * BLOCK));
          }
        }
      }
    }
  }

  private static void sum(
      DenseConvolution g,
      float[] padded,
      int y,
      int x,
      MemorySegment weights,
      long weightsAt,
      float[] sums) {
    Arrays.fill(sums, 0);
    int taps = g.kernel() * g.groupIn();
    long at = weightsAt;
    for (int ky = 0; ky < g.kernel(); ky++) {
      int first = ((y * g.stride() + ky) * g.paddedWidth() + x * g.stride()) * g.groupIn();
      for (int j = first; j < first + taps; j++) {
        float value = padded[j];
        for (int o = 0; o < BLOCK; o++) {
          sums[o] = Math.fma(value, weights.getAtIndex(ValueLayout.JAVA_FLOAT, at + o), sums[o]);
        }
        at += BLOCK;
      }
    }
  }
}
