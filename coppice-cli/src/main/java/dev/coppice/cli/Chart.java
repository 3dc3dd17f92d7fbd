package dev.coppice.cli;

import java.util.List;
import java.util.Map;
import java.util.stream.DoubleStream;

/** Charts as inline SVG, in the classes of the report's style sheet. */
final class Chart {
  private static final double WIDTH = 420;
  private static final double HEIGHT = 250;
  private static final double LEFT = 48;
  private static final double RIGHT = 14;
  private static final double TOP = 10;
  private static final double BOTTOM = 42;

  /** Where the names of rows end. */
  private static final double NAMES = 110;

  private static final double ROW = 24;
  private static final double BAR = 14;
  private static final int MAX_MARKERS = 40;
  private static final int MAX_LETTERS = 14;

  private Chart() {}

  /**
   * A curve.
   *
   * @param points from left to right
   */
  record Series(String name, List<Point> points) {
    /** Copies the points. */
    Series {
      points = List.copyOf(points);
    }
  }

  /** A point of a curve; it leaves a gap if {@code y} is not finite. */
  record Point(double x, double y) {}

  /** What a box plot shows of some values. */
  record Box(double minimum, double lower, double median, double upper, double maximum) {}

  /** Returns up to two curves over a common axis of whole numbers. */
  static String lines(String xTitle, String yTitle, List<Series> series) {
    List<Point> all =
        series.stream().flatMap(one -> one.points().stream()).filter(Chart::visible).toList();
    Axis x = axis(all.stream().mapToDouble(Point::x), 6, true, LEFT, WIDTH - RIGHT);
    Axis y = axis(all.stream().mapToDouble(Point::y), 5, false, HEIGHT - BOTTOM, TOP);
    Markup svg = start(HEIGHT, yTitle + " over " + xTitle);
    for (double tick : y.ticks()) {
      rule(svg, "grid", LEFT, y.at(tick), WIDTH - RIGHT, y.at(tick));
      label(svg, LEFT - 6, y.at(tick) + 4, "end", y.label(tick));
    }
    for (double tick : x.ticks()) {
      label(svg, x.at(tick), HEIGHT - BOTTOM + 17, "middle", x.label(tick));
    }
    rule(svg, "axis", LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM);
    label(svg, (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, "middle", xTitle);
    for (int i = 0; i < series.size(); i++) {
      curve(svg, series.get(i), x, y, i);
    }
    return svg.close().line().toString();
  }

  private static void curve(Markup svg, Series series, Axis x, Axis y, int index) {
    StringBuilder path = new StringBuilder();
    boolean drawing = false;
    for (Point point : series.points()) {
      if (visible(point)) {
        path.append(drawing ? 'L' : 'M')
            .append(Markup.number(x.at(point.x()), 1))
            .append(' ')
            .append(Markup.number(y.at(point.y()), 1));
      }
      drawing = visible(point);
    }
    svg.empty("path", "class", "curve s" + index, "d", path).line();
    if (series.points().size() > MAX_MARKERS) {
      return;
    }
    for (Point point : series.points()) {
      if (visible(point)) {
        svg.open(
            "circle",
            "class",
            "dot s" + index,
            "cx",
            x.at(point.x()),
            "cy",
            y.at(point.y()),
            "r",
            3.5);
        String place = Markup.number(point.x(), 0) + ": " + Markup.number(point.y(), 4);
        svg.leaf("title", series.name() + ", " + place).close().line();
      }
    }
  }

  /** Returns a horizontal bar for each share in [0, 1], with its percentage. */
  static String bars(String title, Map<String, Double> shares) {
    double width = WIDTH - NAMES - 60;
    Markup svg = start(2 * TOP + ROW * shares.size(), title);
    double y = TOP;
    for (Map.Entry<String, Double> entry : shares.entrySet()) {
      double share = Math.clamp(entry.getValue(), 0, 1);
      String percent = Markup.number(100 * entry.getValue(), 2) + " %";
      name(svg, entry.getKey(), y);
      svg.empty("rect", "class", "rest", "x", NAMES, "y", y, "width", width, "height", BAR);
      svg.open("rect", "class", "bar", "x", NAMES, "y", y, "width", share * width, "height", BAR);
      svg.leaf("title", entry.getKey() + ": " + percent).close();
      label(svg, WIDTH - RIGHT, y + BAR - 2, "end", percent);
      svg.line();
      y += ROW;
    }
    return svg.close().line().toString();
  }

  /** Returns a horizontal box plot for each name, over a common axis. */
  static String boxes(String title, Map<String, Box> boxes) {
    double height = TOP + ROW * boxes.size() + BOTTOM;
    double floor = height - BOTTOM;
    Axis x =
        axis(
            boxes.values().stream().flatMapToDouble(b -> DoubleStream.of(b.minimum(), b.maximum())),
            4,
            false,
            NAMES + 8,
            WIDTH - RIGHT);
    Markup svg = start(height, title);
    for (double tick : x.ticks()) {
      rule(svg, "grid", x.at(tick), TOP, x.at(tick), floor);
      label(svg, x.at(tick), floor + 17, "middle", x.label(tick));
    }
    label(svg, (NAMES + WIDTH - RIGHT) / 2, height - 6, "middle", title);
    double y = TOP;
    for (Map.Entry<String, Box> entry : boxes.entrySet()) {
      Box box = entry.getValue();
      double middle = y + BAR / 2;
      name(svg, entry.getKey(), y);
      rule(svg, "whisker", x.at(box.minimum()), middle, x.at(box.maximum()), middle);
      svg.open(
          "rect",
          "class",
          "bar",
          "x",
          x.at(box.lower()),
          "y",
          y,
          "width",
          Math.max(1, x.at(box.upper()) - x.at(box.lower())),
          "height",
          BAR);
      svg.leaf("title", entry.getKey() + ": " + summary(box)).close();
      rule(svg, "median", x.at(box.median()), y, x.at(box.median()), y + BAR);
      svg.line();
      y += ROW;
    }
    return svg.close().line().toString();
  }

  private static String summary(Box box) {
    return "minimum "
        + Markup.number(box.minimum(), 4)
        + ", quartiles "
        + Markup.number(box.lower(), 4)
        + " and "
        + Markup.number(box.upper(), 4)
        + ", median "
        + Markup.number(box.median(), 4)
        + ", maximum "
        + Markup.number(box.maximum(), 4);
  }

  private static boolean visible(Point point) {
    return Double.isFinite(point.x()) && Double.isFinite(point.y());
  }

  private static Axis axis(DoubleStream values, int ticks, boolean whole, double from, double to) {
    double[] finite = values.filter(Double::isFinite).toArray();
    double minimum = DoubleStream.of(finite).min().orElse(0);
    double maximum = DoubleStream.of(finite).max().orElse(1);
    return Axis.of(minimum, maximum, ticks, whole, from, to);
  }

  private static Markup start(double height, String description) {
    String box = "0 0 " + Markup.number(WIDTH, 0) + " " + Markup.number(height, 0);
    return new Markup()
        .open("svg", "viewBox", box, "role", "img", "aria-label", description)
        .line();
  }

  private static void rule(Markup svg, String kind, double x1, double y1, double x2, double y2) {
    svg.empty("line", "class", kind, "x1", x1, "y1", y1, "x2", x2, "y2", y2).line();
  }

  private static void label(Markup svg, double x, double y, String anchor, String text) {
    svg.leaf("text", text, "x", x, "y", y, "text-anchor", anchor).line();
  }

  private static void name(Markup svg, String name, double y) {
    String shown = name.length() > MAX_LETTERS ? name.substring(0, MAX_LETTERS - 1) + "…" : name;
    label(svg, NAMES - 6, y + BAR - 2, "end", shown);
  }
}
