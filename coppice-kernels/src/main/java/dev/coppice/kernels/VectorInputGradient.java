package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * {@link InputGradient} with the Vector API. No vector is handed to a method: one that the compiler
 * does not inline would allocate it.
 */
final class VectorInputGradient {
  private static final int PATCH = InputGradient.PATCH;
  private static final int COLUMN = PATCH * Lanes.COUNT;

  /**
   * Tiles mixed at a time: processors whose vectors are shorter have 16 registers, which twelve
   * sums and what they are made from do not fit in.
   */
  private static final int ROWS = Lanes.COUNT == 16 ? InputGradient.GRAIN : 4;

  private VectorInputGradient() {}

  static void weights(
      InputGradient g, MemorySegment weights, float[] transformed, int fromOut, int toOut) {
    float[] rows = TileScratch.get().columns;
    int plane = g.plane();
    long tap = (long) g.in() * Float.BYTES;
    for (int o = fromOut; o < toOut; o++) {
      for (int i = 0; i < g.in(); i += Lanes.COUNT) {
        long at = (9L * o * g.in() + i) * Float.BYTES;
        for (int x = 0; x < 3; x++) {
          // The kernel is turned: its last tap comes first.
          kernelColumn(weights, at + (8 - x) * tap, 3 * tap, rows, x * Lanes.COUNT);
        }
        for (int y = 0; y < PATCH; y++) {
          kernelRow(
              rows, y * 3 * Lanes.COUNT, transformed, y * PATCH * plane + g.weightAt(o, i), plane);
        }
      }
    }
  }

  private static void kernelColumn(
      MemorySegment weights, long at, long backwards, float[] into, int to) {
    FloatVector a = FloatVector.fromMemorySegment(Lanes.FLOATS, weights, at, Lanes.ORDER);
    FloatVector b =
        FloatVector.fromMemorySegment(Lanes.FLOATS, weights, at - backwards, Lanes.ORDER);
    FloatVector c =
        FloatVector.fromMemorySegment(Lanes.FLOATS, weights, at - 2 * backwards, Lanes.ORDER);
    int step = 3 * Lanes.COUNT;
    FloatVector ends = a.add(c).mul(-1 / 6f);
    FloatVector middle = b.mul(1 / 6f);
    FloatVector wide = a.mul(1 / 24f).add(c.mul(1 / 6f));
    FloatVector half = b.mul(1 / 12f);
    a.mul(1 / 4f).intoArray(into, to);
    ends.sub(middle).intoArray(into, to + step);
    ends.add(middle).intoArray(into, to + 2 * step);
    wide.add(half).intoArray(into, to + 3 * step);
    wide.sub(half).intoArray(into, to + 4 * step);
    c.intoArray(into, to + 5 * step);
  }

  private static void kernelRow(float[] rows, int at, float[] into, int to, int step) {
    FloatVector a = FloatVector.fromArray(Lanes.FLOATS, rows, at);
    FloatVector b = FloatVector.fromArray(Lanes.FLOATS, rows, at + Lanes.COUNT);
    FloatVector c = FloatVector.fromArray(Lanes.FLOATS, rows, at + 2 * Lanes.COUNT);
    FloatVector ends = a.add(c).mul(-1 / 6f);
    FloatVector middle = b.mul(1 / 6f);
    FloatVector wide = a.mul(1 / 24f).add(c.mul(1 / 6f));
    FloatVector half = b.mul(1 / 12f);
    a.mul(1 / 4f).intoArray(into, to);
    ends.sub(middle).intoArray(into, to + step);
    ends.add(middle).intoArray(into, to + 2 * step);
    wide.add(half).intoArray(into, to + 3 * step);
    wide.sub(half).intoArray(into, to + 4 * step);
    c.intoArray(into, to + 5 * step);
  }

  static void run(
      InputGradient g,
      MemorySegment gradOut,
      float[] weights,
      MemorySegment gradIn,
      long fromTile,
      long toTile) {
    TileScratch scratch = TileScratch.get();
    float[] transformed = scratch.transformed(g);
    float[] mixed = scratch.mixed(g);
    int perImage = g.tilesHigh() * g.tilesWide();
    for (long first = fromTile; first < toTile; first += InputGradient.BLOCK) {
      int count = (int) Math.min(InputGradient.BLOCK, toTile - first);
      for (int t = 0; t < count; t++) {
        int place = (int) ((first + t) % perImage);
        transform(
            g,
            gradOut,
            (first + t) / perImage,
            place / g.tilesWide() * InputGradient.TILE - g.border(),
            place % g.tilesWide() * InputGradient.TILE - g.border(),
            scratch,
            transformed,
            t * g.out());
      }
      for (int f = 0; f < InputGradient.FREQUENCIES; f++) {
        mix(
            g,
            transformed,
            f * g.transformedStride(),
            weights,
            f * g.plane(),
            mixed,
            f * g.mixedStride(),
            count);
      }
      for (int t = 0; t < count; t++) {
        int place = (int) ((first + t) % perImage);
        transformBack(
            g,
            mixed,
            t * g.mixed(),
            scratch.columns,
            gradIn,
            (first + t) / perImage,
            place / g.tilesWide() * InputGradient.TILE,
            place % g.tilesWide() * InputGradient.TILE);
      }
    }
  }

