package dev.coppice.kernels;

import static dev.coppice.kernels.Approximation.*;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/** {@link Approximation}, a vector at a time. */
final class VectorApproximation {
  private VectorApproximation() {}

  static FloatVector expOfMinus(FloatVector z) {
    FloatVector y = z.abs().neg();
    FloatVector shifted = y.mul(LOG2_E).add(ROUND);
    FloatVector n = shifted.sub(ROUND);
    FloatVector r = y.sub(n.mul(LN2_HIGH)).sub(n.mul(LN2_LOW));
    FloatVector q = r.mul(E4).add(E3).mul(r).add(E2).mul(r).add(E1).mul(r).add(E0);
    FloatVector p = q.mul(r.mul(r)).add(r).add(1);
    FloatVector power =
        shifted
            .reinterpretAsInts()
            .lanewise(VectorOperators.LSHL, FRACTION_BITS)
            .add(ONE_BITS)
            .reinterpretAsFloats();
    return p.mul(power).blend(0, y.compare(VectorOperators.LT, EXP_UNDERFLOW));
  }

  static FloatVector tanh(FloatVector y) {
    FloatVector e = expOfMinus(y.mul(2));
    FloatVector magnitude = one().sub(e).div(e.add(1));
    return magnitude.blend(magnitude.neg(), y.compare(VectorOperators.LT, 0));
  }

  static FloatVector atan(FloatVector y) {
    FloatVector a = y.abs();
    VectorMask<Float> large = a.compare(VectorOperators.GT, TAN_3PI_8);
    VectorMask<Float> middle = a.compare(VectorOperators.GT, TAN_PI_8);
    FloatVector numerator = a.blend(a.sub(1), middle).blend(-1, large);
    FloatVector denominator = one().blend(a.add(1), middle).blend(a, large);
    FloatVector base = FloatVector.zero(Lanes.FLOATS).blend(PI_4, middle).blend(PI_2, large);
    FloatVector q = numerator.div(denominator);
    FloatVector z = q.mul(q);
    FloatVector p = z.mul(A4).add(A3).mul(z).add(A2).mul(z).add(A1).mul(z).add(A0);
    FloatVector magnitude = base.add(p.mul(z).mul(q).add(q));
    return magnitude.blend(magnitude.neg(), y.compare(VectorOperators.LT, 0));
  }

  private static FloatVector one() {
    return FloatVector.broadcast(Lanes.FLOATS, 1);
  }
}
