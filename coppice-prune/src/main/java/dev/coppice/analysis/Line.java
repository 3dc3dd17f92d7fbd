package dev.coppice.analysis;

/** A straight line through points, by weighted least squares. */
record Line(double slope, double intercept, double slopeError) {
  /**
   * Returns the line through {@code (x, y)} with weights; the slope is NaN unless x varies, and its
   * standard error unless there are more than two points.
   */
  static Line through(double[] x, double[] y, double[] weights) {
    double total = 0;
    double meanX = 0;
    double meanY = 0;
    for (int i = 0; i < x.length; i++) {
      total += weights[i];
      meanX += weights[i] * x[i];
      meanY += weights[i] * y[i];
    }
    meanX /= total;
    meanY /= total;
    double xx = 0;
    double xy = 0;
    for (int i = 0; i < x.length; i++) {
      xx += weights[i] * (x[i] - meanX) * (x[i] - meanX);
      xy += weights[i] * (x[i] - meanX) * (y[i] - meanY);
    }
    double slope = xx > 0 ? xy / xx : Double.NaN;
    double intercept = meanY - slope * meanX;
    double residual = 0;
    for (int i = 0; i < x.length; i++) {
      double error = y[i] - intercept - slope * x[i];
      residual += weights[i] * error * error;
    }
    double slopeError = x.length > 2 ? Math.sqrt(residual / (x.length - 2) / xx) : Double.NaN;
    return new Line(slope, intercept, slopeError);
  }
}
