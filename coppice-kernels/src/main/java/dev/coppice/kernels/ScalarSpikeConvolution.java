package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/** Spike-driven convolution as plain loops over positions, taps and channels. */
final class ScalarSpikeConvolution {
  private ScalarSpikeConvolution() {}

  static void pack(
      MemorySegment s, int channels, int levels, long[] packed, long fromRow, long toRow) {
    int words = Math.ceilDiv(channels, Long.SIZE);
    for (long row = fromRow; row < toRow; row++) {
      for (int level = 0; level < levels; level++) {
        int at = (int) (row * levels + level) * words;
        float bound = (level + 0.5f) / levels;
        Arrays.fill(packed, at, at + words, 0);
        for (int i = 0; i < channels; i++) {
          if (s.getAtIndex(ValueLayout.JAVA_FLOAT, row * channels + i) > bound) {
            packed[at + i / Long.SIZE] |= 1L << i;
          }
        }
      }
    }
  }

  static void forward(
      SpikeConvolution g,
      long[] packed,
      MemorySegment weights,
      MemorySegment out,
      int fromImage,
      int toImage) {
    float[] sums = ConvolutionScratch.get().sums;
    for (int image = fromImage; image < toImage; image++) {
      for (int y = 0; y < g.outHeight(); y++) {
        for (int x = 0; x < g.outWidth(); x++) {
          for (int block = 0; block < g.blocks(); block++) {
            sum(g, packed, image, y, x, weights, (long) block * g.blockFloats(), sums);
            int first = block * SpikeConvolution.BLOCK;
            MemorySegment.copy(
                sums,
                0,
                out,
                ValueLayout.JAVA_FLOAT,
                (output(g, image, y, x) + first) * Float.BYTES,
                Math.min(SpikeConvolution.BLOCK, g.out() - first));
          }
        }
      }
    }
  }

  /** Sums what the spikes add to a block of output channels at a position. */
  private static void sum(
      SpikeConvolution g,
      long[] packed,
      int image,
      int y,
      int x,
      MemorySegment weights,
      long weightsAt,
      float[] sums) {
    Arrays.fill(sums, 0);
    int top = y * g.stride() - g.padding();
    int left = x * g.stride() - g.padding();
    for (int ky = Math.max(0, -top); ky < Math.min(g.kernel(), g.height() - top); ky++) {
      for (int kx = Math.max(0, -left); kx < Math.min(g.kernel(), g.width() - left); kx++) {
        int pixel = (image * g.height() + top + ky) * g.width() + left + kx;
        int firstWord = pixel * g.pixelWords();
        for (int word = 0; word < g.pixelWords(); word++) {
          int firstChannel = (ky * g.kernel() + kx) * g.in() + word % g.words() * Long.SIZE;
          for (long bits = packed[firstWord + word]; bits != 0; bits &= bits - 1) {
            int channel = firstChannel + Long.numberOfTrailingZeros(bits);
            add(weights, weightsAt + (long) channel * SpikeConvolution.BLOCK, sums);
          }
        }
      }
    }
  }

  private static void add(MemorySegment weights, long at, float[] sums) {
    for (int o = 0; o < SpikeConvolution.BLOCK; o++) {
      sums[o] += weights.getAtIndex(ValueLayout.JAVA_FLOAT, at + o);
    }
  }

  static void weightGradient(
      SpikeConvolution g,
      long[] packed,
      MemorySegment gradOut,
      MemorySegment gradWeights,
      int images,
      int fromChannel,
      int toChannel) {
    int group = g.gradientImages();
    for (int o = 0; o < g.out(); o++) {
      for (int ky = 0; ky < g.kernel(); ky++) {
        for (int kx = 0; kx < g.kernel(); kx++) {
          for (int i = fromChannel; i < toChannel; i++) {
            long at = weight(g, o, ky, kx, i);
            float total = gradWeights.getAtIndex(ValueLayout.JAVA_FLOAT, at);
            for (int first = 0; first < images; first += group) {
              float sum = 0;
              for (int image = first; image < Math.min(images, first + group); image++) {
                for (int y = 0; y < g.outHeight(); y++) {
                  for (int x = 0; x < g.outWidth(); x++) {
                    for (int level = 0; level < g.levels(); level++) {
                      if (fired(g, packed, image, y, x, ky, kx, level, i)) {
                        sum +=
                            gradOut.getAtIndex(ValueLayout.JAVA_FLOAT, output(g, image, y, x) + o);
                      }
                    }
                  }
                }
              }
              total += sum;
            }
            gradWeights.setAtIndex(ValueLayout.JAVA_FLOAT, at, total);
          }
        }
      }
    }
  }

  /** Whether the input of a tap of an output position has a spike of a level; no padding has. */
  private static boolean fired(
      SpikeConvolution g,
      long[] packed,
      int image,
      int y,
      int x,
      int ky,
      int kx,
      int level,
      int i) {
    int row = y * g.stride() - g.padding() + ky;
    int column = x * g.stride() - g.padding() + kx;
    if (row < 0 || row >= g.height() || column < 0 || column >= g.width()) {
      return false;
    }
    int pixel = (image * g.height() + row) * g.width() + column;
    long word = packed[(pixel * g.levels() + level) * g.words() + i / Long.SIZE];
    return ((word >>> i) & 1) != 0;
  }

  private static long output(SpikeConvolution g, int image, int y, int x) {
    return (((long) image * g.outHeight() + y) * g.outWidth() + x) * g.out();
  }

  private static long weight(SpikeConvolution g, int o, int ky, int kx, int i) {
    return (long) o / SpikeConvolution.BLOCK * g.blockFloats()
        + ((long) (ky * g.kernel() + kx) * g.in() + i) * SpikeConvolution.BLOCK
        + o % SpikeConvolution.BLOCK;
  }
}
