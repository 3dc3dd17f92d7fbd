package dev.coppice.cli;

import java.util.ArrayList;
import java.util.List;

/** The range of a chart's values, widened to round numbers, and the place of each in pixels. */
final class Axis {
  private final double low;
  private final double high;
  private final double step;
  private final double from;
  private final double to;

  private Axis(double low, double high, double step, double from, double to) {
    this.low = low;
    this.high = high;
    this.step = step;
    this.from = from;
    this.to = to;
  }

  /**
   * Returns an axis for values from {@code minimum} to {@code maximum}, at the pixels from {@code
   * from} to {@code to}, with about so many ticks at round numbers.
   *
   * @param whole whether only whole numbers make sense
   */
  static Axis of(double minimum, double maximum, int ticks, boolean whole, double from, double to) {
    double span = maximum > minimum ? maximum - minimum : Math.max(Math.abs(minimum), 1);
    double rough = span / ticks;
    double unit = Math.pow(10, Math.floor(Math.log10(rough)));
    double step = 10 * unit;
    for (double factor : new double[] {1, 2, 5}) {
      if (factor * unit >= rough) {
        step = factor * unit;
        break;
      }
    }
    if (whole) {
      step = Math.max(1, step);
      return new Axis(minimum, minimum + span, step, from, to);
    }
    double low = Math.floor(minimum / step + 1e-9) * step;
    double high = Math.ceil((minimum + span) / step - 1e-9) * step;
    return new Axis(low, high, step, from, to);
  }

  /** Returns the pixel of a value. */
  double at(double value) {
    return from + (value - low) / (high - low) * (to - from);
  }

  /** Returns the values that get a label. */
  List<Double> ticks() {
    List<Double> ticks = new ArrayList<>();
    long first = (long) Math.ceil(low / step - 1e-9);
    long last = (long) Math.floor(high / step + 1e-9);
    for (long i = first; i <= last; i++) {
      ticks.add(i * step);
    }
    return ticks;
  }

  /** Returns the label of a tick, with as many decimals as the step between ticks needs. */
  String label(double tick) {
    if (step >= 1000) {
      return Markup.number(tick / 1000, 1) + "k";
    }
    return Markup.number(tick, (int) Math.clamp(Math.ceil(-Math.log10(step)), 0, 9));
  }
}