  private static void transform(
      InputGradient g,
      MemorySegment gradOut,
      long image,
      int top,
      int left,
      TileScratch scratch,
      float[] transformed,
      int to) {
    boolean inside =
        top >= 0 && left >= 0 && top + PATCH <= g.outHeight() && left + PATCH <= g.outWidth();
    MemorySegment source = inside ? gradOut : scratch.patch(g, gradOut, image, top, left);
    long pixel = (long) g.out() * Float.BYTES;
    long at = inside ? ((image * g.outHeight() + top) * g.outWidth() + left) * pixel : 0;
    long row = (inside ? g.outWidth() : PATCH) * pixel;
    float[] columns = scratch.columns;
    int stride = g.transformedStride();
    for (int o = 0; o < g.out(); o += Lanes.COUNT) {
      for (int x = 0; x < PATCH; x++) {
        tileColumn(source, at + x * pixel + (long) o * Float.BYTES, row, columns, x * Lanes.COUNT);
      }
      for (int y = 0; y < PATCH; y++) {
        tileRow(columns, y * COLUMN, transformed, to + o + y * PATCH * stride, stride);
      }
    }
  }

  private static void tileColumn(MemorySegment from, long at, long row, float[] into, int to) {
    FloatVector a = FloatVector.fromMemorySegment(Lanes.FLOATS, from, at, Lanes.ORDER);
    FloatVector b = FloatVector.fromMemorySegment(Lanes.FLOATS, from, at + row, Lanes.ORDER);
    FloatVector c = FloatVector.fromMemorySegment(Lanes.FLOATS, from, at + 2 * row, Lanes.ORDER);
    FloatVector d = FloatVector.fromMemorySegment(Lanes.FLOATS, from, at + 3 * row, Lanes.ORDER);
    FloatVector e = FloatVector.fromMemorySegment(Lanes.FLOATS, from, at + 4 * row, Lanes.ORDER);
    FloatVector f = FloatVector.fromMemorySegment(Lanes.FLOATS, from, at + 5 * row, Lanes.ORDER);
    FloatVector even = e.sub(c.mul(4));
    FloatVector odd = d.sub(b.mul(4));
    FloatVector inner = e.sub(c);
    FloatVector outer = d.sub(b).mul(2);
    a.mul(4).sub(c.mul(5)).add(e).intoArray(into, to);
    even.add(odd).intoArray(into, to + COLUMN);
    even.sub(odd).intoArray(into, to + 2 * COLUMN);
    inner.add(outer).intoArray(into, to + 3 * COLUMN);
    inner.sub(outer).intoArray(into, to + 4 * COLUMN);
    b.mul(4).sub(d.mul(5)).add(f).intoArray(into, to + 5 * COLUMN);
  }

  private static void tileRow(float[] columns, int at, float[] into, int to, int step) {
    FloatVector a = FloatVector.fromArray(Lanes.FLOATS, columns, at);
    FloatVector b = FloatVector.fromArray(Lanes.FLOATS, columns, at + Lanes.COUNT);
    FloatVector c = FloatVector.fromArray(Lanes.FLOATS, columns, at + 2 * Lanes.COUNT);
    FloatVector d = FloatVector.fromArray(Lanes.FLOATS, columns, at + 3 * Lanes.COUNT);
    FloatVector e = FloatVector.fromArray(Lanes.FLOATS, columns, at + 4 * Lanes.COUNT);
    FloatVector f = FloatVector.fromArray(Lanes.FLOATS, columns, at + 5 * Lanes.COUNT);
    FloatVector even = e.sub(c.mul(4));
    FloatVector odd = d.sub(b.mul(4));
    FloatVector inner = e.sub(c);
    FloatVector outer = d.sub(b).mul(2);
    a.mul(4).sub(c.mul(5)).add(e).intoArray(into, to);
    even.add(odd).intoArray(into, to + step);
    even.sub(odd).intoArray(into, to + 2 * step);
    inner.add(outer).intoArray(into, to + 3 * step);
    inner.sub(outer).intoArray(into, to + 4 * step);
    b.mul(4).sub(d.mul(5)).add(f).intoArray(into, to + 5 * step);
  }

