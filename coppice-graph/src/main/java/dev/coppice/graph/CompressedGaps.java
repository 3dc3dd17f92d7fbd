package dev.coppice.graph;

import java.nio.ByteBuffer;
import java.util.Map;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * A tensor, the last dimension running fastest, of which only the values that are not zero are
 * stored, with the gap before each: how many zeros lie between it and the one before. Gaps are in
 * the code of Rice, which is within a few percent of the shortest possible for weights pruned at
 * random places: {@code NAME.remainders} holds the lower {@code bits} bits of every gap, {@code
 * NAME.quotients} the rest of every gap in unary, as so many zeros and a one. Both fill bytes from
 * the lowest bit on; what is left of the last byte is zero.
 */
record CompressedGaps(
    String name,
    int size,
    int bits,
    byte[] remainders,
    byte[] quotients,
    StoredValues type,
    Safetensors.Array values)
    implements Survivors {
  /** Gaps are below 2^28, for so many values a file's tensors may have. */
  static final int MAX_BITS = 28;

  private static final String REMAINDERS = ".remainders";
  private static final String QUOTIENTS = ".quotients";
  private static final String VALUES = ".values";

  /** About what the description of two more tensors takes in the header. */
  private static final int OVERHEAD = 256;

  /**
   * Puts the three arrays that stand for the tensor, if they are smaller than the tensor in full.
   *
   * @param type of the values
   * @return the bits of a remainder, or null if nothing was put
   */
  static @Nullable Integer write(
      String name,
      Tensor tensor,
      StoredValues type,
      SequencedMap<String, Safetensors.Array> arrays) {
    int count = tensor.countNonZero();
    int[] gaps = new int[count];
    float[] values = new float[count];
    int next = 0;
    int gap = 0;
    for (float value : tensor.data()) {
      if (value == 0) {
        gap++;
      } else {
        gaps[next] = gap;
        values[next++] = value;
        gap = 0;
      }
    }
    int bits = bestBits(gaps);
    long size = bytes(gaps, bits) + (long) count * type.type().bytes();
    if (size + OVERHEAD >= (long) tensor.size() * type.type().bytes()) {
      return null;
    }
    BitWriter remainders = new BitWriter((long) count * bits);
    BitWriter quotients = new BitWriter(quotientBits(gaps, bits));
    for (int g : gaps) {
      remainders.put(g & ((1 << bits) - 1), bits);
      quotients.skip(g >> bits);
      quotients.put(1, 1);
    }
    arrays.put(name + REMAINDERS, Safetensors.Array.ofBytes(remainders.bytes));
    arrays.put(name + QUOTIENTS, Safetensors.Array.ofBytes(quotients.bytes));
    arrays.put(name + VALUES, type.array(Tensor.of(values)));
    return bits;
  }

  private static int bestBits(int[] gaps) {
    int best = 0;
    for (int bits = 1; bits <= MAX_BITS; bits++) {
      best = bytes(gaps, bits) < bytes(gaps, best) ? bits : best;
    }
    return best;
  }

  private static long bytes(int[] gaps, int bits) {
    return Math.ceilDiv((long) gaps.length * bits, 8) + Math.ceilDiv(quotientBits(gaps, bits), 8);
  }

  private static long quotientBits(int[] gaps, int bits) {
    long sum = gaps.length;
    for (int gap : gaps) {
      sum += gap >> bits;
    }
    return sum;
  }

  /**
   * Takes the three arrays out of {@code arrays} and returns what they hold.
   *
   * @param size of the tensor
   * @param type of the values
   * @throws GraphException if they do not fit the tensor or each other
   */
  static Survivors read(
      String name, int size, int bits, StoredValues type, Map<String, Safetensors.Array> arrays) {
    byte[] remainders = StoredValues.vector(name + REMAINDERS, arrays, Safetensors.Type.U8).data();
    byte[] quotients = StoredValues.vector(name + QUOTIENTS, arrays, Safetensors.Type.U8).data();
    Safetensors.Array values = StoredValues.vector(name + VALUES, arrays, type.type());
    Check.between(name + ": the bits of a remainder", bits, 0, MAX_BITS);
    if (remainders.length != Math.ceilDiv((long) values.size() * bits, 8)) {
      throw new GraphException(
          "%s: has %d bytes for %d remainders of %d bits"
              .formatted(name + REMAINDERS, remainders.length, values.size(), bits));
    }
    CompressedGaps gaps = new CompressedGaps(name, size, bits, remainders, quotients, type, values);
    gaps.check();
    return gaps;
  }

  /** Goes through all of them, and looks whether that is all there is. */
  private void check() {
    GapCursor at = new GapCursor();
    while (at.next()) {}
    if (!at.ends()) {
      throw new GraphException(
          name + ": holds more gaps than the " + values.size() + " of its values");
    }
  }

  @Override
  public Cursor cursor() {
    return new GapCursor();
  }

  /** The sums of gaps. */
  private final class GapCursor implements Cursor {
    private final BitReader low = new BitReader(remainders);
    private final BitReader high = new BitReader(quotients);
    private final ByteBuffer vector = values.buffer();
    private int index = -1;
    private long position = -1;

    @Override
    public boolean next() {
      if (index + 1 == values.size()) {
        return false;
      }
      index++;
      long quotient = high.zeros();
      if (quotient < 0) {
        throw new GraphException(name + QUOTIENTS + ": ends before value " + index);
      }
      position += (quotient << bits) + low.take(bits) + 1;
      if (position >= size) {
        throw new GraphException(
            "%s: value %d lies behind the %d of the tensor".formatted(name, index, size));
      }
      return true;
    }

    @Override
    public int position() {
      return (int) position;
    }

    @Override
    public float value() {
      return type.at(vector, index);
    }

    /** Returns whether nothing follows the last value. */
    boolean ends() {
      return high.zeros() < 0 && high.bytesBegun() == quotients.length && low.take(7) == 0;
    }
  }

  /** Bits into bytes, from the lowest on. */
  private static final class BitWriter {
    private final byte[] bytes;
    private long at;

    BitWriter(long bits) {
      bytes = new byte[Math.toIntExact(Math.ceilDiv(bits, 8))];
    }

    void skip(int bits) {
      at += bits;
    }

    void put(int value, int bits) {
      for (int b = 0; b < bits; b++, at++) {
        bytes[(int) (at >> 3)] |= (byte) ((value >> b & 1) << (at & 7));
      }
    }
  }

  /** Bits out of bytes, from the lowest on. */
  private static final class BitReader {
    private final byte[] bytes;
    private int next;

    /** Bits that were fetched and not yet given. */
    private long held;

    private int count;
    private int begun;

    BitReader(byte[] bytes) {
      this.bytes = bytes;
    }

    /** Returns the next {@code bits}, at most 28; zeros come after the end. */
    int take(int bits) {
      while (count < bits) {
        held |= (next < bytes.length ? bytes[next++] & 0xffL : 0) << count;
        count += 8;
      }
      int value = (int) (held & ((1L << bits) - 1));
      held >>>= bits;
      count -= bits;
      return value;
    }

    /** Returns how many zeros come before the next one, and takes both; -1 if there is none. */
    long zeros() {
      long zeros = 0;
      while (held == 0) {
        zeros += count;
        count = 0;
        if (next == bytes.length) {
          return -1;
        }
        held = bytes[next++] & 0xffL;
        count = 8;
      }
      int more = Long.numberOfTrailingZeros(held);
      held >>>= more + 1;
      count -= more + 1;
      begun = next;
      return zeros + more;
    }

    /** Returns how many bytes {@link #zeros} has read up to the last one that it found. */
    int bytesBegun() {
      return begun;
    }
  }
}
