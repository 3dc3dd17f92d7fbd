package dev.coppice.graph;

/**
 * The shape of one sample at one time step: a feature map {@code [H, W, C]} or a vector {@code
 * [N]}.
 */
public sealed interface Shape {
  /** Returns the number of elements. */
  int size();

  /** Returns the number of channels of a map, or the length of a vector. */
  int channels();

  /** A feature map, channels last. */
  record Map(int height, int width, int channels) implements Shape {
    /** Throws {@link GraphException} if a dimension is not positive or the size overflows. */
    public Map {
      if (height < 1 || width < 1 || channels < 1) {
        throw new GraphException(
            "a feature map needs positive dimensions, not "
                + height
                + "x"
                + width
                + "x"
                + channels);
      }
      if ((long) height * width > Integer.MAX_VALUE
          || (long) height * width * channels > Integer.MAX_VALUE) {
        throw new GraphException(
            "a feature map of " + height + "x" + width + "x" + channels + " is too large");
      }
    }

    @Override
    public int size() {
      return height * width * channels;
    }

    @Override
    public String toString() {
      return height + "x" + width + "x" + channels;
    }
  }

  /** A vector of features. */
  record Vector(int channels) implements Shape {
    /** Throws {@link GraphException} if the length is not positive. */
    public Vector {
      if (channels < 1) {
        throw new GraphException("a vector needs a positive length, not " + channels);
      }
    }

    @Override
    public int size() {
      return channels;
    }

    @Override
    public String toString() {
      return Integer.toString(channels);
    }
  }
}