  /** Multiplies the tiles of a frequency {@code [count, O]} by its weights {@code [O, I]}. */
  private static void mix(
      InputGradient g,
      float[] tiles,
      int tilesAt,
      float[] weights,
      int weightsAt,
      float[] into,
      int to,
      int count) {
    int out = g.out();
    int mixed = g.mixed();
    for (int i = 0; i < mixed; i += 2 * Lanes.COUNT) {
      int panel = weightsAt + g.weightAt(0, i);
      for (int t = 0; t < count; t += ROWS) {
        int at = tilesAt + t * out;
        int result = to + t * mixed + i;
        if (ROWS == InputGradient.GRAIN) {
          sixRows(tiles, at, out, weights, panel, into, result, mixed);
        } else {
          fourRows(tiles, at, out, weights, panel, into, result, mixed);
        }
      }
    }
  }

  /** Six tiles, two vectors of result channels: twelve sums in registers. */
  private static void sixRows(
      float[] tiles, int at, int out, float[] weights, int panel, float[] into, int to, int mixed) {
    FloatVector a0 = FloatVector.zero(Lanes.FLOATS);
    FloatVector a1 = a0;
    FloatVector b0 = a0;
    FloatVector b1 = a0;
    FloatVector c0 = a0;
    FloatVector c1 = a0;
    FloatVector d0 = a0;
    FloatVector d1 = a0;
    FloatVector e0 = a0;
    FloatVector e1 = a0;
    FloatVector f0 = a0;
    FloatVector f1 = a0;
    for (int o = 0; o < out; o++) {
      FloatVector w0 = FloatVector.fromArray(Lanes.FLOATS, weights, panel);
      FloatVector w1 = FloatVector.fromArray(Lanes.FLOATS, weights, panel + Lanes.COUNT);
      panel += InputGradient.PANEL;
      FloatVector tile = FloatVector.broadcast(Lanes.FLOATS, tiles[at + o]);
      a0 = tile.fma(w0, a0);
      a1 = tile.fma(w1, a1);
      tile = FloatVector.broadcast(Lanes.FLOATS, tiles[at + out + o]);
      b0 = tile.fma(w0, b0);
      b1 = tile.fma(w1, b1);
      tile = FloatVector.broadcast(Lanes.FLOATS, tiles[at + 2 * out + o]);
      c0 = tile.fma(w0, c0);
      c1 = tile.fma(w1, c1);
      tile = FloatVector.broadcast(Lanes.FLOATS, tiles[at + 3 * out + o]);
      d0 = tile.fma(w0, d0);
      d1 = tile.fma(w1, d1);
      tile = FloatVector.broadcast(Lanes.FLOATS, tiles[at + 4 * out + o]);
      e0 = tile.fma(w0, e0);
      e1 = tile.fma(w1, e1);
      tile = FloatVector.broadcast(Lanes.FLOATS, tiles[at + 5 * out + o]);
      f0 = tile.fma(w0, f0);
      f1 = tile.fma(w1, f1);
    }
    a0.intoArray(into, to);
    a1.intoArray(into, to + Lanes.COUNT);
    b0.intoArray(into, to + mixed);
    b1.intoArray(into, to + mixed + Lanes.COUNT);
    c0.intoArray(into, to + 2 * mixed);
    c1.intoArray(into, to + 2 * mixed + Lanes.COUNT);
    d0.intoArray(into, to + 3 * mixed);
    d1.intoArray(into, to + 3 * mixed + Lanes.COUNT);
    e0.intoArray(into, to + 4 * mixed);
    e1.intoArray(into, to + 4 * mixed + Lanes.COUNT);
    f0.intoArray(into, to + 5 * mixed);
    f1.intoArray(into, to + 5 * mixed + Lanes.COUNT);
  }

  /** Four tiles, two vectors of result channels: eight sums in registers. */
  private static void fourRows(
      float[] tiles, int at, int out, float[] weights, int panel, float[] into, int to, int mixed) {
    FloatVector a0 = FloatVector.zero(Lanes.FLOATS);
    FloatVector a1 = a0;
    FloatVector b0 = a0;
    FloatVector b1 = a0;
    FloatVector c0 = a0;
    FloatVector c1 = a0;
    FloatVector d0 = a0;
    FloatVector d1 = a0;
    for (int o = 0; o < out; o++) {
      FloatVector w0 = FloatVector.fromArray(Lanes.FLOATS, weights, panel);
      FloatVector w1 = FloatVector.fromArray(Lanes.FLOATS, weights, panel + Lanes.COUNT);
      panel += InputGradient.PANEL;
      FloatVector tile = FloatVector.broadcast(Lanes.FLOATS, tiles[at + o]);
      a0 = tile.fma(w0, a0);
      a1 = tile.fma(w1, a1);
      tile = FloatVector.broadcast(Lanes.FLOATS, tiles[at + out + o]);
      b0 = tile.fma(w0, b0);
      b1 = tile.fma(w1, b1);
      tile = FloatVector.broadcast(Lanes.FLOATS, tiles[at + 2 * out + o]);
      c0 = tile.fma(w0, c0);
      c1 = tile.fma(w1, c1);
      tile = FloatVector.broadcast(Lanes.FLOATS, tiles[at + 3 * out + o]);
      d0 = tile.fma(w0, d0);
      d1 = tile.fma(w1, d1);
    }
    a0.intoArray(into, to);
    a1.intoArray(into, to + Lanes.COUNT);
    b0.intoArray(into, to + mixed);
    b1.intoArray(into, to + mixed + Lanes.COUNT);
    c0.intoArray(into, to + 2 * mixed);
    c1.intoArray(into, to + 2 * mixed + Lanes.COUNT);
    d0.intoArray(into, to + 3 * mixed);
    d1.intoArray(into, to + 3 * mixed + Lanes.COUNT);
  }

