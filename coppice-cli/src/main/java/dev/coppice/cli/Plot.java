package dev.coppice.cli;

import java.util.List;
import java.util.Locale;
import java.util.stream.DoubleStream;

/**
 * A picture of points and curves over two axes, as an SVG file that stands by itself.
 *
 * @param logarithmic whether both axes are
 */
record Plot(String title, String xTitle, String yTitle, boolean logarithmic, List<Series> series) {
  private static final double WIDTH = 760;
  private static final double HEIGHT = 420;
  private static final double LEFT = 80;
  private static final double RIGHT = 190;
  private static final double TOP = 40;
  private static final double BOTTOM = 52;
  private static final double LEGEND_ROW = 18;
  private static final int TICKS = 6;
  private static final List<String> COLOURS =
      List.of(
          "#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bbbbbb", "#222222");

  /**
   * Points of one kind.
   *
   * @param x {@code [n]}
   * @param y {@code [n]}; a point that is not finite, or has no logarithm where one is taken, is
   *     left out
   * @param line whether they are joined
   */
  record Series(String name, double[] x, double[] y, boolean line) {}

  Plot {
    series = List.copyOf(series);
  }

  /** Returns the SVG. */
  String svg() {
    Axis x = axis(series.stream().flatMapToDouble(s -> visible(s, s.x())), LEFT, WIDTH - RIGHT);
    Axis y = axis(series.stream().flatMapToDouble(s -> visible(s, s.y())), HEIGHT - BOTTOM, TOP);
    Markup svg =
        new Markup()
            .open(
                "svg",
                "xmlns",
                "http://www.w3.org/2000/svg",
                "width",
                WIDTH,
                "height",
                HEIGHT,
                "viewBox",
                "0 0 " + (int) WIDTH + " " + (int) HEIGHT,
                "font-family",
                "sans-serif",
                "font-size",
                12)
            .line();
    svg.empty("rect", "width", WIDTH, "height", HEIGHT, "fill", "#ffffff").line();
    svg.leaf("text", title, "x", LEFT, "y", 24, "font-size", 15).line();
    for (double tick : x.ticks()) {
      rule(svg, x.at(tick), TOP, x.at(tick), HEIGHT - BOTTOM, "#e4e4e4");
      label(svg, x.at(tick), HEIGHT - BOTTOM + 18, "middle", number(x, tick));
    }
    for (double tick : y.ticks()) {
      rule(svg, LEFT, y.at(tick), WIDTH - RIGHT, y.at(tick), "#e4e4e4");
      label(svg, LEFT - 6, y.at(tick) + 4, "end", number(y, tick));
    }
    rule(svg, LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, "#444444");
    rule(svg, LEFT, TOP, LEFT, HEIGHT - BOTTOM, "#444444");
    label(svg, (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, "middle", xTitle);
    double middle = (TOP + HEIGHT - BOTTOM) / 2;
    svg.leaf(
            "text",
            yTitle,
            "x",
            18,
            "y",
            middle,
            "text-anchor",
            "middle",
            "transform",
            "rotate(-90 18 " + middle + ")")
        .line();
    int rows = (int) ((HEIGHT - TOP - BOTTOM) / LEGEND_ROW);
    for (int i = 0; i < series.size(); i++) {
      String colour = COLOURS.get(i % COLOURS.size());
      draw(svg, series.get(i), x, y, colour);
      if (i < rows) {
        double top = TOP + LEGEND_ROW * i;
        svg.empty(
            "rect", "x", WIDTH - RIGHT + 14, "y", top, "width", 10, "height", 10, "fill", colour);
        label(svg, WIDTH - RIGHT + 30, top + 10, "start", series.get(i).name());
      }
    }
    return svg.close().line().toString();
  }

  private void draw(Markup svg, Series one, Axis x, Axis y, String colour) {
    StringBuilder path = new StringBuilder();
    for (int i = 0; i < one.x().length; i++) {
      if (!visible(one, i)) {
        continue;
      }
      double px = x.at(scale(one.x()[i]));
      double py = y.at(scale(one.y()[i]));
      if (one.line()) {
        path.append(path.isEmpty() ? 'M' : 'L')
            .append(Markup.number(px, 1))
            .append(' ')
            .append(Markup.number(py, 1));
      } else {
        svg.empty("circle", "cx", px, "cy", py, "r", 3, "fill", colour, "fill-opacity", "0.7")
            .line();
      }
    }
    if (!path.isEmpty()) {
      svg.empty("path", "d", path, "fill", "none", "stroke", colour, "stroke-width", 2).line();
    }
  }

  private DoubleStream visible(Series one, double[] values) {
    return java.util.stream.IntStream.range(0, values.length)
        .filter(i -> visible(one, i))
        .mapToDouble(i -> scale(values[i]));
  }

  private boolean visible(Series one, int index) {
    return Double.isFinite(scale(one.x()[index])) && Double.isFinite(scale(one.y()[index]));
  }

  private double scale(double value) {
    return logarithmic ? Math.log10(value) : value;
  }

  private static Axis axis(DoubleStream values, double from, double to) {
    double[] all = values.toArray();
    double minimum = DoubleStream.of(all).min().orElse(0);
    double maximum = DoubleStream.of(all).max().orElse(1);
    return Axis.of(minimum, maximum, TICKS, false, from, to);
  }

  private String number(Axis axis, double tick) {
    return logarithmic ? String.format(Locale.ROOT, "%.3g", Math.pow(10, tick)) : axis.label(tick);
  }

  private static void rule(Markup svg, double x1, double y1, double x2, double y2, String colour) {
    svg.empty("line", "x1", x1, "y1", y1, "x2", x2, "y2", y2, "stroke", colour).line();
  }

  private static void label(Markup svg, double x, double y, String anchor, String text) {
    svg.leaf("text", text, "x", x, "y", y, "text-anchor", anchor, "fill", "#222222").line();
  }
}
