package dev.coppice.kernels;

/**
 * The transcendental functions of the surrogates in float arithmetic. {@link VectorApproximation}
 * does the same operations in the same order, none of them fused, so that both give the same bits.
 */
final class Approximation {
  static final float ONE_OVER_PI = (float) (1 / Math.PI);

  // exp: n = round(y·log2(e)) by adding and subtracting 1.5·2²³, whose sum holds n in its low bits.
  static final float LOG2_E = 1.442695f;
  static final float ROUND = 12582912f;
  // ln 2 in two parts; the first has few bits, so that its product with n is exact.
  static final float LN2_HIGH = 355f / 512;
  static final float LN2_LOW = -2.12194440e-4f;
  // (exp(r) − 1 − r)/r² on |r| <= ln(2)/2, interpolated at Chebyshev nodes; relative error 1e-8.
  static final float E0 = 0.5f;
  static final float E1 = 0.16666576f;
  static final float E2 = 0.041666556f;
  static final float E3 = 0.008363179f;
  static final float E4 = 0.0013926184f;

  /** Where exp nears the least normal number; below it the result is 0. */
  static final float EXP_UNDERFLOW = -87f;

  static final int ONE_BITS = 0x3f800000;
  static final int FRACTION_BITS = 23;

  // atan: tan(π/8), tan(3π/8) part the ranges that 0, π/4 and π/2 are near to.
  static final float TAN_PI_8 = 0.41421357f;
  static final float TAN_3PI_8 = 2.4142137f;
  static final float PI_2 = (float) (Math.PI / 2);
  static final float PI_4 = (float) (Math.PI / 4);
  // (atan(q)/q − 1)/q² as a polynomial of q² on |q| <= tan(π/8), interpolated at Chebyshev nodes.
  static final float A0 = -0.3333333f;
  static final float A1 = 0.1999954f;
  static final float A2 = -0.1426395f;
  static final float A3 = 0.10743669f;
  static final float A4 = -0.064517185f;

  private Approximation() {}

  /** Returns {@code exp(−|z|)}. */
  static float expOfMinus(float z) {
    float y = -Math.abs(z);
    float shifted = y * LOG2_E + ROUND;
    float n = shifted - ROUND;
    float r = (y - n * LN2_HIGH) - n * LN2_LOW;
    float q = (((E4 * r + E3) * r + E2) * r + E1) * r + E0;
    float p = (q * (r * r) + r) + 1;
    int power = (Float.floatToRawIntBits(shifted) << FRACTION_BITS) + ONE_BITS;
    return y < EXP_UNDERFLOW ? 0 : p * Float.intBitsToFloat(power);
  }

  /** Returns {@code tanh(y)}; absolute error 1e-7. */
  static float tanh(float y) {
    float e = expOfMinus(2 * y);
    float magnitude = (1 - e) / (1 + e);
    return y < 0 ? -magnitude : magnitude;
  }

  /** Returns {@code atan(y)}. */
  static float atan(float y) {
    float a = Math.abs(y);
    boolean large = a > TAN_3PI_8;
    boolean middle = a > TAN_PI_8;
    float numerator = large ? -1 : middle ? a - 1 : a;
    float denominator = large ? a : middle ? a + 1 : 1;
    float base = large ? PI_2 : middle ? PI_4 : 0;
    float q = numerator / denominator;
    float z = q * q;
    float p = (((A4 * z + A3) * z + A2) * z + A1) * z + A0;
    float magnitude = base + (p * z * q + q);
    return y < 0 ? -magnitude : magnitude;
  }
}
