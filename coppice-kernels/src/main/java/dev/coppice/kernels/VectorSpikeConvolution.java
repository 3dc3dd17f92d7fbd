package dev.coppice.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Spike-driven convolution with the Vector API. The spikes are listed first; then what they add to
 * four or eight vectors of output channels is gathered in registers. What a spike adds is sliced
 * first: a slice is checked once, where vectors at a varying place would each be checked.
 */
final class VectorSpikeConvolution {
  private static final int BLOCK = SpikeConvolution.BLOCK;

  private static final int BLOCK_BYTES = BLOCK * Float.BYTES;

  /** Output channels of four vectors. */
  private static final int PART = 4 * Lanes.COUNT;

  private static final long VECTOR_BYTES = (long) Lanes.COUNT * Float.BYTES;

  private VectorSpikeConvolution() {}

  static void pack(
      MemorySegment s, int channels, int levels, long[] packed, long fromRow, long toRow) {
    for (int level = 0; level < levels; level++) {
      pack(s, channels, levels, level, packed, fromRow, toRow);
    }
  }

  private static void pack(
      MemorySegment s,
      int channels,
      int levels,
      int level,
      long[] packed,
      long fromRow,
      long toRow) {
    int words = Math.ceilDiv(channels, Long.SIZE);
    float bound = (level + 0.5f) / levels;
    for (long row = fromRow; row < toRow; row++) {
      long at = row * channels * Float.BYTES;
      int to = (int) (row * levels + level) * words;
      for (int word = 0; word < words; word++) {
        int first = word * Long.SIZE;
        int end = Math.min(channels, first + Long.SIZE);
        long bits = 0;
        int i = first;
        for (; i + Lanes.COUNT <= end; i += Lanes.COUNT) {
          bits |=
              FloatVector.fromMemorySegment(
                          Lanes.FLOATS, s, at + (long) i * Float.BYTES, Lanes.ORDER)
                      .compare(VectorOperators.GT, bound)
                      .toLong()
                  << i;
        }
        for (; i < end; i++) {
          if (s.get(ValueLayout.JAVA_FLOAT, at + (long) i * Float.BYTES) > bound) {
            bits |= 1L << i;
          }
        }
        packed[to + word] = bits;
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
    int pixels = g.height() * g.width();
    int group = Math.min(g.listedImages(), Math.max(1, toImage - fromImage));
    ConvolutionScratch scratch = ConvolutionScratch.get();
    int[] list = scratch.list(group * pixels * g.in() * g.levels());
    int[] starts = scratch.starts(group * pixels + 1);
    for (int first = fromImage; first < toImage; first += group) {
      int count = Math.min(group, toImage - first);
      list(g, packed, first, count, list, starts);
      for (int block = 0; block < g.blocks(); block++) {
        int channels = Math.min(BLOCK, g.out() - block * BLOCK);
        int size;
        for (int part = 0; part < channels; part += size) {
          size = channels - part >= 2 * PART ? 2 * PART : PART;
          for (int image = 0; image < count; image++) {
            image(
                g,
                list,
                starts,
                image * pixels,
                weights,
                ((long) block * g.blockFloats() + part) * Float.BYTES,
                out,
                ((long) (first + image) * g.outHeight() * g.outWidth() * g.out()
                        + (long) block * BLOCK
                        + part)
                    * Float.BYTES,
                Math.min(size, channels - part),
                scratch.block);
          }
        }
      }
    }
  }

  /**
   * Lists the spikes of every row of pixels, as byte offsets of the weights of a kernel at column
   * 0.
   */
  private static void list(
      SpikeConvolution g, long[] packed, int first, int count, int[] list, int[] starts) {
    int words = g.words();
    int length = 0;
    int pixel = 0;
    for (int row = 0; row < count * g.height(); row++) {
      int at = (first * g.height() + row) * g.width() * g.pixelWords();
      for (int x = 0; x < g.width(); x++) {
        starts[pixel++] = length;
        for (int word = 0; word < g.pixelWords(); word++) {
          long bits = packed[at++];
          int base = x * g.in() + word % words * Long.SIZE;
          while (bits != 0) {
            list[length++] = (base + Long.numberOfTrailingZeros(bits)) * BLOCK_BYTES;
            bits &= bits - 1;
          }
        }
      }
    }
    starts[pixel] = length;
  }

  private static void image(
      SpikeConvolution g,
      int[] list,
      int[] starts,
      int firstPixel,
      MemorySegment weights,
      long weightsAt,
      MemorySegment out,
      long outAt,
      int channels,
      MemorySegment whole) {
    int kernel = g.kernel();
    long bytes = (long) channels * Float.BYTES;
    for (int y = 0; y < g.outHeight(); y++) {
      int top = y * g.stride() - g.padding();
      int firstTap = Math.max(0, -top);
      int lastTap = Math.min(kernel, g.height() - top);
      for (int x = 0; x < g.outWidth(); x++) {
        int left = x * g.stride() - g.padding();
        int from = Math.max(0, left);
        int to = Math.min(g.width(), left + kernel);
        int pixel = firstPixel + (top + firstTap) * g.width();
        long at = weightsAt + (long) (firstTap * kernel - left) * g.in() * BLOCK_BYTES;
        long outPosition = outAt + (long) (y * g.outWidth() + x) * g.out() * Float.BYTES;
        int first = pixel + from;
        int end = pixel + to;
        int taps = lastTap - firstTap;
        long tapBytes = (long) kernel * g.in() * BLOCK_BYTES;
        if (channels == 2 * PART) {
          eightVectors(
              list, starts, first, end, g.width(), taps, weights, at, tapBytes, out, outPosition);
        } else if (channels == PART) {
          fourVectors(
              list, starts, first, end, g.width(), taps, weights, at, tapBytes, out, outPosition);
        } else {
          fourVectors(list, starts, first, end, g.width(), taps, weights, at, tapBytes, whole, 0);
          MemorySegment.copy(whole, 0, out, outPosition, bytes);
        }
      }
    }
  }

  private static void eightVectors(
      int[] list,
      int[] starts,
      int from,
      int to,
      int width,
      int taps,
      MemorySegment weights,
      long at,
      long tapBytes,
      MemorySegment out,
      long outAt) {
    FloatVector a = FloatVector.zero(Lanes.FLOATS);
    FloatVector b = a;
    FloatVector c = a;
    FloatVector d = a;
    FloatVector e = a;
    FloatVector f = a;
    FloatVector g = a;
    FloatVector h = a;
    for (int tap = 0; tap < taps; tap++) {
      int end = starts[to + tap * width];
      for (int j = starts[from + tap * width]; j < end; j++) {
        MemorySegment row = weights.asSlice(at + list[j], 8 * VECTOR_BYTES);
        a = a.add(FloatVector.fromMemorySegment(Lanes.FLOATS, row, 0, Lanes.ORDER));
        b = b.add(FloatVector.fromMemorySegment(Lanes.FLOATS, row, VECTOR_BYTES, Lanes.ORDER));
        c = c.add(FloatVector.fromMemorySegment(Lanes.FLOATS, row, 2 * VECTOR_BYTES, Lanes.ORDER));
        d = d.add(FloatVector.fromMemorySegment(Lanes.FLOATS, row, 3 * VECTOR_BYTES, Lanes.ORDER));
        e = e.add(FloatVector.fromMemorySegment(Lanes.FLOATS, row, 4 * VECTOR_BYTES, Lanes.ORDER));
        f = f.add(FloatVector.fromMemorySegment(Lanes.FLOATS, row, 5 * VECTOR_BYTES, Lanes.ORDER));
        g = g.add(FloatVector.fromMemorySegment(Lanes.FLOATS, row, 6 * VECTOR_BYTES, Lanes.ORDER));
        h = h.add(FloatVector.fromMemorySegment(Lanes.FLOATS, row, 7 * VECTOR_BYTES, Lanes.ORDER));
      }
      at += tapBytes;
    }
    a.intoMemorySegment(out, outAt, Lanes.ORDER);
    b.intoMemorySegment(out, outAt + VECTOR_BYTES, Lanes.ORDER);
    c.intoMemorySegment(out, outAt + 2 * VECTOR_BYTES, Lanes.ORDER);
    d.intoMemorySegment(out, outAt + 3 * VECTOR_BYTES, Lanes.ORDER);
    e.intoMemorySegment(out, outAt + 4 * VECTOR_BYTES, Lanes.ORDER);
    f.intoMemorySegment(out, outAt + 5 * VECTOR_BYTES, Lanes.ORDER);
    g.intoMemorySegment(out, outAt + 6 * VECTOR_BYTES, Lanes.ORDER);
    h.intoMemorySegment(out, outAt + 7 * VECTOR_BYTES, Lanes.ORDER);
  }

  private static void fourVectors(
      int[] list,
      int[] starts,
      int from,
      int to,
      int width,
      int taps,
      MemorySegment weights,
      long at,
      long tapBytes,
      MemorySegment out,
      long outAt) {
    FloatVector a = FloatVector.zero(Lanes.FLOATS);
    FloatVector b = a;
    FloatVector c = a;
    FloatVector d = a;
    for (int tap = 0; tap < taps; tap++) {
      int end = starts[to + tap * width];
      for (int j = starts[from + tap * width]; j < end; j++) {
        MemorySegment row = weights.asSlice(at + list[j], 4 * VECTOR_BYTES);
        a = a.add(FloatVector.fromMemorySegment(Lanes.FLOATS, row, 0, Lanes.ORDER));
        b = b.add(FloatVector.fromMemorySegment(Lanes.FLOATS, row, VECTOR_BYTES, Lanes.ORDER));
        c = c.add(FloatVector.fromMemorySegment(Lanes.FLOATS, row, 2 * VECTOR_BYTES, Lanes.ORDER));
        d = d.add(FloatVector.fromMemorySegment(Lanes.FLOATS, row, 3 * VECTOR_BYTES, Lanes.ORDER));
      }
      at += tapBytes;
    }
    a.intoMemorySegment(out, outAt, Lanes.ORDER);
    b.intoMemorySegment(out, outAt + VECTOR_BYTES, Lanes.ORDER);
    c.intoMemorySegment(out, outAt + 2 * VECTOR_BYTES, Lanes.ORDER);
    d.intoMemorySegment(out, outAt + 3 * VECTOR_BYTES, Lanes.ORDER);
  }

  static void weightGradient(
      SpikeConvolution g,
      long[] packed,
      MemorySegment gradOut,
      MemorySegment gradWeights,
      int images,
      int fromChannel,
      int toChannel) {
    int group = Math.min(g.gradientImages(), Math.max(1, images));
    int channels = toChannel - fromChannel;
    int most = group * g.height() * g.width() * g.levels();
    int[] list = new int[channels * most];
    int[] lengths = new int[channels];
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment planes =
          arena.allocate((long) group * g.planeFloats() * Float.BYTES, SpikeConvolution.ALIGNMENT);
      for (int first = 0; first < images; first += group) {
        int count = Math.min(group, images - first);
        Arrays.fill(lengths, 0);
        listChannels(g, packed, first, count, fromChannel, toChannel, list, most, lengths);
        for (int block = 0; block < g.blocks(); block++) {
          copy(g, gradOut, first, count, block, planes);
          for (int i = 0; i < channels; i++) {
            accumulate(
                g,
                list,
                i * most,
                lengths[i],
                planes,
                gradWeights,
                ((long) block * g.blockFloats() + (long) (fromChannel + i) * BLOCK) * Float.BYTES);
          }
        }
      }
    }
  }

  /** Lists the spikes of every channel, as byte offsets of their pixels in the planes. */
  private static void listChannels(
      SpikeConvolution g,
      long[] packed,
      int first,
      int count,
      int fromChannel,
      int toChannel,
      int[] list,
      int most,
      int[] lengths) {
    int words = g.words();
    for (int word = fromChannel / Long.SIZE; word * Long.SIZE < toChannel; word++) {
      int base = word * Long.SIZE - fromChannel;
      long wanted = base < 0 ? -1L << -base : -1L;
      if (toChannel - fromChannel - base < Long.SIZE) {
        wanted &= (1L << (toChannel - fromChannel - base)) - 1;
      }
      for (int image = 0; image < count; image++) {
        for (int y = 0; y < g.height(); y++) {
          int at = (((first + image) * g.height() + y) * g.width()) * g.pixelWords() + word;
          int offset = image * g.planeFloats() * Float.BYTES + y * g.planeWidth() * BLOCK_BYTES;
          for (int x = 0; x < g.width(); x++) {
            for (int level = 0; level < g.levels(); level++) {
              long bits = packed[at] & wanted;
              while (bits != 0) {
                int i = base + Long.numberOfTrailingZeros(bits);
                list[i * most + lengths[i]++] = offset;
                bits &= bits - 1;
              }
              at += words;
            }
            offset += BLOCK_BYTES;
          }
        }
      }
    }
  }

  /** Copies a block of output channels into planes, whose border stays zero. */
  private static void copy(
      SpikeConvolution g,
      MemorySegment gradOut,
      int first,
      int count,
      int block,
      MemorySegment planes) {
    int border = g.kernel() - 1 - g.padding();
    int channels = Math.min(BLOCK, g.out() - block * BLOCK);
    for (int image = 0; image < count; image++) {
      long from =
          (long) (first + image) * g.outHeight() * g.outWidth() * g.out() + (long) block * BLOCK;
      for (int y = 0; y < g.outHeight(); y++) {
        int to =
            image * g.planeFloats() + ((y * g.stride() + border) * g.planeWidth() + border) * BLOCK;
        for (int x = 0; x < g.outWidth(); x++) {
          MemorySegment.copy(
              gradOut,
              from * Float.BYTES,
              planes,
              (long) to * Float.BYTES,
              (long) channels * Float.BYTES);
          from += g.out();
          to += g.stride() * BLOCK;
        }
      }
    }
  }

  /** Adds up, for every tap of an input channel, the gradients of the pixels that it reached. */
  private static void accumulate(
      SpikeConvolution g,
      int[] list,
      int from,
      int length,
      MemorySegment planes,
      MemorySegment gradWeights,
      long at) {
    int kernel = g.kernel();
    long tapBytes = (long) g.in() * BLOCK_BYTES;
    for (int ky = 0; ky < kernel; ky++) {
      int kx = 0;
      for (; kx + 3 <= kernel; kx += 3) {
        long shift = ((kernel - 1 - ky) * g.planeWidth() + kernel - 3 - kx) * (long) BLOCK_BYTES;
        for (long part = 0; part < BLOCK_BYTES; part += 4 * VECTOR_BYTES) {
          threeTaps(
              list, from, from + length, planes, shift + part, gradWeights, at + part, tapBytes);
        }
        at += 3 * tapBytes;
      }
      for (; kx < kernel; kx++) {
        long shift = ((kernel - 1 - ky) * g.planeWidth() + kernel - 1 - kx) * (long) BLOCK_BYTES;
        for (long part = 0; part < BLOCK_BYTES; part += 4 * VECTOR_BYTES) {
          tap(list, from, from + length, planes, shift + part, gradWeights, at + part);
        }
        at += tapBytes;
      }
    }
  }

  /** {@link #tap} of three taps side by side, whose pixels lie in one piece. */
  private static void threeTaps(
      int[] list,
      int from,
      int to,
      MemorySegment planes,
      long shift,
      MemorySegment gradWeights,
      long at,
      long tapBytes) {
    FloatVector a0 = FloatVector.zero(Lanes.FLOATS);
    FloatVector b0 = FloatVector.zero(Lanes.FLOATS);
    FloatVector c0 = FloatVector.zero(Lanes.FLOATS);
    FloatVector d0 = FloatVector.zero(Lanes.FLOATS);
    FloatVector a1 = FloatVector.zero(Lanes.FLOATS);
    FloatVector b1 = FloatVector.zero(Lanes.FLOATS);
    FloatVector c1 = FloatVector.zero(Lanes.FLOATS);
    FloatVector d1 = FloatVector.zero(Lanes.FLOATS);
    FloatVector a2 = FloatVector.zero(Lanes.FLOATS);
    FloatVector b2 = FloatVector.zero(Lanes.FLOATS);
    FloatVector c2 = FloatVector.zero(Lanes.FLOATS);
    FloatVector d2 = FloatVector.zero(Lanes.FLOATS);
    for (int j = from; j < to; j++) {
      MemorySegment row = planes.asSlice(shift + list[j], 2L * BLOCK_BYTES + 4 * VECTOR_BYTES);
      a2 = a2.add(FloatVector.fromMemorySegment(Lanes.FLOATS, row, 0, Lanes.ORDER));
      b2 = b2.add(FloatVector.fromMemorySegment(Lanes.FLOATS, row, VECTOR_BYTES, Lanes.ORDER));
      c2 = c2.add(FloatVector.fromMemorySegment(Lanes.FLOATS, row, 2 * VECTOR_BYTES, Lanes.ORDER));
      d2 = d2.add(FloatVector.fromMemorySegment(Lanes.FLOATS, row, 3 * VECTOR_BYTES, Lanes.ORDER));
      a1 = a1.add(FloatVector.fromMemorySegment(Lanes.FLOATS, row, BLOCK_BYTES, Lanes.ORDER));
      b1 =
          b1.add(
              FloatVector.fromMemorySegment(
                  Lanes.FLOATS, row, BLOCK_BYTES + VECTOR_BYTES, Lanes.ORDER));
      c1 =
          c1.add(
              FloatVector.fromMemorySegment(
                  Lanes.FLOATS, row, BLOCK_BYTES + 2 * VECTOR_BYTES, Lanes.ORDER));
      d1 =
          d1.add(
              FloatVector.fromMemorySegment(
                  Lanes.FLOATS, row, BLOCK_BYTES + 3 * VECTOR_BYTES, Lanes.ORDER));
      a0 = a0.add(FloatVector.fromMemorySegment(Lanes.FLOATS, row, 2L * BLOCK_BYTES, Lanes.ORDER));
      b0 =
          b0.add(
              FloatVector.fromMemorySegment(
                  Lanes.FLOATS, row, 2L * BLOCK_BYTES + VECTOR_BYTES, Lanes.ORDER));
      c0 =
          c0.add(
              FloatVector.fromMemorySegment(
                  Lanes.FLOATS, row, 2L * BLOCK_BYTES + 2 * VECTOR_BYTES, Lanes.ORDER));
      d0 =
          d0.add(
              FloatVector.fromMemorySegment(
                  Lanes.FLOATS, row, 2L * BLOCK_BYTES + 3 * VECTOR_BYTES, Lanes.ORDER));
    }
    FloatVector.fromMemorySegment(Lanes.FLOATS, gradWeights, at, Lanes.ORDER)
        .add(a0)
        .intoMemorySegment(gradWeights, at, Lanes.ORDER);
    FloatVector.fromMemorySegment(Lanes.FLOATS, gradWeights, at + VECTOR_BYTES, Lanes.ORDER)
        .add(b0)
        .intoMemorySegment(gradWeights, at + VECTOR_BYTES, Lanes.ORDER);
    FloatVector.fromMemorySegment(Lanes.FLOATS, gradWeights, at + 2 * VECTOR_BYTES, Lanes.ORDER)
        .add(c0)
        .intoMemorySegment(gradWeights, at + 2 * VECTOR_BYTES, Lanes.ORDER);
    FloatVector.fromMemorySegment(Lanes.FLOATS, gradWeights, at + 3 * VECTOR_BYTES, Lanes.ORDER)
        .add(d0)
        .intoMemorySegment(gradWeights, at + 3 * VECTOR_BYTES, Lanes.ORDER);
    FloatVector.fromMemorySegment(Lanes.FLOATS, gradWeights, at + tapBytes, Lanes.ORDER)
        .add(a1)
        .intoMemorySegment(gradWeights, at + tapBytes, Lanes.ORDER);
    FloatVector.fromMemorySegment(
            Lanes.FLOATS, gradWeights, at + tapBytes + VECTOR_BYTES, Lanes.ORDER)
        .add(b1)
        .intoMemorySegment(gradWeights, at + tapBytes + VECTOR_BYTES, Lanes.ORDER);
    FloatVector.fromMemorySegment(
            Lanes.FLOATS, gradWeights, at + tapBytes + 2 * VECTOR_BYTES, Lanes.ORDER)
        .add(c1)
        .intoMemorySegment(gradWeights, at + tapBytes + 2 * VECTOR_BYTES, Lanes.ORDER);
    FloatVector.fromMemorySegment(
            Lanes.FLOATS, gradWeights, at + tapBytes + 3 * VECTOR_BYTES, Lanes.ORDER)
        .add(d1)
        .intoMemorySegment(gradWeights, at + tapBytes + 3 * VECTOR_BYTES, Lanes.ORDER);
    FloatVector.fromMemorySegment(Lanes.FLOATS, gradWeights, at + 2 * tapBytes, Lanes.ORDER)
        .add(a2)
        .intoMemorySegment(gradWeights, at + 2 * tapBytes, Lanes.ORDER);
    FloatVector.fromMemorySegment(
            Lanes.FLOATS, gradWeights, at + 2 * tapBytes + VECTOR_BYTES, Lanes.ORDER)
        .add(b2)
        .intoMemorySegment(gradWeights, at + 2 * tapBytes + VECTOR_BYTES, Lanes.ORDER);
    FloatVector.fromMemorySegment(
            Lanes.FLOATS, gradWeights, at + 2 * tapBytes + 2 * VECTOR_BYTES, Lanes.ORDER)
        .add(c2)
        .intoMemorySegment(gradWeights, at + 2 * tapBytes + 2 * VECTOR_BYTES, Lanes.ORDER);
    FloatVector.fromMemorySegment(
            Lanes.FLOATS, gradWeights, at + 2 * tapBytes + 3 * VECTOR_BYTES, Lanes.ORDER)
        .add(d2)
        .intoMemorySegment(gradWeights, at + 2 * tapBytes + 3 * VECTOR_BYTES, Lanes.ORDER);
  }

  private static void tap(
      int[] list,
      int from,
      int to,
      MemorySegment planes,
      long shift,
      MemorySegment gradWeights,
      long at) {
    FloatVector a = FloatVector.zero(Lanes.FLOATS);
    FloatVector b = a;
    FloatVector c = a;
    FloatVector d = a;
    for (int j = from; j < to; j++) {
      MemorySegment row = planes.asSlice(shift + list[j], 4 * VECTOR_BYTES);
      a = a.add(FloatVector.fromMemorySegment(Lanes.FLOATS, row, 0, Lanes.ORDER));
      b = b.add(FloatVector.fromMemorySegment(Lanes.FLOATS, row, VECTOR_BYTES, Lanes.ORDER));
      c = c.add(FloatVector.fromMemorySegment(Lanes.FLOATS, row, 2 * VECTOR_BYTES, Lanes.ORDER));
      d = d.add(FloatVector.fromMemorySegment(Lanes.FLOATS, row, 3 * VECTOR_BYTES, Lanes.ORDER));
    }
    FloatVector.fromMemorySegment(Lanes.FLOATS, gradWeights, at, Lanes.ORDER)
        .add(a)
        .intoMemorySegment(gradWeights, at, Lanes.ORDER);
    FloatVector.fromMemorySegment(Lanes.FLOATS, gradWeights, at + VECTOR_BYTES, Lanes.ORDER)
        .add(b)
        .intoMemorySegment(gradWeights, at + VECTOR_BYTES, Lanes.ORDER);
    FloatVector.fromMemorySegment(Lanes.FLOATS, gradWeights, at + 2 * VECTOR_BYTES, Lanes.ORDER)
        .add(c)
        .intoMemorySegment(gradWeights, at + 2 * VECTOR_BYTES, Lanes.ORDER);
    FloatVector.fromMemorySegment(Lanes.FLOATS, gradWeights, at + 3 * VECTOR_BYTES, Lanes.ORDER)
        .add(d)
        .intoMemorySegment(gradWeights, at + 3 * VECTOR_BYTES, Lanes.ORDER);
  }
}
