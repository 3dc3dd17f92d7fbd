package dev.coppice.graph;

/** Checks of the numbers that describe a network. */
final class Check {
  private Check() {}

  static void finite(String what, float value) {
    if (!Float.isFinite(value)) {
      throw new GraphException(what + " must be finite, not " + value);
    }
  }

  static void positive(String what, float value) {
    if (!(value > 0 && value < Float.POSITIVE_INFINITY)) {
      throw new GraphException(what + " must be positive and finite, not " + value);
    }
  }

  static void between(String what, int value, int least, int most) {
    if (value < least || value > most) {
      throw new GraphException(what + " must lie in [" + least + ", " + most + "], not " + value);
    }
  }
}