  private static void transformBack(
      InputGradient g,
      float[] mixed,
      int at,
      float[] columns,
      MemorySegment gradIn,
      long image,
      int top,
      int left) {
    int stride = g.mixedStride();
    int rows = Math.min(InputGradient.TILE, g.height() - top);
    int count = Math.min(InputGradient.TILE, g.width() - left);
    long pixel = (long) g.in() * Float.BYTES;
    long to = ((image * g.height() + top) * g.width() + left) * pixel;
    for (int i = 0; i < g.in(); i += Lanes.COUNT) {
      for (int x = 0; x < PATCH; x++) {
        mixedColumn(mixed, at + i + x * stride, PATCH * stride, columns, x * Lanes.COUNT);
      }
      for (int y = 0; y < rows; y++) {
        mixedRow(
            columns,
            y * COLUMN,
            gradIn,
            to + (long) y * g.width() * pixel + (long) i * Float.BYTES,
            pixel,
            count);
      }
    }
  }

  private static void mixedColumn(float[] mixed, int at, int step, float[] into, int to) {
    FloatVector b = FloatVector.fromArray(Lanes.FLOATS, mixed, at + step);
    FloatVector c = FloatVector.fromArray(Lanes.FLOATS, mixed, at + 2 * step);
    FloatVector d = FloatVector.fromArray(Lanes.FLOATS, mixed, at + 3 * step);
    FloatVector e = FloatVector.fromArray(Lanes.FLOATS, mixed, at + 4 * step);
    FloatVector near = b.add(c);
    FloatVector nearOdd = b.sub(c);
    FloatVector far = d.add(e);
    FloatVector farOdd = d.sub(e);
    FloatVector.fromArray(Lanes.FLOATS, mixed, at).add(near).add(far).intoArray(into, to);
    nearOdd.add(farOdd.mul(2)).intoArray(into, to + COLUMN);
    near.add(far.mul(4)).intoArray(into, to + 2 * COLUMN);
    nearOdd
        .add(farOdd.mul(8))
        .add(FloatVector.fromArray(Lanes.FLOATS, mixed, at + 5 * step))
        .intoArray(into, to + 3 * COLUMN);
  }

  private static void mixedRow(
      float[] columns, int at, MemorySegment into, long to, long pixel, int count) {
    FloatVector b = FloatVector.fromArray(Lanes.FLOATS, columns, at + Lanes.COUNT);
    FloatVector c = FloatVector.fromArray(Lanes.FLOATS, columns, at + 2 * Lanes.COUNT);
    FloatVector d = FloatVector.fromArray(Lanes.FLOATS, columns, at + 3 * Lanes.COUNT);
    FloatVector e = FloatVector.fromArray(Lanes.FLOATS, columns, at + 4 * Lanes.COUNT);
    FloatVector near = b.add(c);
    FloatVector nearOdd = b.sub(c);
    FloatVector far = d.add(e);
    FloatVector farOdd = d.sub(e);
    FloatVector.fromArray(Lanes.FLOATS, columns, at)
        .add(near)
        .add(far)
        .intoMemorySegment(into, to, Lanes.ORDER);
    if (count > 1) {
      nearOdd.add(farOdd.mul(2)).intoMemorySegment(into, to + pixel, Lanes.ORDER);
    }
    if (count > 2) {
      near.add(far.mul(4)).intoMemorySegment(into, to + 2 * pixel, Lanes.ORDER);
    }
    if (count > 3) {
      nearOdd
          .add(farOdd.mul(8))
          .add(FloatVector.fromArray(Lanes.FLOATS, columns, at + 5 * Lanes.COUNT))
          .intoMemorySegment(into, to + 3 * pixel, Lanes.ORDER);
    }
  }
}
