package dev.coppice.kernels;

import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;
import org.jspecify.annotations.Nullable;

/**
 * The width of vectors. It is a constant of a class because the compiler turns vector operations
 * into machine instructions only where their species is a constant. The system property {@code
 * coppice.kernels.bits} forces a width, for tests.
 */
final class Lanes {
  static final VectorSpecies<Float> FLOATS = choose(Integer.getInteger("coppice.kernels.bits"));
  static final int COUNT = FLOATS.length();

  /** As many bits of shorts: twice the number. */
  static final VectorSpecies<Short> SHORTS = VectorSpecies.of(short.class, FLOATS.vectorShape());

  /** As many bits of bytes: four times the number. */
  static final VectorSpecies<Byte> BYTES = VectorSpecies.of(byte.class, FLOATS.vectorShape());

  /** Half as many bytes, if there are such vectors. */
  static final VectorSpecies<Byte> HALF_BYTES =
      VectorSpecies.of(
          byte.class, VectorShape.forBitSize(Math.max(64, FLOATS.vectorBitSize() / 2)));

  /** As many bytes as there are floats, if there are such vectors. */
  static final VectorSpecies<Byte> SPIKES =
      VectorSpecies.of(
          byte.class, VectorShape.forBitSize(Math.max(64, FLOATS.vectorBitSize() / 4)));

  /** As many bits of ints. */
  static final VectorSpecies<Integer> INTS = VectorSpecies.of(int.class, FLOATS.vectorShape());

  /** As many bits of longs. */
  static final VectorSpecies<Long> LONGS = VectorSpecies.of(long.class, FLOATS.vectorShape());

  /** As many shorts as there are floats; vectors of 64 bits are the smallest there are. */
  static final VectorSpecies<Short> HALF_SHORTS =
      VectorSpecies.of(short.class, VectorShape.forBitSize(FLOATS.vectorBitSize() / 2));

  /** Half as many shorts, if there are such vectors. */
  static final VectorSpecies<Short> QUARTER_SHORTS =
      VectorSpecies.of(
          short.class, VectorShape.forBitSize(Math.max(64, FLOATS.vectorBitSize() / 4)));

  /** Half as many floats, if there are such vectors. */
  static final VectorSpecies<Float> HALF_FLOATS =
      VectorSpecies.of(
          float.class, VectorShape.forBitSize(Math.max(64, FLOATS.vectorBitSize() / 2)));

  /** The order in which the processor itself keeps the bytes of numbers. */
  static final ByteOrder ORDER = ByteOrder.nativeOrder();

  private Lanes() {}

  private static VectorSpecies<Float> choose(@Nullable Integer bits) {
    return bits == null
        ? FloatVector.SPECIES_PREFERRED
        : VectorSpecies.of(float.class, VectorShape.forBitSize(bits));
  }
}
