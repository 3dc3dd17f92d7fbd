package dev.coppice.analysis;

/** The Hurwitz zeta function. */
final class Zeta {
  /** B_2j / (2j)! of the Euler–Maclaurin formula. */
  private static final double[] COEFFICIENTS = {
    1.0 / 12, -1.0 / 720, 1.0 / 30240, -1.0 / 1209600, 1.0 / 47900160
  };

  private static final double LARGE = 12;

  private Zeta() {}

  /** Returns {@code q^−s}, the first term of {@link #of}. */
  static double term(double s, long q) {
    return Math.pow((double) q, -s);
  }

  /** Returns {@code Σ_{k≥0} (k + q)^−s} for s &gt; 1 and q ≥ 1, by Euler–Maclaurin summation. */
  static double of(double s, long q) {
    double sum = 0;
    double x = (double) q;
    for (; x < LARGE; x++) {
      sum += Math.pow(x, -s);
    }
    double power = Math.pow(x, -s);
    sum += x * power / (s - 1) + power / 2;
    double term = s * power / x;
    for (int j = 0; j < COEFFICIENTS.length; j++) {
      sum += COEFFICIENTS[j] * term;
      term *= (s + 2 * j + 1) * (s + 2 * j + 2) / (x * x);
    }
    return sum;
  }
}
