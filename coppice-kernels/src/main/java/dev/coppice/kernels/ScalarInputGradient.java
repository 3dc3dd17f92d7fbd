package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/** {@link InputGradient}, a channel at a time. */
final class ScalarInputGradient {
  private static final int PATCH = InputGradient.PATCH;
  private static final int TILE = InputGradient.TILE;

  private ScalarInputGradient() {}

  static void weights(
      InputGradient g, MemorySegment weights, float[] transformed, int fromOut, int toOut) {
    float[] rows = new float[PATCH * 3];
    for (int o = fromOut; o < toOut; o++) {
      for (int i = 0; i < g.in(); i++) {
        for (int x = 0; x < 3; x++) {
          // The kernel is turned: its last tap comes first.
          kernel(
              weight(weights, g, o, 8 - x, i),
              weight(weights, g, o, 5 - x, i),
              weight(weights, g, o, 2 - x, i),
              rows,
              x,
              3);
        }
        for (int y = 0; y < PATCH; y++) {
          kernel(
              rows[y * 3],
              rows[y * 3 + 1],
              rows[y * 3 + 2],
              transformed,
              y * PATCH * g.plane() + g.weightAt(o, i),
              g.plane());
        }
      }
    }
  }

  private static float weight(MemorySegment weights, InputGradient g, int o, int tap, int i) {
    return weights.getAtIndex(ValueLayout.JAVA_FLOAT, (9L * o + tap) * g.in() + i);
  }

  private static void kernel(float a, float b, float c, float[] into, int to, int step) {
    float ends = (a + c) * (-1 / 6f);
    float middle = b * (1 / 6f);
    float wide = a * (1 / 24f) + c * (1 / 6f);
    float half = b * (1 / 12f);
    into[to] = a * (1 / 4f);
    into[to + step] = ends - middle;
    into[to + 2 * step] = ends + middle;
    into[to + 3 * step] = wide + half;
    into[to + 4 * step] = wide - half;
    into[to + 5 * step] = c;
  }

  static void run(
      InputGradient g,
      MemorySegment gradOut,
      float[] weights,
      MemorySegment gradIn,
      long fromTile,
      long toTile) {
    float[] tile = new float[InputGradient.FREQUENCIES];
    float[] transformed = new float[InputGradient.FREQUENCIES * g.out()];
    float[] mixed = new float[InputGradient.FREQUENCIES * g.mixed()];
    int perImage = g.tilesHigh() * g.tilesWide();
    for (long t = fromTile; t < toTile; t++) {
      long image = t / perImage;
      int top = (int) (t % perImage) / g.tilesWide() * TILE;
      int left = (int) (t % perImage) % g.tilesWide() * TILE;
      for (int o = 0; o < g.out(); o++) {
        read(g, gradOut, image, top - g.border(), left - g.border(), o, tile);
        transform(tile, transformed, o, g.out());
      }
      Arrays.fill(mixed, 0);
      for (int f = 0; f < InputGradient.FREQUENCIES; f++) {
        mix(g, transformed, f * g.out(), weights, f * g.plane(), mixed, f * g.mixed());
      }
      for (int i = 0; i < g.in(); i++) {
        transformBack(mixed, i, g.mixed(), tile);
        write(g, tile, gradIn, image, top, left, i);
      }
    }
  }

  private static void read(
      InputGradient g,
      MemorySegment gradOut,
      long image,
      int top,
      int left,
      int channel,
      float[] patch) {
    for (int y = 0; y < PATCH; y++) {
      for (int x = 0; x < PATCH; x++) {
        boolean inside =
            top + y >= 0 && top + y < g.outHeight() && left + x >= 0 && left + x < g.outWidth();
        long pixel = (image * g.outHeight() + top + y) * g.outWidth() + left + x;
        patch[y * PATCH + x] =
            inside ? gradOut.getAtIndex(ValueLayout.JAVA_FLOAT, pixel * g.out() + channel) : 0;
      }
    }
  }

  private static void transform(float[] patch, float[] into, int to, int step) {
    for (int x = 0; x < PATCH; x++) {
      tile(patch, x, PATCH, patch, x, PATCH);
    }
    for (int y = 0; y < PATCH; y++) {
      tile(patch, y * PATCH, 1, into, to + y * PATCH * step, step);
    }
  }

  private static void tile(float[] from, int at, int stride, float[] into, int to, int step) {
    float a = from[at];
    float b = from[at + stride];
    float c = from[at + 2 * stride];
    float d = from[at + 3 * stride];
    float e = from[at + 4 * stride];
    float f = from[at + 5 * stride];
    float even = e - c * 4;
    float odd = d - b * 4;
    float inner = e - c;
    float outer = (d - b) * 2;
    into[to] = a * 4 - c * 5 + e;
    into[to + step] = even + odd;
    into[to + 2 * step] = even - odd;
    into[to + 3 * step] = inner + outer;
    into[to + 4 * step] = inner - outer;
    into[to + 5 * step] = b * 4 - d * 5 + f;
  }

  /** Multiplies the tile at a frequency {@code [O]} by its weights {@code [O, I]}. */
  private static void mix(
      InputGradient g,
      float[] tile,
      int tileAt,
      float[] weights,
      int weightsAt,
      float[] into,
      int to) {
    for (int i = 0; i < g.mixed(); i += InputGradient.PANEL) {
      for (int o = 0; o < g.out(); o++) {
        float value = tile[tileAt + o];
        int panel = weightsAt + g.weightAt(o, i);
        for (int k = 0; k < InputGradient.PANEL; k++) {
          into[to + i + k] = Math.fma(value, weights[panel + k], into[to + i + k]);
        }
      }
    }
  }

  private static void transformBack(float[] mixed, int at, int step, float[] tile) {
    for (int x = 0; x < PATCH; x++) {
      back(mixed, at + x * step, PATCH * step, tile, x, PATCH);
    }
    for (int y = 0; y < TILE; y++) {
      back(tile, y * PATCH, 1, tile, y * PATCH, 1);
    }
  }

  private static void back(float[] from, int at, int stride, float[] into, int to, int step) {
    float a = from[at];
    float b = from[at + stride];
    float c = from[at + 2 * stride];
    float d = from[at + 3 * stride];
    float e = from[at + 4 * stride];
    float f = from[at + 5 * stride];
    float near = b + c;
    float nearOdd = b - c;
    float far = d + e;
    float farOdd = d - e;
    into[to] = a + near + far;
    into[to + step] = nearOdd + farOdd * 2;
    into[to + 2 * step] = near + far * 4;
    into[to + 3 * step] = nearOdd + farOdd * 8 + f;
  }

  private static void write(
      InputGradient g,
      float[] tile,
      MemorySegment gradIn,
      long image,
      int top,
      int left,
      int channel) {
    for (int y = 0; y < Math.min(TILE, g.height() - top); y++) {
      for (int x = 0; x < Math.min(TILE, g.width() - left); x++) {
        long pixel = (image * g.height() + top + y) * g.width() + left + x;
        gradIn.setAtIndex(ValueLayout.JAVA_FLOAT, pixel * g.in() + channel, tile[y * PATCH + x]);
      }
    }
  }
}
