package dev.coppice.kernels;

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

  private Lanes() {}

  private static VectorSpecies<Float> choose(@Nullable Integer bits) {
    return bits == null
        ? FloatVector.SPECIES_PREFERRED
        : VectorSpecies.of(float.class, VectorShape.forBitSize(bits));
  }
}
